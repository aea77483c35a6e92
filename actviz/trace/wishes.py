"""What a command line wishes to be otherwise: read before the work begins, granted after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actviz.errors import ActvizError
from actviz.trace.masking import read_mask
from actviz.trace.traced import Traced
from actviz.trace.whatif import conditions, read_change

__all__ = ["read_wish"]

Wish = Callable[[Traced], Traced]


def read_wish(model: str, words: Sequence[str], *, threshold: float | None = None) -> Wish:
    """What grants the changes in ``words`` to a trace of ``model``; nothing where there are none.

    Args:
        threshold: MAM's, which holds for the changed clip, too.

    Raises:
        ActvizError: the model cannot be asked so; in granting, the clip has no such part.
    """
    if not words:
        return lambda traced: traced
    if model == "man":
        mask = read_mask(words)
        return lambda traced: traced.masked(
            limbs=mask.limbs, frames=mask.frames(traced.trace.times_s), losses=True
        )
    if model != "mam":
        raise ActvizError(
            f"--what-if is for --model mam or man, which can be asked again; got it with {model}."
        )
    changes = [read_change(text) for text in words]

    def changed(traced: Traced) -> Traced:
        assert traced.cached is not None  # MAM's
        asked = conditions(changes, len(traced.cached))
        return traced.asked(threshold=threshold, **asked)

    return changed
