"""What visitors send: settings, links, forms, bodies of `/v1`, recordings and logs that they open."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from starlette.requests import Request

from app.access.json_depth import is_deeper
from app.access.sign_in import Credentials, SignIn, _cookie
from app.api.openai_schema import read_ask, read_body
from app.artifacts.curated.sets import SetStore
from app.artifacts.curves.store import CurveStore
from app.jobs import commands
from app.runs.questions import same_answer
from app.runs.request import ACCOUNTING, METHODS, read_settings
from app.tabs.compare import import_lm_eval, recording_file
from app.tabs.compare.lab.session import Lab
from app.tabs.compare.request import presets, read_comparison, setting
from app.tabs.compare.tape import tape
from app.tabs.curate import form as curate_form
from app.tabs.curves.upload import Importer, safe_name
from app.tabs.train import form as train_form
from app.tabs.train.slurm import SLURM
from tests.app.tabs.compare.lm_eval_log import line
from tests.fuzz.inputs import JSON, ODD, altered, documents, json_lines, named, torn, written
from tests.fuzz.of_logs import INSPECT, RESULTS
from tests.fuzz.target import Target

_STAMP = "2026-01-02T03-04-05.678"
_COMPARISON = {"question": "What is 2 + 3?", "expected": "5", "lanes": presets("s1-nano", "weak-1")[0]["lanes"]}
_CHAT = {
    "model": "s1-nano",
    "messages": [{"role": "system", "content": "Short."}, {"role": "user", "content": [{"type": "text", "text": "?"}]}],
    "thinking_budget": 64,
    "waits": 1,
    "wait_text": "Wait",
    "temperature": 0.5,
    "stream": True,
    "stream_options": {"include_usage": True},
    "stop": ["x", "\n\n"],
    "n": 2,
    "top_p": 0.95,
    "seed": None,
    "thinking": {"type": "enabled", "budget_tokens": 64},
    "reasoning": {"max_tokens": 64},
    "chat_template_kwargs": {"enable_thinking": True},
    "max_completion_tokens": 100,
}
_TEXT = {
    "model": "s1-nano",
    "prompt": ["What is 2 + 3?", [1, 2]],
    "reasoning_effort": "low",
    "max_tokens": 8,
    "min_thinking_tokens": 4,
}
RACES = [
    [json.loads(row) for row in (recording_file.BUNDLED / f"race-{name}.jsonl").read_text("utf-8").splitlines()]
    for name in ("budgets", "methods", "models")
]
_FORK = {"lab": "x", "node": 0, "at": 3, "kind": "say", "word": "Hmm", "budget": 64, "waits": 1}


def _settings(given: Mapping[str, Any]) -> None:
    asked = read_settings(**given)
    setting(asked)


def _comparison(value: Any) -> None:
    for asked in read_comparison(value, lambda question: None).lanes:
        setting(asked)


def _body(kind: Any) -> Any:
    return lambda content: read_ask(kind, read_body(content))


def _nesting(pair: tuple[Any, int]) -> None:
    value, most = pair
    content = json.dumps(value).encode()
    if is_deeper(content, most) != (_depth(value) > most):
        raise AssertionError("it tells another depth")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _race(content: bytes) -> None:
    """Open it as the page does: what can be read can be played, saved and read again."""
    race = recording_file.read(_lines(content))
    json.dumps(tape(race, same_answer), allow_nan=False).encode()
    again = recording_file.read("".join(recording_file.write(race)).splitlines(keepends=True))
    if again.question != race.question or len(again.lanes) != len(race.lanes):
        raise AssertionError("a race that was saved again is another one")
    for lane in range(len(race.lanes)):
        Lab.of(race, lane, 0, same_answer)


def race_file(rows: Any) -> bytes:
    """The lines of a race, the last of which counts the others."""
    if not isinstance(rows, list) or not rows:
        return written(rows)
    return b"".join(written(row) + b"\n" for row in [*rows[:-1], {"events": len(rows) - 2}])


def _log(content: bytes) -> None:
    if import_lm_eval.is_log(next(iter(_lines(content)), "")):
        logged = import_lm_eval.read(_lines(content), question=0, tokens_s=500)
        json.dumps(tape(logged.race, same_answer), allow_nan=False).encode()


def _lines(content: bytes) -> Any:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="replace", newline="\n")


@cache
def _lab() -> Lab:
    return Lab.of(recording_file.read_bundled("race-words"), 0, 0, same_answer)


def _upload(sent: tuple[bytes, bytes]) -> None:
    kind, body = sent

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(b"content-type", kind)]}
    asyncio.run(Importer(CurveStore()).take(Request(scope, receive)))


def _part(name: str, content: bytes) -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode("utf-8", "replace") + content + b"\r\n"


_NAMES = st.sampled_from(
    [f"samples_aime24_{_STAMP}.jsonl", f"results_{_STAMP}.json", "log.json", "../../etc/x.jsonl", "é\x00.json", "a.exe"]
)
_PARTS = st.lists(
    st.builds(_part, _NAMES, st.one_of(json_lines(json.loads(line(0, 64))), documents(RESULTS), documents(INSPECT))),
    max_size=3,
)
_UPLOADS = st.tuples(
    st.sampled_from([b"multipart/form-data; boundary=b"] * 6 + [b"multipart/form-data", b"text/plain", b""]),
    torn(_PARTS.map(lambda parts: b"".join(parts) + b"--b--\r\n")),
)


def _name(name: str) -> None:
    safe = safe_name(name)
    if not safe or safe.startswith(".") or Path(safe).name != safe or len(safe) > 160:
        raise AssertionError(f"no safe name: {safe!r}")


def _signed(header: bytes) -> None:
    if SignIn(Credentials(user="u", password="p" * 8)).knows(_cookie({"headers": [(b"cookie", header)]})):
        raise AssertionError("a cookie that was not made here is taken")


def _curation(form: Mapping[str, Any]) -> None:
    curate_form.is_personal(form)
    asked = curate_form.read_form(form)
    if any("\n" in word or "\0" in word for word in asked.launch_words(Path("curated"))) or "/" in asked.name:
        raise AssertionError("words or a name that no command may have")


def _training(form: Mapping[str, Any]) -> None:
    sets = SetStore(Path("curated"))
    train_form.is_personal(form, sets)
    asked = train_form.read_form(form, sets, owner=True)
    if "/" in asked.name or asked.name.startswith("."):
        raise AssertionError(f"a name that leads elsewhere: {asked.name!r}")
    if asked.data:
        asked.command_elsewhere()


_CURATION = named(
    recipe=["nano", "files"],
    sources=[["nano"], ["s1k-released"], []],
    files=["", "x=questions.jsonl", "/tmp"],
    evaluation=["", "eval.jsonl"],
    selection=["s1", "random"],
    target=[10, "1000"],
    made=[100, "2000"],
    teacher=["", "s1-nano"],
    weak=["", "weak-1\nweak-2"],
    url=["", "http://127.0.0.1:1"],
    judge=["local", "claude"],
    domains=["local"],
    max_usd=[0, 1.5],
    may_spend=[False, True],
)
_TRAINING = named(
    recipe=["s1-nano"],
    data=["example.nano-1k", "", "/tmp"],
    settings=["", "lr=1e-4\nepochs=2", "model=x"],
    processes=[1, "2"],
    where=["", SLURM],
    nodes=[1, "2"],
    gpus=[0, 8],
    partition=["", "long"],
    time=["60", "1-00:00:00"],
    name=["", "mine"],
    on=["", "16xH100"],
)

TARGETS = (
    Target(
        name="settings of a run",
        fed=named(
            question=["What is 2 + 3?"],
            model=["s1-nano"],
            budget=[64, "64", 0],
            waits=[0, 2],
            wait_text=["Wait", ""],
            method=[*METHODS, *METHODS.values()],
            count=[1, 5],
            force_too=[False],
            temperature=[0, 0.7],
            seed=[0, 7],
            min_tokens=[0, 8],
            accounting=[None, *ACCOUNTING],
            max_answer=[0, 32],
            track=[True],
        ),
        read=_settings,
        share=2,
    ),
    Target(name="comparisons and links", fed=altered(_COMPARISON) | JSON, read=_comparison, share=2),
    Target(name="forks of the Wait lab", fed=altered(_FORK) | JSON, read=lambda fork: _lab().read(fork)),
    Target(name="/v1/chat/completions", fed=documents(_CHAT), read=_body("chat"), share=2),
    Target(name="/v1/completions", fed=documents(_TEXT), read=_body("text")),
    Target(name="depth of a body", fed=st.tuples(JSON, st.integers(0, 6)), read=_nesting, refuses=()),
    Target(name="depth of any bytes", fed=documents(_CHAT), read=lambda body: is_deeper(body, 16), refuses=()),
    Target(
        name="recordings of a race",
        fed=torn(altered(*RACES).map(race_file)),
        read=_race,
        share=1,
    ),
    Target(name="a log of lm-eval as a race", fed=json_lines(json.loads(line(0, 64))), read=_log),
    Target(name="uploads to Curves", fed=_UPLOADS, read=_upload, share=0.1),
    Target(name="names of uploads", fed=st.text(), read=_name, refuses=()),
    Target(name="cookies of the owner", fed=torn(st.just(b"s1-owner=1.x; a=b")), read=_signed, refuses=()),
    Target(name="the form of Curate", fed=_CURATION, read=_curation),
    Target(name="the form of Train", fed=_TRAINING, read=_training),
    Target(name="numbers of forms", fed=ODD | JSON, read=lambda value: commands.number(value, "Number", 0, 9)),
)
