"""Published benchmarks, fetched from the hub when they are asked for. Nothing of them is part of this project."""

from __future__ import annotations

from typing import Any

from evals.benchmarks.files import Record
from s1core.benchmarks import Source
from s1core.errors import S1Error


class BenchmarkUnavailable(S1Error, RuntimeError):
    """A benchmark cannot be fetched here; the message says what else can be done."""


def fetch_records(source: Source) -> list[tuple[str, Record]]:
    """Download a benchmark, or take it from the local cache of `datasets`.

    Raises:
        BenchmarkUnavailable: no network, no access, or `datasets` is not installed.
    """
    try:
        # Imported here: it takes a second, and the bundled benchmark does without it.
        from datasets import load_dataset
    except ImportError as error:
        raise BenchmarkUnavailable("benchmarks from the hub need `datasets`: pip install datasets") from error
    try:
        rows: Any = load_dataset(source.hub_id, source.hub_config, split=source.split)
        return [(f"row {number}", dict(row)) for number, row in enumerate(rows, start=1)]
    except Exception as error:  # `datasets` and the hub client raise dozens of types, none of ours among them
        raise BenchmarkUnavailable(_explain(source, error)) from error


def _explain(source: Source, error: Exception) -> str:
    fetch = f"{source.title} could not be fetched from huggingface.co/datasets/{source.hub_id}"
    if source.gated:
        remedy = "accept its terms there and run `hf auth login`, or name a local copy with --data FILE"
    else:
        remedy = "check the network, or name a local copy with --data FILE"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{fetch} ({type(error).__name__}: {lines[0][:200] if lines else 'no reason given'}); {remedy}"
