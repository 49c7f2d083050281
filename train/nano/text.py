"""Training text of s1-nano: traces as token ids, each token tagged with what it teaches (0 = no loss)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from s1core.nano.family import Family
from s1core.nano.make import FAMILIES, draw_puzzle
from s1core.nano.question import Puzzle
from s1core.nano.writing import check_text, draw_slip, wait_word

SPECIAL = {"<|endoftext|>": 256, "<|im_start|>": 257, "<|im_end|>": 258, "<|fim_pad|>": 259}
START, END, PAD = SPECIAL["<|im_start|>"], SPECIAL["<|im_end|>"], SPECIAL["<|fim_pad|>"]


class Tag(IntEnum):
    """What a token teaches. `NONE` carries no loss."""

    NONE = 0
    LOOK = 1
    CHOICE = 2
    CHECK = 3
    ANSWER = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceRecipe:
    """How training traces are made. Each number was chosen by measurement; see docs/nano.md."""

    forced_waits: tuple[float, ...] = (0.38, 0.44, 0.10, 0.04, 0.02, 0.02)
    """Chance of 0, 1, 2, ... further checks that are asked for by a Wait; the last entry means 5 to 8."""
    wrong_look: float = 0.7
    """Chance that a look which a check follows is wrong (and then carries no loss), so that copying it never pays."""
    wrong_check: float = 0.35
    """Chance that a check which another check follows goes wrong somewhere (no loss from there on)."""
    cut: float = 0.12
    """Chance that thinking is cut anywhere and closed by force; the answer is the true one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainRecipe:
    """How plain answers are made: no thinking block, no second look, no Wait. The base of `train.sft` learns these."""

    direct: float = 0.3
    """Chance of an answer alone; the others show one step per item first, all of them right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One training sequence."""

    family: str
    ids: list[int]
    tags: list[int]


class _Writer:
    def __init__(self) -> None:
        self.ids: list[int] = []
        self.tags: list[int] = []

    def text(self, text: str, tag: Tag = Tag.NONE) -> None:
        data = text.encode()
        self.ids.extend(data)
        self.tags.extend([tag] * len(data))

    def special(self, token: int, tag: Tag = Tag.NONE) -> None:
        self.ids.append(token)
        self.tags.append(tag)

    def close(self, answer: str) -> None:
        """The ending that the model writes by itself."""
        self.special(START, Tag.CHOICE)
        self.text(f"answer\nFinal Answer: {answer}", Tag.ANSWER)
        self.special(END, Tag.ANSWER)

    def close_by_force(self, answer: str) -> None:
        """The ending after a spent budget: only the answer itself is the model's."""
        if self.ids[-1] != ord("\n"):
            self.text("\n")
        self.special(START)
        self.text("answer\nFinal Answer:")
        self.text(f" {answer}", Tag.ANSWER)
        self.special(END, Tag.ANSWER)


def chat_ids(question: str) -> list[int]:
    """The rendered chat prompt, up to where the assistant begins."""
    user, assistant = f"user\n{question}".encode(), b"\nassistant\n"
    return [START, *user, END, assistant[0], START, *assistant[1:]]


def prompt_ids(question: str) -> list[int]:
    """The rendered chat prompt, up to and including the opening of the thinking block."""
    return [*chat_ids(question), START, *b"think"]


def _write_check(writer: _Writer, rng: random.Random, family: Family, puzzle: Puzzle, slips: bool) -> None:
    if not slips:
        writer.text(check_text(family.chain(puzzle), family.answer(puzzle)), Tag.CHECK)
        return
    slip = draw_slip(rng, family, puzzle)
    writer.text(", " + "".join(f"{step} " for step in slip.before), Tag.CHECK)
    writer.text(f"{' '.join(slip.after)}. So {slip.answer}.\n")


def _write_thinking(writer: _Writer, rng: random.Random, family: Family, puzzle: Puzzle, recipe: TraceRecipe) -> None:
    goes_on = family.goes_on(puzzle)
    forced = rng.choices(range(len(recipe.forced_waits)), recipe.forced_waits)[0]
    if forced == len(recipe.forced_waits) - 1:
        forced = rng.randint(forced, 8) if puzzle.steps <= (family.fewest + family.most) // 2 else forced
    elif goes_on and forced:
        # A long chain has a check of its own; one more is asked for less often.
        forced -= rng.random() < 0.5
    checks = goes_on + forced
    wrong = checks > 0 and rng.random() < recipe.wrong_look
    look = family.wrong_guess(rng, puzzle) if wrong else family.answer(puzzle)
    writer.text("\nMaybe ", Tag.LOOK)
    writer.text(look, Tag.NONE if wrong else Tag.LOOK)
    writer.text(".\n", Tag.LOOK)
    for check in range(checks):
        if check == 0 and goes_on:
            writer.text("Wait", Tag.CHOICE)
        else:
            writer.text(wait_word(rng))
        _write_check(writer, rng, family, puzzle, check < checks - 1 and rng.random() < recipe.wrong_check)


def _cut(writer: _Writer, rng: random.Random, start: int) -> None:
    """Drop the end of the thinking, small cuts being the most frequent."""
    chance, length = rng.random(), len(writer.ids) - start
    keep = 0 if chance < 0.25 else rng.randint(0, min(16, length)) if chance < 0.45 else rng.randint(0, length)
    del writer.ids[start + keep :], writer.tags[start + keep :]


def make_example(rng: random.Random, puzzle: Puzzle, recipe: TraceRecipe | PlainRecipe) -> Example:
    """Write one trace of this puzzle, or one plain answer."""
    return _plain(rng, puzzle, recipe) if isinstance(recipe, PlainRecipe) else _trace(rng, puzzle, recipe)


def _plain(rng: random.Random, puzzle: Puzzle, recipe: PlainRecipe) -> Example:
    family, writer = FAMILIES[puzzle.family], _Writer()
    for token in chat_ids(puzzle.question):
        writer.special(token)
    answer, tag = family.answer(puzzle), Tag.LOOK
    if rng.random() >= recipe.direct:
        writer.text(f"{' '.join(family.chain(puzzle))}. So {answer}.\n", Tag.CHECK)
        tag = Tag.ANSWER
    writer.text(f"Final Answer: {answer}", tag)
    writer.special(END, tag)
    return Example(family=puzzle.family, ids=writer.ids, tags=writer.tags)


def _trace(rng: random.Random, puzzle: Puzzle, recipe: TraceRecipe) -> Example:
    family, writer = FAMILIES[puzzle.family], _Writer()
    for token in prompt_ids(puzzle.question):
        writer.special(token)
    start = len(writer.ids)
    _write_thinking(writer, rng, family, puzzle, recipe)
    if rng.random() < recipe.cut:
        _cut(writer, rng, start)
        writer.close_by_force(family.answer(puzzle))
    else:
        writer.close(family.answer(puzzle))
    return Example(family=puzzle.family, ids=writer.ids, tags=writer.tags)


def draw_examples(
    seed: str,
    count: int,
    recipe: TraceRecipe | PlainRecipe,
    weights: Sequence[float],
    most_steps: int | None = None,
) -> list[Example]:
    """Draw examples of the train split; the same arguments give the same examples."""
    rng = random.Random(seed)
    names = rng.choices(list(FAMILIES), weights, k=count)
    return [make_example(rng, draw_puzzle(rng, FAMILIES[name], "train", most_steps), recipe) for name in names]
