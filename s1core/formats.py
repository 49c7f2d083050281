"""Thinking formats as data: how a model family opens, closes and leaves its thinking block.

One table serves training, inference, grading and display. What a model's own chat template says of the markers goes
before the table (`s1core.chat_template`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from s1core.errors import InvalidSetting
from s1core.settings import DEFAULT_FINAL_ANSWER_TEXT, Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinkingFormat:
    """How one model family writes its thinking block."""

    name: str
    open: str
    """Follows the rendered chat prompt, unless that already ends inside a thinking block."""
    ends: tuple[str, ...]
    """Markers with which the model ends its thinking. Never kept. End of sequence always ends it as well."""
    close_by_model: str
    close_by_budget: str
    """Followed by the budget's final-answer text."""
    drop_newline_after_newline: bool
    """Leave out the leading newline of a closing when the thinking already ends with one."""
    answer_ends: tuple[str, ...]
    """Markers that end the answer wherever they are sampled."""
    reopens: tuple[str, ...] = ()
    """Markers that open the thinking block again, upon which the answer ends unfinished; quoted ones are text."""
    keeps_thoughts: bool = True
    """The chat template shows the thinking of earlier turns."""
    advice: str = ""
    """What the makers of the family write at the end of a thinking that is cut, before the closing marker."""

    def advised(self, budget: Budget) -> Budget:
        """Return a budget that closes as the makers of the family advise: in their words, or with the final answer."""
        if not self.advice:
            return replace(budget, final_answer_text=DEFAULT_FINAL_ANSWER_TEXT, landing_text="", landing_bias=0.0)
        return replace(budget, final_answer_text="", landing_text=self.advice, landing_share=1.0, landing_bias=0.0)

    def closing_text(self, *, by_model: bool, thinking_text: str, final_answer_text: str) -> str:
        """Return what is injected to close the block."""
        text = self.close_by_model if by_model else self.close_by_budget
        if self.drop_newline_after_newline and thinking_text.endswith("\n"):
            text = text.removeprefix("\n")
        return text if by_model else text + final_answer_text

    def is_inside(self, prompt: str) -> bool:
        """Whether a rendered prompt ends inside an open thinking block."""
        return bool(self.open) and prompt.rstrip().endswith(self.open.strip())

    def without_closed_block(self, prompt: str) -> str:
        """Return a rendered prompt without the closed, empty block with which a hybrid template skips the thinking."""
        if not self.open:
            return prompt
        ends = "|".join(map(re.escape, self.ends))
        return re.sub(rf"{re.escape(self.open.strip())}\s*(?:{ends})\s*\Z", "", prompt)

    def opened(self, prompt: str) -> str:
        """Return a rendered prompt that ends inside an open thinking block.

        Raises:
            InvalidSetting: the prompt closes the thinking before the model can begin.
        """
        prompt = self.without_closed_block(prompt)
        if self.is_inside(prompt):
            return prompt
        closed = next((end for end in self.ends if prompt.rstrip().endswith(end)), None)
        if closed is not None:
            raise InvalidSetting(
                f"the model's chat template ends its prompt with {closed}, after which there is no thinking; "
                "use a template that lets the model think"
            )
        return prompt + self.open

    def block(self, turn: str) -> Block | None:
        """Find the thinking of an assistant's turn; None where there is none.

        An opening marker that the chat template wrote is not missed if the closing one begins a line.
        """
        opening, closing = self.open.strip(), self.close_by_model.strip()
        head, opened, rest = turn.partition(opening)
        if opened and not head.strip():
            start = len(head) + len(opening)
            # A trace that speaks of the marker still ends at the last one; an answer may speak of it too.
            at = max(_line_starts(closing, rest), default=rest.rfind(closing))
            end = len(turn) if at < 0 else start + at
            return Block(start, end, end if at < 0 else end + len(closing))
        at = max(_line_starts(closing, turn), default=-1)
        return None if at < 0 else Block(0, at, at + len(closing))

    def turn(self, thinking: str, answer: str) -> str:
        """Return an assistant's turn with this thinking, on lines of its own where the format sets it so."""
        lead = "\n" if self.close_by_budget.startswith("\n") and not self.open.endswith("\n") else ""
        return f"{self.open}{lead}{thinking.strip()}{self.close_by_budget}{answer.lstrip()}"

    def answer_of(self, turn: str) -> str:
        """Return an assistant's turn without its thinking."""
        block = self.block(turn)
        return turn if block is None else turn[block.after :].lstrip()


def _line_starts(marker: str, text: str) -> list[int]:
    """Return where the text has a marker at the beginning of a line."""
    return [found.start(1) for found in re.finditer(rf"^[ \t]*({re.escape(marker)})", text, re.MULTILINE)]


class Block(NamedTuple):
    """Where the thinking of a turn is, in characters."""

    start: int
    """After the opening marker; 0 where it was left out."""
    end: int
    """Where the closing marker begins."""
    after: int
    """Where the answer begins; `end` if the thinking is never closed."""


FORMATS: dict[str, ThinkingFormat] = {
    "s1": ThinkingFormat(
        name="s1",
        open="<|im_start|>think",
        ends=("<|im_start|>", "<|im_end|>"),
        close_by_model="<|im_start|>answer",
        close_by_budget="\n<|im_start|>answer\n",
        drop_newline_after_newline=True,
        answer_ends=("<|im_end|>", "<|im_start|>"),
    ),
    "think_tags": ThinkingFormat(
        name="think_tags",
        open="<think>\n",
        ends=("</think>",),
        close_by_model="\n</think>\n\n",
        close_by_budget="\n</think>\n\n",
        drop_newline_after_newline=True,
        answer_ends=(),
        reopens=("<think>",),
        # Qwen3's, from its technical report; the closing marker and its line breaks follow.
        advice="\n\nConsidering the limited time by the user, I have to give the solution based on the thinking "
        "directly now.",
    ),
}


def thinking_format(name: str) -> ThinkingFormat:
    """Look up a format by name."""
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidSetting(f"unknown thinking format {name!r}; known: {', '.join(FORMATS)}") from None
