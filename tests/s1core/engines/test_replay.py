"""Recorded runs play again through the state machine, and what nobody recorded is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s1core import Budget, S1Error, Sampling, Steering, Trace, astream, load_engine, solve, stream
from s1core.commands import Steered
from s1core.engines.base import Engine
from s1core.engines.replay import ReplayEngine
from s1core.recording import Recorder

pytest.importorskip("torch")

RECORDINGS = sorted((Path(__file__).parents[3] / "app" / "recordings").glob("race-*.jsonl"))
WAITS = next(path for path in RECORDINGS if path.stem == "race-waits")


def recorded(path: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every lane of one plain run: what was asked, and the fields of its events in order."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lanes = [lane["asked"] for lane in rows[0]["lanes"]]
    told: list[list[dict[str, Any]]] = [[] for _ in lanes]
    for lane, _, _, _, fields in rows[1:-1]:
        told[lane].append(fields)
    plain = [asked["control"] is None and asked["count"] == 1 for asked in lanes]
    return [pair for pair, is_plain in zip(zip(lanes, told, strict=True), plain, strict=True) if is_plain]


def engine_of(path: Path, model: str = "s1-nano", speed: float = math.inf) -> ReplayEngine:
    engine = load_engine(model, engine="replay", recording=path, speed=speed)
    assert isinstance(engine, ReplayEngine)
    return engine


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_was_recorded_comes_again_token_for_token(path: Path) -> None:
    for asked, told in recorded(path):
        engine = engine_of(path, asked["model"])
        trace = solve(engine, asked["question"], Budget(**asked["budget"]), Sampling(**asked["sampling"]))
        ids = tuple(i for fields in told for i in fields.get("token_ids", ()))
        then = told[-1]["receipt"]
        assert trace.token_ids == ids and trace.answer == told[-1]["answer"]
        for fact in ("thinking_tokens", "waits_used", "closed_by", "answer_tokens", "answer_complete"):
            assert getattr(trace.receipt, fact) == then[fact]
        assert trace.receipt.engine == "replay" and trace.receipt.model == asked["model"]


async def test_the_asynchronous_stream_is_the_same() -> None:
    engine, budget = engine_of(WAITS), Budget(max_thinking_tokens=1024, waits=2)
    question = recorded(WAITS)[0][0]["question"]
    events = [event async for event in astream(engine, question, budget)]
    assert Trace.from_events(events).token_ids == solve(engine, question, budget).token_ids


def test_the_pace_is_the_recorded_one_times_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("s1core.engines.replay.time.sleep", slept.append)
    monkeypatch.setattr("s1core.engines.replay.time.monotonic", lambda: 0.0)
    asked, told = recorded(WAITS)[0]
    paces: list[list[float]] = []
    for speed in (1.0, 4.0):
        slept.clear()
        solve(engine_of(WAITS, speed=speed), asked["question"], Budget(**asked["budget"]))
        paces.append(list(slept))
    thinking = [f["at_s"] for f in told if f.get("source") == "model" and f["phase"] == "thinking"]
    assert paces[0][: len(thinking)] == pytest.approx(thinking)
    assert paces[1] == pytest.approx([s / 4 for s in paces[0]])


@pytest.mark.parametrize(
    ("question", "budget"),
    [
        ("How many s in seashells?", Budget(max_thinking_tokens=64)),
        ("How many r in raspberry?", Budget(max_thinking_tokens=5)),
        ("How many r in raspberry?", Budget(max_thinking_tokens=1024, waits=7)),
        ("How many r in raspberry?", Budget(max_thinking_tokens=1024, waits=1, wait_text="Perhaps")),
    ],
)
def test_what_was_not_recorded_is_refused(question: str, budget: Budget) -> None:
    with pytest.raises(S1Error, match="record"):
        solve(engine_of(WAITS), question, budget)


def test_bad_recordings_are_one_sentence(tmp_path: Path) -> None:
    whole = WAITS.read_text(encoding="utf-8").splitlines()
    cases = {
        "missing": None,
        "empty": "",
        "foreign": '{"a": 1}\n',
        "torn": "\n".join(whole[:-1]),
        "damaged": "\n".join([*whole[:3], "[0,", *whole[3:]]),
        "wrong": "\n".join([whole[0], '[9, 0, 0.0, "tokens", {}]', '{"events": 1}']),
        "deep": "[" * 100_000,
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.jsonl"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(S1Error) as told:
            engine_of(path)
        assert "Save recording" in str(told.value) and "\n" not in str(told.value)
    with pytest.raises(S1Error, match="holds no run of weak-1"):
        engine_of(WAITS, "weak-1")
    with pytest.raises(S1Error, match="add recording="):
        load_engine("s1-nano", engine="replay")
    with pytest.raises(S1Error, match="speed must be above 0"):
        engine_of(WAITS, speed=0.0)


@pytest.mark.parametrize(
    "command",
    [
        {"kind": "wait", "word": "Hmm"},
        {"kind": "wait", "word": "No", "at_end": True},
        {"kind": "less", "tokens": 40},
        {"kind": "more", "tokens": 8},
        {"kind": "answer"},
        {"kind": "pause"},
    ],
    ids=lambda command: "-".join(map(str, command.values())),
)
def test_a_recording_with_commands_plays_them_again(tmp_path: Path, nano: Engine, command: dict[str, Any]) -> None:
    question, path, budget = "How many r in raspberry?", tmp_path / "one.jsonl", Budget(max_thinking_tokens=64, waits=1)
    recorder = Recorder(question, "s1-nano", budget, Sampling())
    steering = Steering(script=[Steered(**command, at_tokens=7, after_waits=0)])
    trace = Trace.from_events(recorder.watch(stream(nano, question, budget, steering=steering)))
    recorder.save(path)
    player = engine_of(path)
    script = player.script(question, budget)
    assert script == trace.receipt.steered and script[0].at_tokens == 7
    again = Trace.from_events(stream(player, question, budget, steering=Steering(script=script)))
    assert again.segments == trace.segments and again.answer == trace.answer
    assert again.receipt.steered == trace.receipt.steered
    assert player.script(question, Budget(max_thinking_tokens=65)) == ()


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()
