"""Fetching the pose model, against a server of our own."""

from __future__ import annotations

import hashlib
import http.server
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actviz.clip import pose_model
from actviz.clip.downloads import DownloadError, RemoteFile, cache_folder, fetch

CONTENT = bytes(range(256)) * 4096  # 1 MB


class _Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; breaks off after ``breaks_at`` bytes of an answer where that is set."""

    breaks_at: int | None = None
    ranges = True
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str | None] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        self.wfile.write(CONTENT[begin:][: self.server.breaks_at])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _remote(server: _Server, content: bytes = CONTENT) -> RemoteFile:
    url = f"http://127.0.0.1:{server.server_address[1]}/model.task"
    return RemoteFile("model.task", url, len(content), hashlib.sha256(content).hexdigest())


def test_a_file_is_fetched_checked_and_announced(server, tmp_path: Path, caplog) -> None:
    steps: list[tuple[int, int]] = []
    with caplog.at_level(logging.WARNING):
        path = fetch(_remote(server), tmp_path / "new", progress=lambda *s: steps.append(s))
    assert path.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert "1.0 MB" in caplog.text
    assert str(path) in caplog.text
    assert [p.name for p in path.parent.iterdir()] == ["model.task"]


def test_what_is_there_is_not_fetched_again(server, tmp_path: Path) -> None:
    fetch(_remote(server), tmp_path)
    fetch(_remote(server), tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_is_resumed(server, tmp_path: Path, ranges: bool) -> None:
    server.breaks_at, server.ranges = 600_000, ranges
    with pytest.raises(DownloadError, match=r"0\.6 of 1\.0 MB are kept"):
        fetch(_remote(server), tmp_path)
    assert not (tmp_path / "model.task").exists()
    server.breaks_at = None
    assert fetch(_remote(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=600000-"]


def test_wrong_bytes_never_take_the_files_place(server, tmp_path: Path) -> None:
    expected = RemoteFile("model.task", _remote(server).url, len(CONTENT), "0" * 64)
    with pytest.raises(DownloadError, match=r"not the expected model\.task"):
        fetch(expected, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_longer_file_than_expected_is_refused(server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not the expected"):
        fetch(_remote(server, CONTENT[:1000]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_page_is_a_sentence(server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DownloadError, match=r"could not be fetched.*Not Found"):
        fetch(_remote(server), tmp_path)


def test_no_network_is_a_sentence_with_the_way_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    nobody = RemoteFile("model.task", "http://127.0.0.1:9/model.task", 10, "0" * 64)
    with pytest.raises(DownloadError, match="or put the file at"):
        fetch(nobody, tmp_path)


def test_the_pose_model_goes_to_the_cache_on_request(server, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("ACTVIZ_POSE_MODEL", raising=False)
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pose_model, "POSE_MODEL", _remote(server))
    path = pose_model.find_pose_model(download=True)
    assert path == tmp_path / "cache" / "model.task"
    assert pose_model.find_pose_model() == path


def test_the_cache_is_where_the_platform_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACTVIZ_CACHE", raising=False)
    assert cache_folder().name == "actviz"
    monkeypatch.setenv("ACTVIZ_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
