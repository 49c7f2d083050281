"""Sources on the hub, loaded by `datasets` when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curate.rows import CurateError
from curate.sources.mapping import Hub, Source

Record = dict[str, Any]


def fetch_records(source: Source) -> Iterator[tuple[str, Record]]:
    """Download a source, or take it from the local cache of `datasets`; yield (place, record).

    Raises:
        CurateError: no network, no access, another layout; the message says what else can be done.
    """
    hub = source.hub
    if hub is None:
        raise CurateError(f"{source.name} is no source of the hub; name its file: --source {source.name}=FILE")
    for config in hub.configs:
        for split in hub.splits:
            part = "".join(f"{word}:" for word in (config, split if len(hub.splits) > 1 else None) if word)
            for number, row in enumerate(_load(source, hub, config, split), start=1):
                yield f"{part}{number}", dict(row)


def _load(source: Source, hub: Hub, config: str | None, split: str) -> Any:
    try:
        # Imported here: it takes a second, and local sources do without it.
        from datasets import load_dataset

        if hub.files:
            files = [f"hf://datasets/{hub.id}/{name}" for name in hub.files]
            return load_dataset("json", data_files=files, split="train")
        return load_dataset(hub.id, config, split=split, revision=hub.revision)
    except Exception as error:  # `datasets` and the hub client raise dozens of types, none of ours among them
        raise CurateError(_explain(source, hub, error)) from error


def _explain(source: Source, hub: Hub, error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = f"{type(error).__name__}: {lines[0][:160] if lines else 'no reason given'}"
    terms = "accept its terms there and run `hf auth login`" if hub.gated else "check the network"
    return (
        f"source {source.name} could not be fetched from huggingface.co/datasets/{hub.id} ({why}); "
        f"{terms}, or name a local copy: --local {source.name}=FILE"
    )
