"""The picture of a link: a question, two answers side by side, and a sentence. Drawn with the page's own typefaces."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from app.shell.document import CARD_SIZE
from app.shell.fonts import FOLDER

PAPER, INK, SOFT, LINE = "#fbfaf7", "#1c1a17", "#5e5950", "#e4dfd6"
AMBER_FILL, AMBER_LINE, AMBER_INK = "#fde9bd", "#b27102", "#653f00"
VERDICTS = {"right": "#17713f", "wrong": "#b3261e", "": INK}
MARGIN = 64
Verdict = Literal["right", "wrong", ""]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the answers."""

    name: str
    answer: str
    verdict: Verdict


def card(*, title: str, sentence: str, sides: Sequence[Side] = ()) -> bytes:
    """Return a PNG.

    Args:
        title: large, on two lines at most.
        sentence: below, on two lines at most.
        sides: two answers between them, or none.
    """
    picture = Image.new("RGB", CARD_SIZE, PAPER)
    pen = ImageDraw.Draw(picture)
    _wordmark(pen)
    top = _lines(pen, title, y=148, size=60, weight=700, most=2) + 20
    for place, side in enumerate(sides[:2]):
        _side(pen, side, place, top)
    y = CARD_SIZE[1] - MARGIN - (96 if len(_wrapped(pen, sentence, _font(38, 600))) > 1 else 48)
    _lines(pen, sentence, y=y, size=38, weight=600, most=2)
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def icon(size: int) -> bytes:
    """Return the mark alone as a PNG, for browsers' tabs: the name in the pill of a forced Wait."""
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    edge = max(1, size // 16)
    box = (edge // 2, size // 8, size - 1 - edge // 2, size - 1 - size // 8)
    pen.rounded_rectangle(box, radius=size * 3 // 8, fill=AMBER_FILL, outline=AMBER_LINE, width=edge)
    pen.text((size / 2, size / 2), "s1", font=_font(round(size * 0.56), 800), fill=AMBER_INK, anchor="mm")
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


@cache
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(FOLDER / "atkinson-hyperlegible-next.woff2", size)
    font.set_variation_by_axes([weight])
    return font


def _wordmark(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle((MARGIN, 56, MARGIN + 92, 112), radius=28, fill=AMBER_FILL, outline=AMBER_LINE, width=3)
    pen.text((MARGIN + 46, 84), "s1", font=_font(36, 800), fill=AMBER_INK, anchor="mm")
    pen.text((MARGIN + 112, 84), "playground", font=_font(36, 600), fill=INK, anchor="lm")


def _side(pen: ImageDraw.ImageDraw, side: Side, place: int, top: int) -> None:
    width = (CARD_SIZE[0] - 2 * MARGIN - 32) // 2
    left, height = MARGIN + place * (width + 32), 190
    colour = VERDICTS[side.verdict]
    pen.rounded_rectangle((left, top, left + width, top + height), radius=20, fill="#ffffff", outline=LINE, width=2)
    pen.text((left + 28, top + 24), side.name, font=_font(30, 600), fill=SOFT)
    pen.text(
        (left + 28, top + height - 24),
        _cut(pen, side.answer, width - 140, 84),
        font=_font(84, 700),
        fill=INK,
        anchor="ls",
    )
    if side.verdict:
        _mark(pen, side.verdict, left + width - 70, top + height - 62, colour)


def _mark(pen: ImageDraw.ImageDraw, verdict: Verdict, x: int, y: int, colour: str) -> None:
    """A tick or a cross, drawn: the typeface has neither."""
    if verdict == "right":
        pen.line([(x - 30, y), (x - 8, y + 24), (x + 34, y - 30)], fill=colour, width=14, joint="curve")
        return
    for a, b in (((x - 28, y - 28), (x + 28, y + 28)), ((x - 28, y + 28), (x + 28, y - 28))):
        pen.line([a, b], fill=colour, width=14)


def _lines(pen: ImageDraw.ImageDraw, text: str, *, y: int, size: int, weight: int, most: int) -> int:
    """Write on as many lines as fit and return where the last one ends."""
    font, step = _font(size, weight), round(size * 1.2)
    lines = _wrapped(pen, text, font)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" .,") + "…"]
    for number, line in enumerate(lines):
        pen.text((MARGIN, y + number * step), line, font=font, fill=INK)
    return y + len(lines) * step


def _wrapped(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > CARD_SIZE[0] - 2 * MARGIN:
            lines.append(word[:60])
        else:
            lines[-1] = longer[:200]
    return lines


def _cut(pen: ImageDraw.ImageDraw, text: str, width: int, size: int) -> str:
    font, line = _font(size, 700), " ".join(text.split())[:60]
    while line and pen.textlength(line, font=font) > width:
        line = f"{line[:-2]}…" if len(line) > 2 else ""
    return line
