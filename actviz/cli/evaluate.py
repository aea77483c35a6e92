"""``actviz evaluate``: scores of weights on a data set, alone or with other streams."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

if TYPE_CHECKING:
    from actviz.learn.evaluation import Evaluation

__all__ = ["add_evaluate"]

_SHOWN = 3  # skipped clips, and lowest classes, that are named


def add_evaluate(commands: Commands) -> None:
    parser = add_command(
        commands, "evaluate", _evaluate, "score weights by a paper's test protocol"
    )
    parser.epilog = (
        "Views: 25x10 is 25 segments in ten crops each, 10-crop the frames of training in ten "
        "crops, 25 and centre the same in the centre crop, 25-clips 25 runs of consecutive frames, "
        "glance one middle frame. A folder that an earlier evaluation wrote may stand for weights: "
        "its answers are taken, no network runs."
    )
    parser.add_argument("checkpoint", type=Path, help="weights, or the folder of an evaluation")
    parser.add_argument("--data", metavar="ROOT", help="folder or CSV list (puppets need none)")
    parser.add_argument("--dataset", default="", metavar="NAME", help="default: what ROOT is")
    parser.add_argument("--protocol", default="", help="official split (default: the weights' own)")
    parser.add_argument("--part", default="test", help="test (default), val or train")
    parser.add_argument("--views", default="", help="default: those of the weights' recipe")
    parser.add_argument(
        "--with", action="append", default=[], dest="others", metavar="FILE[:WEIGHT]",
        help="another stream to fuse with, weighing so much against 1 (TSN: flow 1.5, MAM: 1)",
    )  # fmt: skip
    parser.add_argument("--fuse", default="logits", help="what is fused: logits (default), softmax")
    parser.add_argument(
        "--clips", type=int, default=0, metavar="N",
        help="score N clips, spread evenly over the part (default 0: all; of puppets 600)",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=int, default=0, help="pictures at once (default: by memory)"
    )
    parser.add_argument("--out", type=folder, help="folder (default: beside the weights)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--prepared", type=Path, metavar="DIR", help="of `actviz data prepare`")


def _evaluate(options: argparse.Namespace) -> None:
    from actviz.learn.evaluation_files import check_writable, is_saved, save_evaluation
    from actviz.learn.fusion import check_fusion, fuse

    streams = [(options.checkpoint, 1.0), *map(_stream, options.others)]
    check_fusion([weight for _, weight in streams], options.fuse)
    for path, _ in streams:
        if not path.exists():  # said before hours are spent on the first one
            raise ActvizError(f"{path}: expected weights, or a saved evaluation; there is nothing.")
    if options.out:
        check_writable(options.out)
    done = [_one(path, options) for path, _ in streams]
    result, out = done[0], options.out
    if len(done) > 1:
        out = out or _beside(options.checkpoint, done[0], "fused-")
        for number, ((path, _), one) in enumerate(zip(streams, done, strict=True), 1):
            if not is_saved(path):  # each stream's own answers are dear: kept beside the fused
                save_evaluation(one, out / f"stream-{number}")
        result = fuse(done, [weight for _, weight in streams], how=options.fuse)
    elif out is None and not is_saved(options.checkpoint):
        out = _beside(options.checkpoint, result)
    if out is not None:
        result = replace(result, provenance={"command": _command(options), **result.provenance})
        save_evaluation(result, out)
    print("\n".join(in_words(result)))
    if out is not None:
        print(f"{out} written.")


def _one(path: Path, options: argparse.Namespace) -> Evaluation:
    from actviz.learn.evaluation_files import is_saved, load_evaluation

    if is_saved(path):
        return load_evaluation(path)
    from actviz.learn.evaluate import evaluate

    named = ("data", "dataset", "protocol", "part", "views", "clips", "batch", "device", "prepared")
    with Bar() as bar:
        return evaluate(path, progress=bar, **{name: getattr(options, name) for name in named})


def _stream(text: str) -> tuple[Path, float]:
    """``FILE:WEIGHT``, or ``FILE`` alone, which weighs 1."""
    path, colon, weight = text.rpartition(":")
    try:
        return (Path(path), float(weight)) if colon else (Path(text), 1.0)
    except ValueError:
        return Path(text), 1.0


def _beside(checkpoint: Path, done: Evaluation, kind: str = "") -> Path:
    """Where results go unless told: beside the weights, or under runs/ for the bundled ones."""
    from actviz.learn.checkpoints import WEIGHTS

    name = f"{kind}evaluation-{done.part}-{done.views}"
    home = checkpoint.parent
    if checkpoint.stem not in ("best", "last") and not checkpoint.is_dir():
        name = f"{checkpoint.stem}-{name}"
    return (Path("runs") if home.resolve() == WEIGHTS.resolve() else home) / name


def _command(options: argparse.Namespace) -> str:
    """The command that makes these figures again."""
    words = ["actviz", "evaluate", str(options.checkpoint)]
    usual = {"part": "test", "fuse": "logits", "device": "auto", "clips": 0, "batch": 0}
    names = ("data", "dataset", "protocol", "part", "views", "fuse", "clips", "batch", "prepared")
    for name in (*names, "device"):
        value = getattr(options, name)
        if value not in (None, "", usual.get(name)):
            words += [f"--{name}", str(value)]
    words += [word for other in options.others for word in ("--with", other)]
    return shlex.join(words)


def in_words(done: Evaluation) -> list[str]:
    """The scores as a short table."""
    from actviz.learn.evaluation_files import views_in_words

    scores, facts = done.scores(), done.provenance
    what = " ".join(str(facts[k]) for k in ("dataset", "protocol") if facts.get(k))
    listed = len(done) + len(done.skipped)
    count = f"{len(done):,} clips" if listed == len(done) else f"{len(done):,} of {listed:,} clips"
    lines = [f"{what} {done.part}: {count}, {views_in_words(done.views)}".strip()]
    for key, words in (("top1", "top-1"), ("top5", "top-5"), ("mean_class", "mean class")):
        if key in scores:
            low, high = scores["intervals"][key]
            sure = f"95 %: {low:.2%} to {high:.2%}"
            few = "too few clips a class for an interval"  # none of them drawn otherwise
            lines.append(_row(words, scores[key], sure if low < high else few))
    for branch, told in scores.get("branches", {}).items():
        lines.append(_row(f"top-1, {branch.upper()} alone", told["top1"], ""))
    for group, told in scores.get("per_group", {}).items():
        if told["clips"]:
            lines.append(_row(group, told["accuracy"], f"{told['right']} of {told['clips']}"))
    known = [(share, name) for name, share in scores["per_class"].items() if share is not None]
    lowest = ", ".join(f"{name} {share:.0%}" for share, name in sorted(known)[:_SHOWN])
    lines += [f"{'lowest classes':<28} {lowest}", *_truth_lines(done.truth)]
    if done.skipped:
        lines.append(f"{len(done.skipped)} clips skipped, not counted:")
        some = list(done.skipped.items())[:_SHOWN]
        lines += [f"  {key}: {why}" for key, why in some]
        if len(done.skipped) > _SHOWN:
            lines.append("  … the others in evaluation.json")
    return lines


def _row(words: str, share: float, more: str) -> str:
    return f"{words:<28} {share:8.2%}   {more}".rstrip()


def _truth_lines(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Scores that only puppets have, a line for each group of numbers."""
    plain = {k: v for k, v in values.items() if not isinstance(v, Mapping)}
    if plain:
        numbers = ", ".join(f"{k} {v:.4f}" for k, v in plain.items() if isinstance(v, float))
        yield f"{before or 'truth':<28} {numbers}"
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _truth_lines(value, f"{before} {key}".strip())
