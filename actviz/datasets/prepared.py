"""Prepared clips on disk, in the layout of TSN's tools: pictures and flow, one folder per clip.

    <root>/<key>/img_00001.jpg …                        RGB, numbered from 1
    <root>/<key>/flow_x_00001.jpg …, flow_y_00001.jpg … grey; flow k leads from frame k to k + 1
    <root>/<key>/clip.json                              what was prepared from what, written last

Grey level g of a flow picture stands for 40 g / 255 - 20 pixels (``actviz.clip.flow.dequantise``).
Folders that other tools made in this layout have no ``clip.json``; their pictures are counted.

n pictures asked for · H, W pixels
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.base import DatasetError

__all__ = [
    "CARD",
    "Modality",
    "Prepared",
    "clip_folder",
    "from_jpeg",
    "picture_name",
    "read_card",
]

Modality = Literal["rgb", "flow"]
CARD = "clip.json"
_STEMS = {"rgb": ("img",), "flow": ("flow_x", "flow_y")}
_COUNTED = {"rgb": "frames", "flow": "flows"}  # where clip.json says how many there are


def picture_name(stem: str, number: int) -> str:
    """File name of the picture ``number``, from 1, of ``img``, ``flow_x`` or ``flow_y``."""
    return f"{stem}_{number:05d}.jpg"


def clip_folder(root: Path, key: str) -> Path:
    """The folder of the clip ``key``.

    Raises:
        DatasetError: a key that leads out of ``root``.
    """
    parts = PurePosixPath(key).parts
    if not parts or ".." in parts or PurePosixPath(key).is_absolute() or "\\" in key:
        raise DatasetError(f"a clip's key must be a relative path such as 'wave/01'; got {key!r}.")
    return root.joinpath(*parts)


def read_card(folder: Path) -> dict[str, Any] | None:
    """What ``clip.json`` in ``folder`` says; None where there is none or it is no such file."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) and isinstance(card.get("frames"), int) else None


class Prepared:
    """Reads the prepared clips below ``root``; opens no video, needs neither PyAV nor OpenCV.

    Raises:
        DatasetError: ``root`` is no folder.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise DatasetError(
                f"{self.root}: expected a folder of prepared clips; there is none, make it with "
                "`actviz data prepare`."
            )
        self._counts: dict[tuple[str, str], int] = {}

    def has(self, key: str, modality: Modality) -> bool:
        """Whether there is a picture of that kind of the clip ``key``."""
        return self.count(key, modality) > 0

    def count(self, key: str, modality: Modality) -> int:
        """How many pictures (``"rgb"``) or flow fields (``"flow"``) the clip ``key`` has; 0: none.

        Raises:
            DatasetError: pictures of a folder without ``clip.json`` are not numbered 1, 2, 3, …
        """
        if modality not in _STEMS:
            raise DatasetError(f"the modality must be rgb or flow; got {modality!r}.")
        if (key, modality) not in self._counts:
            folder = self.folder(key)
            card = read_card(folder)
            number = _listed(folder, modality) if card is None else card.get(_COUNTED[modality], 0)
            self._counts[key, modality] = int(number)
        return self._counts[key, modality]

    def card(self, key: str) -> dict[str, Any] | None:
        """What is stored of the clip: times (seconds), size, flow method, problems; None: nothing.

        The names in it are those that ``actviz.datasets.prepare`` writes.
        """
        return read_card(self.folder(key))

    def folder(self, key: str) -> Path:
        """Where the clip's pictures lie.

        Other tools drop the class from the key: ``<root>/v_Archery_g01_c01``.
        """
        folder = clip_folder(self.root, key)
        bare = self.root / folder.name
        if folder.is_dir() or bare == folder or (bare / CARD).exists():
            return folder
        return bare if bare.is_dir() else folder

    def read(self, key: str, modality: Modality, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Pictures number ``at`` (n,), counted from 0, in that order; repeats are allowed.

        Returns:
            uint8 (n, H, W, 3) RGB, or (n, H, W, 2) flow x and y as grey levels.

        Raises:
            DatasetError: a number outside the clip, or a picture that cannot be read.
        """
        count, numbers = self.count(key, modality), np.asarray(at)
        if numbers.ndim != 1 or not len(numbers):
            raise DatasetError(f"{key}: expected the numbers of one or more pictures; got {at!r}.")
        if numbers.min() < 0 or numbers.max() >= count:
            raise DatasetError(
                f"{self.folder(key)}: has {count} {modality} pictures; number "
                f"{int(numbers.max() if numbers.min() >= 0 else numbers.min())} was asked for."
            )
        folder, stems = self.folder(key), _STEMS[modality]
        pictures = [
            [_decode(folder / picture_name(stem, number), modality) for stem in stems]
            for number in (numbers + 1).tolist()
        ]
        if len({one.shape for both in pictures for one in both}) > 1:
            raise DatasetError(f"{folder}: its pictures differ in size; prepare the clip again.")
        if modality == "rgb":
            return np.stack([picture for (picture,) in pictures])
        return np.stack([np.concatenate(both, -1) for both in pictures])


def _decode(path: Path, modality: str) -> NDArray[np.uint8]:
    """A JPEG file as uint8 (H, W, 3), or (H, W, 1) of flow."""
    try:
        data = path.read_bytes()
        whole = data[:2] == b"\xff\xd8" and b"\xff\xd9" in data[-64:]  # begin and end of a JPEG
        picture = from_jpeg(data, grey=modality == "flow") if whole else None
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}; prepare the clip again.") from None
    if picture is None:
        raise DatasetError(
            f"{path}: expected a JPEG picture, it is cut off or damaged; prepare the clip again."
        )
    return picture


def from_jpeg(data: bytes, *, grey: bool = False) -> NDArray[np.uint8] | None:
    """A JPEG's picture (H, W, 3), or (H, W, 1) where it is read as grey; None: it is none."""
    return _decoder()(data, grey)


@cache
def _decoder() -> Callable[[bytes, bool], NDArray[np.uint8] | None]:
    """OpenCV's decoder where it is installed, or else Pillow's: equal pixels, half the speed."""
    try:
        import_module("cv2")
    except ImportError:
        return _by_pillow
    return _by_opencv


def _by_opencv(data: bytes, grey: bool) -> NDArray[np.uint8] | None:
    cv2: Any = import_module("cv2")
    colours = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), colours | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        return None
    return picture[..., None] if grey else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _by_pillow(data: bytes, grey: bool) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(BytesIO(data), formats=["JPEG"]) as file:
        picture = np.asarray(file.convert("L" if grey else "RGB"))
    return picture[..., None] if grey else picture


def _listed(folder: Path, modality: str) -> int:
    """Pictures in a folder without ``clip.json``, which must be numbered from 1 without a gap."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    counts = set()
    for stem in _STEMS[modality]:
        found = re.compile(rf"{stem}_(\d{{5,}})\.jpg").fullmatch
        numbers = {int(match[1]) for match in map(found, names) if match}
        lacking = set(range(1, len(numbers) + 1)) - numbers
        if lacking:
            raise DatasetError(
                f"{folder}: holds {len(numbers)} {stem}_*.jpg but not "
                f"{picture_name(stem, min(lacking))}; number them from 1 without a gap."
            )
        counts.add(len(numbers))
    if len(counts) > 1:
        raise DatasetError(
            f"{folder}: should hold as many flow_x as flow_y pictures; "
            f"got {min(counts)} and {max(counts)}."
        )
    return counts.pop()
