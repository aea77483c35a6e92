"""What a viewer has chosen, for this session: clip, span, weights, device, and the one cursor.

Everything that can be shared stands in the address: page, sample clip, span, frame, class, and all
that is asked of a what-if. Files of the user's own cannot: they stay on this machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from actviz.trace.run import WHOLE, Span
from explorer.compute import Ask, model_of
from explorer.sources import (
    OWN,
    Source,
    check_file,
    file_for,
    keep_pair,
    keep_upload,
    own_source,
    samples,
)

__all__ = [
    "FATES",
    "UNSEEN",
    "adopt_file",
    "adopt_weights",
    "ask_for",
    "choose_clip",
    "chosen_source",
    "chosen_span",
    "decide",
    "drop_weights",
    "fates",
    "forget_clip_choices",
    "frame",
    "is_dark",
    "keep",
    "keep_weights",
    "move_to",
    "offered",
    "own_weights",
    "restore",
    "share",
]

FATES = ("write", "skip", "drop")  # what a viewer can do to a frame
UNSEEN = ("without", "unseen")  # limbs and seconds that a viewer keeps from MAN
DEFAULT_FRAME = -1  # no frame in the address: the page chooses a telling one


def restore() -> None:
    """Take cursor and fates of frames from the address, once for each session."""
    if "frame" not in st.session_state:
        given = _numbers(st.query_params.get("frame", ""))
        st.session_state["frame"] = given[0] if given else DEFAULT_FRAME
        for fate in FATES:
            fates().update(dict.fromkeys(_numbers(st.query_params.get(fate, "")), fate))


def _numbers(text: str) -> list[int]:
    """``3.17.40`` as frame numbers; what is none is left out."""
    return [int(n) for n in text.split(".") if n.isdecimal() and len(n) < 10]


def share() -> None:
    """Put the cursor and the fates of frames into the address."""
    at = st.session_state["frame"]
    wanted = {"frame": str(at)} if at >= 0 else {}
    for fate in FATES:
        chosen = sorted(frame for frame, f in fates().items() if f == fate)
        wanted |= {fate: ".".join(map(str, chosen))} if chosen else {}
    for name in ("frame", *FATES):
        if name in wanted and st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]
        elif name not in wanted and name != "frame":
            st.query_params.pop(name, None)


def fates() -> dict[int, str]:
    """What is done to single frames of the clip, by their number in the source file."""
    return st.session_state.setdefault("fates", {})


def decide(frame: int, fate: str | None) -> None:
    """Do something to a frame of the source file; anything else than ``FATES``: nothing."""
    fates().pop(frame, None)
    if fate in FATES:
        fates()[frame] = fate


def frame() -> int:
    """The cursor: a frame number of the source file; negative where none was chosen yet."""
    return int(st.session_state.get("frame", DEFAULT_FRAME))


def move_to(number: int) -> None:
    """Move the cursor to a frame of the source file."""
    st.session_state["frame"] = int(number)


def offered() -> dict[str, str]:
    """Titles of all clips that can be chosen by key: the user's own first, then the samples."""
    own = {OWN: st.session_state["own"].title} if "own" in st.session_state else {}
    return own | {key: sample.title for key, sample in samples().items()}


def choose_clip(key: str) -> None:
    """Look at another clip: what belonged to the old one is forgotten."""
    st.session_state["clip"] = key
    forget_clip_choices()


def forget_clip_choices() -> None:
    """Cursor, span, class and what is kept from MAN go back to what suits the clip."""
    for name in ("span", "class", "playing", *UNSEEN):
        st.session_state.pop(name, None)
    st.session_state["frame"] = DEFAULT_FRAME
    fates().clear()
    for name in ("frame", *FATES, *UNSEEN):
        st.query_params.pop(name, None)


def chosen_source() -> Source:
    """The clip that is being looked at."""
    key = st.session_state.get("clip") or next(iter(samples()))
    return st.session_state["own"] if key == OWN else samples()[key]


def chosen_span() -> Span:
    """The part of the clip that is being looked at, in seconds."""
    start, end = st.session_state.get("span") or (None, None)
    whole = st.session_state.get("whole_s")
    if start is None or whole is None:
        return WHOLE
    return Span(start if start > whole[0] else None, end if end < whole[1] else None)


def ask_for(model: str) -> Ask | None:
    """What ``model`` is asked to look at; None where it cannot look at this kind of file."""
    path = file_for(chosen_source(), model)
    if path is None:
        return None
    return Ask(
        model,
        path,
        weights=own_weights().get(model),
        device=st.session_state.get("device", "auto"),
        span=chosen_span(),
        pose_model=st.session_state.get("pose_model"),
    )


def keep(name: str, data: bytes) -> Path:
    """Store uploaded bytes in this session's own folder, which goes when the session goes."""
    return keep_upload(_folder(), name, data)


def keep_weights(files: list[tuple[str, bytes]]) -> Path:
    """Store an uploaded checkpoint, with its card where given; the path of the checkpoint.

    Raises:
        ActvizError: not one .safetensors with at most one .json.
    """
    return keep_pair(_folder(), files)


def _folder() -> Path:
    if "folder" not in st.session_state:
        st.session_state["folder"] = tempfile.TemporaryDirectory(prefix="actviz-explorer-")
    return Path(st.session_state["folder"].name)


def adopt_file(path: Path) -> None:
    """Make ``path`` the clip that is looked at.

    Raises:
        ActvizError: it is nothing that a model can look at.
    """
    check_file(path)
    st.session_state["own"] = own_source(path)
    choose_clip(OWN)


def own_weights() -> dict[str, Path]:
    """Weights of the user's own by model."""
    return st.session_state.setdefault("own_weights", {})


def adopt_weights(path: Path) -> str:
    """Use the weights at ``path`` for the model that their card names; returns that model.

    Raises:
        ActvizError: unreadable weights, or none that say which model they are for.
    """
    model = model_of(path)
    own_weights()[model] = path
    st.session_state.pop("class", None)
    return model


def drop_weights(model: str) -> None:
    """Go back to the weights that come with the project."""
    own_weights().pop(model, None)
    st.session_state.pop("class", None)


def is_dark() -> bool:
    """Whether the page is shown in its dark theme."""
    return st.context.theme.type == "dark"
