"""`/v1` as OpenAI's clients use it, on a served app with scripted engines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.api import openai as openai_api
from app.api import openai_schema
from s1core import Budget, Sampling, solve
from tests.browser.playground import PacedEngine, Playground, scripted_engines, think

QUESTION = "How many r in raspberry?"


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    with Playground("paced", scripted_engines()) as server:
        yield server


@pytest.fixture
def client(server: Playground) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}v1/", timeout=30) as client:
        yield client


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "paced", "messages": [{"role": "user", "content": QUESTION}], **more}


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and "\n" not in error["message"]
    return error["message"]


def frames(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def joined(chunks: list[dict[str, Any]], field: str) -> str:
    return "".join(chunk["choices"][0]["delta"].get(field, "") for chunk in chunks if chunk["choices"])


def wait_until_free(engine: PacedEngine) -> None:
    for _ in range(200):
        if not engine.running:
            return
        time.sleep(0.02)
    pytest.fail("the engine still runs for a client that has gone")


def test_a_chat_is_forced_and_counted(client: httpx.Client) -> None:
    asked = {"thinking_budget": 256, "waits": 1, "wait_text": "Wait", "temperature": 0.5, "seed": 7, "max_tokens": 40}
    reply = client.post("chat/completions", json=chat(**asked)).json()
    here = solve(
        PacedEngine(think),
        QUESTION,
        Budget(max_thinking_tokens=256, waits=1, max_answer_tokens=40),
        Sampling(temperature=0.5, seed=7),
    )
    (choice,) = reply["choices"]
    assert reply["object"] == "chat.completion" and reply["model"] == "paced"
    assert choice["message"] == {
        "role": "assistant",
        "content": here.answer_text,
        "reasoning_content": here.thinking_text,
    }
    assert "Wait" in here.thinking_text and choice["finish_reason"] == "stop"
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == here.receipt.thinking_tokens
    assert reply["usage"]["completion_tokens"] == here.receipt.thinking_tokens + here.receipt.answer_tokens
    assert (reply["answer"], reply["receipt"]["waits_used"], reply["receipt"]["seed"]) == ("3", 1, 7)


@pytest.mark.parametrize(("budget", "closed_by"), [(0, "budget"), (5, "budget"), (None, "model")])
def test_the_budget_holds(client: httpx.Client, budget: int | None, closed_by: str) -> None:
    receipt = client.post("chat/completions", json=chat(thinking_budget=budget)).json()["receipt"]
    assert (receipt["closed_by"], receipt["max_thinking_tokens"]) == (closed_by, budget)
    assert budget is None or receipt["thinking_tokens"] <= budget


def test_a_minimum_forces_more_thinking(client: httpx.Client) -> None:
    asked = chat(thinking_budget=256, min_thinking_tokens=40, waits=0)
    assert client.post("chat/completions", json=asked).json()["receipt"]["thinking_tokens"] >= 40


def test_the_stream_adds_up_to_the_whole_reply(client: httpx.Client) -> None:
    asked = chat(thinking_budget=256, waits=1)
    whole = client.post("chat/completions", json=asked).json()
    streamed = asked | {"stream": True, "stream_options": {"include_usage": True}}
    chunks = frames(client.post("chat/completions", json=streamed))
    message = whole["choices"][0]["message"]
    assert joined(chunks, "reasoning_content") == message["reasoning_content"]
    assert joined(chunks, "content") == message["content"]
    assert len(chunks) > 20 and {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    *_, last, spent = chunks
    assert last["choices"][0]["finish_reason"] == "stop" and last["answer"] == "3"
    assert last["receipt"]["thinking_tokens"] == whole["receipt"]["thinking_tokens"]
    assert (spent["choices"], spent["usage"]) == ([], whole["usage"])


def test_a_stream_says_what_was_spent_only_where_that_is_asked_for(client: httpx.Client) -> None:
    chunks = frames(client.post("chat/completions", json=chat(thinking_budget=8, stream=True)))
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_a_text_is_completed(client: httpx.Client, stream: bool) -> None:
    asked = {"model": "paced", "prompt": QUESTION, "thinking_budget": 256, "waits": 1, "stream": stream}
    answer = client.post("completions", json=asked)
    parts = frames(answer) if stream else [answer.json()]
    assert {part["object"] for part in parts} == {"text_completion"}
    assert "".join(part["choices"][0]["text"] for part in parts).strip() == "Final Answer: 3"
    assert "Wait, let me check" in "".join(part["choices"][0].get("reasoning_content", "") for part in parts)
    assert parts[-1]["answer"] == "3"


def test_a_system_turn_and_parts_of_text_reach_the_model(client: httpx.Client, server: Playground) -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "How many "}, {"type": "text", "text": "r?"}]},
    ]
    assert client.post("chat/completions", json=chat(messages=turns, thinking_budget=4)).status_code == 200
    engine = server.engines["paced"]
    prompt = engine.codec.decode(engine.requests[-1].prompt_ids)
    assert "system\nBe brief.<|im_end|>" in prompt and "user\nHow many r?<|im_end|>" in prompt


def test_the_models_of_the_app_are_listed_and_no_others(client: httpx.Client) -> None:
    names = [model["id"] for model in client.get("models").json()["data"]]
    assert names[0] == "paced" and "s1-nano" in names
    assert client.get("models/paced").json()["id"] == "paced"
    refused(client.get("models/s2-nano"), 404)
    refused(client.get("models/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), 404)
    for model in ("s2-nano", "/etc", "../secret", "some/hub-model"):
        assert "list of models" in refused(client.post("chat/completions", json=chat() | {"model": model}), 404)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"thinking_budget": -1}, "thinking_budget must lie between 0"),
        ({"thinking_budget": "many"}, "thinking_budget must be a number"),
        ({"thinking_budget": True}, "thinking_budget must be a number"),
        ({"thinking_budget": 10**400}, "thinking_budget must lie between 0"),
        ({"waits": 9}, "waits must lie between"),
        ({"wait_text": 3}, "wait_text must be a text"),
        ({"wait_text": "x" * 300}, "wait_text has 300 characters"),
        ({"temperature": 11}, "temperature must lie"),
        ({"seed": 2**64}, "seed must lie between"),
        ({"max_tokens": 0}, "max_tokens must lie between 1"),
        ({"thinking_budget": 4, "min_thinking_tokens": 5}, "tokens that thinking_budget allows"),
        ({"max_completion_tokens": 0}, "max_completion_tokens must lie between 1"),
        ({"n": 33}, "n must lie between 1 and 32"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop has 5 texts; 4 are the most"),
        ({"tools": [{}]}, "tools can only be"),
        ({"thinking_budgets": 3}, "no field 'thinking_budgets'"),
        ({"stream": "yes"}, "stream must be"),
        ({"stream_options": 3}, "stream_options must be"),
        ({"model": None}, "model must name"),
        ({"messages": []}, "messages must be a list"),
        ({"messages": ["hi"]}, "Every message must be"),
        ({"messages": [{"role": "user", "content": " "}]}, "The question is empty"),
        ({"messages": [{"role": "user", "content": "x" * 5000}]}, "shorten the question by"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "must be text"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "must end with a question"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_done_is_one_sentence(
    client: httpx.Client, more: dict[str, Any], words: str, stream: bool
) -> None:
    assert words in refused(client.post("chat/completions", json=chat(stream=stream) | more), 400)


def test_settings_that_ask_for_nothing_are_taken(client: httpx.Client) -> None:
    asked = chat(n=1, top_p=1.0, stop=None, user="me", frequency_penalty=0, thinking_budget=4, logprobs=False)
    assert client.post("chat/completions", json=asked).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"a":' * 5000])
def test_a_body_that_is_no_request_is_one_sentence(client: httpx.Client, body: bytes) -> None:
    answer = client.post("chat/completions", content=body, headers={"content-type": "application/json"})
    assert "body" in refused(answer, 400)


def test_a_body_that_never_ends_is_cut_off(client: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"model": "'
        for _ in range(openai_schema.MOST_BYTES // 2**16 + 2):
            yield b"x" * 2**16

    answer = client.post("chat/completions", content=parts(), headers={"content-type": "application/json"})
    refused(answer, 413)


def test_a_form_of_another_site_is_refused(client: httpx.Client) -> None:
    body = json.dumps(chat())
    refused(client.post("chat/completions", content=body, headers={"content-type": "text/plain"}), 415)
    refused(client.post("embeddings", json={}), 404)
    assert client.options("chat/completions").headers.get("access-control-allow-origin") is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_the_engine(client: httpx.Client, server: Playground, stream: bool) -> None:
    engine = server.engines["endless"]
    asked = chat(stream=stream, thinking_budget=20_000) | {"model": "endless"}
    sent = client.stream("POST", "chat/completions", json=asked, timeout=0.5)
    # A stream is read up to its third line and then left, a whole reply is not waited for.
    with pytest.raises(httpx.ReadTimeout), sent as answer:
        for number, _ in enumerate(answer.iter_lines()):
            if number == 2:
                raise httpx.ReadTimeout("enough")
    assert len(engine.requests) >= 1
    wait_until_free(engine)


def test_an_engine_that_breaks_is_one_sentence(client: httpx.Client) -> None:
    asked = chat(thinking_budget=256) | {"model": "breaks"}
    assert "RuntimeError" in refused(client.post("chat/completions", json=asked), 500)
    *_, last = frames(client.post("chat/completions", json=asked | {"stream": True}))
    assert "stopped in the middle" in last["error"]["message"] and last["error"]["type"] == "server_error"


async def test_turns_are_bounded_and_given_back() -> None:
    turns = openai_api.Turns(running=1, waiting=0)
    async with turns.taken():
        with pytest.raises(openai_api.Busy):
            async with turns.taken():
                pass
    assert turns.here == 0
    assert openai_api.refusal(openai_api.Busy("later")).headers["retry-after"] == "60"


def test_the_openai_package_is_served(server: Playground) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{server.url}v1", api_key="any", max_retries=0)
    extra = {"thinking_budget": 256, "waits": 1}
    asked: dict[str, Any] = {"model": "paced", "messages": [{"role": "user", "content": QUESTION}]}
    whole = client.chat.completions.create(**asked, extra_body=extra)
    assert whole.choices[0].message.content.strip() == "Final Answer: 3"
    assert "Wait" in whole.choices[0].message.reasoning_content
    assert whole.usage.completion_tokens_details.reasoning_tokens == whole.receipt["thinking_tokens"]
    chunks = list(client.chat.completions.create(**asked, extra_body=extra, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip() == "Final Answer: 3"
    text = client.completions.create(model="paced", prompt=QUESTION, extra_body=extra)
    assert text.choices[0].text.strip() == "Final Answer: 3"
    assert "paced" in [model.id for model in client.models.list()]
    with pytest.raises(openai.NotFoundError, match="list of models"):
        client.chat.completions.create(**asked | {"model": "gpt-9"})
    with pytest.raises(openai.BadRequestError, match="waits must lie"):
        client.chat.completions.create(**asked, extra_body={"waits": 99})
