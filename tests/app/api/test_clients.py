"""What OpenAI's clients send, field by field, on a served app with scripted engines."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.admission import Gate, Room
from app.api import event_stream
from app.api import openai as openai_api
from app.api import openai_schema as openai_wire
from app.api.budgets import EFFORTS, read_efforts
from app.api.fields import DRAWN_SEEDS
from app.models.registry import EngineRegistry
from s1core import S1Error
from s1core.engines.base import Request
from s1core.errors import InvalidSetting, ModelUnavailable
from tests.app.api.test_openai import QUESTION, frames, joined, refused, wait_until_free
from tests.browser.playground import PacedEngine, Playground, scripted_engines, think

RECORDED: list[dict[str, Any]] = [
    # langchain-openai
    {"stream": False, "max_completion_tokens": 200, "stop": ["\n\n"], "temperature": 0.6, "top_p": 0.95},
    {"stream": False, "reasoning_effort": "low"},
    # litellm
    {"temperature": 0.5, "stop": ["\n\n"], "max_tokens": 100},
    {"stream": True, "reasoning_effort": "minimal"},
    # pydantic-ai
    {"stream": False, "max_completion_tokens": 128, "stop": ["\n\n"], "temperature": 0.5, "thinking_budget": 64},
    # lm_eval
    {"max_tokens": 256, "temperature": 0.0, "stop": ["\n\n"], "seed": 1234, "thinking_budget": 64, "waits": 1},
    {"max_tokens": 256, "temperature": 0, "stop": [], "seed": 1234},
    # inspect_ai
    {"tools": None, "tool_choice": None, "temperature": 0.7},
    # llm, Open WebUI, LibreChat and the like
    {"stream": True, "stream_options": {"include_usage": True}, "stop": None, "n": None},
    {"stop": "", "max_tokens": -1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "user": "x"},
    {"seed": -1, "top_k": -1, "min_p": 0, "logit_bias": {}, "logprobs": False},
]
RUNS = Room(at_once=32, per_visitor=16, waiting=24)
NULLS = (
    *("functions", "modalities", "reasoning_effort", "audio", "verbosity", "top_k", "moderation", "prediction", "stop"),
    *("thinking", "reasoning", "chat_template_kwargs", "never_heard_of"),
)
ENGINES = {**scripted_engines(), "twice": PacedEngine(think), "long": PacedEngine(think, context_length=2_048)}


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    # `/v1` alone, which needs no page.
    app = FastAPI()
    app.include_router(openai_api.routes(EngineRegistry("paced", engines=ENGINES), Gate(RUNS)))
    with Playground("paced", ENGINES, app=app) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Playground) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}v1/", timeout=60) as client:
        yield client


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "twice", "messages": [{"role": "user", "content": QUESTION}], **more}


def ask(client: httpx.Client, **more: Any) -> dict[str, Any]:
    reply = client.post("chat/completions", json=chat(**more))
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("body", RECORDED, ids=range(len(RECORDED)))
def test_bodies_of_real_clients_are_answered(client: httpx.Client, body: dict[str, Any]) -> None:
    reply = client.post("chat/completions", json=chat(**body))
    assert reply.status_code == 200, reply.text
    last = frames(reply)[-1] if body.get("stream") else reply.json()
    assert last.get("answer") in ("2", "3") or last["choices"] == []


@pytest.mark.parametrize("field", NULLS)
def test_a_null_is_an_absent_field(client: httpx.Client, field: str) -> None:
    assert ask(client, **{field: None})["receipt"]["thinking_tokens"] == ask(client)["receipt"]["thinking_tokens"]


def test_warm_samples_differ_unless_a_seed_is_given(client: httpx.Client) -> None:
    seeds = {ask(client, temperature=1.0)["receipt"]["seed"] for _ in range(4)}
    assert len(seeds) == 4 and all(0 <= seed < DRAWN_SEEDS for seed in seeds)
    assert ask(client, temperature=1.0, seed=-1)["receipt"]["seed"] not in seeds
    for seed, said in ((7, 7), (2**31, 2**31), (2**63 - 1, 2**63 - 1), (-2, 2**63 - 2), (2**53 + 1, 2**53 + 1)):
        assert ask(client, temperature=1.0, seed=seed)["receipt"]["seed"] == said
    assert ask(client)["receipt"]["seed"] == 0, "greedy decoding has no noise"


def test_the_engine_gets_seed_top_p_and_sample(client: httpx.Client, server: Playground) -> None:
    ask(client, temperature=0.6, top_p=0.95, seed=5, n=3)
    last: list[Request] = server.engines["twice"].requests[-6:]
    drawn = {(r.sampling.temperature, r.sampling.top_p, r.sampling.seed, r.sampling.sample_index) for r in last}
    assert drawn == {(0.6, 0.95, 5, index) for index in range(3)}


@pytest.mark.parametrize(
    ("body", "drawn", "told"),
    [
        ({"top_k": 40, "min_p": 0.05}, (40, 0.05), (40, 0.05)),
        ({"top_k": -1, "min_p": 0}, (0, 0.0), (0, 0.0)),
        ({"top_k": 0, "min_p": None}, (0, 0.0), (0, 0.0)),
        ({"top_k": 1, "min_p": 1}, (1, 1.0), (1, 1.0)),
        ({}, (0, 0.0), (0, 0.0)),
    ],
)
def test_the_engine_gets_top_k_and_min_p(
    body: dict[str, Any], drawn: tuple[int, float], told: tuple[int, float], client: httpx.Client, server: Playground
) -> None:
    receipt = ask(client, temperature=0.6, seed=5, **body)["receipt"]
    sampling = server.engines["twice"].requests[-1].sampling
    assert (sampling.top_k, sampling.min_p) == drawn and (receipt["top_k"], receipt["min_p"]) == told


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("stop", ["wer", ["zzz", ": 3"], ["\n", "x"], ["Final Answer: 3"]])
def test_a_stop_cuts_the_answer_alone(client: httpx.Client, stop: str | list[str], stream: bool) -> None:
    reply = client.post("chat/completions", json=chat(stop=stop, stream=stream, thinking_budget=64))
    chunks = frames(reply) if stream else []
    content = joined(chunks, "content") if stream else reply.json()["choices"][0]["message"]["content"]
    last = chunks[-1] if stream else reply.json()
    whole = "\nFinal Answer: 3"
    at = (
        min(found for word in ([stop] if isinstance(stop, str) else stop) if (found := whole.find(word, 1)) >= 0)
        if stop != ["\n", "x"]
        else len(whole)
    )
    assert content == whole[:at] and last["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("more", "tokens"),
    [
        ({"thinking_budget": 64}, 64),
        ({"thinking_token_budget": 64}, 64),
        ({"thinking_budget_tokens": 64}, 64),
        ({"thinking_token_budget": -1}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 64}}, 64),
        ({"thinking": {"type": "disabled"}}, 0),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": None}}, None),
        ({"reasoning": {"max_tokens": 64}}, 64),
        ({"reasoning": {"effort": "low"}}, EFFORTS["low"]),
        ({"reasoning": {"enabled": False}}, 0),
        ({"reasoning_effort": "none"}, 0),
        ({"reasoning_effort": "medium"}, EFFORTS["medium"]),
        ({"reasoning_effort": "high"}, EFFORTS["high"]),
        ({"chat_template_kwargs": {"enable_thinking": False}}, 0),
        ({"chat_template_kwargs": {"enable_thinking": True}}, None),
        ({"chat_template_kwargs": {"enable_thinking": True, "thinking_budget": 64}}, 64),
        ({"enable_thinking": True, "thinking_budget": 64, "thinking_token_budget": 64}, 64),
        ({"reasoning_effort": None, "thinking": None}, None),
    ],
)
def test_every_spelling_of_a_budget_is_the_budget(client: httpx.Client, more: dict[str, Any], tokens: int) -> None:
    receipt = ask(client, **more)["receipt"]
    assert receipt["max_thinking_tokens"] == tokens
    given_by = receipt["budget_from"]
    assert given_by is None or given_by.partition(".")[0] in more


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"thinking_budget": 64, "thinking": {"budget_tokens": 65}}, "thinking_budget asks for 64"),
        ({"thinking_budget": 64, "reasoning_effort": "low"}, "reasoning_effort for 1,024 thinking tokens"),
        ({"thinking_budget": 64, "chat_template_kwargs": {"enable_thinking": False}}, "give one of them"),
        ({"reasoning_effort": "huge"}, "or give thinking_budget, in tokens"),
        ({"reasoning_effort": 3}, "reasoning_effort must be one of none"),
        ({"thinking": {"type": "some"}}, "thinking.type must be"),
        ({"thinking": {"tokens": 3}}, "no field 'thinking.tokens'"),
        ({"thinking": 64}, "thinking must be an object"),
        ({"thinking": {"budget_tokens": "x"}}, "thinking.budget_tokens must be a number"),
        ({"reasoning": {"exclude": True}}, "reasoning.exclude can only be false"),
        ({"chat_template_kwargs": {"enable_thinking": "no"}}, "chat_template_kwargs.enable_thinking must be true"),
        ({"max_tokens": 1.5}, "max_tokens must be a whole number"),
        ({"max_tokens": -2}, "max_tokens must lie between 1"),
        ({"max_completion_tokens": 8, "min_thinking_tokens": 7}, "thinking tokens that max_completion_tokens allows"),
        ({"top_p": 0}, "top_p must be above 0"),
        ({"top_p": 1.01}, "top_p must be above 0"),
        ({"temperature": -0.1}, "temperature must lie"),
        ({"stop": 3}, "stop must be a text"),
        ({"stop": [3]}, "stop must be a text"),
        ({"stop": "x" * 201}, "more than 200 characters"),
        ({"seed": "x"}, "seed must be a number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"top_k": -2}, "top_k must lie between 0"),
        ({"top_k": 1.5}, "top_k must be a whole number"),
        ({"top_k": True}, "top_k must be a number"),
        ({"top_k": 2**31}, "top_k must lie between 0"),
        ({"min_p": 1.01}, "min_p must lie between 0 and 1"),
        ({"min_p": "x"}, "min_p must be a number"),
        ({"repetition_penalty": 1.1}, "repetition_penalty can only be 1"),
        ({"reasoning_format": "hidden"}, "reasoning_format must be parsed or raw"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}, "must end with"),
        ({"messages": [{"role": "tool", "content": "a"}, {"role": "user", "content": "b"}]}, "calls of tools"),
        ({"messages": [{"content": "a"}]}, "one has none"),
        ({"model": "x" * 2_000}, "model must name one"),
    ],
)
def test_a_refusal_names_the_field(client: httpx.Client, more: dict[str, Any], words: str) -> None:
    assert words in refused(client.post("chat/completions", json=chat() | more), 400)


@pytest.mark.parametrize("total", [4, 16, 40, 10_000])
@pytest.mark.parametrize("budget", [None, 12, 64])
def test_a_total_bounds_thinking_and_answer(client: httpx.Client, total: int, budget: int | None) -> None:
    reply = ask(client, max_completion_tokens=total, thinking_budget=budget, waits=1)
    receipt = reply["receipt"]
    assert receipt["thinking_tokens"] + receipt["answer_tokens"] == reply["usage"]["completion_tokens"] <= total
    assert receipt["max_completion_tokens"] == total and receipt["answer_tokens"] >= 1
    assert budget is None or receipt["thinking_tokens"] <= budget


@pytest.mark.parametrize("longest", [1_940, 2_048, 100_000, -1])
def test_a_long_answer_is_a_cap(client: httpx.Client, longest: int) -> None:
    receipt = ask(client, model="long", max_tokens=longest, thinking_budget=64, waits=1)["receipt"]
    assert receipt["closed_by"] in ("model", "budget") and receipt["answer_complete"]
    assert receipt["thinking_tokens"] == ask(client, thinking_budget=64, waits=1)["receipt"]["thinking_tokens"]


def test_a_question_too_long_is_told_in_fields_of_the_api(client: httpx.Client) -> None:
    said = refused(client.post("chat/completions", json=chat(messages=[{"role": "user", "content": "x" * 5_000}])), 400)
    assert "max_tokens" in said and "max_answer_tokens" not in said


def test_history_is_rendered_without_old_thinking(client: httpx.Client, server: Playground) -> None:
    turns = [
        {"role": "system", "content": "Short."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "<think>\nHm\n</think>\n\nHello",
            "reasoning_content": "secret",
            "audio": None,
        },
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "secret"}, {"type": "text", "text": "So."}]},
        {"role": "user", "content": QUESTION},
    ]
    ask(client, messages=turns)
    engine = server.engines["twice"]
    prompt = engine.codec.decode(engine.requests[-2].prompt_ids)
    said = ["system\nShort.", "user\nHi", "assistant\nHello", "user\nAnd?", "assistant\nSo.", f"user\n{QUESTION}"]
    assert prompt.startswith("".join(f"<|im_start|>{turn}<|im_end|>\n" for turn in said))
    words = refused(client.post("chat/completions", json=chat(model="s1-nano", messages=turns)), 400)
    assert "s1-nano was trained on single questions" in words


@pytest.mark.parametrize("stream", [False, True])
def test_several_prompts_and_samples_are_choices(client: httpx.Client, server: Playground, stream: bool) -> None:
    codec = server.engines["twice"].codec
    asked = {"model": "twice", "prompt": [QUESTION, list(codec.encode_user(QUESTION))], "n": 2, "stream": stream}
    reply = client.post("completions", json=asked)
    parts = frames(reply) if stream else [reply.json()]
    texts = ["", "", "", ""]
    receipts: dict[int, Any] = {}
    for part in parts:
        for choice in part["choices"]:
            texts[choice["index"]] += choice["text"]
            told = part if stream else choice
            if "receipt" in told:
                receipts[choice["index"]] = told["answer"], told["receipt"]["thinking_tokens"]
    assert texts == ["\nFinal Answer: 3"] * 4 and set(receipts) == {0, 1, 2, 3}
    assert len(set(receipts.values())) == 1


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ([], "prompt must be"),
        ([None], "prompt must be"),
        ([[]], "prompt must be"),
        ([True], "prompt must be"),
        ([[1, "x"]], "prompt must be"),
        ([10**9], "token id 1000000000"),
        ([-1], "token id -1"),
        (["x"] * 65, "64 are the most"),
        ("", "question is empty"),
    ],
)
def test_prompts_that_cannot_be_read_are_refused(client: httpx.Client, prompt: Any, words: str) -> None:
    assert words in refused(client.post("completions", json={"model": "twice", "prompt": prompt}), 400)


def test_markers_in_token_ids_are_no_markers(client: httpx.Client, server: Playground) -> None:
    engine = server.engines["twice"]
    marker = engine.codec.single_id("<|im_end|>")
    ids = [marker, *engine.codec.encode_user("a"), marker, *engine.codec.encode_user("b"), marker]
    assert client.post("completions", json={"model": "twice", "prompt": ids}).status_code == 200
    prompt = engine.requests[-1].prompt_ids
    assert "user\na<|im_end|>b<|im_end|>\n" in engine.codec.decode(prompt) and prompt.count(marker) == 1


def test_one_choice_that_fails_is_one_sentence(client: httpx.Client) -> None:
    asked = chat(model="breaks", n=3)
    assert "RuntimeError" in refused(client.post("chat/completions", json=asked), 500)
    assert "error" in frames(client.post("chat/completions", json=asked | {"stream": True}))[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_closing_words_begin_a_forced_answer(client: httpx.Client, server: Playground, stream: bool) -> None:
    asked = chat(thinking_budget=5, final_answer_text="In short:", reasoning_format="raw", stream=stream)
    reply = client.post("chat/completions", json=asked)
    said = joined(frames(reply), "content") if stream else reply.json()["choices"][0]["message"]["content"]
    assert "</think>\nIn short:" in said
    engine = server.engines["twice"]
    assert engine.codec.decode(engine.requests[-1].prompt_ids).endswith("<|im_start|>answer\nIn short:")


def test_a_soft_landing_and_loops_are_fields(client: httpx.Client) -> None:
    landed = ask(client, thinking_budget=12, landing_text="|end|", landing_share=0.5)
    assert landed["receipt"]["landing"] == "hard" and "|end|" in landed["choices"][0]["message"]["reasoning_content"]
    looped = ask(client, waits=8, loop_repeats=2, loop_tokens=64)
    assert looped["receipt"]["closed_by"] == "loop" and looped["receipt"]["waits_used"] < 8
    assert ask(client, thinking_budget=12, closing_advice=True)["receipt"]["landing"] is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"final_answer_text": "x" * 201}, "final_answer_text has 201 characters"),
        ({"landing_text": 3}, "landing_text must be a text"),
        ({"landing_share": 1.5}, "landing_share must lie between 0 and 1"),
        ({"landing_bias": 101}, "landing_bias must lie between 0 and 100"),
        ({"landing_bias": 5, "thinking_budget": 9}, "cannot raise the logit of an end"),
        ({"loop_repeats": 1}, "loop_repeats must be 2 or more"),
        ({"loop_tokens": 0}, "loop_tokens must lie between 1"),
        ({"closing_advice": "yes"}, "closing_advice must be true or false"),
        ({"closing_advice": True, "final_answer_text": "So:"}, "give one of them"),
    ],
)
def test_a_closing_that_cannot_be_names_the_field(client: httpx.Client, more: dict[str, Any], words: str) -> None:
    assert words in refused(client.post("chat/completions", json=chat(**more)), 400)


def test_raw_thinking_is_part_of_the_text(client: httpx.Client) -> None:
    for budget in (4, 64):
        asked = chat(thinking_budget=budget, reasoning_format="raw")
        content = client.post("chat/completions", json=asked).json()["choices"][0]["message"]["content"]
        assert content.startswith("<think>") and "</think>\n" in content and "Final Answer: " in content
        assert joined(frames(client.post("chat/completions", json=asked | {"stream": True})), "content") == content


@pytest.mark.parametrize("path", ["chat/completions", "completions", "models", "responses"])
def test_a_base_url_without_v1_is_told(server: Playground, path: str) -> None:
    said = refused(httpx.post(f"{server.url}{path}", json={}), 404)
    assert f"{server.url}v1" in said


def test_a_silent_stream_is_kept_alive(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.05)
    engine = PacedEngine(think, delay_s=0.3)
    ENGINES["paced"].__dict__["agenerate"] = engine.agenerate
    try:
        asked = chat(model="paced", stream=True, thinking_budget=2)
        with client.stream("POST", "chat/completions", json=asked) as reply:
            lines = list(reply.iter_lines())
    finally:
        del ENGINES["paced"].__dict__["agenerate"]
    assert sum(line.startswith(":") for line in lines) >= 3
    assert lines[-2:] == ["data: [DONE]", ""] or lines[-1] == "data: [DONE]"
    assert [json.loads(line[6:])["id"] for line in lines if line.startswith("data: {")]


def test_a_model_that_loads_for_long_keeps_the_stream_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.05)

    class Slow(EngineRegistry):
        async def load(self, model: str) -> AsyncGenerator[Any, None]:
            await asyncio.sleep(0.5)
            raise ModelUnavailable("it does not fit")
            yield

    app = FastAPI()
    app.include_router(openai_api.routes(Slow("twice", engines=ENGINES), Gate(RUNS)))
    with Playground("twice", app=app) as server:
        reply = httpx.post(f"{server.url}v1/chat/completions", json=chat(stream=True))
        said = refused(httpx.post(f"{server.url}v1/chat/completions", json=chat()), 503)
    lines = [line for line in reply.text.splitlines() if line]
    assert reply.status_code == 200 and sum(line.startswith(":") for line in lines) >= 3
    assert json.loads(lines[-2][6:])["error"]["message"] == said == "it does not fit" and lines[-1] == "data: [DONE]"


async def test_no_comment_comes_after_the_stream_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "SILENCE_S", 0.0)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    stream = event_stream.EventStream(send)
    async with stream.alive():
        await asyncio.sleep(0)
        assert not stream.begun
    for _ in range(5):
        await asyncio.sleep(0)
    assert sent == [], "somebody else answers this request now"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_all_its_choices(client: httpx.Client, server: Playground, stream: bool) -> None:
    engine = server.engines["endless"]
    asked = chat(model="endless", n=4, stream=stream, thinking_budget=20_000)
    with pytest.raises(httpx.ReadTimeout), client.stream("POST", "chat/completions", json=asked, timeout=1) as reply:
        for number, _ in enumerate(reply.iter_lines()):
            if number == 40:
                assert engine.running == 4
                raise httpx.ReadTimeout("enough")
    wait_until_free(engine)


async def test_who_finds_no_place_comes_back_when_a_run_is_over() -> None:
    turns = openai_api.Turns(running=2, waiting=1)
    assert turns.retry_s == 5
    with turns.places(2), pytest.raises(openai_api.Busy, match="try again in 5 seconds"), turns.places(2):
        pass
    for _ in range(40):
        async with turns.taken():
            await asyncio.sleep(0)
    assert (turns.here, turns.retry_s) == (0, 1)


def test_effort_can_be_set_at_the_start() -> None:
    assert read_efforts(["low=512", "high=9000"]) == {**EFFORTS, "low": 512, "high": 9000}
    for word in ("none=3", "low", "low=x", "low=-1", "huge=1", "low=٣"):
        with pytest.raises(InvalidSetting, match="--effort takes words such as low=512"):
            read_efforts([word])


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70),
    st.sampled_from([2**31, 2**63, 2**64, 10**400, -(2**63), 1e308, 1e-320]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=4),
    st.sampled_from([QUESTION, "low", "none", "disabled", "user", "assistant", "system", "text", "\ud800", "raw"]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
FIELDS = (*openai_wire._SETTINGS, *openai_wire._ONLY, *openai_wire._ABOUT_THE_CLIENT, "stream", "stream_options")
NESTED = st.fixed_dictionaries(
    {},
    optional={
        "thinking": st.fixed_dictionaries({}, optional={"type": SCALARS, "budget_tokens": SCALARS}),
        "reasoning": st.fixed_dictionaries({}, optional={"effort": SCALARS, "max_tokens": SCALARS, "enabled": SCALARS}),
        "chat_template_kwargs": st.dictionaries(st.sampled_from(["enable_thinking", "thinking_budget"]), SCALARS),
        "stream_options": st.dictionaries(st.just("include_usage"), SCALARS),
        "messages": st.lists(
            st.fixed_dictionaries({}, optional={"role": SCALARS, "content": JSON, "name": SCALARS}), max_size=3
        ),
        "prompt": st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=3),
        "stop": st.lists(SCALARS, max_size=5),
    },
)
BODIES = st.builds(
    lambda fields, nested, whole: fields | nested | ({} if whole else {"messages": None}),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    NESTED,
    st.integers(0, 9).map(bool),
)


@given(body=BODIES, kind=st.sampled_from(["chat", "text"]))
def test_any_body_is_read_or_refused_in_a_sentence(body: dict[str, Any], kind: openai_wire.Kind) -> None:
    asks = chat() if kind == "chat" else {"model": "twice", "prompt": QUESTION}
    try:
        openai_wire.read_ask(kind, asks | body)
    except S1Error as error:
        assert "\n" not in str(error) and str(error).endswith(".") and "max_answer" not in str(error)


@given(body=BODIES, names=st.sets(st.sampled_from([*FIELDS, "never_heard_of"])))
def test_nulls_change_nothing(body: dict[str, Any], names: set[str]) -> None:
    def read(given: dict[str, Any]) -> Any:
        try:
            ask = openai_wire.read_ask("chat", chat() | given)
        except S1Error as error:
            return str(error)
        return ask.limits, ask.budget, ask.stop, ask.samples, ask.chat, ask.sampling.temperature, ask.sampling.top_p

    def padded(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: padded(part) for name, part in value.items()} | {"null": None}
        return [padded(part) for part in value] if isinstance(value, list) else value

    absent = {name: value for name, value in body.items() if name not in names}
    assert read(padded(absent) | dict.fromkeys(names)) == read(absent)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, kind=st.sampled_from(["chat/completions", "completions"]))
def test_no_body_is_a_server_error(client: httpx.Client, body: dict[str, Any], kind: str) -> None:
    asks = chat() if kind == "chat/completions" else {"model": "twice", "prompt": QUESTION}
    # As a client writes it: NaN and lone surrogates are not JSON to httpx, but reach the server all the same.
    sent = json.dumps(asks | body).encode()
    reply = client.post(kind, content=sent, headers={"content-type": "application/json"})
    if reply.status_code != 200:
        refused(reply, reply.status_code)
        assert reply.status_code in (400, 404)


def test_the_listening_socket_sends_without_delay() -> None:
    """On a connection that is kept alive a reply would otherwise wait for the client's acknowledgement."""
    import socket

    import uvicorn

    from app.__main__ import listen

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    bound = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
        while not server.started:
            time.sleep(0.01)
        for _ in range(2):
            assert client.get("/").text == "ok"
        (connection,) = server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    server.should_exit = True
    thread.join(10)
