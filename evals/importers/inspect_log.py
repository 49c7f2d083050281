"""inspect_ai's logs: `.json`, or `.eval`, a zip with a header and one JSON file per sample."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from evals.importers.foreign import ForeignRun, benchmark_name, model_name
from evals.importers.lines import Json, Notes, parse_object, read_json, usable
from evals.importers.rows import Parts, Recorded, Sample, guess_kind, split_thinking
from evals.importers.settings import inspect_asked

LARGEST_MEMBER = 64 * 2**20
"""Bytes of one unpacked sample."""
MOST_MEMBERS = 100_000
LARGEST_TOTAL = 4 * 2**30
"""Bytes of all unpacked samples. They are read one at a time; this bounds the time."""
_RIGHT, _WRONG = ("C", True), ("I", "N", "P", False)


def find_run(path: Path, max_mb: int, notes: Notes) -> ForeignRun | None:
    """Read the head of a log; None, with a note, when it is none or cannot be used."""
    packed = path.suffix == ".eval"
    if packed and not usable(path, max_mb, notes):
        return None
    log = _zip_header(path, notes) if packed else read_json(path, max_mb, notes)
    if log is None:
        return None
    spec = log.get("eval")
    if not isinstance(spec, dict) or not isinstance(spec.get("model"), str):
        notes.add(f"{path} is neither lm-eval's results nor an inspect log, and was left out")
        return None
    config = {**_object(_object(log, "plan"), "config"), **_object(spec, "model_generate_config")}
    task = benchmark_name(str(spec.get("task", path.stem)))
    asked = inspect_asked(config)
    total = _object(spec, "dataset").get("samples")
    read = partial(_zip_samples, path) if packed else partial(_listed, log)
    return ForeignRun(
        path=path,
        model=model_name(spec["model"]),
        benchmark=task,
        engine="inspect",
        asked=asked,
        expected=total if isinstance(total, int) else None,
        facts={
            "file": path.name,
            "task": spec.get("task"),
            "finished": spec.get("created"),
            "status": log.get("status"),
        },
        samples=lambda notes: _samples(path, read(notes), task, asked.label, notes),
    )


def _object(value: Any, key: str) -> Json:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _listed(log: Json, notes: Notes) -> Iterator[tuple[str, Json]]:
    del notes  # a list that was parsed whole has nothing left to go wrong
    samples = log.get("samples")
    for number, sample in enumerate(samples if isinstance(samples, list) else [], start=1):
        yield f"sample {number}", sample if isinstance(sample, dict) else {}


def _zip_header(path: Path, notes: Notes) -> Json | None:
    try:
        with zipfile.ZipFile(path) as log:
            names = set(log.namelist())
            # A run that did not end has no header yet, but the journal of its start.
            name = next((n for n in ("header.json", "_journal/start.json") if n in names), None)
            if name is None:
                notes.add(f"{path} is a zip file, but no inspect log: it has no header.json")
                return None
            return parse_object(_member(log, log.getinfo(name)))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        notes.add(f"{path} is no whole zip file ({error}): damaged or half-written")
    except ValueError as error:
        notes.add(f"{path}: {error}")
    return None


def _zip_samples(path: Path, notes: Notes) -> Iterator[tuple[str, Json]]:
    with zipfile.ZipFile(path) as log:
        members = [m for m in log.infolist() if m.filename.startswith("samples/") and m.filename.endswith(".json")]
        total = sum(member.file_size for member in members)
        if len(members) > MOST_MEMBERS or total > LARGEST_TOTAL:
            notes.add(f"{path} unpacks to {len(members):,} samples of {total / 2**30:.1f} GB in all; left out")
            return
        for member in members:
            try:
                yield member.filename, parse_object(_member(log, member))
            except (ValueError, zipfile.BadZipFile, OSError, EOFError) as error:
                notes.add(f"{path}, {member.filename}: {error}; left out")


def _member(log: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Unpack one file.

    Raises:
        ValueError: it is too large, encrypted, or packed in a way that this Python cannot read.
    """
    if member.file_size > LARGEST_MEMBER:
        raise ValueError(f"unpacks to {member.file_size / 2**20:,.0f} MB, more than {LARGEST_MEMBER // 2**20} MB")
    try:
        with log.open(member) as file:
            content = file.read(LARGEST_MEMBER + 1)  # whatever the header claims
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"cannot be unpacked ({error}); convert the log with `inspect log convert --to json`"
        ) from error
    except Exception as error:  # zlib, bz2 and lzma each raise their own
        raise ValueError(f"is damaged ({error})") from error
    if len(content) > LARGEST_MEMBER:
        raise ValueError(f"unpacks to more than {LARGEST_MEMBER // 2**20} MB")
    return content


def _samples(path: Path, found: Iterator[tuple[str, Json]], task: str, setting: str, notes: Notes) -> Iterator[Sample]:
    model = None
    for where, row in found:
        answered_by = _object(row, "output").get("model")
        model = model or answered_by
        if answered_by and answered_by != model:
            notes.add(f"{path}, {where}: answered by {answered_by}, the samples before it by {model}; left out")
            continue
        try:
            yield _sample(row, task, setting)
        except ValueError as error:
            notes.add(f"{path}, {where}: {error}; left out")


def _sample(row: Json, task: str, setting: str) -> Sample:
    target = row.get("target")
    target = target[0] if isinstance(target, list) and target else target
    if not isinstance(target, str | int | float) or not isinstance(row.get("id"), str | int):
        raise ValueError("no id or no target")
    output = _object(row, "output")
    epoch, spent = row.get("epoch"), _object(output, "usage").get("reasoning_tokens")
    return Sample(
        id=f"{task}/{row['id']}",
        group=task,
        setting=setting,
        sample_index=epoch - 1 if isinstance(epoch, int) and epoch >= 1 else 0,
        target=str(target),
        kind=guess_kind(task, str(target)),
        parts=_parts(row, output),
        thinking_tokens=spent if isinstance(spent, int) else None,
        recorded=_recorded(row),
    )


def _parts(row: Json, output: Json) -> Parts:
    choices = output.get("choices")
    message = _object(choices[0] if isinstance(choices, list) and choices else None, "message")
    content = message.get("content")
    if isinstance(content, str):
        return split_thinking(_resolved(row, content))
    if not isinstance(content, list):
        error = _object(row, "error").get("message")
        raise ValueError(f"no answer in the log{f' ({error})' if error else ''}")
    blocks: list[Json] = [block for block in content if isinstance(block, dict)]
    thinking = "".join(_resolved(row, str(b.get("reasoning", ""))) for b in blocks if b.get("type") == "reasoning")
    text = "".join(_resolved(row, str(b.get("text", ""))) for b in blocks if b.get("type") == "text")
    if not thinking:
        return split_thinking(text)
    return Parts(thinking=thinking, close="", answer=text, closed_by="model")


def _resolved(row: Json, text: str) -> str:
    """Long texts may be kept aside under a hash."""
    kept = (
        _object(row, "attachments").get(text.removeprefix("attachment://")) if text.startswith("attachment:") else None
    )
    return kept if isinstance(kept, str) else text


def _recorded(row: Json) -> Recorded | None:
    for scorer, score in _object(row, "scores").items():
        value = score.get("value") if isinstance(score, dict) else None
        if isinstance(value, str | bool) and value in (*_RIGHT, *_WRONG):
            correct = value in _RIGHT
        elif isinstance(value, int | float):
            correct = value >= 1
        else:
            continue
        answer = score.get("answer")
        return Recorded(answer=_text(answer), correct=correct, rule=f"recorded: {scorer}")
    return None


def _text(answer: Any) -> str | None:
    if answer is None or isinstance(answer, str):
        return answer or None
    return json.dumps(answer, ensure_ascii=False)
