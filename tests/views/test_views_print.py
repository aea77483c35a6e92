"""Figures for print: the papers' figures with their axes, colours, words and honest notes."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from views_fakes import BONES, LEFT, RIGHT, make

from actviz.views import attention_figure, glance_figure, memory_figure, sheet
from actviz.views.printing import short_title
from actviz.views.theme import ATTENTION, LIGHT, SKIPPED, WRITTEN


def memory(clip, **more) -> Figure:
    arrays = clip.frames, clip.times_s, clip.probability, clip.written, clip.memory_size
    return memory_figure(*arrays, **{"threshold": 0.5, "title": "throw"} | more)


def glance(clip, **more) -> Figure:
    rb = clip.probability
    arrays = clip.frames, clip.times_s, clip.maps, 0.5 * clip.maps, rb, 0.7 * rb, 0.85 * rb
    return glance_figure(*arrays, **{"class_name": "throw", "title": "throw"} | more)


def attention(clip, **more) -> Figure:
    arrays = clip.times_s, clip.attention, clip.joints, clip.present, BONES
    return attention_figure(*arrays, **{"left": LEFT, "right": RIGHT, "title": "throw"} | more)


ALL = pytest.mark.parametrize("draw", [memory, glance, attention])


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def patches(figure: Figure, gid: str) -> list[Rectangle]:
    return [patch for patch in figure.findobj(Rectangle) if patch.get_gid() == gid]


@ALL
def test_any_length_draws_with_seconds_below(draw, fake):
    figure = draw(fake, truth=fake.truth, note="weights: puppets/mam (trained on puppets)")
    figure.draw_without_rendering()
    assert [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()] == ["time, s"]
    assert "trained on puppets" in words(figure)


@ALL
def test_text_is_at_least_12_points(draw, clip16):
    figure = draw(clip16, truth=clip16.truth, note="a note")
    figure.draw_without_rendering()
    sizes = [t.get_fontsize() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]
    assert min(sizes) >= 12


@ALL
def test_truth_is_hatched_where_the_action_is(draw, clip16):
    spans = patches(draw(clip16, truth=clip16.truth), "truth")
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in spans] == clip16.truth.spans()
    assert all(patch.get_hatch() == "////" for patch in spans)
    assert not patches(draw(clip16), "truth")


@ALL
def test_no_text_leaves_the_page(draw, clip16):
    figure = draw(clip16, truth=clip16.truth, note="word " * 60, title="Wide Words " * 20)
    figure.draw_without_rendering()
    shown = list(figure.texts)
    for axes in figure.axes:
        shown += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
    for text in (text for text in shown if text.get_text()):
        extent = text.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1, text.get_text()
        assert extent.y0 >= 0 and extent.y1 <= figure.bbox.y1, text.get_text()


@ALL
def test_names_with_dollar_signs_are_drawn_as_they_are(draw, clip16):
    name = r"a$\foo$b.mp4"
    more = {"class_name": name} if draw is glance else {}
    figure = draw(clip16, title=name, note=f"trained on {name}", truth=clip16.truth, **more)
    figure.draw_without_rendering()
    assert words(figure).count(name) >= 2


@ALL
def test_a_long_file_name_leaves_the_answer_in_the_title(draw, clip16):
    figure = draw(clip16, title=f"MAM on {'long_name_' * 20}take7.mp4: cricket bowling (0.97)")
    title = figure.texts[0].get_text()
    assert title.startswith("MAM on long_name_")
    assert title.endswith("take7.mp4: cricket bowling (0.97)")
    assert len(title) <= 76


@pytest.mark.parametrize("title", ["x" * 300, "a: " + "y" * 300, "word " * 60, "short: b (0.5)"])
def test_titles_are_cut_to_length(title):
    assert len(short_title(title)) <= 76
    assert short_title(title)[:5] == title[:5]


def test_sheet_takes_dollar_signs_as_they_are(clip16):
    figure = sheet(clip16.frames, [r"$\foo$"] * 16, title=r"$\foo$", note=r"$\foo$")
    figure.draw_without_rendering()


def test_decision_bar_is_green_where_written_and_blue_where_skipped(clip16):
    figure = memory(clip16)
    for gid, look, count in (
        ("written", WRITTEN, clip16.written.sum()),
        ("skipped", SKIPPED, (~clip16.written).sum()),
    ):
        bars = patches(figure, gid)
        assert len(bars) == count
        assert {matplotlib.colors.to_hex(b.get_facecolor()).upper() for b in bars} == {look.colour}


def test_many_frames_leave_no_white_in_the_decision_bar():
    for count, white in ((16, True), (250, False)):
        bars = patches(memory(make(count)), "written") + patches(memory(make(count)), "skipped")
        paper = matplotlib.colors.to_rgb(LIGHT.paper)
        assert all((bar.get_edgecolor()[:3] == paper) == white for bar in bars)


def test_memory_figure_says_how_many_frames_it_shows():
    assert "frames shown" not in words(memory(make(6)))
    assert "8 of 64 frames shown, evenly in time" in words(memory(make(64)))


def test_memory_figure_has_units_and_zero():
    axes = {a.get_ylabel().replace("\n", " "): a for a in memory(make(16)).axes}
    for label in ("write probability", "memory size, items"):
        low, high = axes[label].get_ylim()
        assert low <= 0 < high


def test_an_empty_memory_is_said_in_words(clip16):
    nothing = np.zeros(16, dtype=bool)
    arrays = clip16.frames, clip16.times_s, clip16.probability, nothing, 0 * clip16.memory_size
    figure = memory_figure(*arrays, threshold=0.99, title="t")
    assert "memory is empty: nothing was written" in words(figure)
    assert "0 written" in words(figure)


def test_one_colour_bar_serves_both_branches(clip16):
    bars = [axes for axes in glance(clip16).axes if axes.get_label() == "colour bar"]
    assert len(bars) == 1
    assert "evidence for throw" in bars[0].get_ylabel()


def test_maps_without_evidence_say_so_and_have_no_colour_bar(clip16):
    zero = np.zeros_like(clip16.maps)
    rb = clip16.probability
    figure = glance_figure(
        clip16.frames, clip16.times_s, zero, zero, rb, rb, rb, class_name="throw", title="t"
    )
    assert words(figure).count("no positive evidence for throw") == 2
    assert "highest evidence" not in words(figure)
    assert not [axes for axes in figure.axes if axes.get_label() == "colour bar"]


def test_glance_figure_shows_the_frame_of_highest_evidence(clip16):
    maps = np.zeros((16, 3, 3))
    maps[6] = 1.0
    rb = clip16.probability
    arrays = clip16.frames, clip16.times_s, maps, 0 * maps, rb, rb, rb
    said = words(glance_figure(*arrays, class_name="throw", title="t", columns=3))
    assert f"{clip16.times_s[6]:.2f} s" in said
    assert "highest evidence among them" in said
    assert said.count("no positive evidence for throw") == 1


def test_glance_figure_names_branches_with_probabilities(clip16):
    said = words(glance(clip16, columns=4, box=(0, 4, 24)))
    assert "4 of 16 frames shown" in said
    for branch, factor in (("RB", 1.0), ("CB", 0.7)):
        assert f"{branch} {factor * clip16.probability[0]:.2f}" in said
    most = clip16.maps.max()
    assert f"RB to {most:.2f}, CB to {most / 2:.2f}" in said  # on the one scale, how far each


@pytest.mark.parametrize("shape", [(24, 24), (24, 32), (24, 56), (24, 72), (32, 24)])
@pytest.mark.parametrize("columns", [3, 6, 9])
def test_row_names_of_the_glance_figure_never_touch(clip16, shape, columns):
    frames = np.zeros((16, *shape, 3), dtype=np.uint8)
    rb = clip16.probability
    arrays = frames, clip16.times_s, clip16.maps, clip16.maps, rb, rb, rb
    figure = glance_figure(*arrays, class_name="throw", title="t", columns=columns)
    figure.draw_without_rendering()
    names = [axes.yaxis.label.get_window_extent() for axes in figure.axes[:4]]
    assert all(upper.y0 >= lower.y1 + 2 for upper, lower in itertools.pairwise(names))
    assert min(name.x0 for name in names) >= 0


def test_attention_curves_have_their_colours(clip16):
    lines = {line.get_label(): line for axes in attention(clip16).axes for line in axes.lines}
    for name, look in ATTENTION.items():
        assert lines[name].get_color() == look.colour
        assert lines[name].get_linestyle() == look.mpl_dash


def test_nearly_flat_attention_is_labelled_with_three_decimals(clip16):
    flat = 0.5 + 0.01 * clip16.attention
    arrays = clip16.times_s, flat, clip16.joints, clip16.present, BONES
    said = words(attention_figure(*arrays, left=LEFT, right=RIGHT, title="t"))
    assert f"z  {flat[2, -1]:.3f} at the end" in said
    assert "z  0.40 at the end" in words(attention(clip16))


def test_poses_of_two_people_and_of_nobody(pair16):
    present = pair16.present.copy()
    present[:, 1] = False
    present[0] = False
    arrays = pair16.times_s, pair16.attention, pair16.joints, present, BONES
    figure = attention_figure(*arrays, left=LEFT, right=RIGHT, title="t")
    assert "nobody" in words(figure)
    attention(pair16).draw_without_rendering()


def test_people_centred_at_their_hips_stand_side_by_side(pair16):
    joints = pair16.joints - pair16.joints[:, :, :1]
    arrays = pair16.times_s, pair16.attention, joints, pair16.present, BONES
    look = {"left": LEFT, "right": RIGHT, "title": "t"}
    assert "1 m apart" in words(attention_figure(*arrays, **look, root="hips"))
    assert "1 m apart" not in words(attention_figure(*arrays, **look))
    first = [pair16.times_s, pair16.attention, joints[:, :1], pair16.present[:, :1], BONES]
    assert "1 m apart" not in words(attention_figure(*first, **look, root="hips"))
    with pytest.raises(ValueError, match="root must be"):
        attention_figure(*arrays, **look, root="neck")


def test_joints_all_nan_are_refused(clip16):
    joints = np.full_like(clip16.joints, np.nan)
    with pytest.raises(ValueError, match="no pose to draw"):
        attention_figure(
            clip16.times_s, clip16.attention, joints, clip16.present, BONES,
            left=LEFT, right=RIGHT, title="t",
        )  # fmt: skip


def test_curves_all_nan_and_maps_out_of_range_are_refused(clip16):
    nan = np.full(16, np.nan)
    with pytest.raises(ValueError, match="no finite number"):
        arrays = clip16.frames, clip16.times_s, nan, clip16.written, clip16.memory_size
        memory_figure(*arrays, threshold=0.5, title="t")
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        rb = clip16.probability
        arrays = clip16.frames, clip16.times_s, 3 * clip16.maps, clip16.maps, rb, rb, rb
        glance_figure(*arrays, class_name="throw", title="t")


def test_frames_of_another_shape_are_refused(clip16):
    arrays = clip16.times_s, clip16.probability, clip16.written, clip16.memory_size
    with pytest.raises(ValueError, match=r"\(T, H, W, 3\)"):
        memory_figure(clip16.frames[..., 0], *arrays, threshold=0.5, title="t")
    with pytest.raises(ValueError, match="one picture per time"):
        memory_figure(clip16.frames[:3], *arrays, threshold=0.5, title="t")


def test_sheet_shows_every_picture_with_its_words(clip16):
    figure = sheet(clip16.frames, [f"no {i}" for i in range(16)], title="sheet", columns=5)
    assert len(figure.axes) == 16
    assert "no 15" in words(figure)
    assert figure.get_facecolor()[:3] == matplotlib.colors.to_rgb(LIGHT.paper)


def test_sheet_of_heat_has_one_colour_bar_that_says_what_it_means(clip16):
    figure = sheet(clip16.frames, [""] * 16, title="sheet", heat="evidence")
    assert [axes.get_label() for axes in figure.axes].count("colour bar") == 1
    assert "evidence: 0" in words(figure)


def test_figures_leave_matplotlib_as_it_was(clip16):
    before = dict(matplotlib.rcParams)
    memory(clip16).draw_without_rendering()
    assert dict(matplotlib.rcParams) == before
