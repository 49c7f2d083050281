"""A model's own chat template: rendered with care, and read for how it opens and closes the thinking block.

Some templates refuse a turn, some leave one out, hybrid ones have a switch for the thinking, and some write no header
for the answer. What cannot be rendered is refused in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from s1core.errors import InvalidSetting
from s1core.formats import CLOSING, OPENING, ThinkingFormat

Chat = list[dict[str, str]]
RenderChat = Callable[..., str]
"""Renders a chat with a model's chat template: `(chat)` to be answered with thinking, with `think=False` without it,
with `ask=False` as it stands, without the header of an answer."""

SWITCHES = ("enable_thinking", "thinking")
"""Variables by which hybrid templates switch the thinking on and off; the others do not look at them."""
_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Fields of a turn in which templates look for its thinking."""
_THOUGHT, _ANSWER = "⟦thought⟧", "⟦answer⟧"
_AROUND = re.compile(rf"(?P<opens>{OPENING})\s*{_THOUGHT}\s*(?P<closes>{CLOSING})\s*{_ANSWER}", re.IGNORECASE)


class ChatTemplate:
    """`RenderChat` of a tokenizer of transformers that has a chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, chat: Chat, *, ask: bool = True, think: bool = True) -> str:
        """Render a chat.

        Args:
            chat: turns with `role` and `content`.
            ask: end with the header of the assistant's next turn.
            think: have a hybrid template switch the thinking on.

        Raises:
            InvalidSetting: the template refuses these turns.
        """
        try:
            return self._rendered(chat, ask=ask, think=think) + (self._header if ask else "")
        except InvalidSetting:
            raise
        except Exception as error:  # whatever a template raises means the same
            raise self._refused(chat, error, think=think) from error

    def _rendered(self, chat: Chat, *, ask: bool, think: bool) -> str:
        return self._tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=ask, **dict.fromkeys(SWITCHES, think)
        )

    @cached_property
    def _header(self) -> str:
        """The header of an assistant's turn, if the template writes it before an answer only, never to ask for one."""
        question = [{"role": "user", "content": "q"}]
        try:
            bare = self._rendered(question, ask=False, think=True)
            if self._rendered(question, ask=True, think=True) != bare:
                return ""
            answered = self._rendered([*question, {"role": "assistant", "content": _ANSWER}], ask=False, think=True)
        except Exception:  # it is this chat that it refuses, and perhaps not the next
            return ""
        header = answered.removeprefix(bare).partition(_ANSWER)[0]
        return header if answered.startswith(bare) and header.strip() else ""

    def _refused(self, chat: Chat, error: Exception, *, think: bool) -> InvalidSetting:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
        rest = [turn for turn in chat if turn["role"] != "system"]
        if 0 < len(rest) < len(chat) and self._renders(rest, think=think):
            return InvalidSetting(
                f"the model's chat template refuses a system turn ({reason}); put its text in front of the question"
            )
        return InvalidSetting(
            f"the model's chat template cannot render these turns ({reason}); ask one question without earlier turns, "
            "or use another model"
        )

    def _renders(self, chat: Chat, *, think: bool) -> bool:
        try:
            self._rendered(chat, ask=True, think=think)
        except MemoryError:
            raise
        except Exception:
            # A template is a program of the model's authors and may raise anything; the caller reports its first error.
            return False
        return True


def fitted(fmt: ThinkingFormat, render: RenderChat) -> ThinkingFormat:
    """Return a format with its markers as the template itself writes them around a thought, white space included.

    Tags may be those of another family, such as `<seed:think>`. A template that shows no thoughts, or cannot be asked,
    leaves the format as it is.
    """
    question = {"role": "user", "content": "q"}
    in_a_field = {"role": "assistant", "content": _ANSWER, **dict.fromkeys(_FIELDS, _THOUGHT)}
    try:
        of_a_field = render([question, in_a_field], ask=False)
        fmt = _of_its_family(fmt, of_a_field)
        inline = f"{fmt.open.strip()}{_THOUGHT}{fmt.close_by_model.strip()}{_ANSWER}"
        in_the_text = {"role": "assistant", "content": inline}
        shown = [of_a_field, render([question, in_the_text], ask=False)]
        earlier = render([question, in_the_text, question], ask=False)
    except (InvalidSetting, TypeError):
        return fmt
    fmt = replace(fmt, keeps_thoughts=_THOUGHT in earlier)
    opening, closings = re.escape(fmt.open.strip()), "|".join(map(re.escape, fmt.ends))
    pattern = re.compile(rf"({opening}\s*){_THOUGHT}(\s*(?:{closings})\s*){_ANSWER}")
    for text in shown:
        # Text that is passed on as it was given says nothing of what the template would write.
        if inline not in text and (found := pattern.search(text)):
            return replace(fmt, open=found[1], close_by_model=found[2], close_by_budget=found[2])
    return fmt


def _of_its_family(fmt: ThinkingFormat, shown: str) -> ThinkingFormat:
    """A format of tags with the tags in which the template shows a thought."""
    found = _AROUND.search(shown) if fmt.name == "think_tags" else None
    if found is None or found["opens"] == fmt.open.strip():
        return fmt
    opens, closes = found["opens"], found["closes"]
    closing = f"\n{closes}\n\n"
    return replace(
        fmt, open=f"{opens}\n", ends=(closes,), close_by_model=closing, close_by_budget=closing, reopens=(opens,)
    )
