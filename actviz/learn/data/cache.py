"""Arrays that are dear to make and cheap to keep, on disk between trainings.

They lie in ``learn`` within the cache folder (``ACTVIZ_CACHE`` moves it). A name holds a digest of
everything the array depends on; a file appears under its name only once it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from actviz.clip.downloads import cache_folder
from actviz.errors import ActvizError

__all__ = ["digest_of", "is_stored", "learn_folder", "stored_array"]


def learn_folder() -> Path:
    """The folder of these arrays, made where missing.

    Raises:
        ActvizError: the cache cannot be written.
    """
    folder = cache_folder() / "learn"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ActvizError(
            f"{folder}: what training stores cannot be kept there ({error.strerror}); set "
            "ACTVIZ_CACHE to a folder that can be written."
        ) from error
    return folder


def digest_of(key: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change with any value of ``key``."""
    text = json.dumps(key, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_stored(kind: str, key: Mapping[str, Any]) -> bool:
    """Whether ``stored_array`` would find the array of ``kind`` that depends on ``key``."""
    return _place(kind, key).is_file()


def stored_array(
    kind: str,
    key: Mapping[str, Any],
    *,
    shape: tuple[int, ...],
    dtype: type[np.generic],
    fill: Callable[[Path], None],
) -> np.memmap:
    """The array of ``kind`` that depends on ``key``, read-only from disk; filled where not there.

    Args:
        fill: given the path of an .npy file of that shape, opens it with ``np.load(…, "r+")`` and
            writes every entry; several processes may.
    """
    path = _place(kind, key)
    if not path.is_file():
        fresh = path.parent / f"{path.stem}.{os.getpid()}.part"
        try:
            array = np.lib.format.open_memmap(fresh, mode="w+", dtype=dtype, shape=shape)
            array.flush()
            del array
            fill(fresh)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    whole: np.memmap = np.load(path, mmap_mode="r")
    return whole


def _place(kind: str, key: Mapping[str, Any]) -> Path:
    return learn_folder() / f"{kind}-{digest_of(key)}.npy"
