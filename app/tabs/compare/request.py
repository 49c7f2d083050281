"""What a visitor asked of the Compare tab -> valid lanes, or one sentence that says what is wrong. Pure.

The page, its links and the API send the same JSON: `{question, expected, lanes: [{method, budget, waits, word, model,
count}]}`. Whatever it holds is checked here, so that a forged link can at most ask for what anyone may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.runs.request import ASKING, COUNTED, RunRequest, read_method, read_question, read_settings
from s1core.errors import InvalidSetting
from s1core.models import S1_135M, S1_NANO

FEWEST_LANES, MOST_LANES = 2, 4
MOST_EXPECTED_CHARACTERS = 200
FIELDS = ("method", "budget", "waits", "word", "model", "count")

QUESTIONS = {
    S1_NANO: (
        "How many r in raspberry?",
        "How many s in mississippi?",
        "How many r in raspberry?",
        "How many r in strawberry?",
    ),
    S1_135M: (
        "A bus has 20 passengers. 4 get off and 6 get on. How many passengers are on the bus?",
        "A ball is under the red cup. Swap red and blue. Then blue and green trade places. Where is the ball?",
        "It is 9 o'clock. The ride takes 5 hours. We wait 2 hours. What time is it?",
        "A pen costs 3 dollars. A cup costs 5 dollars. How much do 4 pens and 2 cups cost?",
    ),
}
"""By model: for each preset an example on which its lanes differ, some right and some wrong."""

Json = dict[str, Any]
KnownAnswer = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One question under several settings."""

    question: str
    expected: str | None
    """The right answer, typed or known; None when nobody knows."""
    lanes: tuple[RunRequest, ...]


def read_comparison(value: Any, known_answer: KnownAnswer) -> Comparison:
    """Check everything that came from the page, a link or the API.

    Args:
        value: the JSON.
        known_answer: tells the right answer of a question, if it can; asked where none was typed.

    Raises:
        InvalidSetting: the message names the lane, the field and the remedy.
    """
    asked = _mapping(value, "A comparison")
    lanes = asked.get("lanes")
    if not isinstance(lanes, list) or not FEWEST_LANES <= len(cast("list[Any]", lanes)) <= MOST_LANES:
        raise InvalidSetting(f"A comparison has {FEWEST_LANES} to {MOST_LANES} lanes. Add or remove some.")
    question = read_question(asked.get("question"))
    read = tuple(_lane(number, lane, question) for number, lane in enumerate(cast("list[Any]", lanes), start=1))
    return Comparison(
        question=question,
        expected=_expected(asked.get("expected")) or known_answer(question),
        lanes=read,
    )


def _lane(number: int, value: Any, question: str) -> RunRequest:
    lane = _mapping(value, f"Lane {number}")
    unknown = [str(name)[:40] for name in lane if name not in FIELDS]
    if unknown:
        raise InvalidSetting(f"Lane {number} has an unknown setting {unknown[0]!r}. Remove it.")
    try:
        return read_settings(
            question,
            lane.get("model"),
            lane.get("budget"),
            lane.get("waits", 0),
            lane.get("word", "Wait"),
            lane.get("method", "forcing"),
            # A field that is not shown cannot be put right, so it is not looked at either.
            lane.get("count", 1) if read_method(lane.get("method", "forcing")) in COUNTED else 1,
        )
    except InvalidSetting as error:
        raise InvalidSetting(f"Lane {number}: {error}") from None


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSetting(f"{name} must be a set of named values; reload the page and try again.")
    return cast("dict[str, Any]", value)


def _expected(value: Any) -> str | None:
    text = str(value or "").strip()
    if len(text) > MOST_EXPECTED_CHARACTERS:
        raise InvalidSetting(
            f"The expected answer has {len(text):,} characters; {MOST_EXPECTED_CHARACTERS} are the most. Shorten it."
        )
    return text or None


def setting(asked: RunRequest) -> Json:
    """Return the settings of a lane as the page and links hold them; what its method does not use is left out."""
    used: Json = {"method": asked.method, "model": asked.model}
    budget = asked.budget
    if asked.control is not None and asked.control.unit == "tokens":
        used["budget"] = asked.control.most
    elif budget.max_thinking_tokens is not None:
        used["budget"] = budget.max_thinking_tokens
    if asked.method in ("forcing", "vote") or (asked.method in ASKING and budget.waits):
        used |= {"waits": budget.waits, "word": budget.wait_text}
    if asked.method in COUNTED:
        used["count"] = asked.count
    return used


def presets(default: str, other: str) -> list[Json]:
    """Return the comparisons that one click asks for.

    Args:
        default: the model that most lanes run.
        other: one to compare it with.
    """

    def lane(budget: int = 1024, waits: int = 0, word: str = "Wait", model: str = default) -> Json:
        return {"method": "forcing", "budget": budget, "waits": waits, "word": word, "model": model, "count": 5}

    short = default == S1_135M  # its thoughts are a few dozen tokens long, and a third Wait is new to it
    few, counts = ((0, 16, 64), (0, 1, 2)) if short else ((32, 128, 512), (0, 1, 2, 4))
    words = [lane(), *(lane(waits=1, word=word) for word in ("Wait", "Hmm", "Alternatively"))]
    asks = QUESTIONS.get(default, ("",) * 4)
    lanes = {
        # The first is the one that is there before anything is chosen.
        f"{_joined(counts)} Waits": [lane(waits=waits) for waits in counts],
        f"budgets {_joined(few)}": [lane(budget) for budget in few],
        "Wait vs Hmm vs Alternatively": words,
        f"{default} vs another model": [lane(waits=1), lane(waits=1, model=other)],
    }
    return [
        {"name": name, "lanes": each, "question": question}
        for (name, each), question in zip(lanes.items(), asks, strict=True)
    ]


def _joined(numbers: Sequence[int]) -> str:
    return "/".join(map(str, numbers))
