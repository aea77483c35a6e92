"""Every page through Streamlit's own test client: clean, on a sample, on bad files, from a URL."""

from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "explorer" / "app.py"
PAGES = {
    "memory": "mam",
    "glance": "tmnet",
    "skeleton": "man",
}


@pytest.fixture(autouse=True)
def _a_server_that_has_run_before(monkeypatch):
    """The test client starts every run as a fresh server, which takes ``pages/`` for an older kind
    of app until ``st.navigation`` was called; what that does is tested in the browser."""
    make = PagesManager.__init__

    def made(self, *given, **named):
        make(self, *given, **named)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", made)


def opened(page: str | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    if page:
        app.switch_page(f"pages/{page}.py").run()
    return app


def words(app: AppTest) -> str:
    shown = [*app.header, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(element.value for element in shown)


def test_the_first_page_shows_three_answers_without_a_click():
    app = opened()
    assert not app.exception and not app.error
    for question in ("What does it remember?", "What does one frame tell?", "Which moments matter"):
        assert question in words(app)
    assert words(app).count("trained on puppets") >= 3


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_clean_on_a_sample_and_names_its_weights(page):
    app = opened(page)
    assert not app.exception and not app.error
    assert f"puppets-{PAGES[page]}" in words(app) and "trained on puppets" in words(app)
    assert "lies outside" not in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_the_cursor_moves_by_key_and_slider(page):
    app = opened(page)
    before = app.session_state["frame"]
    app.button(key=f"next-{page}").click().run()
    assert app.session_state["frame"] != before
    app.button(key=f"back-{page}").click().run()
    assert app.session_state["frame"] == before
    app.select_slider(key=f"time-{page}").set_value(0).run()
    assert app.session_state["frame"] < 3
    assert f"frame {app.session_state['frame']} · " in words(app)


def test_an_address_restores_clip_and_frame():
    app = opened(clip="Throw", frame="30")
    assert app.session_state["clip"] == "throw" and app.session_state["frame"] == 30
    assert "**Throw**" in words(app.switch_page("pages/memory.py").run())


@pytest.mark.parametrize("frame", ["-5", "abc", "", "99999999", "1e9", "²"])
def test_a_senseless_frame_in_the_address_does_no_harm(frame):
    app = opened("memory", frame=frame)
    assert not app.exception and not app.error


def test_the_threshold_changes_what_is_written():
    app = opened("memory")
    app.slider(key="threshold").set_value(1.0).run()
    assert not app.exception
    assert "none was written" in words(app)


def fate(app: AppTest, wanted: str) -> None:
    """Do something to the frame at the cursor."""
    app.button_group(key="fate").set_value(wanted).run()


def test_nothing_is_asked_at_first_and_the_page_is_as_it_was():
    app = opened("memory")
    assert app.button_group(key="fate").value == ""
    assert "instead of" not in words(app)
    assert not [b for b in app.button if b.key == "as-it-was"]


def test_a_frame_skipped_by_force_changes_the_answer_and_one_button_takes_it_back():
    app = opened("memory", clip="Throw", frame="34")
    fate(app, "skip")
    assert not app.exception
    assert "With the frame of 2.83 s skipped: 8 instead of 9 of 16 frames" in words(app)
    assert app.session_state["fates"] == {34: "skip"}
    app.button(key="as-it-was").click().run()
    assert not app.exception and "instead of" not in words(app)
    assert app.session_state["fates"] == {}


def test_a_frame_can_be_left_out_and_taken_in_again():
    app = opened("memory", clip="Throw", frame="34")
    fate(app, "drop")
    assert not app.exception and "of 15 frames are written instead of 9 of 16" in words(app)
    assert "frame 34 · " in words(app)  # the cursor still finds it
    fate(app, "")
    assert not app.exception and "instead of" not in words(app)


def test_another_order_is_another_film_of_the_same_frames():
    app = opened("memory", clip="Throw")
    app.button_group(key="order").set_value("reversed").run()
    assert not app.exception and "With the frames reversed" in words(app)
    app.button_group(key="order").set_value("shuffled").run()
    app.number_input(key="shuffle").set_value(7).run()
    assert not app.exception and "With the frames shuffled" in words(app)


def test_an_address_restores_a_what_if():
    address = {"clip": "Throw", "frame": "34", "threshold": "0.6", "order": "reversed"}
    app = opened("memory", **address, skip="34", drop="1.4.x.99999999999", write="²")
    assert not app.exception and not app.error
    said = words(app)
    assert "With a threshold of 0.6, the frames reversed" in said
    assert "of 2.83 s skipped" in said and "left out" in said


def test_another_clip_forgets_what_was_done_to_frames():
    app = opened("memory", clip="Throw", frame="34", skip="34")
    assert "skipped:" in words(app)
    app.selectbox(key="clip").set_value("wave").run()
    assert not app.exception and app.session_state["fates"] == {}


def test_all_frames_left_out_leaves_one():
    everything = ".".join(str(n) for n in range(200))
    app = opened("memory", clip="Throw", drop=everything)
    assert not app.exception and not app.error
    assert " of 1 frames are written" in words(app)


@pytest.mark.parametrize("lanes", [[], ["contribution", "controller", "similarity"]])
def test_lanes_can_be_chosen_and_are_said_in_words(lanes):
    app = opened("memory")
    app.button_group(key="show").set_value(lanes).run()
    assert not app.exception
    said = words(app)
    assert ("The memory adds" in said) == ("contribution" in lanes)
    assert ("The controller's score" in said) == ("controller" in lanes)
    assert ("Similarity of a frame" in said) == ("similarity" in lanes)


def test_the_class_whose_logit_is_taken_apart_can_be_chosen():
    app = opened("memory", clip="Throw")
    assert "to the logit of throw" in words(app)
    app.selectbox(key="class").set_value("push").run()
    assert not app.exception and "to the logit of push" in words(app)


def test_a_gallery_picture_is_looked_at_and_the_old_cursor_is_forgotten():
    app = opened(frame="2")
    app.button(key="choose-push").click().run()
    assert app.session_state["clip"] == "push" and not app.exception
    assert "★" in words(app) or "push" in words(app)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"this is no video " * 50),
        ("noise.avi", bytes(range(256)) * 40),
        ("cut.skeleton", b"12\n1\n"),
        ("odd.npz", b"PK\x03\x04 nothing"),
    ],
)
def test_a_file_that_is_none_gets_one_sentence_and_the_sample_stays(name, data):
    app = opened()
    app.file_uploader(key="upload").upload(name, data, "application/octet-stream").run()
    assert not app.exception and len(app.error) == 1
    assert name in app.error[0].value and "/tmp" not in app.error[0].value
    assert app.session_state["clip"] in (None, "wave")


def test_a_path_that_is_none_gets_one_sentence():
    app = opened()
    app.text_input(key="path").set_value("/no/such/clip.mp4")
    app.button(key="open_path").click().run()
    assert not app.exception and "no such file" in app.error[0].value


def test_weights_that_are_none_get_one_sentence(tmp_path):
    bad = tmp_path / "mine.safetensors"
    bad.write_bytes(b"no weights")
    app = opened()
    app.text_input(key="weights_path").set_value(str(bad))
    app.button(key="use_weights").click().run()
    assert not app.exception and "not a whole safetensors file" in app.error[0].value


def test_weights_of_the_users_own_are_used_and_named(tmp_path):
    from actviz.learn.checkpoints import bundled, load_checkpoint, save_checkpoint

    loaded = load_checkpoint(bundled("mam"))
    mine = save_checkpoint(tmp_path / "mine.safetensors", loaded.model, loaded.card)
    app = opened()
    app.text_input(key="weights_path").set_value(str(mine))
    app.button(key="use_weights").click().run()
    assert not app.exception and not app.error
    assert "weights: mine (trained on" in words(app.switch_page("pages/memory.py").run())


def test_uploaded_weights_that_carry_their_card_need_no_second_file(tmp_path):
    from actviz.learn.checkpoints import bundled, load_checkpoint, save_checkpoint

    loaded = load_checkpoint(bundled("mam"))
    mine = save_checkpoint(tmp_path / "alone.safetensors", loaded.model, loaded.card)
    app = opened()
    kind = "application/octet-stream"
    app.file_uploader(key="weights_files").upload(mine.name, mine.read_bytes(), kind).run()
    app.button(key="use_weights").click().run()
    assert not app.exception and not app.error
    assert "weights: alone (trained on" in words(app.switch_page("pages/memory.py").run())


def test_joints_alone_are_for_man_and_the_other_pages_say_so():
    from explorer.sources import samples

    app = opened()
    joints = samples()["wave"].skeleton
    assert joints is not None
    app.text_input(key="path").set_value(str(joints))
    app.button(key="open_path").click().run()
    assert not app.exception and not app.error
    app.switch_page("pages/memory.py").run()
    assert "holds a skeleton" in words(app)
    app.switch_page("pages/skeleton.py").run()
    assert not app.exception and "puppets-man" in words(app)


def test_without_a_limb_the_answer_is_told_beside_what_it_was_and_one_button_takes_it_back():
    app = opened("skeleton", clip="Wave")
    assert "Without the right arm" not in words(app)
    app.button_group(key="without").set_value(["right arm"]).run()
    assert not app.exception and "Without the right arm: the answer" in words(app)
    app.slider(key="unseen").set_value((1.0, 2.0)).run()
    assert "and what happens from 1.00 to 2.00 s" in words(app)
    app.button(key="as-it-was").click().run()
    assert not app.exception and "Without the right arm" not in words(app)


def test_an_address_restores_what_is_kept_from_man_and_how_joints_are_marked():
    app = opened("skeleton", clip="Push", without="left leg", shade="recalibration", body="quality")
    assert not app.exception and "Without the left leg: the answer" in words(app)
    assert app.session_state["shade"] == "recalibration" and app.session_state["body"] == [
        "quality"
    ]


def test_the_evidence_of_another_class_can_be_looked_at():
    app = opened("skeleton", clip="Throw", body=["masking", "evidence"])
    for name in ("throw", "push"):
        app.selectbox(key="class").set_value(name).run()
        assert not app.exception and f"Evidence for {name}" in words(app)
        assert f"Fall of the log odds of {name}: most in" in words(app)


def test_a_video_without_a_pose_model_is_told_the_way_out(monkeypatch, tmp_path):
    from explorer.sources import samples

    monkeypatch.delenv("ACTVIZ_POSE_MODEL", raising=False)
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    app = opened()
    app.text_input(key="path").set_value(str(samples()["wave"].video))
    app.button(key="open_path").click().run()
    app.switch_page("pages/skeleton.py").run()
    assert not app.exception
    assert "9.4 MB" in words(app) and str(tmp_path / "cache") in words(app)
    app.text_input(key="pose_path").set_value("/no/such.task").run()
    app.button(key="use_pose").click().run()
    assert not app.exception and "no such file" in app.error[0].value


def test_pages_are_thin():
    for page in sorted((ROOT / "explorer" / "pages").glob("*.py")):
        assert len(page.read_text().splitlines()) <= 60, page.name


@pytest.mark.real
def test_a_real_clip_is_looked_at_under_the_banner(real_data):
    from actviz.views.theme import OUTSIDE_BANNER

    clip = real_data / "hmdb51" / "wave" / "TrumanShow_wave_f_nm_np1_fr_med_26.avi"
    app = opened()
    app.file_uploader(key="upload").upload(clip.name, clip.read_bytes(), "video/x-msvideo").run()
    assert not app.exception and not app.error
    for page in ("memory", "glance"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception and OUTSIDE_BANNER in words(app)
        assert clip.name in words(app)
