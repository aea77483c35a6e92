"""What every page has: header, banner, answer, working and failing states, exports."""

from __future__ import annotations

import io
import logging
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from actviz.errors import ActvizError
from actviz.report import curves_csv, draw_figure, outside_note, write_overlay
from actviz.trace.run import MODELS, StageProgress, Traced
from actviz.trace.schema import MANTrace, TMNetTrace, Trace
from actviz.views.answers import answer_bars, answer_change, describe_answer
from actviz.views.theme import weights_note as note_of
from explorer import compute, state
from explorer.compute import Ask
from explorer.figures import Drawn
from explorer.instrument import NO_BAR
from explorer.sources import Source, in_words

__all__ = [
    "answer",
    "changed_answer",
    "class_choice",
    "closing",
    "exports",
    "provenance",
    "say_failure",
    "still",
    "title",
    "trace_of",
    "working",
]

_log = logging.getLogger("actviz.explorer")


def title(name: str, model: str) -> tuple[Source, Ask | None]:
    """The page's name, what is looked at, and what its model is asked."""
    st.header(name, anchor=False)
    ask = state.ask_for(model)
    if ask is None:
        _say_wrong_kind(model)
    return state.chosen_source(), ask


def _say_wrong_kind(model: str) -> None:
    """What a page says that cannot look at a skeleton file."""
    st.info(
        f"{MODELS[model]} looks at pictures, and the chosen file holds a skeleton. Choose a video "
        "in the side bar, or see what MAN attends to in this skeleton."
    )
    icon = ":material/accessibility_new:"
    st.page_link("pages/skeleton.py", label="Open the Skeleton page", icon=icon)


def provenance(traced: Traced, source: Source) -> None:
    """Clip, weights and what they were trained on, device; the banner where it applies."""
    trace = traced.trace
    note = note_of(trace.weights)
    st.markdown(f"**{source.title}** &ensp;·&ensp; {note} &ensp;·&ensp; {trace.device}")
    outside = outside_note(trace)
    if outside:
        st.warning(outside, icon=":material/info:")
    if trace.clip["problems"]:
        st.caption("About this file: " + " ".join(trace.clip["problems"]))


def closing(traced: Traced, drawn: Drawn, words: str, equations: str) -> None:
    """Under the lanes: what one sees, the same in words and in equations, and ways to keep it."""
    st.markdown(words)
    st.caption(drawn.words)
    with st.expander("The equations"):
        st.markdown(equations)
    exports(traced)


def answer(traced: Traced, *, truth: str | None = None, count: int = 5, key: str) -> None:
    """The most probable classes, in words and numbers."""
    top = traced.trace.top(count)
    still(answer_bars(top, truth=truth, dark=state.is_dark()), key=key, said=describe_answer(top))


def changed_answer(
    was: Trace, now: Trace, said: str, *, truth: str | None, key: str, undo: Callable[[], None]
) -> None:
    """What a what-if did to the answer, in a figure and in words, and the way back."""
    before, after = was.clip_probabilities, now.clip_probabilities
    figure = answer_change(was.classes, before, after, truth=truth, dark=state.is_dark())
    still(figure, key=key, said=said)
    st.markdown(said)
    st.button("Back to as it was", icon=":material/undo:", key="as-it-was", on_click=undo)


def still(figure: go.Figure, *, key: str, said: str) -> None:
    """A figure that nobody needs to touch; ``said`` is it in words."""
    config = NO_BAR | {"staticPlot": True}
    st.plotly_chart(figure, theme=None, config=config, key=key, alt=said)


def class_choice(trace: MANTrace | TMNetTrace, what: str) -> str:
    """The class whose evidence is shown, at first the answer's; "" where none is chosen."""
    name = st.selectbox(
        "Evidence for the class",
        trace.classes,
        index=trace.classes.index(trace.cam_class),
        key="class",
        bind="query-params",
        help=f"Whose {what}; at first the answer's.",
    )
    return name or ""


def trace_of(ask: Ask | None) -> Traced | None:
    """The trace; computed in view of the user, who may stop it. None where it failed."""
    if ask is None:
        return None
    done = compute.kept(ask)
    if done is not None:
        return done
    if st.session_state.get("stopped") == ask.key:
        st.info(f"{MODELS[ask.model]} was stopped before it had finished.")
        again = lambda: st.session_state.pop("stopped", None)  # noqa: E731
        st.button("Start again", key=f"again-{ask.model}", on_click=again)
        return None
    try:
        with working(ask) as progress:
            return compute.traced(ask, progress)
    except Exception as error:
        say_failure(error, ask.path)
        return None


@contextmanager
def working(ask: Ask, *, stop: Callable[[], None] | None = None) -> Iterator[StageProgress]:
    """A bar that says what is being done and how far it is, with a way to stop.

    ``stop`` takes back what is being waited for; None: the whole trace.
    """
    place = st.empty()
    with place.container(border=True):
        name = MODELS[ask.model]
        bar = st.progress(0.0, text=f"{name} looks at {ask.path.name} …")
        key = f"stop-{ask.model}{'-more' if stop else ''}"  # both may be needed in one run
        st.button("Stop", key=key, on_click=stop or (lambda: _stop(ask)))

    def tell(stage: str, done: int, total: int) -> None:
        share = done / total if total else 0.0
        bar.progress(min(1.0, share), text=f"{name}: {stage} ({done} of {total})")

    try:
        yield tell
    finally:
        place.empty()


def _stop(ask: Ask) -> None:
    st.session_state["stopped"] = ask.key


def say_failure(error: Exception, path: Path | None = None) -> None:
    """An error in one sentence on the page; what nobody expected goes to the log in full."""
    if isinstance(error, (ActvizError, OSError)):
        _log.info("refused: %s", error)
        st.error(in_words(error, path), icon=":material/error:")
        return
    _log.error("unexpected error in the explorer", exc_info=error)
    st.error(
        f"Something failed inside actviz ({type(error).__name__}); the log in the terminal has the "
        "details. Try another clip, another span or other weights.",
        icon=":material/error:",
    )


def exports(traced: Traced) -> None:
    """The figure, the curves, the video and all numbers, each made when it is asked for."""
    trace = traced.trace
    stem = f"{Path(trace.clip['name']).stem}-{trace.model}"
    with st.container(horizontal=True, key="exports"):
        st.markdown("**Save**")
        for name, kind, ending, make in (
            ("PNG figure", "image/png", "png", lambda: _png(traced)),
            ("CSV curves", "text/csv", "csv", lambda: curves_csv(trace)),
            ("MP4 overlay", "video/mp4", "mp4", lambda: _mp4(traced)),
            ("NPZ + JSON", "application/zip", "zip", lambda: _numbers(traced)),
        ):
            st.download_button(
                name, make, f"{stem}.{ending}", kind, key=f"save-{ending}-{trace.model}",
                on_click="ignore", icon=":material/download:",
            )  # fmt: skip
    st.caption(
        f"Every file names its weights: {note_of(trace.weights)}. The ZIP holds trace.json and "
        "trace.npz with versions, weights' sha256 and seed."
    )


def _png(traced: Traced) -> bytes:
    out = io.BytesIO()
    draw_figure(traced).savefig(out, format="png", dpi=110)
    return out.getvalue()


def _mp4(traced: Traced) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "overlay.mp4")
        write_overlay(traced, path)
        return path.read_bytes()


def _numbers(traced: Traced) -> bytes:
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out, "w") as bundle:
        traced.trace.save(folder)
        for file in sorted(Path(folder).iterdir()):
            bundle.write(file, file.name)
    return out.getvalue()
