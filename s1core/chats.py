"""Fields that hold a chat instead of a text: turns with roles, as sets for reinforcement learning have them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

_ROLES = {"human": "user", "prompter": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant"}
"""Other names of roles."""
_CHAT = re.compile(r"\s*\[?\s*\{\s*['\"](?:role|from|content|value)['\"]\s*:")
_LONGEST = 1_000_000
"""Characters of a chat in one cell of a table."""
_KEYS = (("role", "content"), ("from", "value"))


class NotOneQuestion(ValueError):
    """A chat in which somebody says several things, or something that is no text."""


class Turn(NamedTuple):
    """Who says what."""

    role: str
    content: Any


def chat_turns(value: Any) -> list[Turn] | None:
    """Return the turns of a chat: a list of them, one, or either as text in a table; None for anything else."""
    if isinstance(value, str):
        value = _written(value)
    entries: Sequence[Any] = [value] if isinstance(value, Mapping) else value
    if not isinstance(entries, list | tuple) or not entries:
        return None
    turns = [_turn(entry) for entry in entries]
    return None if None in turns else cast("list[Turn]", turns)


def only_turn(turns: Sequence[Turn], role: str) -> str:
    """Return the one text of this role; empty where it says nothing.

    Raises:
        NotOneQuestion: it has several, or one that is no text.
    """
    said = [turn.content for turn in turns if turn.role == role]
    if len(said) > 1:
        raise NotOneQuestion(f"{len(said)} turns of the {role}")
    return _text_of(said[0]) if said else ""


def _written(text: str) -> Any:
    """What a text holds that is a chat as JSON, or as Python, writes it; None for any other text."""
    if not _CHAT.match(text) or len(text) > _LONGEST:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _turn(entry: Any) -> Turn | None:
    if not isinstance(entry, Mapping):
        return None
    fields = cast("Mapping[str, Any]", entry)
    for role_key, content_key in _KEYS:
        role = fields.get(role_key)
        if isinstance(role, str) and content_key in fields:
            return Turn(_ROLES.get(role.lower()) or role.lower(), fields[content_key])
    return None


def _text_of(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = cast("list[Any]", content if isinstance(content, list) else [content])
    texts = [cast("Mapping[str, Any]", part).get("text") if isinstance(part, Mapping) else part for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise NotOneQuestion(f"a turn that is no text: {json.dumps(content, default=str)[:80]}")
    return "".join(map(str, texts))
