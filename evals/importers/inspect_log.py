"""inspect_ai's logs, packed (`.eval`) or as JSON: settings, samples, scores, and receipts of this project's server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

from evals.importers import inspect_zip
from evals.importers.foreign import ForeignRun, benchmark_name, model_name
from evals.importers.lines import Json, Notes, as_object, object_of, read_json, usable
from evals.importers.rows import Sample, guess_kind
from evals.importers.settings import ImportedSetting, asked_of, whole
from evals.importers.thinking import Parts, split_thinking
from evals.importers.verdicts import Score, read_score
from s1core.grading import extract_answer
from s1core.types import ClosedBy, Receipt

SUMMARY = "[Summary by the model's provider; the thinking itself is not in the log.]\n"
_NO_ANSWER = "the log holds no answer"
_ENCRYPTED = "its provider encrypted it or left it out"
_BESIDE_RECEIPT = ("budget_from", "max_tokens", "max_completion_tokens")
"""What this project's server reports about a call, beside its usage."""
_MOST_TARGETS = 64
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def find_run(path: Path, max_mb: int, notes: Notes) -> ForeignRun | None:
    """Read the head of a log; None, with a note, when it is none or cannot be used."""
    packed = path.suffix == ".eval"
    if packed and not usable(path, max_mb, notes):
        return None
    log = inspect_zip.read_header(path, notes) if packed else read_json(path, max_mb, notes)
    if log is None:
        return None
    spec = log.get("eval")
    if not isinstance(spec, dict) or not isinstance(spec.get("model"), str):
        notes.add(f"{path} is neither lm-eval's results nor an inspect log, and was left out")
        return None
    config = {**as_object(as_object(log, "plan"), "config"), **as_object(spec, "model_generate_config")}
    task = benchmark_name(str(spec.get("task", path.stem)))
    asked = asked_of(config)
    total = as_object(spec, "dataset").get("samples")
    read = partial(inspect_zip.read_samples, path) if packed else partial(_listed, log)
    return ForeignRun(
        path=path,
        model=model_name(_without_provider(spec["model"])),
        benchmark=task,
        engine="inspect",
        asked=asked,
        expected=total if isinstance(total, int) else None,
        headline=_headline(log),
        facts={
            "file": path.name,
            "task": spec.get("task"),
            "finished": spec.get("created"),
            "status": log.get("status"),
        },
        samples=lambda notes: _samples(path, read(notes), task, asked, notes),
    )


def _without_provider(model: str) -> str:
    """`openai-api/SERVICE/NAME` and `vllm/ORG/NAME` without what inspect puts before the model's own name."""
    if model.startswith("openai-api/"):
        return model.split("/", 2)[-1]
    return model.partition("/")[2] if model.count("/") > 1 and not model.startswith(("/", ".", "~")) else model


def _headline(log: Json) -> str | None:
    """The scorer that the log itself names as its main one."""
    found = as_object(as_object(log, "results"), "headline").get("scorer")
    return found if isinstance(found, str) else None


def _listed(log: Json, notes: Notes) -> Iterator[tuple[str, Json]]:
    del notes  # a list that was parsed whole has nothing left to go wrong
    samples: Any = log.get("samples")
    listed = samples if isinstance(samples, list) else []
    found = [(f"sample {number}", object_of(sample)) for number, sample in enumerate(listed, start=1)]
    yield from sorted(found, key=lambda each: (str(each[1].get("id")), str(each[1].get("epoch"))))


def _samples(
    path: Path, found: Iterator[tuple[str, Json]], task: str, asked: ImportedSetting, notes: Notes
) -> Iterator[Sample]:
    model = None
    for where, row in found:
        answered_by = as_object(row, "output").get("model")
        model = model or answered_by
        if answered_by and answered_by != model:
            notes.add(f"{path}, {where}: answered by {answered_by}, the samples before it by {model}; left out")
            continue
        try:
            yield _sample(row, task, asked)
        except ValueError as error:
            notes.add(f"{path}, {where}: {error}; left out")


def _sample(row: Json, task: str, asked: ImportedSetting) -> Sample:
    target: Any = row.get("target")
    targets = [str(t) for t in (target if isinstance(target, list) else [target]) if isinstance(t, str | int | float)]
    if not targets or not isinstance(row.get("id"), str | int):
        raise ValueError("no id or no target")
    output, epoch, choices = as_object(row, "output"), row.get("epoch"), row.get("choices")
    receipt = _receipt(row, output)
    parts, lost = _parts(row, _answer(output))
    spent = _thinking_tokens(as_object(output, "usage"), parts, lost, receipt)
    if earlier := [_parts(row, turn) for turn in _earlier_turns(row)]:
        # What it thought before its last turn is thought for the answer as well; usage and receipt are of the last one.
        receipt, lost = None, next((why for _, why in earlier if why and why != _NO_ANSWER), lost)
        parts = _with_earlier(parts, [turn for turn, _ in earlier])
        spent = _thinking_tokens(_whole_usage(row), parts, lost, None)
    if receipt is not None:
        parts = replace(parts, closed_by=receipt["closed_by"])
    return Sample(
        id=f"{task}/{row['id']}",
        group=task,
        sample_index=epoch - 1 if isinstance(epoch, int) and epoch >= 1 else 0,
        targets=tuple(targets[:_MOST_TARGETS]),
        kind=guess_kind(task, targets[0], options=isinstance(choices, list) and bool(choices)),
        question=_question(row, choices),
        parts=parts,
        thinking_tokens=spent,
        answer_tokens=(receipt or {}).get("answer_tokens"),
        hidden="it was asked for, and the log shows none" if asked.thinks else None,
        lost=lost,
        empty=lost == _NO_ANSWER,
        scores=_scores(row),
        receipt=receipt,
    )


def _answer(output: Json) -> Json:
    """The message that the model answered with."""
    choices: Any = output.get("choices")
    return as_object(choices[0] if isinstance(choices, list) and choices else None, "message")


def _earlier_turns(row: Json) -> list[Json]:
    """The turns that the model wrote before its last one, as a sample with tools or several rounds has them."""
    listed, asked = row.get("messages"), row.get("input")
    given = [object_of(turn) for turn in asked] if isinstance(asked, list) else []
    shown = {json.dumps(turn.get("content"), sort_keys=True) for turn in given}
    turns = [object_of(turn) for turn in listed] if isinstance(listed, list) else []
    written = [turn for turn in turns if turn.get("role") == "assistant" and turn.get("source") != "input"]
    return [turn for turn in written[:-1] if json.dumps(turn.get("content"), sort_keys=True) not in shown]


def _with_earlier(last: Parts, earlier: list[Parts]) -> Parts:
    """The last turn with all that was thought before it."""
    thoughts = [turn.thinking for turn in (*earlier, last) if turn.thinking]
    unclear = next((turn.unclear for turn in (*earlier, last) if turn.unclear), None)
    return replace(last, thinking="\n".join(thoughts), unclear=unclear)


def _whole_usage(row: Json) -> Json:
    """What a sample cost in all; nothing where several models took part, whose tokens the log adds up."""
    models = as_object(row, "model_usage")
    return as_object(models, next(iter(models))) if len(models) == 1 else {}


def _parts(row: Json, message: Json) -> tuple[Parts, str | None]:
    """The text of a turn by its parts, and why the log does not hold its thinking."""
    content: Any = message.get("content")
    if isinstance(content, str):
        return split_thinking(_resolved(row, content)), None
    if not isinstance(content, list):
        return Parts(thinking="", close="", answer="", closed_by=None), _NO_ANSWER
    blocks = [object_of(block) for block in content]
    text = "".join(_resolved(row, str(b.get("text") or "")) for b in blocks if b.get("type") == "text")
    thoughts = [block for block in blocks if block.get("type") == "reasoning"]
    if not thoughts:
        return split_thinking(text), None
    # What is encrypted is neither shown nor counted; what a provider says of it is no thinking of the model's.
    shut = any(block.get("redacted") or not block.get("reasoning") for block in thoughts)
    told = "".join(_thought(row, block) for block in thoughts)
    return Parts(thinking=told, close="", answer=text, closed_by="model"), _ENCRYPTED if shut else None


def _thought(row: Json, block: Json) -> str:
    if not block.get("redacted") and block.get("reasoning"):
        return _resolved(row, str(block["reasoning"]))
    summary = block.get("summary")
    return SUMMARY + _resolved(row, summary) + "\n" if isinstance(summary, str) and summary else ""


def _thinking_tokens(usage: Json, parts: Parts, lost: str | None, receipt: Mapping[str, Any] | None) -> int | None:
    if receipt is not None:
        return receipt["thinking_tokens"]
    spent: Any = usage.get("reasoning_tokens")
    # Some servers report 0 whatever was thought.
    said = isinstance(spent, int) and not isinstance(spent, bool) and (spent > 0 or not (parts.marked or lost))
    return spent if said and 0 <= spent < 2**63 else None


def _question(row: Json, choices: Any) -> str:
    asked: Any = row.get("input")
    if isinstance(asked, list):
        turns = [object_of(turn) for turn in asked]
        asked = next((turn.get("content") for turn in reversed(turns) if turn.get("role") == "user"), "")
    if isinstance(asked, list):
        asked = "".join(str(object_of(part).get("text") or "") for part in asked)
    options = [str(choice) for choice in choices] if isinstance(choices, list) else []
    lines = [f"{letter}. {option}" for letter, option in zip(_LETTERS, options, strict=False)]
    return "\n".join([_resolved(row, asked if isinstance(asked, str) else "").strip(), *lines])


def _resolved(row: Json, text: str) -> str:
    """Long texts may be kept aside under a hash."""
    if not text.startswith("attachment:"):
        return text
    found = as_object(row, "attachments").get(text.removeprefix("attachment://"))
    return found if isinstance(found, str) else text


def _scores(row: Json) -> dict[str, Score]:
    found: dict[str, Score] = {}
    for scorer, score in as_object(row, "scores").items():
        if isinstance(score, dict):
            found |= read_score(scorer[:60], score.get("value"), _text(score.get("answer")))
    return found


def _text(answer: Any) -> str | None:
    """The answer that was judged; some scorers keep the line around it."""
    if isinstance(answer, str):
        return extract_answer(answer).answer or answer.strip() or None
    return None if answer is None else json.dumps(answer, ensure_ascii=False)


def _receipt(row: Json, output: Json) -> Mapping[str, Any] | None:
    """What this project's own server said of the call that the answer is from, where the log kept its reply."""
    events: Any = row.get("events")
    answered: Any = output.get("response_id")
    for event in reversed(events if isinstance(events, list) else []):
        reply = as_object(as_object(object_of(event), "call"), "response")
        told = as_object(reply, "receipt")
        if told and (answered is None or reply.get("id") in (None, answered)):
            return _checked(told)
    return None


def _checked(told: Json) -> Mapping[str, Any] | None:
    """Keep what a receipt has, if its counts are counts; a file may say anything."""
    counts = ("thinking_tokens", "answer_tokens", "waits_used")
    if any(whole(told.get(name)) is None for name in counts) or told.get("closed_by") not in get_args(ClosedBy):
        return None
    names = (*Receipt.__dataclass_fields__, *_BESIDE_RECEIPT)
    kept = {name: told[name] for name in names if isinstance(told.get(name), str | int | float)}
    shown = {name: value[:200] if isinstance(value, str) else value for name, value in kept.items()}
    return {
        **shown,
        **{name: whole(told[name]) for name in counts},
        "max_thinking_tokens": whole(told.get("max_thinking_tokens")),
    }
