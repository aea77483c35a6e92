"""What a trace shows and says: its figure for print, its findings in words, whose weights spoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actviz import views
from actviz.clip.layouts import Layout, limbs_of
from actviz.clip.preprocess import crop_box
from actviz.datasets.puppets.gallery import truth_for
from actviz.trace.cam_methods import CAM_METHODS, has_class
from actviz.trace.flow import flow_words
from actviz.trace.run import MODELS, Traced
from actviz.trace.schema import (
    MAMTrace,
    MANTrace,
    SequenceTrace,
    TMNetTrace,
    Trace,
    TwoStreamTrace,
    moment_numbers,
)
from actviz.views.gaze import describe_gaze
from actviz.views.limbs import limbs_by
from actviz.views.print_limbs import Moments
from actviz.views.print_sequence import sequence_figure
from actviz.views.shading import (
    LEAST_LOSS,
    Shading,
    by_attention,
    by_attribution,
    by_masking,
    by_recalibration,
)
from actviz.views.standing import stand_up

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SHADES",
    "draw_figure",
    "flow_facts",
    "hips_of",
    "in_words",
    "maps_by",
    "outside_banner",
    "outside_note",
    "shades_of",
    "shading_of",
    "truth_of",
    "weights_note",
]


SHADES = ("masking", "evidence", "attention", "recalibration")  # what joints are marked by


def truth_of(trace: Trace) -> views.Truth | None:
    """What really happens in a bundled puppet clip; None for every other clip."""
    known = truth_for(trace.clip["sha256"])
    if known is None:
        return None
    truth = views.Truth(known.times_s, known.evidence, np.asarray(known.cuts_s, dtype=np.float64))
    if isinstance(trace, MAMTrace) and not np.array_equal(trace.shown_s, trace.times_s):
        return truth.shown_as(trace.times_s, trace.shown_s)
    return truth


def outside_note(trace: Trace) -> str | None:
    """The one fixed banner, where the clip is of another kind than the weights were trained on."""
    streams = (trace, trace.flow) if isinstance(trace, TwoStreamTrace) else (trace,)
    told = [str(one.weights.get("trained_on")) for one in streams]
    return outside_banner(" ".join(told), trace.clip["sha256"])


def outside_banner(trained_on: str, sha256: str) -> str | None:
    """The same for weights and the digest of a file; "" of a picture that is in no file."""
    inside = "puppets" not in trained_on or truth_for(sha256) is not None
    return None if inside else views.OUTSIDE_BANNER


def weights_note(trace: Trace) -> str:
    """What was changed, which weights spoke, of what flow, and, where it applies, the banner."""
    changed = trace.what_if if isinstance(trace, (MAMTrace, MANTrace)) else ""
    parts = [f"what if: {changed}"] if changed else []
    parts.append(views.weights_note(trace.weights))
    if isinstance(trace, TwoStreamTrace):
        beside = views.weights_note(trace.flow.weights).removeprefix("weights: ")
        parts.append(f"stream on flow: {beside}")
    if flow := flow_facts(trace):
        parts.append(flow_words(flow))
    outside = outside_note(trace)
    return " · ".join([*parts, outside] if outside else parts)


def flow_facts(trace: Trace) -> dict[str, Any] | None:
    """How the flow was made that a model, or its second stream, looked at; None: it saw none."""
    seen = trace.flow if isinstance(trace, TwoStreamTrace) else trace
    found: dict[str, Any] | None = seen.clip.get("flow")
    return found


def _name(trace: Trace) -> str:
    """The model, and which streams of it."""
    name = MODELS[trace.model]
    if isinstance(trace, TwoStreamTrace):
        return f"{name}, frames and flow,"
    return f"{name} on flow," if isinstance(trace, MAMTrace) and flow_facts(trace) else name


def _title(traced: Traced) -> str:
    (best, probability), *_ = traced.trace.top(1)
    title = f"{_name(traced.trace)} on {traced.trace.clip['name']}: {best} ({probability:.2f})"
    method = maps_by(traced.trace)
    return f"{title} · maps by {method}" if method else title


def maps_by(trace: Trace) -> str:
    """By which method the maps were made, where it is not the exact one; else empty."""
    if not isinstance(trace, TMNetTrace) or trace.cam_method == "cam":
        return ""
    return CAM_METHODS.get(trace.cam_method, trace.cam_method)


def draw_figure(traced: Traced) -> Figure:
    """The print figure of a trace: MAM's Figure 3, TMNet's Figure 6, MAN's attention, answers."""
    trace, truth = traced.trace, truth_of(traced.trace)
    title, note = _title(traced), weights_note(trace)
    if isinstance(trace, MANTrace):
        layout = traced.layout
        return views.attention_figure(
            trace.times_s,
            trace.attention,
            stand_up(trace.joints, trace.present, trace.times_s, hips=hips_of(layout)).joints,
            trace.present,
            trace.bones,
            left=layout.left,
            right=layout.right,
            root=traced.skeleton.root if traced.skeleton else "camera",
            truth=truth,
            title=title,
            note=note,
            **_limbs_and_moments(trace, layout),
        )
    assert traced.clip is not None  # all others look at pictures
    frames = traced.clip.frames
    if isinstance(trace, MAMTrace):
        return views.memory_figure(
            frames[trace.shown],
            trace.times_s,
            trace.write_probability,
            trace.written,
            trace.memory_size,
            threshold=trace.threshold,
            state_reset=trace.state_reset,
            flow_written=trace.flow.written if isinstance(trace, TwoStreamTrace) else None,
            truth=truth,
            title=title,
            note=note,
        )
    if isinstance(trace, SequenceTrace):
        return _sequence_figure(trace, frames, truth, title, note)
    assert isinstance(trace, TMNetTrace)
    return _glance_figure(trace, frames, truth, title, note)


def hips_of(layout: Layout) -> list[int]:
    """The joints whose middle is a person's place; none where the layout does not tell."""
    return [j for role in ("hip_left", "hip_right") for j in layout.roles.get(role, ())]


def shades_of(trace: MANTrace) -> tuple[str, ...]:
    """By which of ``SHADES`` this trace can mark joints, the one that tells most first."""
    facts = {"masking": trace.without_limb_at, "evidence": trace.attribution}
    facts |= {"recalibration": trace.moved, "attention": trace.attention}
    return tuple(name for name in SHADES if facts[name] is not None)


def shading_of(trace: MANTrace, layout: Layout, name: str | None = None) -> Shading:
    """How strongly each joint is marked, by one of ``shades_of(trace)``; None: by its first."""
    name = name or shades_of(trace)[0]
    if name == "masking" and trace.moments_s is not None:
        moment = moment_numbers(trace.times_s, trace.moments_s[:, 0])
        facts = (trace.limb_losses(), moment, limbs_of(layout), len(layout))
        return by_masking(*facts, class_name=trace.cam_class)
    if name == "evidence" and trace.attribution is not None:
        return by_attribution(trace.attribution, trace.cam_class)
    if name == "recalibration" and trace.moved is not None:
        return by_recalibration(trace.moved)
    return by_attention(trace.attention, *trace.joints.shape[1:3])


def _limbs_and_moments(trace: MANTrace, layout: Layout) -> dict[str, Any]:
    """What the figure shows of the evidence and of moments left out, as far as it is known."""
    if trace.attribution is None:
        return {}
    rows = limbs_by(limbs_of(layout), layout.joint_names, trace.present)
    shown: dict[str, Any] = {"shading": shading_of(trace, layout), "limbs": rows}
    if trace.without_moment is not None and trace.moments_s is not None:
        k = trace.classes.index(trace.cam_class)
        whole, without = float(trace.probabilities[k]), trace.without_moment[:, k]
        shown["moments"] = Moments(trace.moments_s, without, whole, trace.cam_class)
    return shown


def _glance_figure(
    trace: TMNetTrace,
    frames: NDArray[np.uint8],
    truth: views.Truth | None,
    title: str,
    note: str,
) -> Figure:
    k = trace.classes.index(trace.cam_class)
    return views.glance_figure(
        frames,
        trace.times_s,
        trace.cam_rb,
        trace.cam_cb,
        trace.probabilities_rb[:, k],
        trace.probabilities_cb[:, k],
        trace.probabilities[:, k],
        class_name=trace.cam_class,
        box=crop_box(*frames.shape[1:3]),
        branches=views.Branches(
            trace.disagreement,
            trace.agree,
            trace.memory_distance_rb,
            trace.memory_distance_cb,
        ),
        motion=trace.motion,
        motion_max=trace.motion_max,
        truth=truth,
        title=title,
        note=note,
    )


def _sequence_figure(
    trace: SequenceTrace,
    frames: NDArray[np.uint8],
    truth: views.Truth | None,
    title: str,
    note: str,
) -> Figure:
    name = trace.top(1)[0][0]
    return sequence_figure(
        frames,
        trace.times_s,
        trace.frame_probabilities[:, trace.classes.index(name)],
        class_name=name,
        title=title,
        attention=trace.attention,
        attention_max=trace.attention_max,
        box=crop_box(*frames.shape[1:3]),
        truth=truth,
        note=note,
    )


def in_words(traced: Traced, folder: str | Path) -> list[str]:
    """What a trace found, a line each, as the command line prints it."""
    trace = traced.trace
    best = ", ".join(f"{name} {probability:.2f}" for name, probability in trace.top(3))
    lines = [f"{_name(trace)} on {trace.clip['name']} ({trace.device}): {best}"]
    if isinstance(trace, MAMTrace):
        lines.append(f"wrote {int(trace.written.sum())} of {len(trace.written)} frames to memory")
        lines += _second_stream(trace) if isinstance(trace, TwoStreamTrace) else []
        lines.append(_speaks_most(trace))
    elif isinstance(trace, TMNetTrace):
        lines += _glances(trace)
    elif isinstance(trace, SequenceTrace):
        lines += _over_time(trace)
    elif isinstance(trace, MANTrace):
        peak = trace.times_s[trace.attention.argmax(1)]
        lines.append(
            "attention peaks at "
            + ", ".join(f"{c} {t:.2f} s" for c, t in zip("xyz", peak, strict=True))
        )
        lines += _rests_on(trace)
    lines += [f"note: {problem}" for problem in trace.clip["problems"]]
    return [*lines, weights_note(trace), f"{folder} written."]


def _speaks_most(trace: MAMTrace) -> str:
    """Which second of the clip adds most to the answer's logit."""
    k = int(trace.clip_probabilities.argmax())
    at, name = int(trace.contribution[:, k].argmax()), trace.classes[k]
    most, logit = float(trace.contribution[at, k]), float(trace.logits[k])
    if not trace.contribution.any():
        return f"nothing is in memory: {name} is the classifier's bias alone"
    if most <= 0:
        return f"no frame in memory speaks for {name}: its score is {logit:+.2f} by the bias"
    second = f"second {trace.shown_s[at]:.2f} of the clip speaks most for {name}"
    return f"{second}: {most:+.2f} of its score {logit:+.2f} (before softmax)"


def _rests_on(trace: MANTrace) -> list[str]:
    """The limb and the moment that the class attributed needs most, as far as they were masked."""
    if trace.without_limb_at is None or trace.moments_s is None:
        return []
    falls, name = trace.limb_losses(), trace.cam_class
    person, limb, moment = np.unravel_index(int(falls.argmax()), falls.shape)
    most = float(falls[person, limb, moment])
    if most < LEAST_LOSS:
        return [f"no limb at any one moment carries {name}: its log odds hardly fall without it"]
    whose = f" of person {person + 1}" if trace.present.any(0).sum() > 1 else ""
    start, end = trace.moments_s[moment]
    return [
        f"{name} rests most on the {trace.limbs[limb]}{whose} from {start:.2f} to {end:.2f} s: "
        f"without it the log odds fall by {most:.2f} nats"
    ]


def _second_stream(trace: TwoStreamTrace) -> list[str]:
    """What the stream on flow did, and what each stream answers alone."""
    flow, told = trace.flow, []
    for stream, probabilities, classes in (
        ("frames", trace.probabilities, trace.classes),
        ("flow", flow.probabilities, flow.classes),
    ):
        k = int(probabilities.argmax())
        told.append(f"{stream} alone {classes[k]} {probabilities[k]:.2f}")
    count = f"{int(flow.written.sum())} of {len(flow.written)}"
    return [f"the stream on flow wrote {count} snippets", ", ".join(told)]


def _glances(trace: TMNetTrace) -> list[str]:
    """What the maps show, whether the branches agree, and what moves."""
    by = f" by {maps_by(trace)}" if maps_by(trace) else ""
    shown = f"the evidence for {trace.cam_class}"
    if not has_class(trace.cam_method):
        shown = "what varies most over the picture, of no class"
    lines = [f"maps{by} show {shown}"]
    if trace.cam_max <= 0:
        lines = [f"no positive evidence for {trace.cam_class} in any frame{by}"]
    same = f"{int(trace.agree.sum())} of {len(trace.agree)}"
    lines.append(f"regression and classification branch give the same answer at {same} glances")
    if trace.motion is not None:
        lines.append(
            f"the fastest place moves {trace.motion_max:.1f} pixels from a frame to the next"
            if trace.motion_max
            else "nothing moves at these frames"
        )
    return lines


def _over_time(trace: SequenceTrace) -> list[str]:
    """How a rival's answer stands over time, and where it looks."""
    name = trace.top(1)[0][0]
    said = trace.frame_probabilities.argmax(1) == trace.classes.index(name)
    lines = [f"{name} is the answer at {int(said.sum())} of {len(said)} frames"]
    if trace.attention is not None:
        gaze = {"attention_max": trace.attention_max}
        lines.append(describe_gaze(trace.times_s, trace.attention, **gaze))
    return lines
