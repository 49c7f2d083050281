"""What was asked, as a line of lm-eval's holds it: the prompt, the question alone, and the options to choose from."""

from __future__ import annotations

import re
from typing import Any

from evals.importers.lines import Json, as_object, object_of
from evals.json_input import parse_json

_QUESTIONS = ("question", "problem", "Question", "Problem", "query", "prompt", "input")
_OPTIONS = ("choices", "options", "endings")
_OPTION = re.compile(r"(?i)option_?([a-j])|([A-J])")
_USER = re.compile(r"<\|im_start\|>user\n(.*?)<\|im_end\|>", re.DOTALL)


def prompt_of(row: Json) -> str:
    """What the model was asked, as text; a chat comes as JSON within a list."""
    prompt: Any = as_object(as_object(row, "arguments"), "gen_args_0").get("arg_0")
    prompt = prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt
    return prompt if isinstance(prompt, str) else ""


def question_of(row: Json) -> str:
    """Return the question of a line: the last turn of a chat, else that of the document with its options."""
    prompt, doc = prompt_of(row), as_object(row, "doc")
    if turns := _USER.findall(prompt):
        return turns[-1].strip()
    if turn := _chat_turn(prompt):
        return turn
    asked = next((doc[name].strip() for name in _QUESTIONS if isinstance(doc.get(name), str) and doc[name].strip()), "")
    lines = [asked, *(f"{label}. {text}" for label, text in options_of(doc).items())] if asked else [prompt.strip()]
    return "\n".join(lines)


def _chat_turn(prompt: str) -> str:
    if not prompt.startswith("[{"):
        return ""
    try:
        messages = parse_json(prompt)
    except (ValueError, RecursionError):
        return ""
    turns = [object_of(message) for message in messages] if isinstance(messages, list) else []
    asked = [turn.get("content") for turn in turns if turn.get("role") == "user"]
    return asked[-1].strip() if asked and isinstance(asked[-1], str) else ""


def options_of(doc: Json) -> dict[str, str]:
    """Return the options of a multiple-choice question by their letters: `option_a`, `A`, or a list of choices."""
    found: dict[str, str] = {}
    for name, text in doc.items():
        option = _OPTION.fullmatch(name)
        if option and isinstance(text, str | int | float):
            found[(option[1] or option[2]).upper()] = str(text)
    for name in _OPTIONS:
        choices: Any = doc.get(name)
        choices = choices.get("text") if isinstance(choices, dict) else choices
        if not found and isinstance(choices, list) and all(isinstance(text, str | int | float) for text in choices):
            found = dict(zip("ABCDEFGHIJ", map(str, choices), strict=False))
    return dict(sorted(found.items()))
