"""What the documents point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "curate", "evals", "s1core", "tests", "train")
SOURCES = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")} | {"space.py"}
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_FILE = re.compile(r"`([\w/]+\.py)`")
_VERB = re.compile(r"`make ([a-z-]+)")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_files_verbs_and_tests_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []
    verbs = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [verb for verb in _VERB.findall(text) if verb not in verbs] == []
    assert [file for file in _FILE.findall(text) if Path(file).name not in SOURCES] == []
    assert [
        f"{file}::{name}"
        for file, name in _TEST.findall(text)
        if not (ROOT / file).exists() or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ] == []


def test_every_promise_of_security_names_a_test() -> None:
    lines = (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines()
    promises = [line for line in lines if line.startswith("| ") and not line.startswith(("| promise", "|---"))]
    assert len(promises) > 10 and all(_TEST.search(line) for line in promises)
