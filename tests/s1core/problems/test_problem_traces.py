"""The teacher's traces: what is in them, what carries no loss, and that rows read as budget forcing writes."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1core.grading import grade
from s1core.problems import FAMILIES, TraceMix, draw_problems, rows, solution, teach, to_row
from s1core.problems.make import draw_problem
from s1core.thinking import thinking_format

S1 = thinking_format("s1")
QWEN = Path(__file__).parents[4] / "shared" / "data" / "qwen2_tokenizer"
ALL_WAIT = TraceMix(stop=0.0, checks=(0.0, 0.5, 0.5), slip=1.0, cut=0.0, wrong_glance=1.0)
seeds = st.integers(0, 10**6)
families = st.sampled_from(sorted(FAMILIES))


def hidden(row: dict[str, Any]) -> list[str]:
    """The texts without loss."""
    return [row["assistant"][start:end] for start, end in row["no_loss"]]


def some_row(name: str, seed: int, mix: TraceMix) -> dict[str, Any]:
    problem = draw_problem(FAMILIES[name], "train", seed, 0)
    return to_row(problem, teach(problem, random.Random(seed), mix))


@given(families, seeds)
@settings(max_examples=300, deadline=None)
def test_row_has_format_s1_and_its_answer_is_right(name: str, seed: int) -> None:
    row = some_row(name, seed, TraceMix())
    text = row["assistant"]
    assert text.startswith("<|im_start|>think\n") and text.count("<|im_start|>") == 2
    thinking, _, answer = text.partition(S1.open)[2].partition(S1.close_by_model)
    assert thinking.endswith("\n") and answer == f"\nFinal Answer: {row['answer']}"
    assert grade(answer, row["answer"], "text").correct
    assert 0 < len(text) < 3_000


@given(families, seeds)
@settings(max_examples=300, deadline=None)
def test_spans_lie_in_order_inside_the_text_and_leave_the_answer(name: str, seed: int) -> None:
    for mix in (TraceMix(), TraceMix(cut=1.0), ALL_WAIT):
        row = some_row(name, seed, mix)
        edges = [at for span in row["no_loss"] for at in span]
        assert all(a <= b for a, b in pairwise(edges)) and all(a < b for a, b in row["no_loss"])
        assert not edges or (edges[0] >= 0 and edges[-1] <= len(row["assistant"]) - len(row["answer"]) - 1)


@given(families, seeds)
@settings(max_examples=200, deadline=None)
def test_wrong_glance_forced_wait_and_slip_carry_no_loss(name: str, seed: int) -> None:
    row = some_row(name, seed, ALL_WAIT)
    problem = draw_problem(FAMILIES[name], "train", seed, 0)
    glance, *without = hidden(row)
    assert glance.startswith(" ") and glance[1:] != row["answer"]
    goes_on = FAMILIES[name].goes_on(problem)
    learned = learned_text(row)
    assert ("Wait, let me work it out." in learned) == goes_on
    assert solution(problem) in learned or not FAMILIES[name].slips(problem)
    forced = [text for text in without if text.endswith("Wait")]
    assert len(forced) + learned.count("Wait") == row["assistant"].count("Wait")
    if FAMILIES[name].slips(problem):
        assert any("So the answer is" in text for text in without)


def learned_text(row: dict[str, Any]) -> str:
    text, at = row["assistant"], 0
    kept: list[str] = []
    for start, end in row["no_loss"]:
        kept.append(text[at:start])
        at = end
    return "□".join([*kept, text[at:]])


def test_short_problems_stop_after_a_right_glance_or_are_made_to_go_on() -> None:
    mix, stopped = TraceMix(cut=0.0), Counter[bool]()
    for problem in draw_problems(1_700, 2, "train"):
        lesson = teach(problem, random.Random(problem.id), mix)
        alone = lesson.text.count("\n") == 2
        if FAMILIES[problem.family].goes_on(problem):
            assert not alone
        else:
            stopped[alone] += 1
            if alone:
                assert lesson.text.rstrip("\n.").endswith(lesson.answer) and all(
                    piece.learned for piece in lesson.thinking
                )
    assert 0.45 < stopped[True] / stopped.total() < 0.65


def test_long_problems_go_on_by_themselves_with_a_learned_wait() -> None:
    mix = TraceMix(cut=0.0)
    for problem in (p for p in draw_problems(600, 2, "train") if FAMILIES[p.family].goes_on(p)):
        first = next(piece for piece in teach(problem, random.Random(1), mix).thinking if piece.text == "Wait")
        assert first.learned


def test_shares_are_those_of_the_mix() -> None:
    made = list(rows(3_400, 5))
    cut = sum(
        row["assistant"][row["no_loss"][-1][0] :].startswith(("\n<|im_start|>", "<|im_start|>"))
        for row in made
        if row["no_loss"]
    )
    assert 0.07 < cut / len(made) < 0.14
    chains = [row for row in made if "So the answer is" in row["assistant"] and "check again" in row["assistant"]]
    worked = [row for row in made if "So the answer is" in row["assistant"]]
    assert 0.28 < len(chains) / len(worked) < 0.42
    assert any(row["assistant"].count("check again") == 3 for row in made)


def test_checks_repeat_the_chain_in_the_same_words() -> None:
    mix = TraceMix(stop=0.0, checks=(0.0, 0.0, 1.0), slip=0.0, cut=0.0)
    for problem in draw_problems(170, 3, "train"):
        text = teach(problem, random.Random(0), mix).text
        assert text.count(solution(problem)) == 3
        assert re.findall(r"Wait, let me (work it out|check again)\. ", text) == [
            "work it out",
            "check again",
            "check again",
        ]


def test_same_seed_same_rows_and_the_mix_leaves_the_problems() -> None:
    assert list(rows(100, 4)) == list(rows(100, 4))
    users = [[row["user"] for row in rows(100, 4, mix=mix)] for mix in (TraceMix(), TraceMix(stop=0.0, cut=0.5))]
    assert users[0] == users[1]
    assert [row["user"] for row in rows(10, 4, "test")] != users[0][:10]


def test_glance_shift_moves_what_counts_as_short() -> None:
    problems = draw_problems(340, 3, "train")

    def shorts(shift: int) -> int:
        mix = TraceMix(glance_shift=shift, stop=1.0, cut=0.0)
        return sum(teach(p, random.Random(0), mix).text.count("\n") == 2 for p in problems)

    assert shorts(-20) == 0 < shorts(0) < shorts(2) < shorts(50) == len(problems)


@given(families, seeds)
@settings(max_examples=100, deadline=None)
def test_solution_is_the_bare_chain_in_one_paragraph(name: str, seed: int) -> None:
    problem = draw_problem(FAMILIES[name], "test", seed, 0)
    text = solution(problem)
    assert (
        "\n" not in text and "Wait" not in text and text.endswith(f"So the answer is {FAMILIES[name].answer(problem)}.")
    )


@pytest.fixture(scope="module", params=["nano", "qwen"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    transformers = pytest.importorskip("transformers")
    if request.param == "nano":
        from s1core.nano import WEIGHTS

        return transformers.AutoTokenizer.from_pretrained(WEIGHTS)
    if not QWEN.is_dir():
        pytest.skip("the Qwen2.5 vocabulary is not beside the checkout")
    made = transformers.Qwen2Tokenizer(vocab=str(QWEN / "vocab.json"), merges=str(QWEN / "merges.txt"))
    added = json.loads((QWEN / "qwen2.5_added_tokens.json").read_text())["added_tokens"]
    made.add_tokens([transformers.AddedToken(t, special=True) for t in sorted(added, key=added.__getitem__)])
    made.chat_template = (QWEN / "qwen2.5_chat_template.jinja").read_text()
    return made


def test_rendered_rows_hold_the_same_text_and_learn_what_is_marked(tokenizer: Any) -> None:
    pytest.importorskip("torch")
    from train.finetune.data import IGNORED, Renderer, turns

    renderer = Renderer(tokenizer, "s1")
    for row in rows(136, 6):
        messages, answer = turns(row)
        made = renderer.row(messages, answer, [(start, end) for start, end in row["no_loss"]])
        assert row["user"] in tokenizer.decode(made.ids) and row["assistant"] in tokenizer.decode(made.ids)
        learned = tokenizer.decode([i for i, label in zip(made.ids, made.labels, strict=True) if label != IGNORED])
        assert learned.startswith("<|im_start|>think")
        assert learned.removesuffix("\n").removesuffix("<|im_end|>") == learned_text(row).replace("□", "")


def test_ids_of_forced_parts_are_those_that_forcing_writes(tokenizer: Any) -> None:
    """The thinking before a forced Wait, or a forced close, is encoded as if nothing followed; so are they."""
    pytest.importorskip("torch")
    from s1core.thinking import Codec
    from train.finetune.data import Renderer, turns

    codec = Codec(
        tokenizer.backend_tokenizer,
        lambda chat, **_: tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True),
    )
    renderer = Renderer(tokenizer, "s1")
    for row in rows(136, 8, mix=TraceMix(cut=0.5)):
        messages, answer = turns(row)
        ids = renderer.row(messages, answer, [(start, end) for start, end in row["no_loss"]]).ids
        pieces, text = list(codec.render_prompt(messages, replace(S1, open=""))), row["assistant"]
        for start, end in pairwise([0, *(at for span in row["no_loss"] for at in span), len(text)]):
            part = text[start:end]
            before, marker, after = part.partition(S1.close_by_model)
            opening = S1.open if start == 0 else ""
            pieces += codec.encode_template(opening) if opening else ()
            pieces += codec.encode_user(before.removeprefix(opening))
            pieces += codec.encode_template(marker) if marker else ()
            pieces += codec.encode_user(after)
        assert tuple(pieces) == ids[: len(pieces)]
        for start, end in row["no_loss"]:
            if (forced := text[start:end]).endswith("Final Answer:"):
                thinking = text[len(S1.open) : start]
                assert forced == S1.closing_text(
                    by_model=False, thinking_text=thinking, final_answer_text="Final Answer:"
                )
                close = codec.encode_template(forced.removesuffix("Final Answer:")) + codec.encode_user("Final Answer:")
                assert _contains(ids, close)


def _contains(ids: tuple[int, ...], part: tuple[int, ...]) -> bool:
    return any(ids[at : at + len(part)] == part for at in range(len(ids)))
