"""The Start page's parts: three answers, the gallery, files of the user's own, the probe."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from actviz.clip.reader import file_sha256, frame_times, read_clip
from actviz.datasets.puppets.gallery import truth_for
from actviz.report import outside_note
from actviz.trace.run import Traced
from actviz.views.theme import weights_note
from explorer import compute, state
from explorer.instrument import show
from explorer.parts import say_failure, trace_of
from explorer.sources import FILE_TYPES, OWN, WITH_PAGE, Source, check_file, samples

__all__ = ["answers", "first_look", "gallery_row", "own_file", "probe_table"]

PAGES = {
    "mam": ("pages/memory.py", "Memory", "What does it remember?", ":material/layers:"),
    "tmnet": (
        "pages/glance.py",
        "One glance",
        "What does one frame tell?",
        ":material/visibility:",
    ),
    "man": (
        "pages/skeleton.py",
        "Skeleton",
        "Which moments matter?",
        ":material/accessibility_new:",
    ),
}


def first_look(source: Source) -> dict[str, Traced]:
    """Traces of the models that can look at the clip at once; finding people in a video waits."""
    found = {}
    for model in WITH_PAGE:
        ask = state.ask_for(model)
        if ask is None:
            continue
        waits = model == "man" and source.skeleton is None
        traced = compute.kept(ask) if waits else trace_of(ask)
        if traced is not None:
            found[model] = traced
    notes = {outside_note(traced.trace) for traced in found.values()} - {None}
    for note in notes:
        st.warning(note, icon=":material/info:")
    return found


def answers(source: Source, found: dict[str, Traced]) -> None:
    """One row for each model: its question, its answer, its weights, the way to its page."""
    for model in WITH_PAGE:
        with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center"):
            st.markdown(_answer_text(source, model, found.get(model)), width="stretch")
            page, name, _, icon = PAGES[model]
            st.page_link(page, label=name, icon=icon, width="content")


def _answer_text(source: Source, model: str, traced: Traced | None) -> str:
    question = f"**{WITH_PAGE[model]}** · {PAGES[model][2]}"
    if traced is None:
        video = source.video is not None
        needs = "to find people in the video first" if video else "pictures; this file holds joints"
        return f"{question}\n\nIt needs {needs}."
    (best, value), *others = traced.trace.top(3)
    star = " ★" if best == source.action else ""
    rest = " · ".join(f"{other} {p:.2f}" for other, p in others)
    note = f"{weights_note(traced.trace.weights)} · {traced.trace.device}"
    return f"{question}\n\n#### {best}{star} {value:.2f} &ensp;:small[{rest}]\n\n:small[{note}]"


@st.cache_data(max_entries=16, show_spinner=False)
def _poster(video: Path, sha256: str) -> NDArray[np.uint8]:
    """The frame in the middle of what can be seen of the action."""
    count, truth = len(frame_times(video)[0]), truth_for(sha256)
    seen = np.flatnonzero(truth.evidence) if truth is not None else np.arange(count)
    middle = int(seen[len(seen) // 2]) if len(seen) else count // 2
    return read_clip(video, frame_index=[min(middle, count - 1)]).frames[0]


def gallery_row(source: Source) -> None:
    """The bundled clips as pictures to choose from."""
    st.subheader("Puppet clips, whose truth is known", anchor=False)
    with st.container(horizontal=True, key="gallery", gap="small"):
        for key, sample in samples().items():
            assert sample.video is not None  # every bundled clip has its pictures
            with st.container(width=118, gap="xxsmall"):
                poster = _poster(sample.video, file_sha256(sample.video))
                show(st.empty(), poster, sample.title)
                st.button(
                    sample.title,
                    key=f"choose-{key}",
                    type="primary" if key == source.key else "secondary",
                    width="stretch",
                    on_click=state.choose_clip,
                    args=(key,),
                )


def own_file() -> None:
    """A file of the user's own, uploaded or by its path."""
    st.subheader("A clip of your own", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.file_uploader(
            "A video, or a skeleton file (NTU .skeleton, UT-Kinect joints .txt, .npz)",
            type=list(FILE_TYPES),
            key="upload",
            on_change=_uploaded,
        )
        st.caption("The file stays on this machine. It cannot be part of the address.")
    with right:
        st.text_input("or its path on this machine", key="path", placeholder="/path/to/clip")
        st.button("Open", key="open_path", on_click=_opened)
    refusal = st.session_state.pop("refused", None)
    if refusal is not None:
        say_failure(*refusal)


def _uploaded() -> None:
    """Runs before the page: the new file is then what all pages look at."""
    given = st.session_state.get("upload")
    if given is not None:
        _adopt(state.keep(given.name, given.getvalue()), shown_as_name=True)


def _opened() -> None:
    given = st.session_state.get("path", "").strip()
    if given:
        _adopt(Path(given).expanduser(), shown_as_name=False)


def _adopt(path: Path, *, shown_as_name: bool) -> None:
    try:
        state.adopt_file(path)
    except Exception as error:  # said on the page, after the widgets it belongs to
        st.session_state["refused"] = (error, path if shown_as_name else None)


@st.cache_data(max_entries=32, show_spinner=False)
def _facts(path: Path, sha256: str) -> list[tuple[str, str]]:
    return check_file(path)


def probe_table(source: Source) -> None:
    """What is in the file, and what the models see of it."""
    st.subheader("What is in this clip, and what the models see of it", anchor=False)
    path = source.video or source.skeleton
    assert path is not None
    try:
        rows = _facts(path, file_sha256(path))
    except Exception as error:
        say_failure(error, path if source.key == OWN else None)
        return
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in rows)
    st.html(f'<dl class="facts">{cells}</dl>')
