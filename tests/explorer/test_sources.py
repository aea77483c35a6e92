"""What can be looked at: samples, uploads and their names."""

from pathlib import Path

import pytest

from actviz.errors import ActvizError, ClipReadError
from explorer.sources import (
    check_file,
    file_for,
    in_words,
    keep_pair,
    keep_upload,
    own_source,
    samples,
)


def test_every_sample_has_pictures_and_joints_of_the_same_scene():
    assert len(samples()) == 8
    for source in samples().values():
        assert source.video is not None and source.video.is_file()
        assert source.skeleton is not None and source.skeleton.is_file()
        assert file_for(source, "mam") == source.video
        assert file_for(source, "man") == source.skeleton


def test_a_skeleton_file_has_nothing_for_models_that_need_pictures():
    source = own_source(Path("S001C001.skeleton"))
    assert file_for(source, "man") == Path("S001C001.skeleton")
    assert file_for(source, "mam") is None and file_for(source, "tmnet") is None


def test_man_takes_a_video_where_there_are_no_joints():
    assert file_for(own_source(Path("clip.mp4")), "man") == Path("clip.mp4")


def test_an_upload_keeps_its_name_but_never_leaves_its_folder(tmp_path):
    path = keep_upload(tmp_path, "../../etc/pass wd;.mp4", b"abc")
    assert path.is_relative_to(tmp_path) and path.read_bytes() == b"abc"
    assert path.name == "pass wd_.mp4"


def test_the_same_bytes_are_stored_once_and_other_bytes_apart(tmp_path):
    first = keep_upload(tmp_path, "clip.avi", b"one")
    assert keep_upload(tmp_path, "clip.avi", b"one") == first
    assert keep_upload(tmp_path, "clip.avi", b"two") != first


@pytest.mark.parametrize("name", ["", "..", ".hidden", "/"])
def test_odd_names_still_make_a_file(tmp_path, name):
    assert keep_upload(tmp_path, name, b"x").is_file()


def test_weights_and_card_are_stored_under_one_stem(tmp_path):
    path = keep_pair(tmp_path, [("card of mine.json", b"{}"), ("mine.safetensors", b"w")])
    assert path.name == "mine.safetensors" and path.with_suffix(".json").read_bytes() == b"{}"


def test_weights_that_carry_their_card_are_stored_alone(tmp_path):
    path = keep_pair(tmp_path, [("mine.safetensors", b"w")])
    assert path.read_bytes() == b"w" and not path.with_suffix(".json").exists()


PT, CARD, ONE, TWO = (
    ("a.pt", b""),
    ("a.json", b""),
    ("a.safetensors", b""),
    ("b.safetensors", b""),
)


@pytest.mark.parametrize("files", [[], [CARD], [PT, CARD], [ONE, TWO], [ONE, CARD, CARD]])
def test_uploads_that_are_no_weights_with_a_card_are_refused(tmp_path, files):
    with pytest.raises(ActvizError, match="both together"):
        keep_pair(tmp_path, files)


def test_a_missing_path_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ActvizError, match="no such file"):
        check_file(tmp_path / "none.mp4")


def test_errors_name_the_file_as_the_user_knows_it(tmp_path):
    path = tmp_path / "clip.mp4"
    assert in_words(ClipReadError(path, "no picture\n in it"), path) == "clip.mp4: no picture in it"
