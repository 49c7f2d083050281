r"""Backslashes that a JSON reader took for the beginning of an escape: `\frac` read as a form feed and `rac`.

Whoever writes LaTeX into JSON without doubling the backslashes leaves `\f`, `\b`, `\t`, `\n` and `\r` behind, which are
control characters after reading; other commands are no JSON at all. What follows tells most of them from real ones.
"""

from __future__ import annotations

import re

_LETTERS = {"\x07": "a", "\x08": "b", "\x0b": "v", "\x0c": "f", "\t": "t", "\n": "n", "\r": "r"}
_LOST = re.compile(
    # These stand in no text before a small letter.
    r"[\x07\x08\x0b\x0c](?=[a-z])"
    # Tabs and line ends do, but not before the rest of a command.
    r"|\t(?=(?:imes|ext|extbf|extit|extrm|frac|heta|au|an|anh|riangle|ilde|herefore|op|o)(?![a-z]))"
    r"|\n(?=(?:eq|abla|otin|mid|parallel|subseteq|leq|geq)(?![a-z]))"
    r"|\r(?=(?:ight|angle|ceil|floor|ho|ightarrow|brace|vert|m)(?![a-z]))"
)


def with_backslashes(text: str) -> str:
    r"""Return a text with the LaTeX commands that a JSON reader has eaten into: `\f` + `rac` is `\frac` again."""
    return _LOST.sub(lambda found: "\\" + _LETTERS[found[0]], text)


def eaten_command(text: str) -> str:
    r"""Return the first command that a JSON reader has eaten into, as `\frac`; empty where there is none."""
    found = _LOST.search(text)
    if found is None:
        return ""
    rest = re.match(r"[a-zA-Z]*", text[found.end() :])
    return f"\\{_LETTERS[found[0]]}{rest[0] if rest else ''}"
