"""`/v1` on a public page: the limits of the page, and the same line as its visitors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from gradio_client import Client

from app import build
from app.access.admission import Gate, Room
from app.access.limits import MOST
from app.api import bodies
from tests.app.api.test_openai import QUESTION, frames, refused
from tests.browser.playground import Playground, scripted_engines

GATE = Gate(Room(at_once=2, per_visitor=2, waiting=1))


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    with pytest.MonkeyPatch.context() as patch:
        # Visitors of a Space are identified by the header of its proxy.
        patch.setenv("SPACE_ID", "someone/s1")
        patch.setattr(build, "Gate", lambda room: GATE)
        with Playground("paced", scripted_engines()) as server:
            yield server


@pytest.fixture
def client(server: Playground) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}v1/", timeout=30) as client:
        yield client


def chat(question: str = QUESTION, **more: Any) -> dict[str, Any]:
    return {"model": "paced", "messages": [{"role": "user", "content": question}], "thinking_budget": 64} | more


@contextmanager
def endless_run(client: httpx.Client, visitor: str) -> Iterator[None]:
    """Hold a run that has begun and does not end."""
    body = chat(model="endless", thinking_budget=4_096, stream=True)
    with client.stream("POST", "chat/completions", json=body, headers={"x-forwarded-for": visitor}) as answer:
        lines = iter(answer.iter_lines())
        assert next(lines).startswith("data: ")
        yield
        # Read to the end by nobody: an iterator that is let go of earlier would close the connection.
        del lines


def wait_until(so: Callable[[], bool]) -> None:
    for _ in range(500):
        if so():
            return
        time.sleep(0.02)
    pytest.fail("it did not come to that")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"question": "x" * 4_001}, "The question has 4,001 characters; 4,000 are the most on a public page"),
        ({"thinking_budget": 4_097}, "thinking_budget has 4,097 tokens; 4,096 are the most"),
        ({"max_tokens": 1_025}, "max_tokens has 1,025 tokens; 1,024 are the most"),
        ({"waits": 9}, "waits must lie between 0 and 8"),
        ({"n": 9}, "prompt and n ask for 9 answers; 8 are the most on a public page"),
        ({"best_of": 3}, "best_of can only be n here"),
        ({"wait_text": "x" * 201}, "wait_text has 201 characters"),
        ({"thinking_budget": None, "min_thinking_tokens": 4_097}, "min_thinking_tokens (4097) is larger"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_more_than_a_stranger_may_is_one_sentence(
    more: dict[str, Any], words: str, stream: bool, client: httpx.Client
) -> None:
    assert words in refused(client.post("chat/completions", json=chat(**more, stream=stream)), 400)


def test_system_turns_count_with_the_question(client: httpx.Client) -> None:
    turns = [{"role": "system", "content": "x" * 3_000}, {"role": "user", "content": "y" * 1_001}]
    said = refused(client.post("chat/completions", json=chat(messages=turns)), 400)
    assert "The question with what stands before it has 4,001 characters" in said


def test_a_text_to_complete_is_bounded_too(client: httpx.Client) -> None:
    body = {"model": "paced", "prompt": "x" * 4_001}
    assert "4,000 are the most on a public page" in refused(client.post("completions", json=body), 400)


def test_thinking_has_an_end_where_none_was_asked_for(client: httpx.Client) -> None:
    reply = client.post("chat/completions", json=chat(thinking_budget=None)).json()
    assert reply["receipt"]["max_thinking_tokens"] == MOST.thinking_tokens


@pytest.mark.parametrize("more", [{"reasoning_effort": "xhigh"}, {"max_completion_tokens": 100_000}])
def test_vague_limits_are_held_to_those_of_the_page(client: httpx.Client, more: dict[str, Any]) -> None:
    reply = client.post("chat/completions", json=chat(thinking_budget=None, **more))
    assert reply.json()["receipt"]["max_thinking_tokens"] == MOST.thinking_tokens


def test_several_prompts_are_bounded_too(client: httpx.Client) -> None:
    body = {"model": "paced", "prompt": [QUESTION, "x" * 4_001]}
    assert "4,000 are the most on a public page" in refused(client.post("completions", json=body), 400)
    ids = {"model": "paced", "prompt": [65] * 4_001}
    assert "4,000 are the most on a public page" in refused(client.post("completions", json=ids), 400)
    many = {"model": "paced", "prompt": [QUESTION] * 3, "n": 3}
    assert "prompt and n ask for 9 answers; 8 are the most" in refused(client.post("completions", json=many), 400)


def test_a_long_body_is_refused_before_it_is_parsed(client: httpx.Client) -> None:
    body = json.dumps(chat("x" * bodies.IN_PUBLIC_BYTES))
    answer = client.post("chat/completions", content=body, headers={"content-type": "application/json"})
    assert "131,072 bytes, the most here" in refused(answer, 413)


def test_a_body_that_does_not_arrive_is_given_up(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST_S", 0.05)
    left = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"{"
        left.wait(1)
        yield b"}"

    answer = client.post("chat/completions", content=slowly(), headers={"content-type": "application/json"})
    left.set()
    assert "did not arrive" in refused(answer, 408)


def test_the_page_and_v1_stand_in_one_line(client: httpx.Client, server: Playground) -> None:
    """A visitor fills the house, a second one waits, a third one finds the line full; then the first one leaves."""
    answers: list[httpx.Response] = []

    def ask_as_b() -> None:
        answers.append(client.post("chat/completions", json=chat(stream=True), headers={"x-forwarded-for": "b"}))

    waiting = threading.Thread(target=ask_as_b, daemon=True)
    with ExitStack() as open_streams:
        for _ in range(2):
            open_streams.enter_context(endless_run(client, "a"))
        again = client.post("chat/completions", json=chat(), headers={"x-forwarded-for": "a"})
        assert "One visitor may have 2 runs at once here, and you have 2" in refused(again, 429)
        assert 1 <= int(again.headers["retry-after"]) <= 60 and again.json()["error"]["type"] == "rate_limit_error"
        waiting.start()
        wait_until(lambda: len(GATE._places) == 3)
        late = client.post("chat/completions", json=chat(stream=True), headers={"x-forwarded-for": "c"})
        assert "All places are taken, and 1 visitors are in line" in refused(late, 429)
        view = Client(server.url, verbose=False).predict("How many r?", "paced", 8, 0, api_name="/think")
        assert view["state"] == "error" and "All places are taken" in view["note"]
        assert not answers
    waiting.join(20)
    assert frames(answers[0])[-1]["answer"] == "3"
    wait_until(lambda: not GATE._places)


def test_who_leaves_the_line_frees_his_place(client: httpx.Client) -> None:
    with ExitStack() as open_streams:
        for visitor in "ab":
            open_streams.enter_context(endless_run(client, visitor))
        with pytest.raises(httpx.ReadTimeout):
            client.post("chat/completions", json=chat(), headers={"x-forwarded-for": "c"}, timeout=0.3)
        wait_until(lambda: len(GATE._places) == 2)
    wait_until(lambda: not GATE._places)
