"""From the records of a file or the hub to questions: field names are found, choices are shuffled with a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from evals.benchmarks.files import BadData, Record
from evals.benchmarks.items import Item
from s1core.chats import NotOneQuestion, chat_turns, only_turn
from s1core.grading import Kind, extract_answer

QUESTION_FIELDS = ("question", "problem", "prompt", "input", "query", "messages", "conversations", "conversation")
"""Of a chat its one question counts."""
ANSWER_FIELDS = ("answer", "correct answer", "final_answer", "expected_answer", "target", "gold", "label", "answer_key")
ID_FIELDS = ("id", "unique_id", "record id", "question_id", "problem_id")
GROUP_FIELDS = ("subject", "subdomain", "high-level domain", "category", "type")
CHOICE_FIELDS = ("choices", "options")
WRONG_CHOICE = "incorrect answer"
BEFORE_QUESTION = "body"
"""SVAMP tells the story in a field of its own."""
AFTER_WORK = "\n#### "
"""GSM8K's answers stand after their worked solutions and this."""
SHUFFLE_SEED = 20250131
"""Which letter is right depends on this and on the question's id alone, so that `--limit` changes nothing."""
LETTERS = "ABCDEFGHIJ"


def to_items(records: Iterable[tuple[str, Record]], *, name: str, title: str, kind: Kind, origin: str) -> list[Item]:
    """Turn records into questions.

    Args:
        records: (where, record) pairs.
        name: the benchmark, for questions without an id.
        title: the group of questions that name none.
        kind: how answers are graded.
        origin: the file or hub id, for messages.

    Raises:
        BadData: a question or an answer is missing, or two questions share an id.
    """
    items: list[Item] = []
    seen: dict[str, str] = {}
    for number, (where, record) in enumerate(records, start=1):
        fields = {str(key).strip().lower(): value for key, value in record.items()}
        item = _item(fields, f"{name}-{number}", title, kind, f"{origin}, {where}")
        if item.id in seen:
            raise BadData(f"{origin}, {where}: the id {item.id!r} was used before, in {seen[item.id]}; make ids unique")
        seen[item.id] = where
        items.append(item)
    if not items:
        raise BadData(f"{origin} holds no question")
    return items


def _item(fields: Record, default_id: str, title: str, kind: Kind, where: str) -> Item:
    question, said = _asked(fields, where)
    answer = _first(fields, ANSWER_FIELDS) or (extract_answer(said).answer if said else None)
    if question is None:
        raise BadData(f"{where}: no question; name its field one of {', '.join(QUESTION_FIELDS)}")
    if answer is None:
        raise BadData(
            f"{where}: no answer, and without one nothing can be graded; name its field one of "
            f"{', '.join(ANSWER_FIELDS)} (found: {', '.join(fields)})"
        )
    if story := _first(fields, (BEFORE_QUESTION,)):
        question = f"{story} {question}"
    answer = answer.rpartition(AFTER_WORK)[2].strip()
    item_id = _first(fields, ID_FIELDS) or default_id
    if kind == "choice":
        question, answer = _with_choices(fields, question, answer, item_id, where)
    return Item(id=item_id, question=question, answer=answer, kind=kind, group=_first(fields, GROUP_FIELDS) or title)


def _asked(fields: Record, where: str) -> tuple[str | None, str]:
    """The question, and what a chat that holds it answers.

    Raises:
        BadData: the chat holds several questions, or one that is no text.
    """
    for name in QUESTION_FIELDS:
        if (turns := chat_turns(fields.get(name))) is not None:
            try:
                question, said = only_turn(turns, "user").strip(), only_turn(turns, "assistant").strip()
            except NotOneQuestion as error:
                raise BadData(
                    f"{where}: {name} is a conversation ({error}); a question is one turn of the user"
                ) from error
            if question:
                return question, said
        elif (question := _first(fields, (name,))) is not None:
            return question, ""
    return None, ""


def _first(fields: Record, names: Sequence[str]) -> str | None:
    """The first of these fields that holds a word or a number."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            whole = isinstance(value, float) and value.is_integer()
            return str(int(value) if whole else value).strip()
    return None


def _with_choices(fields: Record, question: str, answer: str, item_id: str, where: str) -> tuple[str, str]:
    wrong = [str(value).strip() for key, value in fields.items() if key.startswith(WRONG_CHOICE) and _is_choice(value)]
    if not wrong:
        listed = _listed_choices(fields)
        if not listed:
            return question, answer  # the choices are part of the question already
        answer = _right_choice(listed, answer, where)
        wrong = [choice for choice in listed if choice != answer]
    choices = [answer, *wrong]
    if len(choices) > len(LETTERS):
        raise BadData(f"{where}: {len(choices)} choices; at most {len(LETTERS)} can be told apart by letter")
    random.Random(f"{SHUFFLE_SEED}:{item_id}").shuffle(choices)
    lines = [f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False)]
    return f"{question}\n\n" + "\n".join(lines), LETTERS[choices.index(answer)]


def _is_choice(value: Any) -> bool:
    return isinstance(value, str | int | float) and bool(str(value).strip())


def _listed_choices(fields: Record) -> list[str]:
    """Choices given as a list, or as `option_a`, `option_b`, ..."""
    for name in CHOICE_FIELDS:
        if isinstance(fields.get(name), list):
            return [str(choice).strip() for choice in fields[name]]
    lettered = (fields.get(f"option_{letter.lower()}") for letter in LETTERS)
    return [str(choice).strip() for choice in lettered if _is_choice(choice)]


def _right_choice(choices: list[str], answer: str, where: str) -> str:
    """The choice that `answer` names by its text or its letter."""
    if len(set(choices)) < len(choices):
        raise BadData(f"{where}: two choices are the same")
    if answer in choices:
        return answer
    place = LETTERS.find(answer.strip("(). ").upper()) if len(answer.strip("(). ")) == 1 else -1
    if not 0 <= place < len(choices):
        raise BadData(f"{where}: the answer {answer!r} is none of the {len(choices)} choices")
    return choices[place]
