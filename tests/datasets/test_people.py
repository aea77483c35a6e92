"""Who is in a clip, told by its name, and splits by people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actviz.cli import main
from actviz.datasets.base import DatasetError
from actviz.datasets.folder import open_folder
from actviz.datasets.people import people_in


def people(root: Path, *names: str) -> list[str]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"clip")
    return [sample.group for sample in open_folder(root).samples]


def four(pattern: str, *numbers: int) -> list[str]:
    return [pattern.format(p=p, e=e) for p in numbers for e in (1, 2)]


@pytest.mark.parametrize(
    "pattern",
    [
        "a01_s{p:02}_e{e:02}_skeleton",
        "a1_s{p}_t{e}_skeleton",
        "P{e}_1_1_p{p:02}",
        "GestureRecording_Id{e}actor{p}idAction2category1",
        "S001C00{e}P{p:03}R001A050",
        "Subject {p}/take {e}",
        "person{p:02}_wave_d{e}",
        "S{p}-clip-{e}",
    ],
)
def test_people_are_known_however_the_field_writes_them(pattern: str) -> None:
    assert people_in(four(pattern, 3, 12)) == ["3", "3", "12", "12"]


@pytest.mark.parametrize(
    "names",
    [
        ["wave 1", "wave 2"],
        four("s{p}_{e}", 1),  # one person alone
        [f"clip_s{n}" for n in range(6)],  # numbers of clips
        [*four("s{p}_{e}", 1, 2), "extra"],
        ["steps1", "steps1b", "maps2", "maps2b"],
    ],
)
def test_names_that_do_not_tell_people_leave_them_unknown(names: list[str]) -> None:
    assert people_in(names) == [""] * len(names)


def test_cross_subject_trains_on_odd_people_whatever_part_they_lie_in(tmp_path: Path) -> None:
    people(tmp_path, *(f"{k}/{n}.npz" for k in "ab" for n in four("s{p:02}_e{e}", 1, 2, 5)))
    data = open_folder(tmp_path)
    assert data.protocols[:3] == ("given", "cross-subject", "leave-one-out/1")
    assert "3 people, told by file names" in data.notes[1]
    split = data.split("cross-subject")
    assert {s.group for s in split.train} == {"1", "5"}
    assert [s.key for s in split.test] == ["a/s02_e1", "a/s02_e2", "b/s02_e1", "b/s02_e2"]
    assert {s.group for s in data.split("leave-one-out/5").test} == {"5"}
    assert len(data.split().train) == 12


def test_people_of_a_table_without_numbers_are_counted_in_their_order(tmp_path: Path) -> None:
    rows = [f"{who}{k}.npz,{k},{who}" for who in ("ann", "ben", "eve") for k in "ab"]
    (tmp_path / "clips.csv").write_text("\n".join(["path,action,subject", *rows]))
    split = open_folder(tmp_path / "clips.csv").split("cross-subject")
    assert [s.group for s in split.test] == ["ben", "ben"]


def test_a_class_that_only_tested_people_perform_is_refused(tmp_path: Path) -> None:
    names = [f"a/{n}.npz" for n in four("s{p}_{e}", 1, 2)]
    people(tmp_path, *names, "b/s2_1.npz", "b/s2_2.npz")
    with pytest.raises(DatasetError, match="cross-subject: expected clips of every class"):
        open_folder(tmp_path).split("cross-subject")


def test_videos_keep_to_the_given_split(tmp_path: Path) -> None:
    names = [f"{k}/{n}.mp4" for k in "ab" for n in four("s{p}_{e}", 1, 2)]
    assert people(tmp_path, *names) == [""] * 8
    assert open_folder(tmp_path).protocols == ("given",)


def test_a_check_of_skeletons_says_layout_people_and_lengths(tmp_path: Path, capsys) -> None:
    joints = np.random.default_rng(0).normal(0, 0.3, (9, 2, 20, 3)) + 3
    for name in four("s{p}_{e}", 1, 2):
        (tmp_path / "wave").mkdir(exist_ok=True)
        np.savez(tmp_path / "wave" / f"{name}.npz", joints=joints, layout="kinect-20", up="y")
    main(["data", "check", str(tmp_path), "--protocol", "cross-subject", "--workers", "0"])
    said = capsys.readouterr().out
    assert "skeletons: kinect-20; up to 2 people; 9 to 9 frames, half of them up to 9" in said
    assert "cross-subject      all" in said
