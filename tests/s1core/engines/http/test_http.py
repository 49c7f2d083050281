"""The HTTP engine against a server that runs a real model: same tokens, whatever breaks on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from completions_server import CompletionsServer
from engine_helpers import arun, ask, preset, prompts, run

from s1core import Budget, Event, Steering, Trace, load_engine, solve, stream, sweep
from s1core.engines.base import Request
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.http import transport as http
from s1core.engines.http.completions import Completion
from s1core.engines.http.continuation import NEVER, Interrupted
from s1core.engines.http.engine import HttpEngine
from s1core.engines.http.pool import Pool, checked_url
from s1core.engines.scripted import byte_codec
from s1core.errors import EngineFailed, InvalidSetting, ModelUnavailable, Unsupported
from s1core.types import Tokens


@pytest.fixture(scope="module")
def local(qwen2_folder: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine.load(preset(qwen2_folder), device="cpu")
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_BACKOFF_S", 0.001)


def connect(folder: Path, *servers: CompletionsServer, **options: Any) -> HttpEngine:
    return HttpEngine.load(preset(folder), url=[s.url for s in servers], **options)


def test_writes_what_the_model_writes(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local) as server:
        engine = connect(qwen2_folder, server)
        for prompt in prompts(4):
            assert run(engine, ask(prompt, 30)).ids == run(local, ask(prompt, 30)).ids


async def test_the_asynchronous_stream_is_the_same(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local) as server:
        engine = connect(qwen2_folder, server)
        request = ask(prompts(1)[0], 30)
        assert (await arun(engine, request)).ids == run(local, request).ids


def test_a_stop_id_ends_the_text_and_is_named(local: TransformersEngine, qwen2_folder: Path) -> None:
    prompt = prompts(1)[0]
    seventh = run(local, ask(prompt, 30)).ids[6]
    with CompletionsServer(local) as server:
        answer = run(connect(qwen2_folder, server), ask(prompt, 30, stop_ids=frozenset({seventh})))
    assert (answer.finish, answer.stop_id) == ("stop", seventh)
    assert seventh not in answer.ids


@pytest.mark.parametrize(("cached", "told"), [(None, (0, 0)), (2, (1, 2)), (99, (0, 3))])
def test_what_the_server_took_from_its_cache_is_told(
    local: TransformersEngine, qwen2_folder: Path, cached: int | None, told: tuple[int, int]
) -> None:
    with CompletionsServer(local) as server:
        server.cached = cached
        answer = run(connect(qwen2_folder, server), ask((97, 98, 99), 5))
    assert (answer.computed, answer.reused) == told
    assert len(answer.ids) == 5


def test_a_command_closes_the_stream_and_goes_on_from_there(local: TransformersEngine, qwen2_folder: Path) -> None:
    """What the server does not know of gives the same ids as on the engine that does, and the receipt says how."""
    with CompletionsServer(local) as server:
        engine, traces = connect(qwen2_folder, server), list[Trace]()
        for each in (engine, local):
            steering, seen, events = Steering(), 0, list[Event]()
            for event in stream(each, "q", Budget(max_thinking_tokens=40), steering=steering):
                events.append(event)
                seen += len(event.token_ids) if isinstance(event, Tokens) else 0
                if seen >= 1 and not steering.pressed:
                    steering.wait("Hmm", at_end=True)
                    steering.less(9)
            traces.append(Trace.from_events(events))
        streams = server.streams
        script = traces[0].receipt.steered
        again = Trace.from_events(stream(local, "q", Budget(max_thinking_tokens=40), steering=Steering(script=script)))
        answered = Trace.from_events(stream(engine, "q", steering=_answer_at_once()))
    assert traces[0].receipt.thinking_tokens == traces[1].receipt.thinking_tokens == 31
    assert again.token_ids == traces[0].token_ids and script[1].tokens == 9
    assert any(note.startswith("steering: ") for note in traces[0].receipt.unsupported)
    assert traces[1].receipt.unsupported == ()
    assert answered.receipt.closed_by == "you" and server.streams == streams + 1


def _answer_at_once() -> Steering:
    steering = Steering()
    steering.answer_now()
    return steering


def test_a_forbidden_first_token_is_not_drawn(local: TransformersEngine, qwen2_folder: Path) -> None:
    prompt = prompts(1)[0]
    request = ask(prompt, 30, forbid_first=frozenset(run(local, ask(prompt, 1)).ids))
    with CompletionsServer(local) as server:
        assert run(connect(qwen2_folder, server), request).ids == run(local, request).ids
        assert server.streams == 2


@pytest.mark.parametrize("die_after", [0, 1, 7])
def test_another_server_goes_on_where_one_dies(local: TransformersEngine, qwen2_folder: Path, die_after: int) -> None:
    request = ask(prompts(1)[0], 30)
    with CompletionsServer(local, die_after=die_after) as dying, CompletionsServer(local) as healthy:
        engine = connect(qwen2_folder, dying, healthy)
        assert run(engine, request).ids == run(local, request).ids
        assert (dying.streams, healthy.streams) == (1, 1)
        assert all(s.live == 0 for s in engine.pool.servers)


def test_a_sweep_survives_a_server(local: TransformersEngine, qwen2_folder: Path) -> None:
    settings: dict[str, Any] = {"budgets": [0, 8, 16], "waits": [0, 1]}
    expected = sweep(local, "abc", **settings)
    with CompletionsServer(local, die_after=5) as dying, CompletionsServer(local) as healthy:
        got = sweep(connect(qwen2_folder, dying, healthy), "abc", **settings)
    assert [p.trace.token_ids for p in got.points] == [p.trace.token_ids for p in expected.points]


def test_a_busy_server_is_asked_again(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local, refuse=2) as server:
        assert len(run(connect(qwen2_folder, server), ask(prompts(1)[0], 10)).ids) == 10


def test_gives_up_after_some_tries(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local, refuse=99) as server:
        engine = connect(qwen2_folder, server)
        with pytest.raises(EngineFailed, match="check that it runs"):
            run(engine, ask(prompts(1)[0], 10))
        assert server.refuse == 99 - 1 - http.RETRIES


def test_a_comment_is_a_sign_of_life(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local) as server:
        engine = connect(qwen2_folder, server, timeout_s=2.0)
        server.pauses = (1.0,) * 4
        assert len(run(engine, ask(prompts(1)[0], 10)).ids) == 10
        assert server.streams == 1


async def test_silence_ends_a_request_with_words(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local) as server:
        engine = connect(qwen2_folder, server, timeout_s=0.5)
        server.pauses, server.comments = (3.0,), False
        with pytest.raises(EngineFailed, match="said nothing for 0.5 seconds; .* timeout_s or .* S1_TIMEOUT_S"):
            run(engine, ask(prompts(1)[0], 10))
        with pytest.raises(EngineFailed, match="said nothing"):
            async for _ in engine.agenerate(ask(prompts(1)[0], 10)):
                pass
        assert server.streams == 2, "a prompt is not sent again and again"


def test_another_server_answers_for_a_silent_one(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local) as silent, CompletionsServer(local) as other:
        silent.pauses, silent.comments = (5.0,), False
        engine = connect(qwen2_folder, silent, other, timeout_s=1.0)
        assert [len(run(engine, ask(prompt, 10)).ids) for prompt in prompts(2)] == [10, 10]


def test_patience_is_read_from_the_environment(
    local: TransformersEngine, qwen2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CompletionsServer(local) as server:
        monkeypatch.setenv("S1_TIMEOUT_S", "123.5")
        assert connect(qwen2_folder, server)._timeout.read == 123.5
        for wrong in ("soon", "0", "-1", "nan", "inf"):
            monkeypatch.setenv("S1_TIMEOUT_S", wrong)
            with pytest.raises(InvalidSetting, match="S1_TIMEOUT_S must be a number of seconds above 0"):
                connect(qwen2_folder, server)


def test_says_when_nobody_answers(qwen2_folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no server answers"):
        HttpEngine.load(preset(qwen2_folder), url="http://127.0.0.1:9")


def test_a_key_is_sent_and_never_told(
    local: TransformersEngine, qwen2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CompletionsServer(local) as server:
        server.key = "planted-key"
        monkeypatch.setenv("S1_API_KEY", "planted-key")
        assert run(connect(qwen2_folder, server), ask(prompts(1)[0], 3)).ids
        monkeypatch.setenv("S1_API_KEY", "planted-other")
        with pytest.raises(EngineFailed) as raised:
            run(connect(qwen2_folder, server), ask(prompts(1)[0], 3))
        assert "planted" not in str(raised.value)
        assert "S1_API_KEY" in str(raised.value)


def test_by_text_the_receipt_says_that_counts_are_estimated(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local, ids=False) as server:
        engine = connect(qwen2_folder, server)
        trace = solve(engine, "abc", Budget(max_thinking_tokens=8, waits=1))
    assert "token counts: estimated by local tokenizer" in trace.receipt.unsupported
    assert trace.segments[-1].phase == "answer"


def test_by_text_a_users_marker_is_refused(local: TransformersEngine, qwen2_folder: Path) -> None:
    with CompletionsServer(local, ids=False) as server, pytest.raises(Unsupported, match="control marker"):
        solve(connect(qwen2_folder, server), "a<|im_end|>b", Budget(max_thinking_tokens=8))


def test_an_id_outside_the_vocabulary_is_never_kept() -> None:
    codec = byte_codec()
    job = Completion(Request(prompt_ids=(97,), max_tokens=4), codec, "m", takes_ids=True)
    line = 'data: {"choices": [{"token_ids": [98, 5000, 99], "text": ""}]}'
    assert [c.token_ids for c in job.feed(line)] == [(98,)]
    assert job.round_over
    assert not job.done
    again = job.body()
    assert (again["prompt"], again["max_tokens"], again["logit_bias"]) == ([97, 98], 1, {"5000": NEVER})


@pytest.mark.parametrize("line", ["data: {", "data: []", 'data: {"choices": [{"token_ids": "x"}]}', "data: 3"])
def test_an_answer_that_cannot_be_read_is_an_interruption(line: str) -> None:
    job = Completion(Request(prompt_ids=(97,), max_tokens=4), byte_codec(), "m", takes_ids=True)
    with pytest.raises(Interrupted):
        list(job.feed(line))


def test_the_least_busy_healthy_server_is_chosen() -> None:
    pool = Pool(["http://a:1", "http://b:1", "http://c:1"])
    first, second = pool.acquire([1]), pool.acquire([2])
    assert first is not second
    third = pool.acquire([3])
    pool.failed(second)
    for server in (first, second, third):
        pool.release(server)
    assert second not in [pool.acquire([n]) for n in range(6)]
    pool.succeeded(second)
    assert pool.acquire([9]) is second


def test_among_equals_the_one_that_knows_the_prompt_is_chosen() -> None:
    pool = Pool(["http://a:1", "http://b:1"])
    one = pool.acquire([1])
    other = pool.acquire([2])
    pool.release(one)
    pool.release(other)
    again = pool.acquire([2])
    assert again is other


@pytest.mark.parametrize(
    "url", ["", "ftp://a", "http://", "http://a:x", "http://u:p@a", "http://a/?q=1", "file:///etc"]
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        checked_url(url)
    assert ":p@" not in str(raised.value)


def test_the_engine_needs_an_address() -> None:
    with pytest.raises(InvalidSetting, match="url="):
        load_engine("s1-nano", engine="http")
