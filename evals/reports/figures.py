"""Figures and metric tables from series: `accuracy_figure` and `metrics_*` are pure, `write_*` make files.

Published, measured and imported points differ in marker and in words. The HTML holds all that it needs; SVG and PNG are
drawn by a Chromium on this machine, since that is what the page is drawn with as well.
"""

from __future__ import annotations

import csv
import html
import io
import math
import os
import re
import shutil
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import plotly.graph_objects as go

from evals.reports.series import Point, Provenance, Series, by_tokens
from s1core.errors import S1Error
from s1core.metrics import performance, scaling

MARKERS: dict[Provenance, str] = {"published": "diamond-open", "measured": "circle", "imported": "square"}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6A3D9A")
"""Distinct to colour-blind readers too (Okabe and Ito, without its yellow)."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
METRIC_COLUMNS = ("benchmark", "series", "runs", "control %", "scaling points/1,000 tokens", "performance %")


class ImageUnavailable(S1Error, RuntimeError):
    """No browser here can draw an image file; the message says what to do."""


def accuracy_figure(series: Sequence[Series], title: str = "") -> go.Figure:
    """Draw accuracy against average thinking tokens on a log2 axis, with the 95 % intervals as bands."""
    told = [tokens for one in series for tokens, _ in _placed(one)]
    positive = [tokens for tokens in told if tokens > 0]
    floor = min(positive, default=1.0) / 2
    figure = go.Figure()
    for number, one in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        figure.add_traces(series_traces(one, colour=colour, group=str(number), floor=floor))
    has_zero = any(tokens <= 0 for tokens in told)
    values, texts = _ticks(floor, max(positive, default=1.0), has_zero)
    figure.update_layout(
        title={"text": html.escape(title)},
        template="plotly_white",
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "y": -0.25},
        xaxis={"type": "log", "tickvals": values, "ticktext": texts, "title": f"average {_counted(series)}, log2"},
        yaxis={"title": "accuracy %", "range": [0, 100]},
    )
    return figure


def _counted(series: Sequence[Series]) -> str:
    """What the axis counts; published series may count something else."""
    own = [one.x for one in series if one.provenance != "published"]
    kind = own[0] if own else "thinking_tokens"
    also = ["parallel methods: output"] if any(one.x == "output_tokens" for one in series) else []
    also += ["published: thinking"] if any(one.x == "thinking_tokens" != kind for one in series) else []
    return kind.replace("_", " ") + (f" ({'; '.join(also)})" if also else "")


def series_traces(one: Series, *, colour: str, group: str = "", floor: float = 0.0) -> list[go.Scatter]:
    """Draw one series: the band of its intervals where all are known, then its line; a single point gets a bar.

    Points whose thinking tokens are unknown are left out: they have no place on the axis.

    Args:
        one: what to draw.
        colour: of band, line and markers.
        group: what the legend shows and hides together.
        floor: where no thinking at all is drawn, since a log axis has no zero; 0 leaves that to the caller.
    """
    points = [point for point in by_tokens(one.points) if point.thinking_tokens is not None]
    if not points:
        return []
    line = _line(one, points, floor, colour, group)
    if any(point.low is None or point.high is None for point in points):
        return [line]
    if len(points) == 1:  # a band of one point would have no width
        line.error_y = _bar(points[0])
        return [line]
    return [_band(points, floor, colour, group), line]


def _placed(one: Series) -> list[tuple[float, float]]:
    """(average thinking tokens, accuracy) of the points that have a place on the token axis."""
    return [(p.thinking_tokens, p.accuracy) for p in one.points if p.thinking_tokens is not None]


def _bar(point: Point) -> dict[str, Any]:
    assert point.low is not None and point.high is not None
    above, below = [point.high - point.accuracy], [point.accuracy - point.low]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below}


def _x(point: Point, floor: float) -> float:
    """A log axis has no zero: no thinking at all is drawn one octave left of the least thinking."""
    return point.thinking_tokens if point.thinking_tokens else floor


def _ticks(floor: float, most: float, has_zero: bool) -> tuple[list[float], list[str]]:
    powers = [2.0**k for k in range(math.ceil(math.log2(floor * 2)), math.ceil(math.log2(most)) + 1)]
    zero = [floor] if has_zero else []
    return [*zero, *powers], [*("0" for _ in zero), *(f"{power:,.0f}" for power in powers)]


def _line(one: Series, points: Sequence[Point], floor: float, colour: str, group: str) -> go.Scatter:
    return go.Scatter(
        x=[_x(point, floor) for point in points],
        y=[point.accuracy for point in points],
        mode="lines+markers",
        name=html.escape(one.name),
        legendgroup=group,
        line={"color": colour, "dash": "dot" if one.provenance == "published" else "solid"},
        marker={"symbol": MARKERS[one.provenance], "size": 10, "color": colour},
        hovertext=[_hover(one, point) for point in points],
        hoverinfo="text",
    )


def _hover(one: Series, point: Point) -> str:
    label = "not labelled in the source" if point.label is None else point.label
    interval = "" if point.low is None else f" [{point.low:.1f}, {point.high:.1f}]"
    n = "n not known" if point.n is None else f"n = {point.n}"
    lines = (
        one.name,
        f"setting: {label}",
        f"{point.thinking_tokens:,.1f} {one.x.replace('_', ' ')} on average",
        f"accuracy {point.accuracy:.1f} %{interval}, {n}",
        f"{one.provenance}: {one.source}",
    )
    return "<br>".join(html.escape(line) for line in lines)


def _band(points: Sequence[Point], floor: float, colour: str, group: str) -> go.Scatter:
    x = [_x(point, floor) for point in points]
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*(point.high for point in points), *(point.low for point in reversed(points))],
        fill="toself",
        fillcolor=colour,
        opacity=0.12,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=group,
    )


def metrics(series: Sequence[Series]) -> list[tuple[str, ...]]:
    """Control, scaling and performance of each series as text; `–` where one is not defined or not known."""
    return [
        (
            one.benchmark,
            one.name,
            str(len(one.points)),
            "–" if one.control is None else f"{one.control:.1f}",
            _slope(_placed(one)),
            f"{performance([(point.thinking_tokens or 0.0, point.accuracy) for point in one.points]):.1f}",
        )
        for one in series
        if one.points
    ]


def _slope(points: list[tuple[float, float]]) -> str:
    return f"{scaling(points):.2f}" if len({tokens for tokens, _ in points}) > 1 else "–"


def metrics_markdown(series: Sequence[Series]) -> str:
    """The metrics as a Markdown table."""
    rows = [METRIC_COLUMNS, ("---",) * len(METRIC_COLUMNS), *metrics(series)]
    # Names come from imported files too: a bar in one must not open a column.
    return "\n".join("| " + " | ".join(re.sub(r"\s*\|\s*", r" \\| ", cell) for cell in row) + " |" for row in rows)


def metrics_csv(series: Sequence[Series]) -> str:
    """The metrics as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([METRIC_COLUMNS, *metrics(series)])
    return text.getvalue()


def write_html(figure: go.Figure, path: Path) -> None:
    """Write a page that needs nothing from the network."""
    path.write_text(figure.to_html(include_plotlyjs=True), encoding="utf-8")


def write_image(figure: go.Figure, path: Path, *, width: int = 960, height: int = 600) -> None:
    """Write an SVG or PNG, by the file's suffix.

    Raises:
        ImageUnavailable: there is no Chromium, or it did not draw the figure.
    """
    kind = path.suffix.lstrip(".").lower()
    if kind not in ("svg", "png"):
        raise ImageUnavailable(f"{path.name} must end in .svg or .png")
    options = f"{{format:'{kind}',width:{width},height:{height},scale:{2 if kind == 'png' else 1}}}"
    draw = (
        f"Plotly.toImage(document.getElementById('{{plot_id}}'),{options})"
        ".then(u=>{document.head.innerHTML='';document.body.textContent='IMAGE['+u+']'})"
    )
    page = figure.to_html(include_plotlyjs=True, post_script=draw)
    found = re.search(r"IMAGE\[data:image/[^,]*?(;base64)?,([^\]]*)\]", _drawn(page))
    if found is None:
        raise ImageUnavailable(f"Chromium did not draw {path.name}; open the HTML and use its camera button")
    # The text of a page escapes what the address of an image may hold.
    data = html.unescape(found[2])
    path.write_bytes(b64decode(data) if found[1] else unquote(data).encode())


def _drawn(page: str) -> str:
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise ImageUnavailable(
            "SVG and PNG are drawn by Chromium, which is not here: install it (Debian: apt install chromium), "
            "or open the HTML and use its camera button"
        )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "figure.html"
        source.write_text(page, encoding="utf-8")
        # Chromium's sandbox refuses to run as root; the page is our own.
        as_root: list[Any] = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [browser, "--headless=new", *as_root, "--disable-gpu", f"--user-data-dir={folder}/profile"]
        command += ["--virtual-time-budget=15000", "--dump-dom", source.as_uri()]
        try:
            return subprocess.run(command, capture_output=True, timeout=120, check=False).stdout.decode()
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ImageUnavailable(f"Chromium could not draw the figure ({error}); open the HTML instead") from error
