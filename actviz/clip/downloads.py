"""Files fetched on request: size and place named, resumable, checked, whole or absent.

Proxies are those that urllib knows: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY`` or the system's.
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actviz.errors import ActvizError

__all__ = ["DownloadError", "RemoteFile", "cache_folder", "fetch", "need_room", "sha256_of"]

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
    sha256: str = ""  # lower-case hexadecimal; "": none was ever published, the size alone is known


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
        DownloadError: no network, no room, an interruption, or bytes that are not the right ones.
    """
    target = folder / remote.name
    if target.exists():
        _check(target, remote, "the file in the cache")
        return target
    part = folder / f".{remote.name}.{remote.sha256[:12] or remote.size}.part"
    _log.warning(
        "Fetching %s (%.1f MB) from %s to %s", remote.name, remote.size / 1e6, remote.url, target
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        need_room(folder, remote.size - (part.stat().st_size if part.exists() else 0))
        _resume(remote, part, progress)
    except (OSError, http.client.HTTPException) as error:
        have = part.stat().st_size if part.exists() else 0
        raise DownloadError(
            f"{remote.name} could not be fetched from {remote.url} ({_reason(error)}"
            f"{_road(remote.url)}); {have / 1e6:.1f} of {remote.size / 1e6:.1f} MB are kept: "
            f"{_advice(error)}try again to resume, or put the file at {target} yourself."
        ) from None
    try:
        _check(part, remote, "what was fetched")
    except DownloadError:
        part.unlink()
        raise
    part.replace(target)
    return target


def need_room(folder: Path, size: int) -> None:
    """Refuse to begin what would fill the disk: ``size`` more bytes in ``folder``."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DownloadError(
            f"{folder}: {size / 1e9:.1f} GB are needed here and {free / 1e9:.1f} GB are free; "
            "make room or choose another folder."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended early"
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _road(url: str) -> str:
    """How ``url`` was asked for, for an error: by which proxy, its password left out."""
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.netloc):
        return ", without a proxy"
    return f", by the proxy {proxy.rpartition('@')[2]}"


def _advice(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "name your network's certificates in SSL_CERT_FILE; "
    if isinstance(error, urllib.error.HTTPError) and error.code not in (407, 502, 503, 504):
        return ""
    return "behind a proxy, set HTTPS_PROXY (and HTTP_PROXY), or NO_PROXY to go past it; "


def _resume(remote: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Bring ``part`` to ``remote.size`` bytes, from where an earlier attempt ended."""
    have = part.stat().st_size if part.exists() else 0
    if have >= remote.size:
        return
    request = urllib.request.Request(remote.url)
    if have:
        request.add_header("Range", f"bytes={have}-")
    opener = urllib.request.build_opener()  # urlopen keeps the proxies it saw first
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
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
    if not remote.sha256:
        _check_size(path, remote, what)
        _log.warning("No sha256 of %s was ever published; %s has %s", remote.name, what, found)
    elif found != remote.sha256:
        raise DownloadError(
            f"{path}: {what} is not the expected {remote.name}: sha256 {found[:12]}… instead of "
            f"{remote.sha256[:12]}…; delete it and fetch it again."
        )


def _check_size(path: Path, remote: RemoteFile, what: str) -> None:
    size = path.stat().st_size
    if size != remote.size:
        raise DownloadError(
            f"{path}: {what} is not the expected {remote.name}: {size} bytes instead of "
            f"{remote.size}; delete it and fetch it again."
        )
