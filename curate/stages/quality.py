r"""Format filters, as the released notebook has them, and what could not be trained on.

The patterns are the published ones: page references `p12.` and bold words with a digit after their opening, `**4**`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curate.rows import OnProgress, Outcome, Rejection, Row

_PAGE = re.compile(r"p[1-9]\d{0,2}\.")
_BOLD_NUMBER = re.compile(r"\*\*(?=.*\d)[^\s\]]*\*\*")
_SPECIAL = re.compile(r"<\|(?:im_start|im_end|endoftext|fim_pad)\|>|</?think>")


def rejected_by(row: Row) -> tuple[str, str] | None:
    """The first rule that rejects a row, and what it saw; None for a row that may stay."""
    question = row.question
    if row.failed is not None:
        return "failed_call", row.failed
    if "[asy]" in question and row.source != "aime":
        return "ascii_diagram", "[asy]"
    if "![Image]" in question:
        return "missing_image", "![Image]"
    if found := _PAGE.search(question):
        return "page_reference", found[0]
    if found := _BOLD_NUMBER.search(question):
        return "number_reference", found[0][:80]
    if found := _SPECIAL.search(question) or _SPECIAL.search(row.attempt or ""):
        return "special_token", found[0]
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """Removes failed calls, damaged questions, and traces that are too long to train on."""

    max_thinking_tokens: int | None = None
    name: str = "quality"
    pure: bool = True

    @property
    def config(self) -> dict[str, Any]:
        """Its rules are fixed; the number grows when they change."""
        limit = {} if self.max_thinking_tokens is None else {"max_thinking_tokens": self.max_thinking_tokens}
        return {"rules": 1, **limit}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Apply the rules."""
        kept: list[Row] = []
        rejections: list[Rejection] = []
        counts: Counter[str] = Counter()
        for number, row in enumerate(rows):
            if (why := rejected_by(row) or self._too_long(row)) is None:
                kept.append(row)
            else:
                rejections.append(Rejection.of(row, self.name, *why))
                counts[why[0]] += 1
            if number % 4096 == 0:
                on_progress(number, counts)
        return Outcome(rows=kept, rejections=rejections)

    def _too_long(self, row: Row) -> tuple[str, str] | None:
        tokens, most = row.thinking_tokens or 0, self.max_thinking_tokens
        return None if most is None or tokens <= most else ("long_trace", f"{tokens:,} thinking tokens")
