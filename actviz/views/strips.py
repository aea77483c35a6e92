"""Rows of thumbnails as pictures: the whole clip on the axis of seconds, and what memory holds."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from actviz.views.checks import check_clock, check_frames, frame_edges
from actviz.views.pictures import font, greyed
from actviz.views.theme import SKIPPED, WRITTEN, Theme, pick_theme, rgb

__all__ = ["memory_contents", "strip"]


def _thumb(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """``frame`` cut to the shape of the slot around its centre, then reduced."""
    high, wide = frame.shape[:2]
    cut_high, cut_wide = min(high, wide * height / width), min(wide, high * width / height)
    top, left = (high - cut_high) / 2, (wide - cut_wide) / 2
    box = (left, top, left + cut_wide, top + cut_high)
    picture = Image.fromarray(frame)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box=box))


def strip(
    frames: ArrayLike,
    times_s: ArrayLike,
    *,
    width: int = 1200,
    height: int = 76,
    cursor_s: float | None = None,
    written: ArrayLike | None = None,
    span_s: tuple[float, float] | None = None,
    dark: bool = False,
) -> NDArray[np.uint8]:
    """The clip as one row of thumbnails, uint8 (height, width, 3); x is linear in seconds.

    As many thumbnails as fit, each the frame nearest to the middle of its slot. With ``written``
    the skipped ones are greyed, and a band below says for every frame: green and full height
    where written, blue and half as high where skipped. The cursor is a line through it all.

    Args:
        frames: uint8 (T, H, W, 3).
        times_s: (T,) seconds, strictly increasing.
        span_s: seconds at the left and right end; None: the borders of the first and last frame,
            as in the lanes.
    """
    times = check_clock(times_s)
    pictures = check_frames(frames, len(times))
    edges = frame_edges(times)
    start, end = (edges[0], edges[-1]) if span_s is None else span_s
    if end <= start:
        raise ValueError(f"span_s must be (start, end) with end > start; got {span_s}.")
    decision = None if written is None else np.asarray(written, dtype=bool)
    if decision is not None and decision.shape != times.shape:
        raise ValueError(f"written must have shape {times.shape}; got {decision.shape}.")
    theme = pick_theme(dark)
    band = 0 if decision is None else max(6, height // 9)
    out = np.full((height, width, 3), rgb(theme.paper), dtype=np.uint8)
    slot = max(1, round((height - band) * pictures.shape[2] / pictures.shape[1]))
    borders = np.rint(np.linspace(0, width, max(1, width // slot) + 1)).astype(int)
    for left, right in itertools.pairwise(borders):
        at = int(np.abs(times - (start + (left + right) / 2 / width * (end - start))).argmin())
        thumb = _thumb(pictures[at], right - left, height - band)
        if decision is not None and not decision[at]:
            thumb = greyed(thumb, towards=rgb(theme.paper)[0])
        out[: height - band, left:right] = thumb
    if decision is not None:
        _band(out, band, np.rint((edges - start) / (end - start) * width).astype(int), decision)
    if cursor_s is not None:
        _line(out, (cursor_s - start) / (end - start), theme)
    return out


def _band(
    out: NDArray[np.uint8], high: int, columns: NDArray[np.int64], decision: NDArray[np.bool_]
) -> None:
    columns = np.clip(columns, 0, out.shape[1])
    for left, right, on in zip(columns, columns[1:], decision, strict=False):
        top = out.shape[0] - (high - 2 if on else high // 2)
        out[top:, left:right] = rgb(WRITTEN.colour if on else SKIPPED.colour)


def _line(out: NDArray[np.uint8], share: float, theme: Theme) -> None:
    """A cursor that shows on any picture: ink with an edge of paper."""
    at = int(np.clip(round(share * out.shape[1]), 1, max(1, out.shape[1] - 2)))
    out[:, max(0, at - 2) : at + 3] = rgb(theme.paper)
    out[:, max(0, at - 1) : at + 2] = rgb(theme.ink)


def memory_contents(
    frames: ArrayLike,
    written: ArrayLike,
    upto: int,
    *,
    times_s: ArrayLike | None = None,
    width: int = 960,
    columns: int = 10,
    dark: bool = False,
) -> NDArray[np.uint8]:
    """What is in memory after frame ``upto``: its written frames in order, uint8 (h, width, 3).

    The newest has a thick green frame. Places still to be filled are outlined, so that the picture
    keeps its size while the cursor moves; an empty memory says so.

    Args:
        frames: uint8 (T, H, W, 3).
        written: (T,) the decisions.
        upto: position 0…T-1 of the cursor's frame, included; -1: before the first frame.
        times_s: (T,) seconds, written below each thumbnail where given.
    """
    pictures = check_frames(frames)
    decision = np.asarray(written, dtype=bool)
    if decision.shape != (len(pictures),):
        raise ValueError(f"written must have shape {(len(pictures),)}; got {decision.shape}.")
    if not -1 <= upto < len(pictures):
        raise ValueError(f"upto must lie in -1…{len(pictures) - 1}; got {upto}.")
    times = None if times_s is None else check_clock(times_s)
    ever = np.flatnonzero(decision)
    held = ever[ever <= upto]
    theme = pick_theme(dark)
    slot = width // columns
    high = max(8, round((slot - 6) * pictures.shape[1] / pictures.shape[2]))
    step = high + (24 if times is not None else 8)
    rows = max(1, -(-len(ever) // columns))
    out = np.full((rows * step + 4, width, 3), rgb(theme.paper), dtype=np.uint8)
    corners = [
        (place % columns * slot + 3, 2 + place // columns * step) for place in range(len(ever))
    ]
    for (x, y), at in zip(corners, held, strict=False):
        out[y : y + high, x : x + slot - 6] = _thumb(pictures[at], slot - 6, high)
    canvas = Image.fromarray(out)
    draw = ImageDraw.Draw(canvas)
    for place, (x, y) in enumerate(corners):
        line, wide = (theme.grid, 1) if place >= len(held) else (WRITTEN.colour, 2)
        wide = 4 if place == len(held) - 1 else wide  # the newest
        draw.rectangle((x - 2, y - 2, x + slot - 5, y + high + 1), outline=rgb(line), width=wide)
        if times is not None and place < len(held):
            where = (x + (slot - 6) / 2, y + high + 5)
            words = f"{times[held[place]]:.2f} s"
            draw.text(where, words, fill=rgb(theme.muted), font=font(13), anchor="mt")
    if len(held) == 0:
        _say_empty(draw, step / 2, theme, ever=len(ever) > 0)
    return np.asarray(canvas)


def _say_empty(draw: ImageDraw.ImageDraw, y: float, theme: Theme, *, ever: bool) -> None:
    words = "memory is empty so far" if ever else "memory stays empty: nothing was written"
    draw.rectangle((8, y - 16, 24 + font(16).getlength(words), y + 16), rgb(theme.paper))
    draw.text((16, y), words, fill=rgb(theme.ink), font=font(16), anchor="lm")
