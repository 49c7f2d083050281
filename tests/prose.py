"""`python -m tests.prose`: lint the prose of the project: its pages, docstrings and comments. A part of `make check`.

proselint finds clichés, archaisms and redundancy. `docs/vocabulary.txt` lists words that a newcomer would not know,
each with the standard term. Both read prose alone: code, and code inside prose, is left out.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from proselint.checks import __register__
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

ROOT = Path(__file__).parents[1]
VOCABULARY = ROOT / "docs/vocabulary.txt"
PARTS = ("app", "curate", "evals", "s1core", "tests", "train")
# Straight quotes and plain dots are right in Markdown; a range of numbers is not a date.
OFF = ("typography", "dates_times")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"``.+?``|`[^`]+`|\]\([^)]*\)|https?://\S+")


def pages() -> list[Path]:
    """Every file that holds prose. The changelog speaks of what was."""
    code = (path for part in PARTS for path in (ROOT / part).rglob("*.py"))
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *code]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def prose(path: Path) -> str:
    """The prose of a file, every word in its own line."""
    text = path.read_text(encoding="utf-8")
    text = _of_python(text) if path.suffix == ".py" else _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    return _CODE.sub(lambda code: "…" + "\n" * code[0].count("\n"), text)


def _of_python(text: str) -> str:
    lines = [""] * (text.count("\n") + 1)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                for number, line in enumerate(words.split("\n"), node.lineno - 1):
                    lines[min(number, len(lines) - 1)] += line
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            lines[token.start[0] - 1] += token.string
    return "\n".join(lines)


def vocabulary() -> dict[re.Pattern[str], str]:
    """The pattern of each private term, and what to write instead."""
    rows = (line.split("->") for line in VOCABULARY.read_text(encoding="utf-8").splitlines() if "->" in line)
    return {re.compile(rf"\b{term.strip()}\b", re.IGNORECASE): better.strip() for term, better in rows}


def findings(path: Path) -> Iterator[str]:
    """What should be written otherwise, as `file:line: sentence`."""
    name, text = path.relative_to(ROOT), prose(path)
    if not text.strip():
        return
    checks = {check: on and not check.startswith(OFF) for check, on in DEFAULT["checks"].items()}
    for found in LintFile(str(name), text).lint(Config(max_errors=DEFAULT["max_errors"], checks=checks)):
        yield f"{name}:{found.pos[0]}: {found.check_result.message}"
    for pattern, better in vocabulary().items():
        for match in pattern.finditer(text):
            yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: write {better!r} instead of {match[0]!r}"


def main() -> int:
    """Print every finding; return 1 when there is one."""
    CheckRegistry().register_many(__register__)
    found = [line for path in pages() for line in findings(path)]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
