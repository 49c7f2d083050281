"""Styles of one tab do not reach into another: all tabs are one page, and its style sheets are joined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TABS = Path(__file__).parents[3] / "app" / "tabs"
NAMES = sorted(folder.name for folder in TABS.iterdir() if (folder / "tab.py").is_file())
SHARED = {"board-state", "compare", "mark", "panel", "panel-head", "pill"}
"""Classes that several tabs use on purpose, in the same meaning."""


def styled_everywhere(tab: str) -> set[str]:
    """Classes that a tab's style sheets dress wherever they stand: the first part of a selector."""
    found: set[str] = set()
    for path in (TABS / tab).rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}@;]+)\{", text):
            for selector in re.split(r",(?![^(]*\))", selectors):
                parts = selector.split()
                if len(parts) == 1 and (match := re.match(r"\.([\w-]+)", parts[0])):
                    found.add(match[1])
    return found


def used(tab: str) -> Iterator[str]:
    """Classes in a tab's markup and scripts."""
    for path in (TABS / tab).rglob("*"):
        if path.suffix == ".html":
            for names in re.findall(r'class="([^"]+)"', path.read_text(encoding="utf-8")):
                yield from names.split()
        if path.suffix == ".js":
            for names in re.findall(r'make\("\w+", "([\w -]+)"', path.read_text(encoding="utf-8")):
                yield from names.split()


@pytest.mark.parametrize("tab", NAMES)
def test_no_other_tab_uses_a_class_that_a_tab_dresses(tab: str) -> None:
    own = styled_everywhere(tab)
    taken = {(other, name) for other in NAMES if other != tab for name in used(other) if name in own - SHARED}
    assert taken == set(), f"styles of {tab} reach these: write their selectors under the tab's own root"
