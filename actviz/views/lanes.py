"""Lanes on the screen: plots stacked over one axis of seconds, with one cursor through them all.

Every point of a clickable trace carries its position 0…T-1 as ``customdata``, and clicking dims
nothing, so that "selection → frame" stays a pure function of what the browser sends.
"""

from __future__ import annotations

import base64
import io
import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from actviz.views.checks import check_frames, frame_edges, spread
from actviz.views.theme import FONT, Curve, Theme
from actviz.views.truth import Truth

__all__ = ["KEEP", "MARGIN_LEFT", "MARGIN_RIGHT", "Lane", "LaneFigure", "jpeg_uri"]

MARGIN_LEFT, MARGIN_RIGHT = 72, 150  # pixels; the same in every figure, so that lanes line up
_STRIP = 80  # pixels, the row of thumbnails
_GAP = 34  # pixels between lanes: room for a lane's title
KEEP = {"marker": {"opacity": 1}}  # a click elsewhere must not fade what is drawn


@dataclass(frozen=True)
class Lane:
    """One row: its title (what and unit), its height in pixels and its y range."""

    title: str
    height: int
    y_range: tuple[float, float] = (0.0, 1.0)
    ticks: Sequence[float] | None = None  # None: chosen by plotly; empty: no y axis


def jpeg_uri(frame: NDArray[np.uint8], *, height: int = 96) -> str:
    """A picture as a small ``data:`` JPEG, for a page that must stand alone."""
    picture = Image.fromarray(frame)
    size = max(1, round(picture.width * height / picture.height)), height
    buffer = io.BytesIO()
    picture.resize(size, Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


class LaneFigure:
    """Builds one figure of lanes; ``figure`` is what goes to the page."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        times_s: NDArray[np.float64],
        theme: Theme,
        *,
        truth: Truth | None = None,
        thumbnails: NDArray[np.uint8] | None = None,
    ) -> None:
        self.times_s, self.edges, self.theme = times_s, frame_edges(times_s), theme
        rows = list(lanes)
        if thumbnails is not None:
            rows.insert(0, Lane("", _STRIP, ticks=()))
        if truth is not None:
            rows.append(Lane("truth: the action is visible", 34, ticks=()))
        self._notes: list[dict[str, Any]] = []  # handed to plotly at the end, all at once:
        self._shapes: list[dict[str, Any]] = []  # one by one costs tens of milliseconds
        self._images: list[dict[str, Any]] = []
        self._first = 1 if thumbnails is None else 2
        self._rows = rows
        self._pixels = sum(lane.height for lane in rows) + _GAP * (len(rows) - 1)
        self.figure = make_subplots(
            rows=len(rows),
            shared_xaxes=True,
            row_heights=[lane.height for lane in rows],
            vertical_spacing=_GAP / self._pixels if len(rows) > 1 else 0,
        )
        self._dress()
        if thumbnails is not None:
            self._thumbnails(check_frames(thumbnails, len(times_s)))
        if truth is not None:
            self._truth(truth, len(rows))

    def row(self, lane: int) -> int:
        """Plotly's row number of the caller's lane 0, 1, …"""
        return self._first + lane

    def axis(self, lane: int) -> str:
        """Plotly's name of the y axis of the caller's lane 0, 1, …"""
        row = self.row(lane)
        return "y" if row == 1 else f"y{row}"

    def points(
        self,
        lane: int,
        values: NDArray[np.float64],
        name: str,
        *,
        digits: int = 3,
        times_s: NDArray[np.float64] | None = None,
        **style: object,
    ) -> None:
        """A clickable curve with a marker at every frame; hovering shows ``digits`` decimals.

        ``times_s`` are the curve's own frames, where they are not those of this figure.
        """
        times_s = self.times_s if times_s is None else times_s
        self._check_length(values, times_s, name)
        self.figure.add_trace(
            go.Scatter(
                x=times_s,
                y=values,
                name=name,
                mode="lines+markers",
                customdata=np.arange(len(times_s)),
                hovertemplate=f"{name} %{{y:.{digits}f}}<br>%{{x:.2f}} s<extra></extra>",
                selected=KEEP,
                unselected=KEEP,
                **style,
            ),
            row=self.row(lane),
            col=1,
        )

    def curve(
        self,
        lane: int,
        values: NDArray[np.float64],
        name: str,
        look: Curve,
        *,
        times_s: NDArray[np.float64] | None = None,
    ) -> None:
        """A clickable curve in the look of its category; ``times_s`` as in ``points``."""
        marker = {"symbol": look.marker, "size": self.marker_size, "color": look.colour}
        line = {"color": look.colour, "dash": look.dash, "width": look.width}
        self.points(lane, values, name, times_s=times_s, marker=marker, line=line)

    @property
    def marker_size(self) -> float:
        """Pixels; smaller where many frames stand close together."""
        return 9 if len(self.times_s) <= 16 else 7 if len(self.times_s) <= 40 else 5

    def bars(
        self,
        lane: int,
        tops: NDArray[np.float64],
        names: Sequence[str],
        *,
        name: str = "decision",
        times_s: NDArray[np.float64] | None = None,
        **style: object,
    ) -> None:
        """One bar over the whole span of each frame, all in one trace: a click finds the nearest.

        Two traces would not do: a click where only one has a bar also finds the other's nearest.
        ``times_s`` are the bars' own frames, where they are not those of this figure.
        """
        self._check_length(tops, self.times_s if times_s is None else times_s, name)
        edges = self.edges if times_s is None else frame_edges(times_s)
        self.figure.add_trace(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                width=np.diff(edges),
                y=tops,
                name=name,
                customdata=np.arange(len(tops)),
                text=list(names),
                textposition="none",
                hovertemplate="%{text}<br>%{x:.2f} s<extra></extra>",
                selected=KEEP,
                unselected=KEEP,
                **style,
            ),
            row=self.row(lane),
            col=1,
        )

    def direct_labels(self, lane: int, labels: dict[str, tuple[float, str]]) -> None:
        """Words at the right end, text → (height, colour), moved apart where they would touch."""
        row = self._rows[self.row(lane) - 1]
        gap = (row.y_range[1] - row.y_range[0]) * 19 / row.height
        places = spread({text: at for text, (at, _) in labels.items()}, gap)
        places = _kept_inside(places, row.y_range, gap)
        for text, (_, colour) in labels.items():
            self._beside(text, places[text], self.axis(lane), self.theme.text(colour))

    def level(self, lane: int, height: float, name: str, *, dash: str = "dash") -> None:
        """A thin dashed level right across; its words are the caller's ``direct_labels``."""
        line = {"color": self.theme.muted, "width": 1.5, "dash": dash}
        self._line((0, 1, "paper"), (height, height, self.axis(lane)), line, name)

    def border(self, lane: int, height: float) -> None:
        """A thin line right across between two rows of one lane."""
        line = {"color": self.theme.paper, "width": 2}
        self._line((0, 1, "paper"), (height, height, self.axis(lane)), line, "border")

    def band(self, start_s: float, end_s: float, words: str) -> None:
        """A shaded stretch of seconds through all lanes, named at its top."""
        start, end = (float(np.clip(s, self.edges[0], self.edges[-1])) for s in (start_s, end_s))
        self._shapes.append(
            {
                "type": "rect",
                "x0": start,
                "x1": end,
                "xref": "x",
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": self.theme.muted,
                "opacity": 0.28,
                "line": {"width": 0},
                "name": words,
            }
        )
        place = {"yanchor": "top", "yshift": -2, "bgcolor": self.theme.paper}
        self._say(words, ((start + end) / 2, "x"), (1, "paper"), self.theme.ink, **place)

    def retitle(self, lane: int, title: str) -> None:
        """Another title for a lane, where it depends on the theme."""
        axis = f"{self.axis(lane)} domain"
        for note in self._notes:
            if note["yref"] == axis and note["y"] == 1:
                note["text"] = title

    def touch(self, lane: int, height: float) -> None:
        """Makes a lane clickable at every frame that holds no curve of its own."""
        self._touch(self.row(lane), "frames", height)

    def finish(self, cursor_s: float | None, title: str | None, note: str | None) -> go.Figure:
        """The figure with its cursor, title and note."""
        if cursor_s is not None:
            self._cursor(float(cursor_s))
        lines = textwrap.wrap(note or "", 92)
        if lines:
            place = {"xanchor": "left", "yanchor": "top", "yshift": -50, "align": "left"}
            self._say("<br>".join(lines), (0, "paper"), (0, "paper"), self.theme.muted, **place)
        cursor = "none" if cursor_s is None else f"{cursor_s:.4f}"
        top, bottom = 30 + (34 if title else 0), 52 + 20 * len(lines) + (8 if lines else 0)
        self.figure.update_layout(
            annotations=self._notes,
            shapes=self._shapes,
            selectionrevision=cursor,  # a moved cursor forgets the click that moved it
            images=self._images,
            height=self._pixels + top + bottom,
            margin={"l": MARGIN_LEFT, "r": MARGIN_RIGHT, "t": top, "b": bottom},
            title={"text": title or "", "x": 0, "xref": "paper", "font": {"size": 18}},
        )
        return self.figure

    @staticmethod
    def _check_length(values: NDArray, times_s: NDArray[np.float64], name: str) -> None:
        if len(values) != len(times_s):
            raise ValueError(f"{name} must have shape ({len(times_s)},); got ({len(values)},).")

    def _say(
        self,
        text: str,
        x: tuple[float, str],
        y: tuple[float, str],
        colour: str,
        **place: object,
    ) -> None:
        """Words at (value, axis) across and (value, axis) up."""
        self._notes.append(
            {
                "text": text,
                "x": x[0],
                "xref": x[1],
                "y": y[0],
                "yref": y[1],
                "showarrow": False,
                "font": {"size": 14, "color": colour},
                **place,
            }
        )

    def _beside(self, text: str, height: float, axis: str, colour: str) -> None:
        self._say(text, (1, "paper"), (height, axis), colour, xanchor="left", xshift=6)

    def _line(
        self,
        x: tuple[float, float, str],
        y: tuple[float, float, str],
        line: dict[str, object],
        name: str,
    ) -> None:
        """A straight line between (from, to, axis) across and (from, to, axis) up."""
        self._shapes.append(
            {
                "type": "line",
                "x0": x[0],
                "x1": x[1],
                "xref": x[2],
                "y0": y[0],
                "y1": y[1],
                "yref": y[2],
                "line": line,
                "name": name,
            }
        )

    def _dress(self) -> None:
        theme, figure = self.theme, self.figure
        figure.update_layout(
            paper_bgcolor=theme.paper,
            plot_bgcolor=theme.panel,
            font={"family": FONT, "size": 14, "color": theme.ink},
            showlegend=False,
            bargap=0,
            barmode="overlay",
            clickmode="event+select",
            dragmode=False,
            hovermode="x",
            hoverdistance=-1,  # a click anywhere in a lane finds the nearest frame
            uirevision="lanes",
            hoverlabel={"font": {"size": 14, "family": FONT}},
        )
        figure.update_xaxes(
            range=[self.edges[0], self.edges[-1]],
            gridcolor=theme.grid,
            zeroline=False,
            fixedrange=True,
            ticks="",
            showticklabels=False,
        )
        figure.update_xaxes(
            title={"text": "time, s", "standoff": 6},
            showticklabels=True,
            ticks="outside",
            tickcolor=theme.grid,
            tickfont={"size": 14},
            row=len(self._rows),
            col=1,
        )
        for number, lane in enumerate(self._rows, start=1):
            self._dress_lane(number, lane)

    def _dress_lane(self, number: int, lane: Lane) -> None:
        bare = lane.ticks is not None and len(lane.ticks) == 0
        self.figure.update_yaxes(
            range=list(lane.y_range),
            tickvals=None if lane.ticks is None else list(lane.ticks),
            showticklabels=not bare,
            showgrid=not bare,
            gridcolor=self.theme.grid,
            zeroline=not bare,
            zerolinecolor=self.theme.muted,
            zerolinewidth=1,
            fixedrange=True,
            tickfont={"size": 14},
            nticks=5,
            row=number,
            col=1,
        )
        axis = ("y" if number == 1 else f"y{number}") + " domain"
        place = {"xanchor": "left", "yanchor": "bottom", "yshift": 3}
        self._say(lane.title, (0, "paper"), (1, axis), self.theme.muted, **place)

    def _thumbnails(self, frames: NDArray[np.uint8]) -> None:
        """As many pictures as fit, each the frame nearest to the middle of its slot."""
        start, end = float(self.edges[0]), float(self.edges[-1])
        fit = int(1000 / (_STRIP * frames.shape[2] / frames.shape[1]))  # on a 1,200 px page
        borders = np.linspace(start, end, int(np.clip(fit, 1, len(frames))) + 1)
        for left, right in itertools.pairwise(borders):
            at = int(np.abs(self.times_s - (left + right) / 2).argmin())
            place = {
                "x": left,
                "sizex": right - left,
                "y": 0.5,
                "sizey": 1,
                "xref": "x",
                "yref": "y",
            }
            look = {
                "yanchor": "middle",
                "sizing": "contain",
                "layer": "below",
                "source": jpeg_uri(frames[at]),
            }
            self._images.append(place | look)
        self.figure.update_xaxes(showgrid=False, row=1, col=1)
        self._touch(1, "frames")

    def _touch(self, row: int, name: str, height: float = 0.5) -> None:
        """Unseen markers at every frame, so that a click anywhere in the row finds one."""
        unseen = {"marker": {"opacity": 0}}
        self.figure.add_trace(
            go.Scatter(
                x=self.times_s,
                y=np.full(len(self.times_s), height),
                mode="lines+markers",
                line={"width": 0},
                marker={"size": 12, "opacity": 0},
                customdata=np.arange(len(self.times_s)),
                name=name,
                hovertemplate="%{x:.2f} s<extra></extra>",
                selected=unseen,
                unselected=unseen,
            ),
            row=row,
            col=1,
        )

    def _truth(self, truth: Truth, row: int) -> None:
        spans = truth.spans()
        self.figure.add_trace(
            go.Bar(
                x=[(a + b) / 2 for a, b in spans],
                width=[b - a for a, b in spans],
                y=[1.0] * len(spans),
                name="truth",
                hoverinfo="skip",
                unselected=KEEP,
                marker={
                    "color": self.theme.panel,
                    "line": {"color": self.theme.truth, "width": 1},
                    "pattern": {"shape": "/", "fgcolor": self.theme.truth, "size": 7},
                },
            ),
            row=row,
            col=1,
        )
        self._touch(row, "truth, frames")
        axis = f"y{row} domain"
        low, high = float(self.edges[0]), float(self.edges[-1])
        for start, end, phase in truth.phase_spans():
            start, end = max(start, low), min(end, high)
            if (end - start) / (high - low) > 0.014 * len(phase):
                place = {"bgcolor": self.theme.panel, "borderpad": 1}
                self._say(phase, ((start + end) / 2, "x"), (0.5, axis), self.theme.ink, **place)
        cuts = [cut for cut in truth.cut_marks() if low < cut < high]
        for cut in cuts:
            mark = {"color": self.theme.ink, "width": 1}
            self._line((cut, cut, "x"), (0, 1, axis), mark, "cut")
        if cuts:
            self._beside("│ cut", 0.5, axis, self.theme.muted)

    def _cursor(self, cursor_s: float) -> None:
        at = float(np.clip(cursor_s, self.edges[0], self.edges[-1]))
        line = {"color": self.theme.ink, "width": 2}
        self._line((at, at, "x"), (0, 1, "paper"), line, "cursor")
        place = {"yanchor": "bottom", "yshift": 3, "bgcolor": self.theme.paper, "name": "cursor"}
        self._say(f"<b>{cursor_s:.2f} s</b>", (at, "x"), (1, "paper"), self.theme.ink, **place)


def _kept_inside(
    places: dict[str, float], y_range: tuple[float, float], gap: float
) -> dict[str, float]:
    """The same heights, ``gap`` apart, inside of the lane: plotly hides words outside of it."""
    order = sorted(places, key=lambda text: places[text])
    low, high = y_range
    kept = {}
    for rank, text in enumerate(order):
        above = high - (len(order) - 1 - rank) * gap
        kept[text] = max(low + rank * gap, min(places[text], above))
    return kept
