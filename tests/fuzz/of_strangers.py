"""Files and answers of others: question files, logs of lm-eval and inspect, rows to train on, servers, Claude."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from curate.claude.tasks import read_class, read_verdict
from curate.sources import files as curate_files
from curate.sources.mapping import Source, to_row
from evals.benchmarks import files as question_files
from evals.benchmarks.records import to_items
from evals.importers.lines import Notes
from evals.importers.rows import split_thinking
from evals.importers.rows import to_row as sample_row
from evals.importers.write import find_all
from evals.json_input import parse_json
from s1core.engines.base import Request
from s1core.engines.http.completions import Continuation, Interrupted, message_of
from s1core.errors import S1Error
from s1core.models import NANO_WEIGHTS
from s1core.types import Sampling
from tests.app.tabs.compare.lm_eval_log import line
from tests.fuzz.inputs import JSON, altered, documents, json_lines, torn, written
from tests.fuzz.of_text import codec
from tests.fuzz.target import Target, in_file

_STAMP = "2026-01-02T03-04-05.678"
QUESTION = {
    "id": "q1",
    "question": "What is 2 + 3?",
    "answer": "5",
    "solution": "2 + 3 = 5",
    "options": ["4", "5"],
    "subject": "sums",
    "more": {"year": 1999},
}
RESULTS = {
    "config": {
        "model": "hf",
        "model_args": "pretrained=org/m,dtype=auto",
        "random_seed": 0,
        "gen_kwargs": "max_tokens_thinking=500,temperature=0,thinking_n_ignore=1,thinking_n_ignore_str=Wait",
    },
    "n-samples": {"aime24": {"original": 30, "effective": 30}},
    "git_hash": "abc",
}
GIVEN = {"max_tokens_thinking": 500, "temperature": 0.5, "thinking_n_ignore": 1, "thinking_n_ignore_str": "Wait"}
INSPECT = {
    "eval": {"model": "openai/o1", "task": "aime24", "dataset": {"samples": 1}, "created": "2026"},
    "plan": {"config": {"reasoning_tokens": 100, "temperature": 1, "seed": 3}},
    "status": "success",
    "samples": [
        {
            "id": 1,
            "epoch": 1,
            "target": "5",
            "output": {
                "model": "o1",
                "choices": [
                    {
                        "message": {
                            "content": [{"type": "reasoning", "reasoning": "2 + 3"}, {"type": "text", "text": "5"}]
                        }
                    }
                ],
                "usage": {"reasoning_tokens": 4},
            },
            "scores": {"match": {"value": "C", "answer": "5"}},
            "attachments": {},
        }
    ],
}
_CHAT = [
    {"system": "Short.", "user": "What is 2 + 3?", "assistant": "<|im_start|>think\nsum<|im_start|>answer\n5"},
    {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "5"}]},
    {"text": "<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n5<|im_end|>\n"},
]
_EVENT = {
    "choices": [
        {
            "text": "2 + 3",
            "token_ids": [3, 4, 5],
            "finish_reason": None,
            "stop_reason": None,
            "logprobs": {"token_logprobs": [-0.1, -0.2, -0.3]},
        }
    ],
    "usage": {"prompt_tokens_details": {"cached_tokens": 2}},
}
_SOURCE = Source(name="fuzz", title="fuzz")


def _curated(path: Path) -> None:
    for place, record in curate_files.read_records(path):
        if isinstance(record, dict):
            row = to_row(_SOURCE, record, place)
            json.dumps(row, default=str).encode()


def _questions(path: Path) -> None:
    records = question_files.read_records(path)
    for kind in ("math", "choice"):
        to_items(records, name="fuzz", title="fuzz", kind=kind, origin="fuzz")


def _csv(rows: list[Any], delimiter: str) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, delimiter=delimiter)
    table.writerow(["id", "question", "answer"])
    table.writerows([[str(cell) for cell in row.values()] if isinstance(row, dict) else [str(row)] for row in rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _tables(delimiter: str) -> st.SearchStrategy[bytes]:
    rows = st.lists(altered({"id": "1", "question": "What is 2 + 3?", "answer": "5"}), max_size=4)
    return torn(rows.map(lambda found: _csv(found, delimiter)))


@cache
def _parquet() -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    rows = [{**QUESTION, "user": "?", "assistant": "5", "id": str(n)} for n in range(3)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


def _imported(*names: str) -> Callable[[bytes], object]:
    def read(path: Path) -> None:
        notes = Notes()
        for name in names:
            path.with_name(name).write_bytes(written(RESULTS))
        _samples([path, *(path.with_name(name) for name in names)], notes)

    return in_file(f"folder/samples_aime24_{_STAMP}.jsonl", read)


def _samples(paths: list[Path], notes: Notes) -> None:
    for group in find_all(paths, 64, notes):
        for run in group:
            json.dumps([run.asked.as_dict(), run.facts, run.expected], allow_nan=False).encode()
            for sample in run.samples(notes):
                # Verdicts have a target of their own: a comparison may take seconds, and is stopped then.
                parts = split_thinking(sample.parts.answer)
                row = sample_row(sample, len) if sample.recorded else parts.segments
                json.dumps(row, allow_nan=False).encode()
    list(notes)


def _eval(members: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as log:
        for number, member in enumerate(members):
            log.writestr(f"samples/{number}.json" if number else "header.json", member)
    return out.getvalue()


def _head(value: Any) -> bytes:
    return written({**value, "samples": []} if isinstance(value, dict) else value)


@cache
def _renderer() -> Any:
    from transformers import AutoTokenizer

    from train.finetune.data import Renderer

    return Renderer(AutoTokenizer.from_pretrained(str(NANO_WEIGHTS)), "s1")


def _trained(path: Path) -> None:
    from train.finetune.data import _row, read_rows

    for number, raw in enumerate(read_rows(path), 1):
        row = _row(_renderer(), raw, number, "fuzz")
        if len(row.ids) != len(row.labels):
            raise AssertionError("a label for each id")


def _served(lines: list[bytes]) -> None:
    for takes_ids in (True, False):
        request = Request(prompt_ids=(1, 2, 3), max_tokens=16, sampling=Sampling(), stop_ids=frozenset({0}))
        text = Continuation(request, codec(), "m", takes_ids=takes_ids)
        chunks = [chunk for line in lines for chunk in text.feed("data: " + line.decode("utf-8", "replace"))]
        written_ids = [i for chunk in chunks for i in chunk.token_ids]
        if len(written_ids) > 16 or not codec().known_ids.issuperset(written_ids):
            raise AssertionError("more tokens than were asked for, or such that there are not")
        text.body()


TARGETS = (
    Target(name="JSON of others", fed=documents(QUESTION), read=parse_json, refuses=(ValueError, RecursionError)),
    Target(name="benchmarks: JSON lines", fed=json_lines(QUESTION), read=in_file("q.jsonl", _questions), share=2),
    Target(
        name="benchmarks: JSON",
        fed=documents([QUESTION], {"data": [{"row": QUESTION}]}),
        read=in_file("q.json", _questions),
    ),
    Target(name="benchmarks: CSV", fed=_tables(","), read=in_file("q.csv", _questions)),
    Target(name="curation: JSON lines", fed=json_lines(QUESTION), read=in_file("q.jsonl", _curated), share=2),
    Target(name="curation: JSON", fed=documents([QUESTION], [[QUESTION]]), read=in_file("q.json", _curated)),
    Target(name="curation: CSV", fed=_tables(","), read=in_file("q.csv", _curated)),
    Target(name="curation: TSV", fed=_tables("\t"), read=in_file("q.tsv", _curated)),
    Target(name="curation: Parquet", fed=torn(st.builds(_parquet)), read=in_file("q.parquet", _curated), share=0.3),
    Target(name="rows to train on: JSON lines", fed=json_lines(*_CHAT), read=in_file("r.jsonl", _trained)),
    Target(
        name="rows to train on: Parquet", fed=torn(st.builds(_parquet)), read=in_file("r.parquet", _trained), share=0.3
    ),
    Target(name="lm-eval: samples", fed=json_lines(json.loads(line(0, 64, exact_match=1))), read=_imported()),
    Target(
        name="lm-eval: results",
        fed=documents(RESULTS, RESULTS | {"config": {"gen_kwargs": GIVEN}}),
        read=in_file(f"folder/results_{_STAMP}.json", lambda path: _beside(path)),
    ),
    Target(
        name="inspect: JSON", fed=documents(INSPECT), read=in_file("log.json", lambda path: _samples([path], Notes()))
    ),
    Target(
        name="inspect: zip",
        fed=torn(
            st.lists(altered(INSPECT["samples"][0]).map(written), max_size=2).flatmap(
                lambda rest: altered(INSPECT).map(lambda head: _eval([_head(head), *rest]))
            )
        ),
        read=in_file("log.eval", lambda path: _samples([path], Notes())),
        share=0.5,
    ),
    Target(
        name="answers of a server",
        fed=st.lists(documents(_EVENT), max_size=4),
        read=_served,
        refuses=(S1Error, Interrupted),
    ),
    Target(
        name="errors of a server", fed=altered({"error": {"message": "full\nstop"}}) | JSON, read=message_of, refuses=()
    ),
    Target(name="words of Claude", fed=st.text(), read=lambda text: (read_verdict(text), read_class(text)), refuses=()),
)


def _beside(path: Path) -> None:
    path.with_name(f"samples_aime24_{_STAMP}.jsonl").write_text(line(0, 64, exact_match=1) + "\n", encoding="utf-8")
    _samples([path], Notes())
