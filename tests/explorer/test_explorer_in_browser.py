"""The explorer as a user has it: a real server, a real browser, a real clip."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EVERYTHING = "pictures=difference&pictures=motion&curves=lead&curves=temporal+memory"
VIEW = "canvas => JSON.stringify(canvas.stage.view)"  # of the skeletons' stage
WAIT = 60_000  # milliseconds; two cores may be busy with other tests


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a fresh explorer, started as a user starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "actviz", "explorer", "--headless", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the explorer did not start within a minute")


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; skips with a reason where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A fresh visitor, who must never be sent to another machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    elsewhere: list[str] = []
    page.on("request", lambda r: elsewhere.append(r.url) if _leaves(r.url) else None)
    yield page
    context.close()
    assert elsewhere == []


def _leaves(address: str) -> bool:
    return address.startswith("http") and "127.0.0.1" not in address


def cursor(page) -> str:
    """The frame at which the cursor's line stands, with its place."""
    line = page.locator(".st-key-lanes .cursor")
    line.wait_for(state="attached")
    return f"{line.get_attribute('data-frame')} at {line.get_attribute('style')}"


def pictures(page) -> list[str]:
    """Digests of the bytes of the pictures that follow the cursor."""
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stImage] img')]"
        ".every(i => i.complete && i.naturalWidth)"
    )
    sources = page.locator("[data-testid=stImage] img").evaluate_all("all => all.map(i => i.src)")
    return [
        hashlib.sha256(page.request.get(source).body()).hexdigest()[:12] for source in sources[:2]
    ]


def change(page, act) -> list[str]:
    """Do ``act`` and wait until the cursor has moved; the pictures before."""
    before, old = cursor(page), pictures(page)
    act()
    until = time.monotonic() + WAIT / 1000
    while cursor(page) == before and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert cursor(page) != before
    return old


def comes_true(page, condition) -> bool:
    """Whether ``condition`` holds before long: pictures follow the cursor when they are drawn."""
    until = time.monotonic() + WAIT / 1000
    while not (holds := condition()) and time.monotonic() < until:
        page.wait_for_timeout(100)
    return holds


def follow(page, old: list[str], *, count: int) -> bool:
    """Whether the first ``count`` pictures come to be others than ``old``."""

    def others() -> bool:
        new = pictures(page)[:count]
        return len(new) == count and all(a != b for a, b in zip(old, new, strict=False))

    return comes_true(page, others)


def visit(page, name: str) -> None:
    """Go to a page by the navigation above it."""
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    page.get_by_role("heading", name=name, exact=True).first.wait_for()


def upload(page, name: str, data: bytes) -> None:
    page.locator("[data-testid=stMain] input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def test_a_page_address_opens_as_the_first_a_server_sees(server, page):
    page.goto(f"{server}/memory?clip=Throw&frame=30")
    page.get_by_role("heading", name="Memory", exact=True).wait_for()
    assert cursor(page).startswith(("29 ", "30 ", "31 "))
    assert page.get_by_text("Throw", exact=True).count()
    assert page.get_by_test_id("stTopNavLink").count() == 4


def test_the_first_page_shows_an_analysed_clip_with_zero_clicks(server, page):
    page.goto(server)
    cursor(page)
    for words in ("What does it remember?", "What does one frame tell?", "Which moments matter?"):
        page.get_by_text(words).wait_for()
    page.locator(".st-key-lanes .js-plotly-plot .scatterlayer .trace").first.wait_for()
    assert len(pictures(page)) == 2
    assert page.get_by_test_id("stAlert").count() == 0


def test_keys_and_clicks_move_the_one_cursor(server, page):
    page.goto(server)
    cursor(page)
    page.locator(".st-key-lanes .js-plotly-plot .scatterlayer .trace").first.wait_for()
    old = change(page, lambda: page.keyboard.press("ArrowRight"))
    assert follow(page, old, count=1)
    lanes = page.locator(".st-key-lanes .js-plotly-plot").bounding_box()
    change(page, lambda: page.mouse.click(lanes["x"] + 400, lanes["y"] + 170))
    frame = cursor(page).split()[0]
    page.wait_for_function(f"location.search.includes('frame={frame}')")
    visit(page, "Memory")
    assert abs(int(cursor(page).split()[0]) - int(frame)) <= 2


def test_the_skeleton_moves_with_the_cursor_and_keeps_its_view(server, page):
    page.goto(f"{server}/skeleton?clip=Throw&frame=20")
    cursor(page)
    stage = page.locator("canvas[role=img]")
    stage.wait_for()
    stage.evaluate("canvas => { canvas.mine = true; }")
    before, words = stage.screenshot(), stage.get_attribute("aria-label")
    assert "joints" in words
    change(page, lambda: page.keyboard.press("ArrowRight"))
    assert comes_true(page, lambda: stage.screenshot() != before)
    assert stage.evaluate("canvas => canvas.mine === true")


def test_the_stage_is_turned_by_buttons_keys_and_mouse_and_plays_by_itself(server, page):
    page.goto(f"{server}/skeleton?clip=Push&frame=24")
    cursor(page)
    stage = page.locator("canvas[role=img]")
    stage.wait_for()
    for act in (
        lambda: page.get_by_role("button", name="Top").click(),
        lambda: stage.press("d"),
        lambda: stage.hover() or page.mouse.wheel(0, -400),
    ):
        before = stage.evaluate(VIEW)
        act()
        assert comes_true(page, lambda b=before: stage.evaluate(VIEW) != b)
    change(page, lambda: page.get_by_role("button", name="Play").click())
    page.get_by_role("button", name="Pause").click()
    assert comes_true(page, lambda: not stage.evaluate("canvas => canvas.stage.running"))


def test_a_what_if_is_answered_beside_what_was_and_its_address_restores_it(server, page):
    page.goto(f"{server}/memory?clip=Throw&frame=34")
    cursor(page)
    page.get_by_text("is skipped", exact=True).click()
    said = page.get_by_text("With the frame of 2.83 s skipped").first
    said.wait_for()
    page.get_by_text("decision: as it was").wait_for()
    page.wait_for_function("location.search.includes('skip=34')")
    page.goto(page.url)
    said.wait_for()
    page.get_by_role("button", name="Back to as it was").click()
    said.wait_for(state="detached")
    page.wait_for_function("!location.search.includes('skip')")


@pytest.mark.real
def test_a_real_clip_moves_frame_curve_and_map_on_every_page(server, page, real_data):
    clip = real_data / "hmdb51" / "wave" / "TrumanShow_wave_f_nm_np1_fr_med_26.avi"
    page.goto(server)
    cursor(page)
    upload(page, clip.name, clip.read_bytes())
    page.get_by_text("lies outside of what these weights").first.wait_for()
    assert "clip=" not in page.url and "Truman" not in page.url
    visit(page, "Memory")
    old = change(page, lambda: page.keyboard.press("ArrowRight"))
    assert follow(page, old, count=1), "the picture with MAM's decision"
    visit(page, "One glance")
    old = change(page, lambda: page.keyboard.press("ArrowRight"))
    assert follow(page, old, count=2), "both maps"
    assert page.get_by_text("lies outside of what these weights").count() == 1
    page.get_by_test_id("stTopNavLink").filter(has_text="Skeleton").click()
    said = page.get_by_text("pose_landmarker_full.task").or_(page.locator("canvas[role=img]"))
    said.or_(page.get_by_text("a person was found in")).first.wait_for()


def test_a_bad_upload_is_answered_in_a_sentence_and_the_sample_stays(server, page):
    page.goto(server)
    cursor(page)
    upload(page, "letter.mp4", b"no video at all " * 99)
    alert = page.get_by_test_id("stAlert").first
    alert.wait_for()
    assert "letter.mp4" in alert.inner_text() and "Traceback" not in page.content()
    cursor(page)


@pytest.mark.parametrize("width", [820, 1440])
@pytest.mark.parametrize("name", ["", "memory", "glance", f"glance?{EVERYTHING}", "skeleton"])
def test_nothing_is_cut_at_the_side(server, page, name, width):
    page.set_viewport_size({"width": width, "height": 1180})
    page.goto(f"{server}/{name}")
    cursor(page)
    page.wait_for_timeout(500)
    wide = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMain], .stApp')]"
        ".map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(wide) <= 1
    assert page.get_by_test_id("stException").count() == 0
