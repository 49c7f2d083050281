"""The program that compares mathematics: one JSON request a line in, one JSON reply a line out.

It runs as a process of its own, by its path, and imports nothing of this package: math-verify takes a second to load,
and one hostile expression can take all time and memory. It limits its memory itself; `process` stops it when late.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
from importlib import import_module
from typing import Any, TextIO

MEMORY_BYTES = 1 << 30
# A reply shorter than a pipe's buffer is written in one piece, or not at all when the child is killed.
_LONGEST_SEEN = 400

_DELIMITER = re.compile(r"(?<!\\)\$|\\\(|\\\[|\\boxed")
_ONE_FORMULA = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$]+)\$|\\\(([^$]+?)\\\)|\\\[([^$]+?)\\\]|\\boxed\{((?:(?!\\boxed).)*)\}", re.DOTALL
)
_UPRIGHT = re.compile(r"\\(?:mathrm|text)\s*\{\s*([ei])\s*\}")
_ROOT = re.compile(r"(?<![\\a-zA-Z])sqrt\s*\(([^()]*)\)")
_ARITHMETIC = re.compile(r"[0-9\s.+\-*/^()]+")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_AND = re.compile(r"(?:\\q?quad|\s)*\\text\s*\{\s*(?:and|or)\s*\}(?:\\q?quad|\s)*")
_GROUP = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|begin|end)\s*\{[^{}]*\}")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z\u00c0-\u024f]{3,}")
_NOT_WORDS = frozenset({"sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "log", "exp", "arcsin", "arccos", "arctan"})
# A number and what it counts: `36 dollars`. Read as a formula it would be a product of letters.
_COUNTED = re.compile(r"[+-]?[0-9][0-9.,]*\s+[a-zA-Z]{3,}\.?")
_UNITS = frozenset({"and", "mod", "percent", "percentage"})
# Two letters of a script that is not used for formulas: Cyrillic, Arabic, Devanagari, Chinese, Japanese, Korean, ...
_OTHER_SCRIPT = re.compile("[\u0400-\u1cff\u2e80-\ud7af]{2}")
_CJK_THEN_ASCII = re.compile("([\u2e80-\u9fff\uff00-\uffef])(?=[!-~])")


class Comparer:
    """Reads texts into expressions and compares them by math-verify."""

    def __init__(self) -> None:
        # Through Any: neither library ships types.
        self._lib: Any = import_module("math_verify")

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compare `text` with `gold`; `seen` is what was read as the answer."""
        golds = self._read(request["gold"], found="")
        answers = self._read(request["text"], found=request["found"])
        equal = any(self._equal(gold, answer) for gold in golds for answer in answers)
        seen = next((item for item in reversed(answers) if isinstance(item, str)), None)
        return {"equal": equal, "seen": seen if seen is None else seen[:_LONGEST_SEEN]}

    def _read(self, text: str, *, found: str) -> list[Any]:
        """The readings of a text: expressions, and the string that they were read from."""
        text = _ROOT.sub(r"\\sqrt{\1}", _UPRIGHT.sub(r"\1", text.strip()))
        whole = _ONE_FORMULA.fullmatch(text)
        formula = next((group for group in whole.groups() if group), "") if whole else text
        if _ARITHMETIC.fullmatch(formula):
            return self._parse(formula.replace("**", "^"), "any_match")
        prose = _is_prose(text) or (not found.startswith("boxed") and _DELIMITER.search(text))
        if whole or not prose:
            return self._read_formula(re.sub(r"(?<!\\)\$", " ", formula))
        spaced = _CJK_THEN_ASCII.sub(r"\1 ", text)
        return self._parse(f"Final Answer: {spaced}" if found == "final_answer_label" else spaced, "any_match")

    def _read_formula(self, formula: str) -> list[Any]:
        # Only this formula counts: in any other mode math-verify would go on and take any number in it for the answer.
        readings = self._parse(f"${_group_solutions(formula)}$", "first_match")
        if _DECIMAL_COMMA.fullmatch(formula.strip()):
            # `1,22` may be two numbers or one.
            readings += self._parse(formula.replace(",", "."), "any_match")
        return readings

    def _parse(self, text: str, mode: str) -> list[Any]:
        return self._lib.parse(text, extraction_mode=mode, parsing_timeout=None)

    def _equal(self, gold: Any, answer: Any) -> bool:
        # A set and the relation that describes it are the same answer: x in [-2, 7] and -2 <= x <= 7.
        return bool(self._lib.verify(gold, answer, allow_set_relation_comp=True, timeout_seconds=None))


def _is_prose(text: str) -> bool:
    text = _GROUP.sub(" ", text)
    words = [word for word in _WORD.findall(text) if word.lower() not in _NOT_WORDS | _UNITS]
    return len(words) > 1 or _OTHER_SCRIPT.search(text) is not None or _COUNTED.fullmatch(text) is not None


def _group_solutions(formula: str) -> str:
    """Solutions of several unknowns, `p=5, q=2 and p=7, q=2`, are parted by `;`, which math-verify takes as such."""
    parts = _AND.split(formula)
    grouped = len(parts) > 1 and all("," in part and "=" in part for part in parts)
    return "; ".join(part.strip(", ") for part in parts) if grouped else formula


def limit_resources() -> None:
    """Cap the memory, where the system can, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        resource: Any = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # Windows has no such limit, macOS refuses it; the deadline still holds.


def warm_comparer() -> Comparer:
    """A comparer whose tables are built: the first comparison takes as long as thirty others."""
    comparer = Comparer()
    comparer.answer({"text": r"\frac{x+1}{2}", "gold": "$(1+x)/2$", "found": ""})
    return comparer


def serve(comparer: Comparer, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until the input ends; the first reply tells who answers."""

    def reply(content: dict[str, Any]) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    reply({"ready": os.getpid()})
    for line in requests:
        request = json.loads(line)
        # Should the parent be killed, its deadline goes with it; this one, in CPU time, ends the process all the same.
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, request["deadline_s"] + 5)
        reply({"id": request["id"], **_outcome(comparer, request)})
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)


def _outcome(comparer: Comparer, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return comparer.answer(request)
    except MemoryError:
        return {"failed": "out_of_memory"}
    except Exception:
        # Whatever a library makes of a hostile text is an answer that could not be read, not a fault to report.
        return {"failed": "unreadable"}


def serve_in_children(comparer: Comparer, requests: TextIO, replies: TextIO) -> None:
    """Let a forked child answer, and fork the next when it was killed: milliseconds, not the second of a new start."""
    while True:
        child = os.fork()
        if child == 0:
            serve(comparer, requests, replies)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            # Taking the libraries down in good order takes a second, and somebody waits.
            os._exit(0)


def main() -> None:
    """Serve on the standard streams; libraries that print must not garble the replies."""
    limit_resources()
    logging.disable(logging.CRITICAL)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        comparer = warm_comparer()
    except ImportError as error:
        print(json.dumps({"unavailable": str(error)}), file=replies, flush=True)
        return
    if hasattr(os, "fork"):
        serve_in_children(comparer, sys.stdin, replies)
    else:
        serve(comparer, sys.stdin, replies)


if __name__ == "__main__":
    main()
