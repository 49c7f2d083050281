"""Where a log does not tell, the import says unknown or asks; nothing depends on the order in which a log stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals import import_lm_eval
from evals.importers import write
from evals.importers.tokens import TokenizerUnavailable
from evals.importers.verdicts import read_score
from evals.reports.cached import run_series
from s1core.store import Row, read_rows
from tests.evals.importers.logs import (
    inspect_head,
    inspect_json,
    inspect_sample,
    judged,
    likelihoods,
    line,
    lm_eval,
    options,
)

UNKNOWN = None
"""Thinking tokens that nothing tells."""


@pytest.fixture(autouse=True)
def count_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "load_counter", lambda location: lambda text: len(text.split()))


Import = Callable[..., tuple[list[Row], str]]


@pytest.fixture
def imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    def run(path: Path, *arguments: str, code: int = 0) -> tuple[list[Row], str]:
        out = tmp_path / f"out-{len(list(tmp_path.glob('out-*')))}"
        assert import_lm_eval.main([str(path), "--out", str(out), *arguments]) == code
        return list(read_rows(out)), capsys.readouterr().err

    return run


def one(rows: list[Row]) -> Row:
    (row,) = rows
    return row


def test_a_filter_of_several_counts_and_is_named(imported: Import, tmp_path: Path) -> None:
    text = "The sum is 7"
    rows = [judged(0, text, of="strict", exact_match=0), judged(0, text, of="flexible", exact_match=1)]
    found, told = imported(lm_eval(tmp_path / "log", rows))
    assert one(found)["rule"] == "recorded: exact_match,flexible"
    assert "exact_match,flexible (100.0 % right) counts, not exact_match,strict (0.0 %); which one is meant?" in told
    assert "--verdict exact_match,strict or --regrade" in told
    assert "twice" not in told


def test_a_chosen_filter_counts_without_a_question(imported: Import, tmp_path: Path) -> None:
    rows = [judged(0, of="strict", exact_match=0), judged(0, of="flexible", exact_match=1)]
    found, told = imported(lm_eval(tmp_path / "log", rows), "--verdict", "exact_match,strict")
    assert (one(found)["correct"], one(found)["rule"]) == (False, "recorded: exact_match,strict")
    assert "which one is meant" not in told


def test_a_verdict_that_is_not_there_is_told(imported: Import, tmp_path: Path) -> None:
    found, told = imported(lm_eval(tmp_path / "log", [judged(0, exact_match=1)]), "--verdict", "bleu")
    assert one(found)["rule"] == "recorded: exact_match"
    assert "has no verdict 'bleu', but exact_match; exact_match counts" in told


def test_a_metric_of_several_counts_and_the_others_are_named(imported: Import, tmp_path: Path) -> None:
    rows = [judged(0, r"\boxed{\tfrac12}", exact_match=0, math_verify=1)]
    found, told = imported(lm_eval(tmp_path / "log", [{**row, "target": "0.5"} for row in rows]))
    assert (one(found)["correct"], one(found)["rule"]) == (True, "recorded: math_verify")
    assert "exact_match (0.0 %)" in told


def test_verdicts_that_agree_are_no_question(imported: Import, tmp_path: Path) -> None:
    rows = [judged(n, of=of, exact_match=n % 2, acc=n % 2) for n in range(4) for of in ("a", "b")]
    found, told = imported(lm_eval(tmp_path / "log", rows))
    assert [row["correct"] for row in found] == [False, True] * 2
    assert "which one" not in told


def test_an_answer_without_a_recorded_one_is_read(imported: Import, tmp_path: Path) -> None:
    found, _ = imported(lm_eval(tmp_path / "log", [judged(0, exact_match=1)]))
    assert (one(found)["answered"], one(found)["answer"]) == (True, "7")


def test_null_and_empty_answers_are_rows_that_are_wrong(imported: Import, tmp_path: Path) -> None:
    rows = [judged(0, exact_match=1), judged(1, "", exact_match=0), judged(2, None, exact_match=0)]
    found, told = imported(lm_eval(tmp_path / "log", rows))
    assert [(row["correct"], row["answered"]) for row in found] == [(True, True), (False, False), (False, False)]
    assert [row["closed_by"] for row in found] == ["model", None, None]
    assert [row["thinking_tokens"] for row in found] == [0, 0, UNKNOWN]
    assert "1 of 3 samples have no answer in the log; they count as wrong" in told


def test_a_row_without_any_response_is_a_row_that_is_wrong(imported: Import, tmp_path: Path) -> None:
    rows = [judged(0, exact_match=1), {**judged(1, exact_match=0), "resps": []}]
    found, told = imported(lm_eval(tmp_path / "log", rows))
    assert [(row["correct"], row["thinking_tokens"]) for row in found] == [(True, 0), (False, UNKNOWN)]
    assert "1 of 2 samples have no answer in the log; they count as wrong" in told


def test_a_log_without_results_does_not_tell_that_nothing_was_thought(imported: Import, tmp_path: Path) -> None:
    log = lm_eval(tmp_path / "log", [judged(0, exact_match=1), judged(1, exact_match=1)])
    next(log.glob("results_*")).unlink()
    found, told = imported(log)
    assert [row["thinking_tokens"] for row in found] == [UNKNOWN, UNKNOWN]
    assert "the thinking tokens of 2 of 2 samples are unknown: no results file tells whether it was cut off" in told


@pytest.mark.parametrize(("better", "rule"), [(False, "integer"), (True, "recorded: mistakes")])
def test_a_metric_counts_as_the_results_say_that_it_is_meant(
    imported: Import, tmp_path: Path, better: bool, rule: str
) -> None:
    log = lm_eval(tmp_path / "log", [judged(0, mistakes=0.0), judged(1, mistakes=1.0)])
    results = next(log.glob("results_*"))
    results.write_text(
        json.dumps({**json.loads(results.read_text()), "higher_is_better": {"quiz": {"mistakes": better}}})
    )
    found, _ = imported(log)
    assert {row["rule"] for row in found} == {rule}


@pytest.mark.parametrize("backend", ["local-chat-completions", "openai-chat-completions", "local-completions"])
def test_thinking_that_a_server_kept_is_unknown(imported: Import, tmp_path: Path, backend: str) -> None:
    found, told = imported(lm_eval(tmp_path / "log", [judged(0, exact_match=1)], backend=backend))
    assert (one(found)["thinking_tokens"], one(found)["closed_by"]) == (UNKNOWN, None)
    assert backend in told


@pytest.mark.parametrize(
    ("arguments", "options_given", "words"),
    [
        ({"pretrained": "m", "think_end_token": "</think>", "enable_thinking": True}, {}, "think_end_token (</think>)"),
        ({"pretrained": "m", "enable_thinking": True}, {}, "it was asked for"),
        ({"pretrained": "m", "reasoning_parser": "qwen3"}, {}, "reasoning_parser"),
        ({"pretrained": "m"}, {"max_tokens_thinking": 500}, "it was asked for"),
        ({"pretrained": "m"}, {"chat_template_kwargs": {"enable_thinking": True}}, "it was asked for"),
    ],
)
def test_thinking_that_was_stripped_is_unknown(
    imported: Import, tmp_path: Path, arguments: Any, options_given: Any, words: str
) -> None:
    rows = [line(0, "The answer is 7.", exact_match=1)]
    found, told = imported(lm_eval(tmp_path / "log", rows, model=arguments, **options_given))
    assert one(found)["thinking_tokens"] is UNKNOWN
    assert words in told


@pytest.mark.parametrize("switch", [{"enable_thinking": False}, {"reasoning_effort": "none"}, {"thinking_budget": 0}])
def test_thinking_that_was_switched_off_is_none(imported: Import, tmp_path: Path, switch: Any) -> None:
    found, _ = imported(lm_eval(tmp_path / "log", [judged(0, exact_match=1)], backend="local-completions", **switch))
    assert (one(found)["thinking_tokens"], one(found)["setting"]) == (0, "budget 0")


def test_one_text_without_thinking_among_others_is_unknown(imported: Import, tmp_path: Path) -> None:
    rows = [line(0, "<think>a b</think>Final Answer: 7"), line(1)]
    found, told = imported(lm_eval(tmp_path / "log", rows))
    assert [row["thinking_tokens"] for row in found] == [2, UNKNOWN]
    assert "other samples show theirs" in told


def test_a_point_with_an_unknown_sample_has_no_place_on_the_axis(imported: Import, tmp_path: Path) -> None:
    lm_eval(tmp_path / "log", [line(0, "<think>a b</think>Final Answer: 7"), line(1)], max_tokens_thinking=500)
    imported(tmp_path / "log")
    (series,) = run_series(next(tmp_path.glob("out-*")))
    (point,) = series.points
    assert (point.thinking_tokens, point.accuracy, point.n, series.control) == (None, 100.0, 2, None)


def test_a_tokenizer_is_not_needed_for_what_the_log_tells(
    imported: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(location: str) -> Any:
        raise TokenizerUnavailable(f"no {location} here")

    monkeypatch.setattr(write, "load_counter", unavailable)
    found, told = imported(inspect_json(tmp_path / "log.json", [inspect_sample(1, tokens=9, scores={"match": "C"})]))
    assert (one(found)["thinking_tokens"], one(found)["answer_tokens"]) == (9, None)
    assert "no openai/o1 here" in told
    thinking = [line(0, "<think>a b</think>7")]
    assert imported(lm_eval(tmp_path / "log", thinking), code=2)[0] == []


@pytest.mark.parametrize(
    ("content", "tokens", "thinking_tokens", "thinking"),
    [
        (
            [{"type": "reasoning", "reasoning": "gAAAAAB0123", "redacted": True, "summary": "added"}],
            None,
            None,
            "added",
        ),
        ([{"type": "reasoning", "reasoning": "gAAAAAB0123", "redacted": True}], 880, 880, ""),
        ([{"type": "reasoning", "reasoning": "gAAAAAB0123", "redacted": True}], 0, None, ""),
        ([{"type": "reasoning", "reasoning": "", "redacted": True, "summary": "added"}], None, None, "added"),
        ([{"type": "reasoning", "reasoning": "", "signature": "EqQB"}], None, None, ""),
        ([{"type": "reasoning", "reasoning": "a b c"}], None, 3, "a b c"),
        ([{"type": "reasoning", "reasoning": "a b c"}], 0, 3, "a b c"),
        ([{"type": "reasoning", "reasoning": "a b c"}], 9, 9, "a b c"),
    ],
)
def test_encrypted_reasoning_is_neither_shown_nor_counted(
    imported: Import, tmp_path: Path, content: Any, tokens: Any, thinking_tokens: Any, thinking: str
) -> None:
    sample = inspect_sample(1, [*content, {"type": "text", "text": "7"}], {"match": "C"}, tokens=tokens)
    found, _ = imported(inspect_json(tmp_path / "log.json", [sample]))
    assert one(found)["thinking_tokens"] == thinking_tokens
    shown = "".join(text for _, phase, text in one(found)["segments"] if phase == "thinking")
    assert "gAAAA" not in json.dumps(one(found))
    assert shown == thinking or (thinking == "added" and shown.startswith("[Summary") and "added" in shown)


def turn(*content: Any, **more: Any) -> Row:
    return {"role": "assistant", "content": [*content], **more}


THOUGHT = {"type": "reasoning", "reasoning": "a b c"}
SHUT = {"type": "reasoning", "reasoning": "gAAAA", "redacted": True}


@pytest.mark.parametrize(
    ("earlier", "usage", "thinking_tokens"),
    [
        ([turn(THOUGHT)], {}, 5),
        ([turn(THOUGHT), turn(THOUGHT)], {}, 8),
        ([{"role": "assistant", "content": "<think>a b c</think>calls"}], {}, 5),
        ([turn(THOUGHT)], {"m": {"reasoning_tokens": 40}}, 40),
        ([turn(THOUGHT)], {"m": {"reasoning_tokens": 40}, "judge": {"reasoning_tokens": 2}}, 5),
        ([turn(SHUT)], {}, UNKNOWN),
        ([turn(SHUT)], {"m": {"reasoning_tokens": 40}}, 40),
        ([{"role": "assistant", "content": "<inner>a</inner>calls"}], {}, UNKNOWN),
        ([turn({"type": "text", "text": "calls"})], {}, 2),
    ],
)
def test_thinking_of_earlier_turns_counts_as_well(
    imported: Import, tmp_path: Path, earlier: list[Row], usage: Row, thinking_tokens: int | None
) -> None:
    last = [{"type": "reasoning", "reasoning": "d e"}, {"type": "text", "text": "7"}]
    sample = inspect_sample(1, last, {"match": "C"}, tokens=2)
    user = {"role": "user", "content": "What is 3 + 4?", "source": "input"}
    shown = {**turn(THOUGHT), "source": "input"}
    sample |= {"messages": [user, shown, *earlier, turn(*last)], "model_usage": usage}
    found, _ = imported(inspect_json(tmp_path / "log.json", [sample]))
    assert one(found)["thinking_tokens"] == thinking_tokens


@pytest.mark.parametrize("value", [None, float("nan"), [1, 0], "maybe", {"deep": {}}])
def test_a_verdict_that_tells_nothing_is_graded_here_with_a_note(imported: Import, tmp_path: Path, value: Any) -> None:
    found, told = imported(inspect_json(tmp_path / "log.json", [inspect_sample(1, scores={"match": value})]))
    assert (one(found)["correct"], one(found)["rule"]) == (True, "integer")
    assert "1 of 1 samples were graded here, since match" in told


def test_samples_without_a_verdict_among_others_are_told(imported: Import, tmp_path: Path) -> None:
    samples = [inspect_sample(1, scores={"match": "C"}), inspect_sample(2, "ANSWER: 8", {"match": None})]
    found, told = imported(inspect_json(tmp_path / "log.json", samples))
    assert [row["correct"] for row in found] == [True, False]
    assert "1 of 2 samples were graded here, since match holds no verdict on them" in told


@pytest.mark.parametrize("value", [0.5, "P", "0.25"])
def test_partial_credit_is_wrong_and_told(imported: Import, tmp_path: Path, value: Any) -> None:
    sample = inspect_sample(1, "ANSWER: 8", {"partial": value})
    found, told = imported(inspect_json(tmp_path / "log.json", [sample]))
    assert (one(found)["correct"], one(found)["rule"]) == (False, "recorded: partial")
    assert "1 of 1 samples have partial credit under partial, which counts as wrong" in told


def test_a_scale_that_the_log_does_not_tell_is_no_verdict(imported: Import, tmp_path: Path) -> None:
    samples = [inspect_sample(1, scores={"rating": 1}), inspect_sample(2, scores={"rating": 4})]
    found, told = imported(inspect_json(tmp_path / "log.json", samples))
    assert [row["rule"] for row in found] == ["integer", "integer"]
    assert "rating is on a scale that the log does not tell" in told


def test_of_several_scorers_the_one_that_counts_is_told(imported: Import, tmp_path: Path) -> None:
    sample = inspect_sample(1, scores={"format": 1, "match": "I"})
    found, told = imported(inspect_json(tmp_path / "log.json", [sample]))
    assert (one(found)["correct"], one(found)["rule"]) == (False, "recorded: match")
    assert "every recorded verdict (match) is wrong, although 1 of 1 answers agree" in told
    assert "--verdict format or --regrade" in told


def test_a_scorer_with_values_of_its_own_is_several(imported: Import, tmp_path: Path) -> None:
    sample = inspect_sample(1, scores={"mine": {"correct": 1, "style": 0}})
    found, told = imported(inspect_json(tmp_path / "log.json", [sample]), "--verdict", "mine.style")
    assert (one(found)["correct"], one(found)["rule"]) == (False, "recorded: mine.style")


def test_the_logs_own_headline_counts_first(imported: Import, tmp_path: Path) -> None:
    head = {**inspect_head(), "results": {"headline": {"scorer": "style"}}}
    samples = [inspect_sample(n, scores={"match": "I", "style": "C"}) for n in (1, 2)]
    found, _ = imported(inspect_json(tmp_path / "log.json", samples, head))
    assert {row["rule"] for row in found} == {"recorded: style"}


def test_an_answer_that_broke_off_counts_as_wrong(imported: Import, tmp_path: Path) -> None:
    broken = {**inspect_sample(2), "output": {"model": "m", "choices": []}, "error": {"message": "429"}}
    found, told = imported(inspect_json(tmp_path / "log.json", [inspect_sample(1, scores={"match": "C"}), broken]))
    assert [(row["correct"], row["answered"]) for row in found] == [(True, True), (False, False)]
    assert "1 of 2 samples have no answer in the log" in told


def test_any_of_several_targets_is_right(imported: Import, tmp_path: Path) -> None:
    rows = [line(0, target=["8", "7"]), line(1, target="['8', '7']"), line(2, "Final Answer: 9", target=["8", "7"])]
    found, _ = imported(lm_eval(tmp_path / "log", rows))
    assert [row["correct"] for row in found] == [True, True, False]
    assert found[0]["target"] == "8 or 7"


def test_regrading_tells_how_many_verdicts_changed(imported: Import, tmp_path: Path) -> None:
    rows = [judged(0, "<|im_start|>think\nSo it is \\boxed{7}.", exact_match=1), judged(1, exact_match=1)]
    log = lm_eval(tmp_path / "log", rows)
    assert [row["correct"] for row in imported(log)[0]] == [True, True]
    found, told = imported(log, "--regrade")
    assert [row["correct"] for row in found] == [False, True]
    assert "was graded again: 1 of 2 recorded verdicts changed" in told


def test_verdicts_of_several_samples_are_graded_one_by_one(imported: Import, tmp_path: Path) -> None:
    row = {**judged(0, exact_match=1), "resps": [["Final Answer: 7", "Final Answer: 8", None]]}
    found, told = imported(lm_eval(tmp_path / "log", [row]))
    assert [row["correct"] for row in found] == [True, False, False]
    assert "one verdict for several samples of a question; each sample was graded here" in told


class TestGlobalMmlu:
    """Multiple choice as lm-eval's task writes it: by texts that no filter reads, or by likelihoods."""

    def test_verdicts_that_are_all_wrong_offer_to_grade_again(self, imported: Import, tmp_path: Path) -> None:
        text = "<|im_start|>think\nOne more.\n<|im_start|>answer\nFinal Answer: One more, so the answer is B. 1"
        rows = [options(n, "B", text if n else text.replace("B. 1", "C. 2"), exact_match=0.0) for n in range(4)]
        log = lm_eval(tmp_path / "log", rows, task="global_mmlu_en_stem", max_tokens_thinking=500)
        found, told = imported(log)
        assert not any(row["correct"] for row in found)
        assert "every recorded verdict (exact_match) is wrong, although 3 of 4 answers agree with their targets" in told
        again, told = imported(log, "--regrade")
        assert [row["correct"] for row in again] == [False, True, True, True]
        assert "3 of 4 recorded verdicts changed" in told
        assert (again[1]["question"], again[1]["target"]) == ("What is 1 + 1?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:", "B")
        assert (again[1]["setting"], again[1]["group"], again[1]["closed_by"]) == ("budget 500", "sums", "budget")

    @pytest.mark.parametrize("target", ["B", "1", 1])
    def test_the_most_likely_option_is_the_answer(self, imported: Import, tmp_path: Path, target: Any) -> None:
        rows = [likelihoods(0, target, -3.5, -1.5, -9, -2, acc=1.0), likelihoods(1, target, -1, -2, -3, -4, acc=0.0)]
        log = lm_eval(tmp_path / "log", rows, task="global_mmlu_full_en")
        for choice in ((), ("--regrade",)):
            found, _ = imported(log, *choice)
            assert [(row["answer"], row["correct"], row["target"]) for row in found] == [
                ("B", True, "B"),
                ("A", False, "B"),
            ]
        assert found[0]["question"] == "Which?\nA. one\nB. two\nC. three\nD. four"
        assert (found[0]["thinking_tokens"], found[0]["closed_by"]) == (0, None)


@pytest.mark.parametrize(
    ("value", "reads"),
    [("C", 1), ("I", 0), ("P", 0.5), ("N", 0), (True, 1), (False, 0), (1.0, 1), ("1", 1), ("yes", 1), ("Incorrect", 0)],
)
def test_scores_are_read_as_their_programs_mean_them(value: Any, reads: float) -> None:
    assert read_score("x", value)["x"].value == reads
