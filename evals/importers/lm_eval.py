"""lm-eval's output, as it and the original's harness write it: `results_*.json` beside `samples_*.jsonl`.

A sample has `resps` (the text, thinking included), a `target`, and sometimes verdicts: metrics such as `exact_match`,
or `extracted_answer`, which some authors add in a file `extracted_samples_*.jsonl` of the same lines. With several
filters a question has a line for each, with the same text and verdicts of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evals.importers.foreign import ForeignRun, benchmark_name, model_name
from evals.importers.lines import Json, Notes, as_object, read_json, read_json_lines, usable
from evals.importers.lm_eval_lines import KNOWN_FIELDS, Merged, metrics_of
from evals.importers.rows import Sample
from evals.importers.settings import ImportedSetting, asked_of, parse_options

_STAMP = r"(?P<stamp>\d{4}-\d\d-\d\dT[\d.:-]+)"
_RESULTS = re.compile(rf"results_{_STAMP}\.json")
_SAMPLES = re.compile(rf"(?P<extracted>extracted_)?samples_(?P<task>.+?)_{_STAMP}\.jsonl")
_OF_TEMPLATE = ("enable_thinking", "chat_template_args", "chat_template_kwargs", "reasoning_effort")
"""Arguments of a model that say whether it thinks."""
_RAW = "asked with --gen_kwargs reasoning_format=raw"
_SERVED = re.compile(r"completions|chat|openai|anthropic|watsonx|textsynth")
"""Backends that ask a server, whose thinking comes in a field that lm-eval drops."""


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
    config = as_object(results, "config")
    arguments = parse_options(config.get("model_args"))
    of_model = {name: value for name, value in arguments.items() if name in _OF_TEMPLATE}
    asked = asked_of({**of_model, **_options(source, results)}, config.get("random_seed"))
    expected = as_object(as_object(results, "n-samples"), source.task).get("effective")
    backend = config.get("model")
    return ForeignRun(
        path=source.samples,
        model=_model(source, config, arguments),
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
        samples=partial(_samples, source, _hidden(backend, arguments, asked, results), _better(source, results)),
    )


def _options(source: _Source, results: Json | None) -> Json:
    """The task's own options, then the command line's; without results, those in the first sample's request."""
    if results is not None:
        task = as_object(as_object(as_object(results, "configs"), source.task), "generation_kwargs")
        return {**task, **parse_options(as_object(results, "config").get("gen_kwargs"))}
    first = next((row for _, row in read_json_lines(source.samples, Notes())), {})
    return as_object(as_object(as_object(first, "arguments"), "gen_args_0"), "arg_1")


def _model(source: _Source, config: Json, arguments: Json) -> str:
    named = next((name for name in _names(config, arguments) if isinstance(name, str) and name), None)
    # lm-eval names the folder after the model, with `__` for the slash.
    return model_name(named) if named is not None else source.samples.parent.name.replace("__", "/")


def _names(config: Json, arguments: Json) -> Iterator[Any]:
    yield arguments.get("pretrained")
    yield config.get("model_name")
    yield arguments.get("model")


def _better(source: _Source, results: Json | None) -> dict[str, bool]:
    """By metric of the task, whether a higher value is the better one, where the results say so."""
    told = as_object(as_object(results, "higher_is_better"), source.task)
    return {name: better for name, better in told.items() if isinstance(better, bool)}


def _hidden(backend: object, arguments: Json, asked: ImportedSetting, results: Json | None) -> str | None:
    """Why texts without marks of thinking may have lost theirs; None where nothing says so."""
    if asked.max_thinking_tokens == 0 and not asked.waits:
        return None
    if arguments.get("think_end_token") is not None:
        return f"lm-eval cut it off at think_end_token ({str(arguments['think_end_token'])[:40]})"
    if arguments.get("reasoning_parser") is not None:
        return "the engine's reasoning_parser took it out of the text"
    if isinstance(backend, str) and _SERVED.search(backend):
        return (
            f"lm-eval keeps only the answer of a server ({backend[:60]}); this project's gives all as one text, {_RAW}"
        )
    if asked.thinks:
        return "it was asked for, and the text shows none"
    return None if results is not None else "no results file tells whether it was cut off, and the text shows none"


def _samples(source: _Source, hidden: str | None, better: dict[str, bool], notes: Notes) -> Iterator[Sample]:
    merged, ignored = Merged(source.task, better), set[str]()
    for number, row in read_json_lines(source.samples, notes):
        ignored |= row.keys() - KNOWN_FIELDS - set(metrics_of(row))
        try:
            merged.take(row)
        except ValueError as error:
            notes.add(f"{source.samples}, line {number}: {error}; left out")
    merged.note(str(source.samples), notes)
    if ignored:
        names = ", ".join(sorted(str(name)[:40] for name in ignored)[:8])
        notes.add(f"{source.samples}: fields that this importer does not know were ignored: {names}")
    for _, row in read_json_lines(source.samples, Notes()):
        yield from merged.samples(row, hidden)
