"""Options of a trace that its model or its file has no use for: refused, not passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actviz.errors import ActvizError
from actviz.trace.cam_methods import check_method
from actviz.trace.weights import MODELS

__all__ = ["check_options"]

_OF_SOME = {  # option: the models that it is for, and why
    "threshold": ("--threshold", ("mam",), "which decides"),
    "second": ("--with", ("mam",), "of which it adds a stream"),
    "cam_class": ("--class", ("tmnet", "man"), "which map a class's evidence"),
    "cam_method": ("--cam-method", ("tmnet",), "which has maps"),
    "motion": ("--motion", ("tmnet",), "whose maps it is compared with"),
}


def check_options(
    path: str | Path, model: str, *, skeleton: bool, segment: str | None, **given: Any
) -> None:
    """Refuse what makes no sense together.

    Args:
        skeleton: ``path`` is a skeleton file.
        segment: part of a skeleton recording that is asked for.
        given: the other options by name; None or False: not given.

    Raises:
        ActvizError: in one sentence.
    """
    if model in MODELS and model != "man" and skeleton:
        raise ActvizError(
            f"{path}: {MODELS[model]} looks at pictures and this is a skeleton file; give a video, "
            "or ask for --model man."
        )
    if segment is not None and not skeleton:
        raise ActvizError("--segment names a part of a skeleton recording; use --start and --end.")
    for name, (option, its, why) in _OF_SOME.items():
        if given.get(name) not in (None, False) and model not in its:
            whose = " or ".join(its)
            raise ActvizError(f"{option} is for --model {whose}, {why}; got it with {model}.")
    if given.get("frames") is not None and model == "man":
        raise ActvizError("--frames is for models of pictures; MAN's weights fix its rows.")
    if given.get("cam_method") is not None:
        check_method(given["cam_method"])
