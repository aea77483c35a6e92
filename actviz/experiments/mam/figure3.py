"""MAM's Figure 3: six frames of a clip, and which of them it wrote, beside the truth.

The paper shows four clips of HMDB51 in which MAM skips what does not show the action. Four clips
that someone chose prove nothing; puppets know which frames show the action, so that here all test
clips are marked, and of the figure's clips each is the first of its group in the test set.
Videos given with ``--data`` get figures, too, without marks: their truth is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from actviz.clip.sampling import segment_indices
from actviz.datasets.puppet_set import COARSE
from actviz.datasets.puppets import ACTIONS, make_scene, scene_seeds
from actviz.experiments.base import Ask, Line, Result, Table
from actviz.experiments.claims import Claim, above, judge, over
from actviz.experiments.mam.grid import AS_RIVALS, clip_limits
from actviz.experiments.mam.published import NOTES
from actviz.experiments.mam.real_clips import real_figures
from actviz.experiments.mam.writing import ACCURACY, WRITES, figures_of
from actviz.experiments.trainings import Answers, Wanted, train_all

__all__ = ["figure3"]

SEEDS = 5
RECIPE = "puppets/mam-head"
SIX = 6  # frames: the paper's Figure 3 shows as many, and its bars end on sixths
_SIZE = 160  # pixels of a picture in the figure
_ROWS = {f"{n} frames": AS_RIVALS | {"frames": n} for n in (SIX, 16)}
_MEASURED = (
    "Puppets, RGB, frozen features, all 600 test clips; mean ± standard deviation over seeds. "
    "Precision: of the written frames, those that show the action, to be read against its chance; "
    "recall: of the frames that show it, those written (below 1 is natural, since a mean over some "
    "of several alike frames is enough); AUROC: a frame that shows it has the higher write "
    "probability of two of a clip, chance 0.5.",
)


def figure3(ask: Ask) -> Result:
    """Decisions of MAM on test clips, marked against the truth."""
    real, words = real_figures(ask.data, SIX) if ask.data is not None else ({}, [])
    seeds = tuple(range(ask.seeds or SEEDS))
    wanted = {
        name: [Wanted(RECIPE, clip_limits(RECIPE, ask, own | {"seed": seed})) for seed in seeds]
        for name, own in _ROWS.items()
    }
    order = [one for row in wanted.values() for one in row]
    done = iter(train_all(order, jobs=ask.jobs, fresh=ask.fresh, progress=ask.progress))
    runs = {name: [next(done) for _ in row] for name, row in wanted.items()}
    figures = {(n, c): f for n, row in runs.items() for c, f in figures_of(row).items()}
    first = runs[f"{SIX} frames"][0]
    shown = _shown(first)
    table = Table(
        name="figure3",
        title="What MAM writes, against what shows the action",
        columns=(ACCURACY, *WRITES),
        lines=tuple(Line(name, ours=figures_of(row)) for name, row in runs.items()),
        verdicts=tuple(judge(claim, figures) for claim in _claims()),
        chance={ACCURACY.name: 1 / len(ACTIONS), "AUROC": 0.5},
        measured=_MEASURED,
        notes=(NOTES["T8"], *(_in_words(first, row) for row in shown), *words),
    )
    drawn = {_file(first, row): _draw(first, row, seeds[0]) for row in shown}
    facts = [
        {"row": name, **one.facts, "test_top1": round(float(one.right.mean()), 6)}
        for name, row in runs.items()
        for one in row
    ]
    return Result((table,), seeds=seeds, trainings=tuple(facts), figures=drawn | real)


def _claims() -> list[Claim]:
    said: list[Claim] = []
    for name in _ROWS:
        said += [
            above(
                f"written frames show the action more often than chance ({name})",
                (name, "precision"),
                (name, "chance of precision"),
                source="Figure 3",
            ),
            over(
                f"write probabilities rank the action's frames above others ({name})",
                (name, "AUROC"),
                0.5,
                source="Figure 3",
                unit="0-1",
            ),
            over(
                f"more than half of the action's frames are written ({name})",
                (name, "recall"),
                0.5,
                source="ours",
            ),
        ]
    return said


def _shown(answers: Answers) -> list[int]:
    """The first test clip of each group of actions, as places among the answers."""
    firsts = [
        next((i for i, k in enumerate(answers.labels) if ACTIONS[k] in names), None)
        for names in COARSE.values()
    ]
    return [row for row in firsts if row is not None]


def _file(answers: Answers, row: int) -> str:
    return f"figure3-{ACTIONS[answers.labels[row]].replace(' ', '-')}.png"


def _in_words(answers: Answers, row: int) -> str:
    """Which of a clip's frames were written, and whether that was right."""
    written, evidence = (answers.curves[n][row] for n in ("written", "evidence"))
    bar = "".join("1" if on else "0" for on in written)
    truth = "".join("1" if on else "0" for on in evidence)
    action, answer = (ACTIONS[k] for k in (answers.labels[row], answers.logits[row].argmax()))
    return (
        f"{answers.keys[row]}, {action}: written {bar}, action visible {truth}, "
        f"{int((written == evidence).sum())} of {len(written)} decisions right; answer {answer}."
    )


def _draw(answers: Answers, row: int, seed: int) -> Any:
    """The clip's six frames over the decision bar and the truth."""
    from actviz.views import Truth, memory_figure

    clips = len(answers.keys)
    scene = make_scene(int(scene_seeds("test", clips)[row]))
    written, probability = (answers.curves[n][row] for n in ("written", "write_probability"))
    at = segment_indices(len(scene), len(written))
    truth = scene.truth
    right = int((written == answers.curves["evidence"][row]).sum())
    action, answer = (ACTIONS[k] for k in (answers.labels[row], answers.logits[row].argmax()))
    return memory_figure(
        scene.render(at.tolist(), size=_SIZE),
        truth.times_s[at],
        probability,
        written,
        np.cumsum(written),
        threshold=0.5,
        title=f"{action}: MAM answers {answer}; {right} of {len(written)} decisions right",
        truth=Truth(truth.times_s, truth.evidence, truth.cuts_s),
        note=f"{RECIPE} on {len(written)} frames, seed {seed} · puppet clip {answers.keys[row]}",
    )
