"""The question of a request: the turns of a chat, or one or several texts to complete. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from app.api.fields import BadRequest, shortened
from app.runs.request import MAX_QUESTION_CHARACTERS
from s1core.engines.base import Engine
from s1core.types import Message

MOST_MESSAGES = 64
MOST_PROMPTS = 64
_SYSTEM = ("system", "developer")
_TEXT_PARTS = ("text", "input_text", "output_text")
_REASONING_PARTS = ("thinking", "redacted_thinking", "reasoning")
"""Parts of an earlier answer that are left out when the conversation goes on."""

Prompt = str | tuple[int, ...]
"""A text, or the ids that stand for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """A question and what was said before it."""

    system: str | None
    history: tuple[Message, ...]
    question: str

    @property
    def before(self) -> str:
        """All that stands before the question."""
        return (self.system or "") + "".join(turn.content for turn in self.history)


def read_chat(messages: Any) -> Chat:
    """Read the turns of a chat: system turns, then questions and answers by turns, then the question.

    Raises:
        BadRequest: the message says which turn is wrong.
    """
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list that ends with a question of the role user.")
    if len(messages) > MOST_MESSAGES:
        raise BadRequest(f"messages has {len(messages)} turns; {MOST_MESSAGES} are the most.")
    if not all(isinstance(message, dict) for message in messages):
        raise BadRequest("Every message must be an object with role and content.")
    turns = [_turn(message) for message in cast("list[dict[str, Any]]", messages)]
    first = next((n for n, turn in enumerate(turns) if turn.role != "system"), len(turns))
    system = "\n\n".join(turn.content for turn in turns[:first])
    history = turns[first:]
    if not history or history[-1].role != "user":
        raise BadRequest("messages must end with a question of the role user; the models here answer, and add to none.")
    if any(turn.role == "system" for turn in history):
        raise BadRequest("messages of the role system or developer must stand before all others.")
    chat = Chat(system=system or None, history=tuple(history[:-1]), question=history[-1].content)
    if len(chat.before) > MAX_QUESTION_CHARACTERS:
        raise BadRequest(
            f"The messages before the last one have more than {MAX_QUESTION_CHARACTERS:,} characters; shorten them."
        )
    return chat


def read_prompts(prompt: Any) -> tuple[Prompt, ...]:
    """Read one text or several, each as a text or as token ids.

    Raises:
        BadRequest: it is neither.
    """
    if isinstance(prompt, str) or _are_ids(prompt):
        prompt = [prompt]
    if not isinstance(prompt, list) or not prompt:
        raise BadRequest("prompt must be a text, a list of token ids, or a list of either.")
    if len(prompt) > MOST_PROMPTS:
        raise BadRequest(f"prompt has {len(prompt)} texts; {MOST_PROMPTS} are the most of one request.")
    return tuple(_prompt(part) for part in prompt)


def text_of(prompt: Prompt, engine: Engine) -> str:
    """Return the text of a prompt. The model's own markers are left out at its ends, and are mere text inside of it.

    Raises:
        BadRequest: an id stands for nothing.
    """
    if isinstance(prompt, str):
        return prompt
    codec = engine.codec
    unknown = next((i for i in prompt if i not in codec.known_ids), None)
    if unknown is not None:
        raise BadRequest(f"prompt has the token id {unknown}, which is not in the vocabulary of {engine.model}.")
    ids = list(prompt)
    while ids and ids[0] in codec.control_ids:
        ids.pop(0)
    while ids and ids[-1] in codec.control_ids:
        ids.pop()
    return codec.decode(ids)


def _turn(message: dict[str, Any]) -> Message:
    role, content = message.get("role"), message.get("content", "")
    if message.get("tool_calls") or message.get("function_call") or role in ("tool", "function"):
        raise BadRequest("messages has calls of tools, and the models here call none; leave those turns out.")
    if role in _SYSTEM:
        return Message(role="system", content=_content(content))
    if role not in ("user", "assistant"):
        named = f"not {shortened(repr(role))}" if "role" in message else "and one has none"
        raise BadRequest(f"The role of a message must be system, developer, user or assistant, {named}.")
    said = cast("Literal['user', 'assistant']", role)
    if said == "user":
        return Message(role=said, content=_content(content))
    return Message(role=said, content=_without_thinking(_content(content, leave_out=_REASONING_PARTS)))


def _content(content: Any, *, leave_out: tuple[str, ...] = ()) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part for part in content if not (isinstance(part, dict) and part.get("type") in leave_out)]
        if all(_is_text(part) for part in parts):
            return "".join(part["text"] for part in parts)
    raise BadRequest("The content of a message must be text; the models here read nothing else.")


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _TEXT_PARTS and isinstance(part.get("text"), str)


def _without_thinking(answer: str) -> str:
    """Leave out a thinking block that a client kept at the beginning of an answer."""
    start, end = "<think>", "</think>"
    said = answer.lstrip()
    return said.partition(end)[2].lstrip() if said.startswith(start) and end in said else answer


def _are_ids(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and all(type(part) is int for part in prompt)


def _prompt(part: Any) -> Prompt:
    if isinstance(part, str):
        return part
    if not _are_ids(part):
        raise BadRequest("prompt must be a text, a list of token ids, or a list of either.")
    if len(part) > MAX_QUESTION_CHARACTERS:
        raise BadRequest(f"prompt has {len(part):,} token ids; {MAX_QUESTION_CHARACTERS:,} are the most.")
    return tuple(part)
