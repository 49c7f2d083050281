"""The colours of lanes and verdicts: distinct to colour-blind viewers, and readable on a projector.

Colour never tells alone (lanes have numbers, verdicts have words and shapes); this keeps it from misleading.
"""

from __future__ import annotations

import itertools
import re

import pytest

from app.shell.components import read_assets

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SEES = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
VIEWS = {
    "light": r"^\.race \{ (.*?) \}",
    "dark": r"^\.dark \.race \{ (.*?) \}",
    "talk light": r'^\.race\[data-talk="true"\] \{(.*?)\}',
    "talk dark": r'^\.dark \.race\[data-talk="true"\] \{(.*?)\}',
}
TELLS_APART = 10.0
"""Distance in CIELAB; 2.3 is just noticeable."""
Linear = tuple[float, float, float]


def colours(view: str) -> dict[str, Linear]:
    rules = "".join(re.findall(VIEWS[view], read_assets("tabs/compare/race.css"), re.MULTILINE | re.DOTALL))
    names = re.findall(r"--([a-z0-9-]+): #([0-9a-f]{6}|[0-9a-f]{3})\b", rules)
    return {name: linear(code if len(code) == 6 else "".join(2 * digit for digit in code)) for name, code in names}


def linear(code: str) -> Linear:
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))  # type: ignore[return-value]


def times(matrix: tuple[tuple[float, ...], ...], colour: Linear) -> Linear:
    return tuple(min(1.0, max(0.0, sum(m * c for m, c in zip(row, colour, strict=True)))) for row in matrix)  # type: ignore[return-value]


def lab(colour: Linear) -> Linear:
    to_xyz = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8728))
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in times(to_xyz, colour))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Linear, other: Linear) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5


def contrast(one: Linear, other: Linear) -> float:
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("eyes", SEES)
def test_lanes_are_told_apart(view: str, eyes: str) -> None:
    lanes = [colour for name, colour in colours(view).items() if name.startswith("lane-")]
    assert len(lanes) == 4
    for one, other in itertools.combinations(lanes, 2):
        assert distance(times(SEES[eyes], one), times(SEES[eyes], other)) >= TELLS_APART


@pytest.mark.parametrize("view", ["talk light", "talk dark"])
def test_talk_mode_has_high_contrast(view: str) -> None:
    seen = colours(view)
    for name in ("ink", "ink-soft", "green", "red", "blue", *(f"lane-{n}" for n in range(1, 5))):
        assert contrast(seen[name], seen["paper"]) >= 7, name
    assert contrast(seen["amber-ink"], seen["amber-fill"]) >= 7


@pytest.mark.parametrize("eyes", SEES)
@pytest.mark.parametrize("view", ["talk light", "talk dark"])
def test_right_and_wrong_are_told_apart(view: str, eyes: str) -> None:
    seen = colours(view)
    assert distance(times(SEES[eyes], seen["green"]), times(SEES[eyes], seen["red"])) >= TELLS_APART
