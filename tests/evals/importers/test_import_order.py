"""Nothing that an import says depends on the order of rows, filters, metrics and scorers in a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.importers import write
from evals.importers.reading import Choice
from evals.importers.verdicts import read_score
from s1core.store import read_manifest, read_rows
from tests.evals.importers.logs import inspect_json, inspect_sample, judged

_SCORES = st.dictionaries(
    st.sampled_from(["match", "format", "includes", "style"]), st.sampled_from(["C", "I", 0.5, None, 3, {"a": 1}])
)
_SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _results(path: Path, choice: Choice) -> Any:
    """All that an import says, whatever the order of its rows and sentences."""
    notes = write.Notes()
    out = path.parent / "out"
    groups = write.find_all([path], 10, notes)
    for group in groups:
        write.write_counted(group, out, len, "characters", notes, choice)
    rows = sorted(json.dumps(row, sort_keys=True) for row in read_rows(out)) if groups else []
    told = sorted(sentence.replace(str(path), "LOG") for sentence in notes)
    asked = sorted(question.sentence.replace(str(path), "LOG") for question in notes.questions)
    return rows, told, asked, read_manifest(out)["config"] if groups else None


@_SLOW
@given(data=st.data(), choice=st.sampled_from([Choice(), Choice(regrade=True), Choice(verdict="format")]))
def test_no_order_of_samples_and_scorers_matters(
    data: st.DataObject, choice: Choice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    held = data.draw(st.lists(_SCORES, min_size=1, max_size=4))
    samples = [inspect_sample(n, scores=scores) for n, scores in enumerate(held)]
    other = data.draw(st.permutations(samples))
    mixed = [{**sample, "scores": dict(data.draw(st.permutations(list(sample["scores"].items()))))} for sample in other]
    first, second = (tmp_path_factory.mktemp("order") for _ in range(2))
    assert _results(inspect_json(first / "log.json", samples), choice) == _results(
        inspect_json(second / "log.json", mixed), choice
    )


@_SLOW
@given(data=st.data(), choice=st.sampled_from([Choice(), Choice(regrade=True), Choice(verdict="exact_match,b")]))
def test_no_order_of_lines_filters_and_metrics_matters(
    data: st.DataObject, choice: Choice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = st.sampled_from(["Final Answer: 7", "<think>a</think>7", "8", "", None, "<x>a</x>7"])
    value = st.sampled_from([0, 1, 0.5, None, [1], 3])
    lines = [
        judged(n, body, of=of, exact_match=data.draw(value), acc=data.draw(value))
        for n in range(data.draw(st.integers(1, 3)))
        for body in data.draw(st.lists(text, min_size=1, max_size=2))
        for of in data.draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
    ]
    other = data.draw(st.permutations(lines))
    mixed = [dict(data.draw(st.permutations(list(row.items())))) for row in other]
    first, second = (tmp_path_factory.mktemp("order") / "model" / "samples_quiz.jsonl" for _ in range(2))
    for path, rows in ((first, lines), (second, mixed)):
        path.parent.mkdir()
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert _results(first, choice) == _results(second, choice)


@pytest.mark.parametrize("name", ["wer", "edit_distance", "error_rate", "brier_score", "word_perplexity", "rmse,none"])
def test_what_grows_with_errors_is_no_verdict(name: str) -> None:
    (score,) = read_score(name, 0.0).values()
    assert score.value is None and score.scale
    assert not read_score("exact_match,strict", 0.0)["exact_match,strict"].scale
