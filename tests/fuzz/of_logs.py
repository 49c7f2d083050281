"""Logs of other programs: what lm-eval and inspect write, their options, verdicts and texts."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from evals.importers.foreign import ForeignRun
from evals.importers.lines import Notes
from evals.importers.reading import Choice, rows_of, survey
from evals.importers.settings import asked_of, parse_options
from evals.importers.thinking import opens_thinking, split_raw, split_thinking
from evals.importers.verdicts import Survey, read_score
from evals.importers.write import find_all
from tests.app.tabs.compare.lm_eval_log import line
from tests.evals.importers.logs import inspect_sample, likelihoods, with_receipt, zstd_zip
from tests.fuzz.inputs import JSON, altered, documents, json_lines, torn, written
from tests.fuzz.target import Target, in_file

_STAMP = "2026-01-02T03-04-05.678"
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
THINKING = (
    *("<think>", "</think>", "<|START_THINKING|>", "<|END_THINKING|>", "[THINK]", "[/THINK]", "◁/think▷", "analysis"),
    *("assistantfinal", "<|channel|>final<|message|>", "<|im_start|>think", "<|im_start|>answer", "<x>", "</x>"),
    *("`", "```", "\n", " ", "a", '"', "Thinking:", "<|", "|>", "[unused16]"),
)
_OPTIONS = {
    "thinking_budget": 64,
    "waits": 1,
    "wait_text": "Hmm",
    "min_thinking_tokens": 8,
    "reasoning_effort": "low",
    "thinking": {"type": "enabled", "budget_tokens": 64},
    "reasoning": {"max_tokens": 64, "effort": "low"},
    "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
    "thinking_n_ignore": 1,
    "seed": 1,
}
_ASKED = json.loads(line(0, 64, exact_match=1, filter="strict", metrics=["exact_match"]))
_CHOSEN = likelihoods(0, "1", -3.5, -1.5, -9, -2, acc=1.0)
_RECEIPT = with_receipt(inspect_sample(1, scores={"match": "C", "style": {"a": 1, "b": 0.5}}))


def _imported(*names: str) -> Callable[[bytes], object]:
    def read(path: Path) -> None:
        notes = Notes()
        for name in names:
            path.with_name(name).write_bytes(written(RESULTS))
        _samples([path, *(path.with_name(name) for name in names)], notes)

    return in_file(f"folder/samples_aime24_{_STAMP}.jsonl", read)


def _thinking(text: str) -> None:
    for opened in (False, True):
        parts = split_thinking(text, opened=opened)
        if not text.endswith(parts.answer) or len("".join(part for _, _, part in parts.segments)) > len(text):
            raise AssertionError("a part that the text does not have")
    opens_thinking(text)
    split_raw(text)


def _asked(options: Any) -> None:
    asked = asked_of(options) if isinstance(options, dict) else asked_of(parse_options(options))
    json.dumps([asked.label, asked.as_dict(), asked.thinks], allow_nan=False)


def _scores(value: Any) -> None:
    held = Survey()
    for name, score in read_score("match", value).items():
        held.take({name: score, "other": score})
    if any(not 0 <= held.tallies[name].percent <= 100 for name in held.usable) or held.disagree > held.samples:
        raise AssertionError("shares that cannot be")


def _samples(paths: list[Path], notes: Notes) -> None:
    for group in find_all(paths, 64, notes):
        for run in group:
            json.dumps([run.asked.as_dict(), run.facts, run.expected], allow_nan=False).encode()
            held = survey(run)
            for row in rows_of(run, held, len, Choice(), notes) if _judged_by_the_log(run) else ():
                json.dumps(row, allow_nan=False).encode()
            for sample in run.samples(notes):
                json.dumps(split_thinking(sample.parts.answer).segments).encode()
    list(notes)
    json.dumps([question.sentence for question in notes.questions]).encode()


def _judged_by_the_log(run: ForeignRun) -> bool:
    """Verdicts of ours have a target of their own: a comparison may take seconds, and is stopped then."""
    samples = list(run.samples(Notes()))
    return all(any(score.correct for score in sample.scores.values()) for sample in samples)


def _eval(members: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as log:
        for number, member in enumerate(members):
            log.writestr(f"samples/{number}.json" if number else "header.json", member)
    return out.getvalue()


def _head(value: Any) -> bytes:
    return written({**value, "samples": []} if isinstance(value, dict) else value)


def _beside(path: Path) -> None:
    path.with_name(f"samples_aime24_{_STAMP}.jsonl").write_text(line(0, 64, exact_match=1) + "\n", encoding="utf-8")
    _samples([path], Notes())


TARGETS = (
    Target(
        name="lm-eval: samples",
        fed=json_lines(json.loads(line(0, 64, exact_match=1)), _ASKED, {**_ASKED, "filter": "flexible"}, _CHOSEN),
        read=_imported(),
        share=2,
    ),
    Target(
        name="lm-eval, inspect: options", fed=altered(_OPTIONS, "thinking_budget=64,waits=1"), read=_asked, refuses=()
    ),
    Target(name="lm-eval, inspect: verdicts", fed=JSON | st.just({"a": 1, "b": "C"}), read=_scores, refuses=()),
    Target(
        name="thinking in any notation",
        fed=st.lists(st.sampled_from(THINKING), max_size=24).map("".join) | st.text(),
        read=_thinking,
        refuses=(),
    ),
    Target(
        name="lm-eval: results",
        fed=documents(RESULTS, RESULTS | {"config": {"gen_kwargs": GIVEN}}),
        read=in_file(f"folder/results_{_STAMP}.json", lambda path: _beside(path)),
    ),
    Target(
        name="inspect: JSON",
        fed=documents(INSPECT, {**INSPECT, "samples": [_RECEIPT]}),
        read=in_file("log.json", lambda path: _samples([path], Notes())),
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
        name="inspect: Zstandard",
        fed=torn(
            altered(_RECEIPT).map(lambda one: zstd_zip({"header.json": _head(INSPECT), "samples/1.json": written(one)}))
        ),
        read=in_file("log.eval", lambda path: _samples([path], Notes())),
        share=0.5,
    ),
)
