"""Fetching and unpacking data sets, against a server of our own."""

from __future__ import annotations

import hashlib
import http.server
import io
import logging
import stat
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actviz.clip.downloads import DownloadError, RemoteFile
from actviz.datasets import DATASETS, remote
from actviz.datasets.remote import ARCHIVES, BY_HAND, Archive, download, unpack


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


LISTS = zipped({"lists/classInd.txt": b"1 Wave\n"})
CLIPS = ("Hug/v_Hug_g01_c01.avi", "Wave/v_Wave_g01_c01.avi")
VIDEOS = zipped(dict.fromkeys(CLIPS, bytes(range(256)) * 1000))  # 0.5 MB


class _Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` by their last name, ranges too; breaks off after ``breaks_at`` bytes."""

    breaks_at: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"lists.zip": LISTS, "videos.zip": VIDEOS}
        self.asked: list[tuple[str, str | None]] = []

    @property
    def at(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        content = self.server.files[self.path.rpartition("/")[2]]
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin:][: self.server.breaks_at])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mine(server: _Server, monkeypatch: pytest.MonkeyPatch) -> _Server:
    """The data set "mine": lists and videos on the server."""
    offer(monkeypatch, server, lists=LISTS, videos=VIDEOS)
    return server


def offer(monkeypatch, server: _Server, *, ending: str = ".zip", **contents: bytes) -> None:
    archives = []
    for name, content in contents.items():
        server.files[name + ending] = content
        file = RemoteFile(
            name + ending,
            f"{server.at}/{name}{ending}",
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        archives.append(Archive(file, name))
    monkeypatch.setitem(ARCHIVES, "mine", tuple(archives))


def tree(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_archives_become_folders_and_are_gone(mine: _Server, tmp_path: Path) -> None:
    stages = []
    root = download("mine", tmp_path / "new", progress=lambda *step: stages.append(step))
    assert tree(root) == ["lists/classInd.txt", *(f"videos/{clip}" for clip in CLIPS)]
    assert ("fetch videos.zip", len(VIDEOS), len(VIDEOS)) in stages
    assert stages[-1] == ("unpack videos.zip", 2, 2)


def test_what_is_there_is_not_fetched_again(mine: _Server, tmp_path: Path) -> None:
    download("mine", tmp_path)
    download("mine", tmp_path)
    assert len(mine.asked) == 2


def test_an_archive_that_lay_there_before_is_kept(mine: _Server, tmp_path: Path) -> None:
    (tmp_path / "videos.zip").write_bytes(VIDEOS)
    download("mine", tmp_path)
    assert [path for path, _ in mine.asked] == ["/lists.zip"]
    assert (tmp_path / "videos.zip").read_bytes() == VIDEOS


def test_an_interrupted_fetch_is_resumed(mine: _Server, tmp_path: Path) -> None:
    mine.breaks_at = 300_000
    with pytest.raises(DownloadError, match=r"0\.3 of 0\.5 MB are kept.*try again to resume"):
        download("mine", tmp_path)
    assert not (tmp_path / "videos").exists()
    mine.breaks_at = None
    download("mine", tmp_path)
    assert mine.asked[-1] == ("/videos.zip", "bytes=300000-")
    assert "videos/Wave/v_Wave_g01_c01.avi" in tree(tmp_path)


def test_wrong_bytes_are_never_unpacked(mine: _Server, tmp_path: Path) -> None:
    mine.files["videos.zip"] = VIDEOS[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"not the expected videos\.zip"):
        download("mine", tmp_path)
    assert tree(tmp_path) == ["lists/classInd.txt"]


def test_without_a_published_sha256_the_size_decides_and_it_is_told(
    mine: _Server, tmp_path: Path, monkeypatch, caplog
) -> None:
    file = RemoteFile("lists.zip", f"{mine.at}/lists.zip", len(LISTS))
    monkeypatch.setitem(ARCHIVES, "mine", (Archive(file, "lists"),))
    with caplog.at_level(logging.WARNING):
        download("mine", tmp_path / "a")
    assert hashlib.sha256(LISTS).hexdigest() in caplog.text
    mine.files["lists.zip"] = LISTS + b"more"
    with pytest.raises(DownloadError, match="bytes instead of"):
        download("mine", tmp_path / "b")
    assert tree(tmp_path / "b") == []


def test_a_proxy_is_used(mine: _Server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", mine.at)
    digest = hashlib.sha256(LISTS).hexdigest()
    file = RemoteFile("lists.zip", "http://nowhere.invalid/lists.zip", len(LISTS), digest)
    monkeypatch.setitem(ARCHIVES, "mine", (Archive(file, "lists"),))
    download("mine", tmp_path)
    assert mine.asked == [("http://nowhere.invalid/lists.zip", None)]


def test_a_dead_proxy_is_named_without_its_password(mine: _Server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://ann:secret@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "elsewhere")
    with pytest.raises(DownloadError, match=r"by the proxy 127\.0\.0\.1:9.*HTTPS_PROXY") as error:
        download("mine", tmp_path)
    assert "secret" not in str(error.value)
    assert mine.asked == []


def test_no_room_is_said_before_anything_is_fetched(mine: _Server, tmp_path, monkeypatch) -> None:
    huge = RemoteFile("huge.zip", f"{mine.at}/huge.zip", 10**18, "0" * 64)
    monkeypatch.setitem(ARCHIVES, "mine", (Archive(huge, "huge"),))
    with pytest.raises(DownloadError, match="GB are needed here"):
        download("mine", tmp_path)
    assert mine.asked == []


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "C:/out", "a\\..\\..\\out"])
def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "bad.zip"
    archive.write_bytes(zipped({"fine": b"1", name: b"2"}))
    with pytest.raises(DownloadError, match="would be written outside"):
        unpack(archive, tmp_path / "deep" / "target")
    assert tree(tmp_path) == ["bad.zip"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bundle:
        bundle.writestr(link, "/etc")
    with pytest.raises(DownloadError, match="outside its folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "target")


@pytest.mark.parametrize("keep", [0, 300_000, len(VIDEOS) - 30])
def test_a_damaged_archive_leaves_nothing_behind(tmp_path: Path, keep: int) -> None:
    (tmp_path / "bad.zip").write_bytes(VIDEOS[:keep])
    with pytest.raises(DownloadError, match="it is damaged"):
        unpack(tmp_path / "bad.zip", tmp_path / "target")
    assert tree(tmp_path) == ["bad.zip"]


def test_bytes_damaged_within_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(VIDEOS[:1000] + b"?" + VIDEOS[1001:])
    with pytest.raises(DownloadError, match="it is damaged"):
        unpack(tmp_path / "bad.zip", tmp_path / "target")
    assert tree(tmp_path) == ["bad.zip"]


def test_archives_within_become_folders(tmp_path: Path) -> None:
    inner = {"hug.zip": zipped({"hug/1.avi": b"1"}), "run.zip": zipped({"2.avi": b"2"})}
    (tmp_path / "all.zip").write_bytes(zipped({f"org/{n}": c for n, c in inner.items()}))
    unpack(tmp_path / "all.zip", tmp_path / "hmdb51")
    assert tree(tmp_path / "hmdb51") == ["hug/1.avi", "run/2.avi"]


def test_a_folder_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "lists.zip").write_bytes(LISTS)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.txt").write_text("mine")
    with pytest.raises(DownloadError, match="expected nothing here yet"):
        unpack(tmp_path / "lists.zip", tmp_path / "lists")
    assert tree(tmp_path / "lists") == ["mine.txt"]


def test_rar_without_a_program_is_said_before_the_fetch(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    offer(monkeypatch, server, ending=".rar", videos=b"Rar!")
    with pytest.raises(DownloadError, match=r"Python cannot open \.rar.*unar"):
        download("mine", tmp_path)
    assert server.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for unar")
def test_rar_is_opened_by_a_program_on_the_path(server, tmp_path, monkeypatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    script = f'#!/bin/sh\n"{sys.executable}" -m zipfile -e "$5" "$4"\n'
    (tools / "unar").write_text(script)
    (tools / "unar").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    offer(monkeypatch, server, ending=".rar", videos=VIDEOS, broken=b"Rar!")
    with pytest.raises(DownloadError, match=r"broken\.rar: unar could not open it"):
        download("mine", tmp_path)
    assert "videos/Wave/v_Wave_g01_c01.avi" in tree(tmp_path)


@pytest.mark.parametrize("name", ["ntu", "sysu", "utkinect", "hdm05", "nothing"])
def test_what_is_not_fetched_says_where_it_is_had(tmp_path: Path, name: str) -> None:
    with pytest.raises(DownloadError, match=BY_HAND.get(name, "").partition(" ")[0] or "got"):
        download(name, tmp_path)


def test_every_data_set_is_fetched_or_says_where_it_is_had() -> None:
    assert {name.partition("-")[0] for name in ARCHIVES} | set(BY_HAND) == set(DATASETS)
    for archive in (archive for archives in ARCHIVES.values() for archive in archives):
        assert archive.file.url.startswith("https://")
        assert archive.file.url.endswith(archive.file.name)
        assert len(archive.file.sha256) in (0, 64)
        assert archive.file.size > 0
    assert remote.ARCHIVES["ucf101"][0].folder == "ucfTrainTestlist"
