"""The page serves what was seen last, to this machine alone."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from live_films import CLASSES, glancing, picture
from PIL import Image

from actviz.errors import ActvizError
from actviz.live.drawing import draw_seen
from actviz.live.glance import one_glance
from actviz.live.loop import Seen
from actviz.live.page import LivePage
from actviz.live.session import status_line
from actviz.live.source import Shot

GLANCE = one_glance(glancing(), picture())


def seen(number: int = 1, brightness: int = 0) -> Seen:
    shot = Shot(number, number / 25, np.maximum(picture(), np.uint8(brightness)))
    return Seen(shot, GLANCE, rate=24.5, seen=number + 2, glanced=number, dropped=2)


@pytest.fixture
def page() -> Iterator[LivePage]:
    with LivePage(0, source="a <film>", weights="weights: w", note="outside") as served:
        yield served


def fetch(page: LivePage, path: str, method: str = "GET", **headers: str) -> tuple[bytes, str]:
    request = urllib.request.Request(page.url + path, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read(), answer.headers["Content-Type"]


def test_the_page_names_source_weights_and_banner(page):
    body, kind = fetch(page, "/")
    text = body.decode()
    assert kind.startswith("text/html")
    assert "a &lt;film&gt;" in text
    assert "weights: w" in text
    assert 'role="note">outside' in text
    assert "const $ = id" in text  # the template's doubled signs came out as one


def test_the_state_is_what_was_published_last(page):
    assert json.loads(fetch(page, "/state.json")[0]) == {"ended": False, "answers": []}
    page.publish(seen(5))
    state = json.loads(fetch(page, "/state.json")[0])
    assert (state["seen"], state["glanced"], state["dropped"], state["rate"]) == (7, 5, 2, 24.5)
    assert {row["name"] for row in state["answers"]} == set(CLASSES)
    assert state["answers"][0]["both"] == pytest.approx(float(GLANCE.probabilities.max()))


def test_a_still_shows_the_chosen_branch(page):
    page.publish(seen())
    body, kind = fetch(page, "/picture.jpg?show=rb")
    assert kind == "image/jpeg"
    assert Image.open(io.BytesIO(body)).size == (64, 48)
    both, _ = fetch(page, "/picture.jpg")
    assert Image.open(io.BytesIO(both)).size == (128, 48)


def test_the_stream_sends_each_new_picture(page):
    page.publish(seen(1))
    with urllib.request.urlopen(f"{page.url}/stream.mjpg?show=none", timeout=5) as stream:
        assert "multipart/x-mixed-replace" in stream.headers["Content-Type"]
        for number in (2, 3):
            assert stream.readline().startswith(b"--")
            stream.readline()
            size = int(stream.readline().split(b":")[1])
            stream.readline()
            assert Image.open(io.BytesIO(stream.read(size))).size == (64, 48)
            stream.readline()
            page.publish(seen(number))


def test_the_answers_beside_a_held_picture_are_its_own(page):
    page.publish(seen(1))
    fetch(page, "/hold", "POST")
    page.publish(seen(2))
    asked = [json.loads(fetch(page, f"/{kind}.json")[0])["glanced"] for kind in ("held", "state")]
    assert asked == [1, 2]
    fetch(page, "/go", "POST")
    assert json.loads(fetch(page, "/held.json")[0])["glanced"] == 2


def test_a_held_picture_stays_until_go(page):
    page.publish(seen(1))
    first = fetch(page, "/picture.jpg")[0]
    fetch(page, "/hold", "POST")
    page.publish(seen(2, brightness=200))
    assert fetch(page, "/picture.jpg")[0] == first
    fetch(page, "/go", "POST")
    assert fetch(page, "/picture.jpg")[0] != first


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/picture.jpg", {}, 404),  # nothing was seen yet
        ("/elsewhere", {}, 404),
        ("/stream.mjpg?show=all", {}, 403),
        ("/", {"Host": "evil.example"}, 403),
        ("/state.json", {"Origin": "https://evil.example"}, 403),
    ],
)
def test_what_is_not_there_or_not_for_you_is_refused(page, path, headers, status):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(page, path, **headers)
    assert refused.value.code == status


def test_it_listens_on_this_machine_alone(page):
    assert page._server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_named(page):
    port = int(page.url.rsplit(":", 1)[1])
    with pytest.raises(ActvizError, match=f"port {port} cannot be served on"):
        LivePage(port, source="", weights="")
    with pytest.raises(ActvizError, match="port 99999 cannot be served on"):
        LivePage(99999, source="", weights="")


def test_both_maps_stand_side_by_side():
    drawn = draw_seen(seen())
    assert drawn.shape == (48, 128, 3)
    assert not np.array_equal(drawn[:, :63], drawn[:, 65:])
    with pytest.raises(ValueError, match="show must be one of"):
        draw_seen(seen(), "left")


def test_the_status_line_says_what_and_how_fast_and_fits():
    line = status_line(seen())
    assert GLANCE.top(1)[0][0] in line
    assert "24.5 frames/s" in line
    assert "2 dropped" in line
    assert len(status_line(seen(), width=60)) <= 60
