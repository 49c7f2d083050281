"""lighteval's cases for maj@k, pass@k, avg@k, G-pass@k and choices by letter, run against ours.

Which file tests what: `exact_match`, `maj_at_k`, `pass_at_k`, `avg_at_k` and `g_pass_at_k` compare words (kind `text`);
`*_math` and `expr_gold_metric` compare mathematics; `gpqa_*` and `pass_at_k_letters` compare choices by letter.
Where ours differs on purpose, the case is listed with the reason and with what ours gives.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from s1core.grading import Kind, grade
from s1core.metrics import avg_at_k, g_pass_at_k, maj_at_k, mean_g_pass_at_k, pass_at_k

CASES = Path(__file__).parents[2].parent / "shared" / "data" / "metric_cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/data/metric_cases")

KINDS: dict[str, Kind] = {
    "exact_match": "text",
    "maj_at_k": "text",
    "pass_at_k": "text",
    "avg_at_k": "text",
    "g_pass_at_k": "text",
    "pass_at_k_math": "math",
    "avg_at_k_math": "math",
    "g_pass_at_k_math": "math",
    "expr_gold_metric": "math",
    "gpqa_instruct_metric": "choice",
    "gpqa_instruct_pass_at_k": "choice",
    "pass_at_k_letters": "choice",
}

CORRECT_BY_OURS = {
    ("g_pass_at_k", "G Pass At K - Case Sensitivity"): (2, "words compare without case: au is Au"),
    ("g_pass_at_k", "G Pass At K - Edge Case Empty String"): (0, "an empty text is no answer, whatever is expected"),
    ("g_pass_at_k_math", "G Pass At K Math - Mixed Correct and Incorrect"): (2, "x^2/2 is x^2/2 without dollars too"),
    ("g_pass_at_k_math", "G Pass At K Math - High K Value"): (5, "n(n+1)/2 is n(n+1)/2 without dollars too"),
}


def load(file: str) -> list[dict[str, Any]]:
    path = CASES / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8"))["test_cases"] if path.exists() else []


def gold_of(case: dict[str, Any], kind: Kind) -> str:
    # Several golds: upstream takes the first.
    index = case["doc"]["gold_index"]
    first: int = index[0] if isinstance(index, list) else index
    # For letters the gold is the option's letter, not its text: a single option called "B" has the letter A.
    return "ABCDEFGHIJ"[first] if kind == "choice" else case["doc"]["choices"][first]


def verdicts(case: dict[str, Any], kind: Kind) -> list[bool]:
    gold = gold_of(case, kind)
    return [grade(text, gold, kind).correct for text in case["model_response"]["text"]]


def value(metric: str, case: dict[str, Any], correct: Sequence[bool], kind: Kind) -> float:
    """The metric that an expected output such as `g-pass@5_0.25` or `avg@k:k=2` asks for."""
    k = case["metric_params"].get("k", 1)
    if metric == "em" or metric == "extractive_match":
        return float(correct[0])
    if metric.startswith("maj@k"):
        winner = maj_at_k(case["model_response"]["text"], k)
        return float(winner is not None and grade(winner, gold_of(case, kind), kind).correct)
    if metric.startswith("avg@k"):
        return avg_at_k(correct, k)
    if metric.startswith(("pass@k", "gpqa_pass@k")):
        return pass_at_k(len(correct), sum(correct), k)
    if metric.startswith(("mg-pass", "mmath_g-pass")):
        return mean_g_pass_at_k(len(correct), sum(correct), k)
    return g_pass_at_k(len(correct), sum(correct), k, float(metric.rpartition("_")[2]))


@needs_cases
@pytest.mark.parametrize(
    ("file", "case"), [pytest.param(f, c, id=f"{f}-{c['name']}") for f in KINDS for c in load(f)] or [("none", {})]
)
def test_case(file: str, case: dict[str, Any]) -> None:
    kind = KINDS[file]
    correct = verdicts(case, kind)
    if (file, case["name"]) in CORRECT_BY_OURS:
        count, reason = CORRECT_BY_OURS[file, case["name"]]
        assert sum(correct) == count, reason
        return
    for metric, expected in case["expected_output"].items():
        assert value(metric, case, correct, kind) == pytest.approx(expected, abs=case["tolerance"]), metric


@needs_cases
def test_every_file_is_read() -> None:
    assert {path.stem for path in CASES.glob("*.json")} == set(KINDS)
