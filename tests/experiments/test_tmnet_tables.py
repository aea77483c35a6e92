"""TMNet's tables from answers that nobody trained: accuracies, places, claims, printed figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_up import glanced_up

from actviz.experiments import EXPERIMENTS, Ask, get_experiment
from actviz.experiments.claims import judge
from actviz.experiments.statistics import Measured
from actviz.experiments.tmnet import figure5 as figure5_module
from actviz.experiments.tmnet import published, shared, table5, tables
from actviz.experiments.tmnet.grid import BRANCHES, Row, Runs, score
from actviz.experiments.tmnet.published import TABLE1, TABLE2, TABLE3, TABLE4, TABLE5
from actviz.learn.recipes import RECIPES

NAMES = [name for name in EXPERIMENTS if name.startswith("tmnet/table")] + ["tmnet/figure5"]


@pytest.fixture
def untrained(monkeypatch):
    """Tables of answers of which RB knows half of the clips and CB all, at every glance."""

    def train(rows, ask, *, seeds, data="puppets", root=None, protocols=("",)):
        made = {}
        for row in rows:
            for seed in range(ask.seeds or seeds):
                half = np.arange(24) % 2 == 0
                one = glanced_up({"rb": half, "cb": half | True, "both": half | True})
                for protocol in protocols:
                    made[row, seed, protocol] = one
        return Runs(data, tuple(range(ask.seeds or seeds)), made)

    for module in (shared, table5):
        monkeypatch.setattr(module, "train", train)


def test_every_printed_accuracy_is_a_number_of_clips_of_the_first_split_of_ucf101():
    assert len(list(published.accuracies())) == 92
    assert published.not_counts(3783) == []
    assert [92 - len(published.not_counts(n)) for n in (3734, 3696, 1530)] == [26, 41, 15]


def test_what_the_notes_say_of_the_printed_figures_is_so():
    assert TABLE1["1 frame"]["RB+CB"][1] < TABLE1["1 frame"]["CB"][1]  # U9
    assert TABLE4["middle", "middle"][1] == min(TABLE4["middle", t][1] for t in TABLE3)  # U6
    assert TABLE4["begin", "begin"] == TABLE4["end", "begin"]  # U6b
    assert TABLE1["16 frames"] == TABLE2["2/2"] != TABLE3["middle"]  # D4
    assert max(TABLE2, key=lambda row: TABLE2[row]["RB"][1]) == "2/2"  # U8
    others = [u for kind, u, _ in TABLE5.values() if kind != "TMNet"]
    above = [sum(u > TABLE5[name][1] for u in others) for name in TABLE5 if "TMNet" in name]
    assert above == [9, 7, 0]
    along = [{s: TABLE4[t, s][1] for s in TABLE3} for t in TABLE3]
    assert [round(max(r.values()) - min(r.values()), 1) for r in along] == [0.7, 0.8, 0.8]


def test_a_glance_in_a_third_is_the_mean_over_three_frames_of_it():
    right = np.zeros((2, 9), dtype=bool)
    right[0, [0, 4]], right[1, 3:6] = True, True
    answers = glanced_up({"both": right})
    assert score(answers, "both", "acc@1", "begin").tolist() == pytest.approx([1 / 3, 0])
    assert score(answers, "both", "acc@1", "middle").tolist() == pytest.approx([1 / 3, 1])
    assert score(answers, "both", "acc@1", "centre").tolist() == [1, 1]
    assert score(answers, "both", "acc@1", "together").tolist() == [0, 0]  # of nine, 2 and 3 right


def test_mean_class_accuracy_counts_every_class_alike():
    answers = glanced_up({"both": [True, False, True, False]}, labels=[0, 1, 0, 0])
    assert score(answers, "both", "acc@1", "centre").mean() == 0.5
    assert score(answers, "both", "mAP", "centre").mean() == pytest.approx((2 / 3 + 0) / 2)


def test_the_label_among_the_five_likeliest_is_enough_for_acc5():
    answers = glanced_up({"both": [False, False]}, classes=tuple("abcdefgh"))
    answers.glances["both"][0, :, 2:6] += 20  # four others before it, and the wrong one
    assert score(answers, "both", "acc@5", "centre").tolist() == [0, 1]


def test_over_several_splits_the_mean_of_their_shares():
    good, bad = (glanced_up({"both": [right] * 4}) for right in (True, False))
    runs = Runs("ucf101", (0,), {("a", 0, "split1"): good, ("a", 0, "split2"): bad})
    figure = runs.figure("a")
    assert figure.values == (0.5,) and figure.right.shape == (1, 8)
    assert runs.figure("a", "RB") is None  # TSN has no such branch


def test_glances_that_show_nothing_do_not_count_where_the_action_must_be_visible():
    right = np.zeros((3, 9), dtype=bool)
    right[0, :2], right[1] = True, True
    shown = np.zeros((3, 9), dtype=bool)
    shown[0, [1, 2]], shown[1, 8] = True, True
    marks = score(glanced_up({"both": right}), "both", "acc@1", "anywhere", shown=shown)
    assert marks.tolist() == [0.5, 1]  # the third clip shows nothing
    marks = score(glanced_up({"both": right}), "both", "acc@1", "begin", shown=shown)
    assert marks.tolist() == [0.5]


def test_claims_are_judged_once_more_where_the_action_is_visible():
    claim = tables._claims2(tuple(TABLE2))[0]
    there = shared.where_visible(claim)
    assert there.words.endswith("; action visible") and len(there.rivals) == len(claim.rivals)
    figures = _figures([claim], {("3/1", "RB+CB")})
    figures |= {(*key, shared.VISIBLE): figure for key, figure in figures.items()}
    assert [v.verdict for v in shared.twice([claim], figures)] == ["holds", "holds"]
    assert len(shared.twice([claim], {("3/1", "RB+CB"): Measured((0.9,))})) == 1  # real data


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_ours_beside_every_printed_figure_of_what_is_built(name, untrained):
    result = get_experiment(name)(Ask(seeds=2))
    table = result.tables[0]
    here = [line for line in table.lines if line.ours]
    assert here and all(set(line.ours) == {c.name for c in table.columns} for line in here)
    assert {v.verdict for v in table.verdicts} <= {"holds", "does not hold", "within the spread"}
    assert result.seeds == (0, 1) and result.trainings
    json.dumps([v.to_json() for v in table.verdicts], allow_nan=False)


def test_table1_shows_the_branches_as_they_answered(untrained):
    lines = {line.name: line for line in tables.table1(Ask()).tables[0].lines}
    assert lines["8 frames, RB"].ours["acc@1"].values == (0.5, 0.5, 0.5)
    assert lines["8 frames, CB"].ours["mAP"].mean == 1
    assert lines["64 frames, CB"].ours == {}  # printed, not built at puppets scale
    assert lines["16 frames, RB+CB"].published == {"mAP": 74.95, "acc@1": 75.26, "acc@5": 93.42}


def test_figure5_is_drawn_once_where_every_class_has_as_many_clips(untrained):
    result = figure5_module.figure5(Ask())
    figure = result.figures["figure5.png"]
    assert [axes.get_title("left") for axes in figure.axes] == [
        "accuracy of a glance at the centre",  # and of mAP, the same number, none
        "accuracy of glances that show the action",
    ]
    assert any("axis begins at" in text.get_text() for text in figure.texts)
    assert len(result.tables[0].lines) == 2 * len(figure5_module.ALPHAS) * len(BRANCHES)
    assert not any("AdamW" in str(v.claim.terms) for v in result.tables[0].verdicts)


def _figures(claims, keys):
    """Figures in which ``keys`` are high and all others low."""
    named = {k for claim in claims for k in (*claim.terms, *claim.rivals)}
    return {k: Measured((0.9, 0.9)) if k in keys else Measured((0.5, 0.5)) for k in named}


def test_claims_follow_the_figures():
    claims = tables._claims3(("begin", "middle", "end"))
    figures = _figures(claims, {("middle", "RB"), ("end", "RB+CB"), ("begin", "CB")})
    said = [judge(claim, figures).verdict for claim in claims[:3]]
    assert said == ["holds", "holds", "does not hold"]


def test_where_a_glance_looks_matters_more_if_it_costs_more_than_the_training():
    claims = tables._claims4()[-2:]
    trained_elsewhere = {(a, b) for a in ("begin", "end") for b in ("begin", "middle", "end")}
    figures = _figures(claims, trained_elsewhere | {("middle", "middle")})
    assert [judge(c, figures).verdict for c in claims] == ["holds", "holds"]


@pytest.mark.parametrize("data", ["puppets", "ucf101", "hmdb51"])
def test_every_row_that_is_trained_has_its_recipe(data):
    scale = "puppets" if data == "puppets" else "paper"
    rows = [*tables._lengths(Ask(scale=scale)).values(), *table5._rows(Ask(scale=scale)).values()]
    wanted = [row.wanted(Ask(), data, 0) for row in (*rows, *tables.trained_rows().values(), Row())]
    assert {w.recipe for w in wanted} <= set(RECIPES)
    assert all(w.filled().seed == 0 and w.glances == 9 for w in wanted)
