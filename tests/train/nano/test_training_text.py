"""Training text: what carries loss, and what never does."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("torch")

from s1core.nano.make import FAMILIES, draw_puzzle
from s1core.nano.question import Puzzle
from s1core.nano.writing import OTHER_WAITS
from train.nano.text import END, START, Example, Tag, TraceRecipe, draw_examples, make_example, prompt_ids

WAITS = ("Wait", "Hmm", "Alternatively", *OTHER_WAITS)


def as_text(ids: list[int]) -> str:
    names = {START: "<|im_start|>", END: "<|im_end|>"}
    return "".join(names.get(i, chr(i)) for i in ids)


def learned(example: Example) -> str:
    """The text with every token without loss shown as a dot."""
    pairs = zip(example.ids, example.tags, strict=True)
    return "".join("·" if tag == Tag.NONE else as_text([i]) for i, tag in pairs)


def traces(recipe: TraceRecipe, long: bool, count: int = 60) -> Iterator[tuple[Puzzle, Example]]:
    rng = random.Random(f"{long}")
    for name in list(FAMILIES) * (count // len(FAMILIES)):
        family = FAMILIES[name]
        while family.goes_on(puzzle := draw_puzzle(rng, family, "train")) != long:
            pass
        yield puzzle, make_example(rng, puzzle, recipe)


NO_FORCING = TraceRecipe(forced_waits=(1.0, 0.0), cut=0.0)
ONE_WAIT = TraceRecipe(forced_waits=(0.0, 1.0, 0.0), cut=0.0, wrong_look=1.0)


def test_the_question_carries_no_loss() -> None:
    for puzzle, example in traces(NO_FORCING, long=False):
        start = len(prompt_ids(puzzle.question))
        assert as_text(example.ids[:start]).endswith("<|im_start|>think")
        assert not any(example.tags[:start])


def test_short_questions_stop_at_a_right_look_and_long_ones_go_on() -> None:
    for puzzle, example in traces(NO_FORCING, long=False):
        answer = FAMILIES[puzzle.family].answer(puzzle)
        assert learned(example).endswith(f"\nMaybe {answer}.\n<|im_start|>answer\nFinal Answer: {answer}<|im_end|>")
    for _, example in traces(NO_FORCING, long=True):
        assert learned(example).count("Wait, ") == 1


def test_a_forced_wait_carries_no_loss_but_what_follows_does() -> None:
    for puzzle, example in traces(ONE_WAIT, long=False):
        thinking = as_text(example.ids).split("<|im_start|>think")[1]
        word = re.match(r"\nMaybe \w+\.\n([^,]+), ", thinking)
        assert word and word[1] in WAITS
        chain = " ".join(FAMILIES[puzzle.family].chain(puzzle))
        assert f"·{'·' * (len(word[1]) - 1)}, {chain}. So " in learned(example)


def test_a_wrong_look_carries_no_loss() -> None:
    for _, example in traces(ONE_WAIT, long=False):
        assert re.search(r"\nMaybe ·+\.\n", learned(example))


def test_a_check_that_goes_wrong_carries_no_loss_from_the_slip_on() -> None:
    recipe = TraceRecipe(forced_waits=(0.0, 0.0, 1.0, 0.0), cut=0.0, wrong_check=1.0)
    for puzzle, example in traces(recipe, long=False):
        answer = FAMILIES[puzzle.family].answer(puzzle)
        assert set(re.findall(r"So (\w+)\.", learned(example))) == {answer}
        assert as_text(example.ids).count("So ") == 2


def test_a_cut_trace_is_closed_by_force_and_learns_only_the_true_answer() -> None:
    for puzzle, example in traces(TraceRecipe(cut=1.0), long=True):
        text, answer = as_text(example.ids), FAMILIES[puzzle.family].answer(puzzle)
        assert text.endswith(f"\n<|im_start|>answer\nFinal Answer: {answer}<|im_end|>")
        assert "\n\n<|im_start|>" not in text
        assert learned(example).endswith("·" * 21 + f" {answer}<|im_end|>")


def test_the_same_seed_gives_the_same_examples_and_the_limit_keeps_them_short() -> None:
    weights = [1.0] * len(FAMILIES)
    assert draw_examples("a", 50, TraceRecipe(), weights) == draw_examples("a", 50, TraceRecipe(), weights)
    short = draw_examples("a", 200, NO_FORCING, weights, most_steps=6)
    assert max(len(e.ids) for e in short) < 200
