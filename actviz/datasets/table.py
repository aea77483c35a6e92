"""One table of clips (CSV): path, label, part of the split, group; read as people write them."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actviz.clip.skeleton import SKELETON_SUFFIXES
from actviz.datasets.base import DatasetError
from actviz.datasets.finder import PARTS

__all__ = ["VIDEO_SUFFIXES", "Row", "read_table"]

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .flv .wmv .gif .3gp .ts .mts .m2ts .ogv".split()  # noqa: SIM905
)
_COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "filepath", "file_path", "video", "video_path", "clip"),
    "label": ("label", "class", "class_name", "action", "category", "activity"),
    "split": ("split", "part", "subset", "set", "partition"),
    "group": ("group", "actor", "subject", "person", "recording"),
}
_DELIMITERS = ",;\t"
_FORM = "path,label,split"


@dataclass(frozen=True)
class Row:
    """One clip of the table."""

    line: int
    path: str  # as written, with forward slashes
    label: str
    part: str  # "train", "val" or "test"
    group: str


def read_table(table: Path) -> list[Row]:
    """The rows of ``table``, checked; without a column for the part, all are "train".

    Commas, semicolons or tabs; UTF-8 (with or without BOM) or UTF-16 with BOM; columns in any
    order, told by a header or else by what stands in them.

    Raises:
        DatasetError: no text, columns that cannot be told, or a row with something missing,
            unknown or listed twice; it names the line.
    """
    lines = _cells(table)
    width = len(lines[0][1])
    columns, lines = _columns(table, lines)
    rows = [_row(table, line, cells, columns, width) for line, cells in lines]
    first: dict[str, int] = {}
    for row in rows:
        name = posixpath.normpath(row.path)
        if name in first:
            raise _wrong(
                table,
                row.line,
                f"expected each file once; got {row.path} again, first on line {first[name]}",
                "keep one of the two",
            )
        first[name] = row.line
    return rows


def _wrong(table: Path, line: int, problem: str, advice: str) -> DatasetError:
    return DatasetError(f"{table}, line {line}: {problem}; {advice}.")


def _text(table: Path) -> str:
    try:
        raw = table.read_bytes()
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{table}: the table cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _wrong(
            table,
            line,
            "expected a CSV in UTF-8; got bytes of another encoding",
            "save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
        ) from None
    if "\0" in text:
        raise DatasetError(f"{table}: expected a CSV with {_FORM}; this file holds binary data.")
    return text


def _cells(table: Path) -> list[tuple[int, list[str]]]:
    """The cells of every line that is not empty, with the line's number."""
    text = _text(table)
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=_outside_quotes(head).count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise _wrong(
            table, reader.line_num, f"expected a CSV ({error})", "check quotes and line ends"
        ) from None
    found = [(line, cells) for line, cells in found if any(cells)]
    if not found:
        raise DatasetError(f"{table}: expected a table with {_FORM}; it is empty.")
    if len(found[0][1]) < 2:
        raise _wrong(
            table,
            found[0][0],
            f"expected {_FORM} with commas, semicolons or tabs; got {head.strip()[:80]!r}",
            "give each clip at least its path and its label",
        )
    return found


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _columns(
    table: Path, lines: list[tuple[int, list[str]]]
) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Where each column stands, and the lines without the header."""
    line, head = lines[0]
    words = [cell.lower().replace(" ", "_") for cell in head]
    named = {
        column: [at for at, word in enumerate(words) if word in known]
        for column, known in _COLUMNS.items()
    }
    twice = next((column for column, places in named.items() if len(places) > 1), None)
    if twice and named["path"] and named["label"]:
        raise _wrong(
            table,
            line,
            f"expected one column for the {twice}; got {', '.join(head)}",
            "rename the others",
        )
    if named["path"] and named["label"]:
        return {column: places[0] for column, places in named.items() if places}, lines[1:]
    for skipped in (0, 1):  # no header; or one in words that we do not know
        guess = _guess([cells for _, cells in lines[skipped:]])
        if guess:
            return guess, lines[skipped:]
    raise _wrong(
        table,
        line,
        f"expected a header with {_FORM} (and group, if any); got {', '.join(head)[:80]}",
        "name the columns in the first line",
    )


def _guess(rows: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The columns of a table without a header, by what stands in them."""
    width = min((len(row) for row in rows), default=0)
    endings = VIDEO_SUFFIXES | set(SKELETON_SUFFIXES)
    paths, parts, others = [], [], []
    for at in range(width):
        column = [row[at] for row in rows]
        if all(Path(cell.replace("\\", "/")).suffix.lower() in endings for cell in column):
            paths.append(at)
        elif all(cell.lower() in PARTS for cell in column):
            parts.append(at)
        else:
            others.append(at)
    if len(paths) != 1 or len(parts) > 1 or len(others) != 1:
        return None
    return {"path": paths[0], "label": others[0], **({"split": parts[0]} if parts else {})}


def _row(
    table: Path, line: int, cells: Sequence[str], columns: Mapping[str, int], width: int
) -> Row:
    needed = max(at for column, at in columns.items() if column != "group") + 1
    if len(cells) < needed or any(cells[width:]):
        raise _wrong(
            table,
            line,
            f"expected {width} cells; got {len(cells)}",
            "fill the row, and quote a path that holds the delimiter",
        )
    found = {column: cells[at] for column, at in columns.items() if at < len(cells)}
    for column in ("path", "label"):
        if not found[column]:
            raise _wrong(table, line, f"expected a {column}; got none", "fill it in")
    part = PARTS.get(found.get("split", "train").lower())
    if part is None:
        raise _wrong(
            table,
            line,
            f"expected train, val or test; got {found['split'] or 'nothing'}",
            "correct the row",
        )
    path = _as_path(table.parent, found["path"])
    return Row(line, path, found["label"], part, found.get("group", ""))


def _as_path(folder: Path, text: str) -> str:
    """A path as written, on whatever system it was written; with forward slashes."""
    return text if "\\" not in text or (folder / text).is_file() else text.replace("\\", "/")
