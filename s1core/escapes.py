r"""Backslashes that a JSON reader took for the beginning of an escape: `\frac` read as a form feed and `rac`.

Whoever writes LaTeX into JSON without doubling the backslashes leaves `\f`, `\b`, `\t`, `\n` and `\r` behind, which are
control characters after reading; other commands are no JSON at all. What follows tells most of them from real ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LETTERS = {"\x07": "a", "\x08": "b", "\x0b": "v", "\x0c": "f", "\t": "t", "\n": "n", "\r": "r"}
_LOST = re.compile(
    # These stand in no text before a small letter.
    r"[\x07\x08\x0b\x0c](?=[a-z])"
    # Tabs and line ends do, but not before the rest of a command.
    r"|\t(?=(?:imes|ext(?:bf|it|rm|sf|tt|sc|style|color)?|frac|binom|heta|au|an(?! [a-z]{2})|anh|riangle|ilde|herefore|"
    r"op|o)(?![a-z]))"
    r"|\n(?=(?:eq|abla|otin|ot|mid|parallel|subseteq|leq|geq)(?![a-z]))"
    # A blank before the end of a line, and numbers around it: `3 \ne 4`.
    r"|(?<=[\d)}] )\n(?=e [-\d(\\])"
    r"|\r(?=(?:ight|angle|ceil|floor|ho|ightarrow|brace|vert|m)(?![a-z]))"
)
_IN_MATH = re.compile(r"\n(?=(?:u|e|i|eg|exists)(?![A-Za-z])\s*(?:[^\w\s]|\d|[A-Za-z](?![A-Za-z])))")
"""What may begin a line of prose, but none within a formula between dollar signs."""


def _lost(text: str) -> Iterator[re.Match[str]]:
    """What a JSON reader has eaten into, in order; in time linear in the text."""
    found = [*_LOST.finditer(text), *_within_formulas(text)]
    yield from sorted({match.start(): match for match in found}.values(), key=lambda match: match.start())


def _within_formulas(text: str) -> Iterator[re.Match[str]]:
    inside, read_to = False, 0
    for match in _IN_MATH.finditer(text):
        paragraph = text.rfind("\n\n", read_to, match.start())
        if paragraph >= 0:
            inside, read_to = False, paragraph
        inside ^= text.count("$", read_to, match.start()) % 2 == 1
        read_to = match.start()
        if inside:
            yield match


def with_backslashes(text: str) -> str:
    r"""Return a text with the LaTeX commands that a JSON reader has eaten into: `\f` + `rac` is `\frac` again."""
    pieces, kept_to = list[str](), 0
    for found in _lost(text):
        pieces += [text[kept_to : found.start()], "\\", _LETTERS[found[0]]]
        kept_to = found.end()
    return "".join(pieces) + text[kept_to:]


def eaten_command(text: str) -> str:
    r"""Return the first command that a JSON reader has eaten into, as `\frac`; empty where there is none."""
    found = next(_lost(text), None)
    if found is None:
        return ""
    rest = re.match(r"[a-zA-Z]*", text[found.end() :])
    return f"\\{_LETTERS[found[0]]}{rest[0] if rest else ''}"
