"""lm-eval's output, as the original's harness writes it: `results_*.json` beside `samples_*.jsonl`.

A sample has `resps` (the text, thinking included), a `target`, and sometimes a verdict: a metric such as `exact_match`,
or `extracted_answer`, which some authors add in a file `extracted_samples_*.jsonl` of the same lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evals.importers.foreign import ForeignRun, benchmark_name, model_name
from evals.importers.lines import Json, Notes, read_json, read_json_lines, usable
from evals.importers.rows import Recorded, Sample, guess_kind, split_thinking
from evals.importers.settings import asked_of, parse_options
from s1core.grading import grade

_STAMP = r"(?P<stamp>\d{4}-\d\d-\d\dT[\d.:-]+)"
_RESULTS = re.compile(rf"results_{_STAMP}\.json")
_SAMPLES = re.compile(rf"(?P<extracted>extracted_)?samples_(?P<task>.+?)_{_STAMP}\.jsonl")
_METRICS = ("exact_match", "acc")
_KNOWN = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "doc_hash", "prompt_hash", "target_hash"),
    *("filter", "metrics", "bypass", "extracted_answer", "extracted_answers", *_METRICS),
}
_GROUPS = ("subject", "Subdomain", "High-level domain", "domain", "category", "type")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A file of samples and the results that go with it."""

    samples: Path
    task: str
    stamp: str
    results: Path | None


def is_lm_eval(path: Path) -> bool:
    """Whether a file is lm-eval's, by its name."""
    return path.suffix == ".jsonl" or _RESULTS.fullmatch(path.name) is not None


def find_runs(paths: list[Path], max_mb: int, notes: Notes) -> list[ForeignRun]:
    """Find the runs that these files are, or belong to."""
    samples: dict[tuple[Path, str], Path] = {}
    for path in paths:
        for file in _samples_beside(path, notes):
            # The same lines with the authors' extracted answers are worth more than without.
            key = (file.parent, file.name.removeprefix("extracted_"))
            better = file.with_name("extracted_" + key[1])
            samples[key] = better if better.is_file() else file
    sources = [_source(file) for file in samples.values() if usable(file, max_mb, notes)]
    return [_run(source, max_mb, notes) for source in sources]


def _samples_beside(path: Path, notes: Notes) -> list[Path]:
    results = _RESULTS.fullmatch(path.name)
    if results is None:
        return [path]
    found = [p for p in sorted(path.parent.glob("*samples_*.jsonl")) if p.name.endswith(f"_{results['stamp']}.jsonl")]
    if not found:
        notes.add(f"{path} has no samples beside it; run lm-eval with --log_samples to have them")
    return found


def _source(path: Path) -> _Source:
    name = _SAMPLES.fullmatch(path.name)
    if name is None:
        return _Source(samples=path, task=path.stem, stamp="", results=None)
    results = path.with_name(f"results_{name['stamp']}.json")
    return _Source(samples=path, task=name["task"], stamp=name["stamp"], results=results if results.is_file() else None)


def _run(source: _Source, max_mb: int, notes: Notes) -> ForeignRun:
    results = read_json(source.results, max_mb, notes) if source.results is not None else None
    if results is None:
        notes.add(f"{source.samples} has no usable results file beside it; its samples tell the settings")
    config = _object(results, "config")
    asked = asked_of(_options(source, results), config.get("random_seed"))
    counts = _object(_object(results, "n-samples"), source.task)
    expected = counts.get("effective")
    backend = config.get("model")
    return ForeignRun(
        path=source.samples,
        model=_model(source, config),
        benchmark=benchmark_name(source.task),
        engine=f"lm-eval ({backend})" if isinstance(backend, str) else "lm-eval",
        asked=asked,
        expected=expected if isinstance(expected, int) else None,
        facts={
            "file": source.samples.name,
            "task": source.task,
            "finished": source.stamp,
            "harness_commit": (results or {}).get("git_hash"),
        },
        samples=partial(_samples, source, asked.label),
    )


def _object(value: Any, key: str) -> Json:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _options(source: _Source, results: Json | None) -> Json:
    """The task's own options, then the command line's; without results, those in the first sample's request."""
    if results is not None:
        task = _object(_object(_object(results, "configs"), source.task), "generation_kwargs")
        return {**task, **parse_options(_object(results, "config").get("gen_kwargs"))}
    first = next((row for _, row in read_json_lines(source.samples, Notes())), {})
    return _object(_object(_object(first, "arguments"), "gen_args_0"), "arg_1")


def _model(source: _Source, config: Json) -> str:
    arguments = parse_options(config.get("model_args"))
    named = arguments.get("pretrained", config.get("model_name"))
    # lm-eval names the folder after the model, with `__` for the slash.
    return model_name(named) if isinstance(named, str) else source.samples.parent.name.replace("__", "/")


def _samples(source: _Source, setting: str, notes: Notes) -> Iterator[Sample]:
    ignored: set[str] = set()
    for number, row in read_json_lines(source.samples, notes):
        ignored |= row.keys() - _KNOWN
        try:
            yield from logged_samples(row, source.task, setting)
        except ValueError as error:
            notes.add(f"{source.samples}, line {number}: {error}; left out")
    if ignored:
        names = ", ".join(sorted(str(name)[:40] for name in ignored)[:8])
        notes.add(f"{source.samples}: fields that this importer does not know were ignored: {names}")


def logged_samples(row: Json, task: str, setting: str) -> list[Sample]:
    """Read one line of a samples file.

    Raises:
        ValueError: it cannot be used, and why.
    """
    texts, target, doc = _texts(row.get("resps")), row.get("target"), _object(row, "doc")
    if not isinstance(target, str | int | float) or not str(target).strip():
        raise ValueError("no target, so that the answer cannot be graded")
    if not isinstance(row.get("doc_id"), int | str):
        raise ValueError("no doc_id")
    group = next((str(doc[name]) for name in _GROUPS if isinstance(doc.get(name), str)), task)
    kind = guess_kind(task, str(target))
    return [
        Sample(
            id=f"{task}/{row['doc_id']}",
            group=group,
            setting=setting,
            sample_index=index,
            target=str(target),
            kind=kind,
            parts=split_thinking(text),
            # A verdict is one per line; of several samples it tells nothing about each.
            recorded=_recorded(row, str(target), kind) if len(texts) == 1 else None,
        )
        for index, text in enumerate(texts)
    ]


def _texts(resps: Any) -> list[str]:
    inner = resps[0] if isinstance(resps, list) and resps and isinstance(resps[0], list) else resps
    if not isinstance(inner, list) or not inner or not all(isinstance(text, str) for text in inner):
        raise ValueError("no response (`resps` holds no text)")
    return inner


def _recorded(row: Json, target: str, kind: str) -> Recorded | None:
    extracted: Any = row.get("extracted_answer", row.get("extracted_answers"))
    extracted = extracted[0] if isinstance(extracted, list) and extracted else extracted
    answer = str(extracted) if isinstance(extracted, str | int) and str(extracted).strip() else None
    for metric in _METRICS:
        if row.get(metric) in (0, 1):
            return Recorded(answer=answer, correct=row[metric] == 1, rule=f"recorded: {metric}")
    if answer is None:
        return None
    right = grade(answer, target, kind=kind).correct  # type: ignore[arg-type]
    return Recorded(answer=answer, correct=right, rule="recorded: extracted_answer")
