"""The C3D file format: markers over time, read with NumPy alone.

T frames · N markers

A header of 512 bytes, a list of named parameters and the frames, each of N times x, y, z and a
residual (negative where the marker was not seen) followed by analogue channels; as described in the
public C3D user guide (c3d.org). Ours, since the libraries that were tried spend minutes on damaged
files; nothing here believes a size before it has checked it against the file's length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ClipReadError

__all__ = ["Markers", "read_markers"]

_BLOCK = 512  # bytes
_MAX_BYTES = 256 * 2**20
_MAX_FRAMES = 2**16 - 1  # what the header can count to; longer files say this
_TYPES = {-1: "S1", 1: "i1", 2: "i2", 4: "f4"}
_DAMAGED = (struct.error, IndexError, ValueError, KeyError, OverflowError)


@dataclass(frozen=True)
class Markers:
    """What a ``.c3d`` file holds of its markers."""

    positions: NDArray[np.float64]  # (T, N, 3) in ``unit``, NaN where not seen
    names: tuple[str, ...]  # (N,)
    rate: float  # frames per second
    unit: str  # "mm", …; "" where the file says none
    up: str  # "+Y" or "+Z", what the file says points up its screen; "" where it says nothing
    promised: int  # frames that the header speaks of; more than T in a file that is cut


def read_markers(path: Path) -> Markers:
    """Positions and names of all markers.

    Raises:
        ClipReadError: no ``.c3d`` file, or a damaged one.
    """
    size = path.stat().st_size
    data = path.read_bytes() if size <= _MAX_BYTES else b""
    if len(data) < 2 * _BLOCK or data[1] != 0x50:
        raise ClipReadError(
            path, "expected a .c3d recording of at most 256 MB; this file is cut or something else."
        )
    try:
        return _markers(data)
    except _DAMAGED as error:
        why = str(error) or type(error).__name__
        raise ClipReadError(
            path, f"not a whole .c3d recording ({why}); copy or export it again."
        ) from None


def _markers(data: bytes) -> Markers:
    at = (data[0] - 1) * _BLOCK
    machine = data[at + 3]
    if machine not in (84, 85, 86):
        raise ValueError(f"unknown number format {machine}")
    order = ">" if machine == 86 else "<"
    points, analogue, first, last = struct.unpack_from(f"{order}4H", data, 2)
    scale = float(_floats(data[12:16], machine)[0])
    rate = float(_floats(data[20:24], machine)[0])
    (start,) = struct.unpack_from(f"{order}H", data, 16)
    if not points or last < first or not start or not np.isfinite([scale, rate]).all():
        raise ValueError(f"its header speaks of {points} markers, frames {first} to {last}")
    known = _parameters(data, at, machine)
    names = [n for k, v in known.items() if k.startswith("POINT:LABELS") for n in v]
    if len(names) < points:
        raise ValueError(f"it names {len(names)} of {points} markers")
    values = _frames(data[(start - 1) * _BLOCK :], 4 * points + analogue, scale, machine)
    promised = last - first + 1 if last < _MAX_FRAMES else len(values)
    table = values[:promised, : 4 * points].reshape(-1, points, 4)
    seen = (table[..., 3] >= 0) & table[..., :3].any(-1)
    positions = np.where(seen[..., None], table[..., :3] * (scale if scale > 0 else 1), np.nan)
    unit, up = (str((known.get(f"POINT:{k}") or [""])[0]) for k in ("UNITS", "Y_SCREEN"))
    return Markers(positions, tuple(names[:points]), rate, unit, up.upper(), promised)


def _frames(data: bytes, width: int, scale: float, machine: int) -> NDArray[np.float64]:
    """Every whole frame's ``width`` numbers (T, width), as far as the bytes go."""
    each = width * (4 if scale < 0 else 2)
    data = data[: len(data) // each * each]
    if scale < 0:
        return _floats(data, machine).astype(np.float64).reshape(-1, width)
    kind = ">i2" if machine == 86 else "<i2"
    return np.frombuffer(data, kind).astype(np.float64).reshape(-1, width)


def _floats(data: bytes, machine: int) -> NDArray[np.float32]:
    """Numbers of 4 bytes as Intel (84), DEC (85) or SGI (86) machines write them."""
    if machine == 86:
        return np.frombuffer(data, ">f4").astype(np.float32)
    if machine == 84:
        return np.frombuffer(data, "<f4")
    halves = np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1]  # DEC: the halves swapped,
    exact: NDArray[np.float32] = np.ascontiguousarray(halves).view("<f4").ravel()
    return exact * np.float32(0.25)  # and the exponent two higher


def _parameters(data: bytes, at: int, machine: int) -> dict[str, list[Any]]:
    """``GROUP:NAME`` -> its values, texts without their padding."""
    order = ">" if machine == 86 else "<"
    groups: dict[int, str] = {}
    raw: list[tuple[int, str, bytes]] = []
    at += 4
    while at + 2 <= len(data):
        length, group = struct.unpack_from("bb", data, at)
        name_end = at + 2 + abs(length)
        if not length or not group:
            break
        name = data[at + 2 : name_end].decode("latin-1").upper()
        (step,) = struct.unpack_from(f"{order}H", data, name_end)
        if group < 0:
            groups[-group] = name
        else:
            raw.append((group, name, data[name_end + 2 : name_end + max(step, 2)]))
        if step < 2:
            break
        at = name_end + step
    return {f"{groups.get(g, '')}:{name}": _values(body, machine) for g, name, body in raw}


def _values(body: bytes, machine: int) -> list[Any]:
    """One parameter's values, flat; an array of letters gives its words."""
    (kind,) = struct.unpack_from("b", body, 0)
    dims = list(body[2 : 2 + body[1]])
    if kind not in _TYPES or len(dims) < body[1]:
        raise ValueError(f"a parameter of unknown type {kind}")
    dtype = np.dtype(_TYPES[kind])
    count = int(np.prod(dims, dtype=np.int64))
    content = body[2 + len(dims) :][: count * dtype.itemsize]
    if kind == -1:
        width = dims[0] if dims else 1
        words = [content[i : i + width] for i in range(0, len(content), width or 1)]
        return [word.decode("latin-1").strip(" \0") for word in words]
    content = content[: len(content) // dtype.itemsize * dtype.itemsize]
    if kind == 4:
        return _floats(content, machine).tolist()
    return np.frombuffer(content, dtype.newbyteorder(">" if machine == 86 else "<")).tolist()
