"""Files fetched on request: size and place named, resumable, checked by sha256, whole or absent."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actviz.errors import ActvizError

__all__ = ["DownloadError", "RemoteFile", "cache_folder", "fetch", "sha256_of"]

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

_log = logging.getLogger(__name__)
_BLOCK = 1 << 18
_TIMEOUT_S = 30.0


class DownloadError(ActvizError):
    """A file could not be fetched, or is not the file that was expected."""


@dataclass(frozen=True)
class RemoteFile:
    """A public file with what it must be: nothing else is ever put in its place."""

    name: str
    url: str
    size: int  # bytes
    sha256: str  # lower-case hexadecimal


def cache_folder() -> Path:
    """Where fetched files live: ``ACTVIZ_CACHE``, else the platform's cache folder of the user."""
    moved = os.environ.get("ACTVIZ_CACHE")
    if moved:
        return Path(moved).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "actviz"


def sha256_of(path: str | os.PathLike[str]) -> str:
    """sha256 of a file's bytes, lower-case hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(remote: RemoteFile, folder: Path, *, progress: Progress | None = None) -> Path:
    """Fetch ``remote`` into ``folder`` and return its path; a file already there is checked only.

    An interrupted download stays beside it as a ``.part`` file and is resumed by the next call.

    Raises:
        DownloadError: no network, an interruption, or bytes that do not have the right sha256.
    """
    target = folder / remote.name
    if target.exists():
        _check(target, remote, "the file in the cache")
        return target
    part = folder / f".{remote.name}.{remote.sha256[:12]}.part"
    _log.warning(
        "Fetching %s (%.1f MB) from %s to %s", remote.name, remote.size / 1e6, remote.url, target
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _resume(remote, part, progress)
    except (OSError, http.client.HTTPException) as error:
        have = part.stat().st_size if part.exists() else 0
        raise DownloadError(
            f"{remote.name} could not be fetched from {remote.url} ({_reason(error)}); "
            f"{have / 1e6:.1f} of {remote.size / 1e6:.1f} MB are kept: try again to resume, or put "
            f"the file at {target} yourself."
        ) from None
    try:
        _check(part, remote, "what was fetched")
    except DownloadError:
        part.unlink()
        raise
    part.replace(target)
    return target


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended early"
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _resume(remote: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Bring ``part`` to ``remote.size`` bytes, from where an earlier attempt ended."""
    have = part.stat().st_size if part.exists() else 0
    if have >= remote.size:
        return
    request = urllib.request.Request(remote.url)
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        begins = str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
        if not (answer.status == http.client.PARTIAL_CONTENT and begins):
            have = 0  # a server without ranges sends the whole file again
        with part.open("ab" if have else "wb") as file:
            while have <= remote.size and (block := answer.read(_BLOCK)):
                file.write(block)
                have += len(block)
                if progress:
                    progress(min(have, remote.size), remote.size)
    if have < remote.size:
        raise http.client.IncompleteRead(b"", remote.size - have)


def _check(path: Path, remote: RemoteFile, what: str) -> None:
    found = sha256_of(path)
    if found != remote.sha256:
        raise DownloadError(
            f"{path}: {what} is not the expected {remote.name}: sha256 {found[:12]}… instead of "
            f"{remote.sha256[:12]}…; delete it and fetch it again."
        )
