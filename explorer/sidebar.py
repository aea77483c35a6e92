"""The side bar that all pages share: clip, span, weights, device."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from actviz.clip.reader import file_sha256, frame_times
from actviz.clip.skeleton import read_skeleton
from actviz.errors import ActvizError
from actviz.trace.run import MODELS, is_skeleton_file
from explorer import compute, state
from explorer.parts import say_failure
from explorer.sources import WITH_PAGE

__all__ = ["sidebar"]


def sidebar() -> None:
    """Everything that decides what is computed; no page has choices of this kind of its own."""
    with st.sidebar:
        st.title("actviz", anchor=False)
        _clip()
        _span()
        st.divider()
        _device()
        _weights()


def _clip() -> None:
    titles = state.offered()
    options = list(titles)
    if st.session_state.get("clip") not in (None, *options):
        state.choose_clip(options[0])
    st.selectbox(
        "Clip",
        options,
        key="clip",
        bind="query-params",
        format_func=lambda key: titles.get(key, key),
        on_change=state.forget_clip_choices,
        help="Eight bundled puppet clips, whose truth is known, and your own file, which you "
        "choose on the Start page. A file of your own is never in the address.",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _extent(path: Path, sha256: str) -> tuple[float, float]:
    """First and last second of a file."""
    times = read_skeleton(path).times_s if is_skeleton_file(path) else frame_times(path)[0]
    return float(times[0]), float(times[-1])


def _span() -> None:
    source = state.chosen_source()
    path = source.video or source.skeleton
    assert path is not None
    try:
        start, end = _extent(path, file_sha256(path))
    except ActvizError as error:
        say_failure(error, path)
        return
    start, end = int(start * 10) / 10, int(end * 10 + 0.999) / 10
    st.session_state["whole_s"] = (start, end)
    if end - start < 0.5:
        return
    st.slider(
        "Span, seconds",
        start,
        end,
        (start, end),
        step=0.1,
        format="%.1f",
        key="span",
        bind="query-params",
        help="The models look at this part of the clip only.",
    )


def _device() -> None:
    st.selectbox(
        "Device",
        compute.devices(),
        key="device",
        help="Where the models compute; auto takes a GPU where there is one.",
    )


def _weights() -> None:
    own = state.own_weights()
    with st.expander("Weights", expanded=bool(own)):
        for model, name in (WITH_PAGE | {model: MODELS[model] for model in own}).items():
            if model in own:
                st.markdown(f"{name}: **{own[model].name}**")
                st.button(
                    f"Back to the bundled {name}",
                    key=f"drop-{model}",
                    on_click=state.drop_weights,
                    args=(model,),
                )
            else:
                st.markdown(f"{name}: bundled")
        _own_weights()


def _own_weights() -> None:
    st.caption("A checkpoint of your own; `actviz train` puts its card inside it.")
    given = st.text_input("Path of a .safetensors file", key="weights_path")
    files = st.file_uploader(
        "or the file, with its card where that is apart",
        type=["safetensors", "json"],
        accept_multiple_files=True,
        key="weights_files",
        help="They stay on this machine.",
    )
    if not st.button("Use these weights", key="use_weights"):
        return
    path = Path(given).expanduser() if given else None
    try:
        path = path or state.keep_weights([(f.name, f.getvalue()) for f in files])
        state.adopt_weights(path)
    except Exception as error:
        say_failure(error, path)
    else:
        st.rerun()
