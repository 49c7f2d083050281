"""Logs of inspect_ai say here what inspect_ai's own reader says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.importers import inspect_log
from evals.importers.lines import Notes

LOGS = sorted((Path(__file__).parents[1] / "data" / "client_logs").glob("inspect-*/*.eval"))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name)
def test_inspects_own_reader_reads_the_same(path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log")
    notes = Notes()
    run = inspect_log.find_run(path, 10, notes)
    assert run is not None
    theirs = {(f"{run.benchmark}/{s.id}", s.epoch - 1): s for s in log.read_eval_log(str(path)).samples}
    ours = list(run.samples(notes))
    assert {(sample.id, sample.sample_index) for sample in ours} == theirs.keys()
    for sample in ours:
        read = theirs[sample.id, sample.sample_index]
        (scorer,) = read.scores
        assert sample.scores[scorer].correct == (read.scores[scorer].value == "C")
        assert sample.parts.answer == read.output.choices[0].message.text
        assert sample.parts.thinking == read.output.choices[0].message.content[0].reasoning
        assert sample.thinking_tokens == read.output.usage.reasoning_tokens
        assert sample.receipt is not None and sample.receipt["thinking_tokens"] == sample.thinking_tokens
    assert not list(notes)
