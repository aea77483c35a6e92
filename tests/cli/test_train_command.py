"""``actviz train`` and ``actviz recipes`` as a user reads them."""

from __future__ import annotations

import json

from actviz.cli import main

TINY = ("train_clips=12", "val_clips=12", "test_clips=12", "epochs=1", "batch_size=6", "frames=16")


def test_training_ends_with_how_good_the_weights_are(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    settings = [
        word for s in (*TINY, "hidden=8", "repeats=1", "device=cpu") for word in ("--set", s)
    ]
    assert main(["train", "puppets/man", *settings, "--out", str(tmp_path / "run")]) == 0
    *_, figures, written = capsys.readouterr().out.splitlines()
    top1 = json.loads((tmp_path / "run" / "best.json").read_text())["metrics"]["top1"]
    assert figures == f"test: top-1 {top1:.2%} of 12 clips."
    assert written == f"{tmp_path / 'run' / 'best.safetensors'} written."


def test_recipe_in_full_marks_what_no_paper_gives(capsys):
    main(["recipes", "ucf101/mam-vgg16-flow"])
    told = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if " " in line
    )
    assert told["dropout"].endswith("(ours)") and told["clip_norm"] == "20.0"
    assert told["epochs"] == "by iterations"
