"""Files and answers of others: question files, logs of lm-eval and inspect, rows to train on, servers, Claude."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from curate.claude.tasks import read_class, read_verdict
from curate.sources import files as curate_files
from curate.sources.mapping import Source, to_row
from evals.benchmarks import files as question_files
from evals.benchmarks.records import to_items
from evals.json_input import parse_json
from s1core.engines.base import Request
from s1core.engines.http.completions import Completion
from s1core.engines.http.continuation import Interrupted, message_of
from s1core.errors import S1Error
from s1core.models import NANO_WEIGHTS
from s1core.types import Sampling
from tests.fuzz.inputs import JSON, altered, documents, json_lines, torn
from tests.fuzz.of_text import codec
from tests.fuzz.target import Target, in_file

QUESTION = {
    "id": "q1",
    "question": "What is 2 + 3?",
    "answer": "5",
    "solution": "2 + 3 = 5",
    "options": ["4", "5"],
    "subject": "sums",
    "more": {"year": 1999},
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
        text = Completion(request, codec(), "m", takes_ids=takes_ids)
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
