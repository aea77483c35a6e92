"""Data sets fetched from where they are publicly had: whole, checked and unpacked, or not there.

Only what has a stable public address is fetched; ``BY_HAND`` says where the others are asked for.
A sha256 stands here only where it is publicly recorded for that very file; where there is none the
size alone is compared, and the sha256 of what came is told.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from actviz.clip.downloads import DownloadError, RemoteFile, fetch, need_room

__all__ = ["ARCHIVES", "BY_HAND", "Archive", "download", "unpack"]

Progress = Callable[[str, int, int], None]  # stage, done, total

_log = logging.getLogger(__name__)
_NESTED = (".rar", ".zip")


@dataclass(frozen=True)
class Archive:
    """An archive and the folder in the data set's root that it becomes."""

    file: RemoteFile
    folder: str


_UCF101_LISTS = Archive(
    # sha256 as in TensorFlow Datasets' url_checksums/ucf101.txt.
    RemoteFile(
        name="UCF101TrainTestSplits-RecognitionTask.zip",
        url="https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip",
        size=113_943,
        sha256="5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27",
    ),
    "ucfTrainTestlist",
)
_HMDB51_AT = (
    "https://huggingface.co/datasets/MichiganNLP/hmdb/resolve/"
    "16eb4625d3bf20255526e1327ee9e2ea32d66c82"
)
ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "ucf101": (
        _UCF101_LISTS,
        # THUMOS 2014's copy of the videos; sha256 as in TensorFlow Datasets.
        Archive(
            RemoteFile(
                name="UCF101_videos.zip",
                url="https://storage.googleapis.com/thumos14_files/UCF101_videos.zip",
                size=6_960_400_115,
                sha256="dabf56f573cd19c79e096563529fec8126a2a34e18e10c72eb621dd687532b0d",
            ),
            "UCF-101",
        ),
    ),
    "ucf101-rar": (
        _UCF101_LISTS,
        # The makers' own archive. No sha256 of it is published; several projects record the size.
        Archive(
            RemoteFile(
                name="UCF101.rar",
                url="https://www.crcv.ucf.edu/data/UCF101/UCF101.rar",
                size=6_932_971_618,
            ),
            "UCF-101",
        ),
    ),
    "hmdb51": (
        # The makers' server was given up (voxel51/fiftyone#6528). A copy in zip form under the same
        # licence, CC BY 4.0; address and sha256 are of one commit of it.
        Archive(
            RemoteFile(
                name="test_train_splits.zip",
                url=f"{_HMDB51_AT}/test_train_splits.zip",
                size=222_848,
                sha256="12df0053bd9d570817edb10d2299030f43646969d5d42ff40200249b45ab2efa",
            ),
            "testTrainMulti_7030_splits",
        ),
        Archive(
            RemoteFile(
                name="hmdb51_org.zip",
                url=f"{_HMDB51_AT}/hmdb51_org.zip",
                size=4_246_812_958,
                sha256="2d652f386debd04ae8f83508faacb959c03c9cbf1176fc76848b73cda4d52e57",
            ),
            "hmdb51",
        ),
    ),
}
BY_HAND = {
    "ntu": "ask for access at https://rose1.ntu.edu.sg/dataset/actionRecognition/ (research only)",
    "sysu": "get it from its makers, https://www.isee-ai.cn/~hujianfang/ProjectJOULE.html",
    "utkinect": "take the joints and labels from "
    "http://cvrc.ece.utexas.edu/KinectDatasets/HOJ3D.html",
    "hdm05": "take the cut motions (AMC and ASF) from https://resources.mpi-inf.mpg.de/HDM05/ with "
    "a browser, the server refuses programs",
    "folder": "bring your own clips",
    "puppets": "nothing is needed, they are made from their seeds",
}


def download(name: str, folder: Path, *, progress: Progress | None = None) -> Path:
    """Fetch and unpack the data set ``name``; ``folder`` is then its root for ``open_dataset``.

    What is there already is left as it is; an interrupted fetch is resumed by the next call. The
    archives are deleted once unpacked, save those that lay there before.

    Args:
        name: a key of ``ARCHIVES``; "ucf101-rar" is the makers' own archive of UCF101, which needs
            a program that opens .rar.
        progress: called with the stage in words, what is done and what there is to do.

    Raises:
        DownloadError: no such data set to fetch, no network, no room, wrong bytes, or an archive
            that cannot be opened.
    """
    if name not in ARCHIVES:
        where = f"{name} is not fetched: {BY_HAND[name]}; " if name in BY_HAND else ""
        raise DownloadError(f"{where}fetched are {', '.join(ARCHIVES)}; got {name!r}.")
    folder = Path(folder)
    for archive in ARCHIVES[name]:
        target = folder / archive.folder
        if target.is_dir() and any(target.iterdir()):
            _log.warning("%s is there already; left as it is", target)
            continue
        _rar_tool(archive.file.name)  # before gigabytes are fetched in vain
        own = not (folder / archive.file.name).exists()
        file = fetch(archive.file, folder, progress=_stage(progress, f"fetch {archive.file.name}"))
        unpack(file, target, progress=_stage(progress, f"unpack {archive.file.name}"))
        if own:
            file.unlink()
    return folder


def _stage(progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(stage, done, total)


def unpack(
    archive: Path, target: Path, *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Unpack a .zip or .rar, and the archives in it, so that ``target`` appears whole or not.

    A single folder that holds everything becomes ``target`` itself.

    Raises:
        DownloadError: a damaged archive, one that reaches outside its folder, no program that
            opens .rar, no room, or ``target`` already there.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DownloadError(f"{target}: expected nothing here yet; move it away and try again.")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        _open(archive, part, progress)
        whole = _unwrapped(part)
        for inner in [path for path in whole.iterdir() if path.suffix.lower() in _NESTED]:
            if not (whole / inner.stem).exists():
                unpack(inner, whole / inner.stem)
            inner.unlink()
        whole = _unwrapped(whole)
        if target.is_dir():
            target.rmdir()
        whole.replace(target)
    except OSError as error:
        raise DownloadError(f"{archive}: cannot be unpacked to {target} ({error}).") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _unwrapped(folder: Path) -> Path:
    """The only folder in ``folder``, where nothing else lies beside it; else ``folder``."""
    inside = [path for path in folder.iterdir() if path.name not in ("__MACOSX", ".DS_Store")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _open(archive: Path, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    if archive.suffix.lower() == ".rar":
        _open_rar(archive, folder)
        return
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = bundle.infolist()
            for member in members:
                _refuse_escape(archive, member)
            need_room(folder, sum(member.file_size for member in members))
            for done, member in enumerate(members, 1):
                bundle.extract(member, folder)
                if progress:
                    progress(done, len(members))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DownloadError(
            f"{archive}: expected a whole .zip archive; it is damaged ({error}); delete it and "
            "fetch it again."
        ) from None


def _refuse_escape(archive: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    pieces = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    link = stat.S_ISLNK(member.external_attr >> 16)
    if link or ".." in pieces or name.startswith("/") or PureWindowsPath(name).anchor:
        raise DownloadError(
            f"{archive}: refused, {name!r} would be written outside its folder; do not trust this "
            "archive."
        )


_RAR_TOOLS: dict[str, Callable[[str, str], list[str]]] = {  # program -> its arguments
    "unar": lambda file, folder: ["-quiet", "-no-directory", "-output-directory", folder, file],
    "unrar": lambda file, folder: ["x", "-y", "-idq", file, folder + os.sep],
    "bsdtar": lambda file, folder: ["-x", "-f", file, "-C", folder],
    "7zz": lambda file, folder: ["x", "-y", f"-o{folder}", file],
    "7z": lambda file, folder: ["x", "-y", f"-o{folder}", file],
}


def _rar_tool(name: str) -> str:
    """The program here that opens ``name``; "" for what needs none."""
    if not name.lower().endswith(".rar"):
        return ""
    found = next((tool for tool in _RAR_TOOLS if shutil.which(tool)), None)
    if found is None:
        raise DownloadError(
            f"{name}: Python cannot open .rar and none of {', '.join(_RAR_TOOLS)} is here; install "
            "one of them (unar and libarchive's bsdtar are free)."
        )
    return found


def _open_rar(archive: Path, folder: Path) -> None:
    tool = _rar_tool(archive.name)
    command = [tool, *_RAR_TOOLS[tool](str(archive.absolute()), str(folder.absolute()))]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise DownloadError(
            f"{archive}: {tool} could not open it ({said[-1] if said else 'without a reason'}); "
            "try another of " + ", ".join(_RAR_TOOLS) + ", or fetch the archive again."
        )
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise DownloadError(f"{archive}: refused, it holds a link ({path.name}); do not trust.")
