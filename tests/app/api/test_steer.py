"""Commands to a reply of `/v1` that streams, by its id: what they do, and how the others are refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.access.admission import Gate, Room
from app.access.limits import IN_PUBLIC_PAUSE_S, MOST, PUBLIC_VARIABLE, new_steering
from app.api import openai as openai_api
from app.api import steer as steer_api
from app.api.steer import FIELDS, read_steer
from app.models.registry import EngineRegistry
from s1core import S1Error
from s1core.commands import KINDS
from tests.app.api.test_openai import QUESTION, refused
from tests.browser.playground import PacedEngine, Playground, endless, think

ENGINES = {
    "think": PacedEngine(think, delay_s=0.01),
    "endless": PacedEngine(endless, delay_s=0.004, context_length=32_768),
    "slow": PacedEngine(endless, delay_s=0.6, context_length=32_768),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    app = FastAPI()
    registry = EngineRegistry("think", engines=ENGINES)
    app.include_router(openai_api.routes(registry, Gate(Room(at_once=32, per_visitor=16, waiting=24))))
    with Playground("think", ENGINES, app=app) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Playground) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}v1/", timeout=60) as client:
        yield client


class Reply:
    """A reply while it streams."""

    def __init__(self, client: httpx.Client, lines: Iterator[str], path: str) -> None:
        self._client, self._lines, self._path = client, lines, path
        self.chunks: list[dict[str, Any]] = []

    @property
    def id(self) -> str:
        return self.chunks[0]["id"]

    def read(self, chunks: int = 10**9) -> list[dict[str, Any]]:
        """Read so many more chunks, or all."""
        for _ in range(chunks):
            line = next((line for line in self._lines if line.startswith("data: ")), "data: [DONE]")
            if line == "data: [DONE]":
                break
            self.chunks.append(json.loads(line.removeprefix("data: ")))
        return self.chunks

    def steer(self, **body: Any) -> httpx.Response:
        return self._client.post(f"{self._path}/{self.id}/steer", json=body)

    def thinking(self, index: int = 0) -> str:
        parts = (c["choices"][0] for c in self.chunks if c["choices"] and c["choices"][0]["index"] == index)
        return "".join((part.get("delta") or part).get("reasoning_content", "") for part in parts)

    def receipt(self, index: int = 0) -> dict[str, Any]:
        return next(c["receipt"] for c in self.chunks if "receipt" in c and c["choices"][0]["index"] == index)


@contextmanager
def streaming(client: httpx.Client, path: str = "chat/completions", **more: Any) -> Iterator[Reply]:
    asks = {"messages": [{"role": "user", "content": QUESTION}]} if path.startswith("chat") else {"prompt": QUESTION}
    with client.stream("POST", path, json={"model": "endless", "stream": True, **asks, **more}) as answer:
        assert answer.status_code == 200
        reply = Reply(client, iter(answer.iter_lines()), path)
        reply.read(4)
        yield reply


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_the_answer_is_given_at_once(client: httpx.Client, path: str) -> None:
    with streaming(client, path) as reply:
        done = reply.steer(command="answer")
        assert done.status_code == 200
        (result,) = done.json()["results"]
        reply.read()
    assert done.json() | {"results": []} == {"id": reply.id, "object": "steering", "command": "answer", "results": []}
    assert (result["choice"], result["obeyed"]) == (0, True)
    receipt = reply.receipt()
    assert receipt["closed_by"] == "you" and receipt["thinking_tokens"] == result["at_tokens"]
    assert [each["kind"] for each in receipt["steered"]] == ["answer"]
    assert reply.chunks[-1]["answer"] == "42"


def test_a_word_is_written_and_the_budget_moved(client: httpx.Client) -> None:
    with streaming(client, thinking_budget=200) as reply:
        word = reply.steer(command="wait", word="Hmm").json()["results"][0]
        moved = reply.steer(command="less", tokens=100).json()["results"][0]
        reply.read()
    assert reply.thinking()[word["at_tokens"] :].startswith("Hmm")
    assert moved["tokens"] == 100
    receipt = reply.receipt()
    assert (receipt["max_thinking_tokens"], receipt["thinking_tokens"], receipt["waits_by_you"]) == (100, 100, 1)


def test_a_wait_takes_the_place_of_the_next_end(client: httpx.Client) -> None:
    with streaming(client, model="think") as reply:
        assert reply.steer(command="wait", at_end=True).status_code == 200
        reply.read()
    assert "2.\nWait, let me check" in reply.thinking() and reply.chunks[-1]["answer"] == "3"


def test_a_reply_is_held_and_goes_on(client: httpx.Client) -> None:
    with streaming(client, thinking_budget=60) as reply:
        at = reply.steer(command="pause").json()["results"][0]["at_tokens"]
        assert reply.steer(command="step").json()["results"][0]["tokens"] == 1
        assert reply.steer(command="step", tokens=5).status_code == 200
        assert "held already" in refused(reply.steer(command="pause"), 409)
        resumed = reply.steer(command="resume").json()["results"][0]
        assert resumed["at_tokens"] <= at + 6
        reply.read()
    assert reply.receipt()["thinking_tokens"] == 60


def test_each_choice_is_steered_by_its_number_or_all_together(client: httpx.Client) -> None:
    with streaming(client, n=3, thinking_budget=400) as reply:
        (one,) = reply.steer(command="answer", choice=1).json()["results"]
        assert (one["choice"], one["obeyed"]) == (1, True)
        every = reply.steer(command="answer").json()["results"]
        assert [(each["choice"], each["obeyed"]) for each in every] == [(0, True), (1, False), (2, True)]
        assert "thinking is over" in every[1]["note"]
        assert "choice must lie between 0 and 2" in refused(reply.steer(command="answer", choice=3), 400)
        reply.read()
    assert {reply.receipt(index)["closed_by"] for index in range(3)} == {"you"}


def test_what_is_late_or_unknown_is_one_sentence(client: httpx.Client) -> None:
    with streaming(client, thinking_budget=20) as reply:
        reply.read()
        late = reply.steer(command="answer")
    assert "is over" in refused(late, 404)
    assert "No reply with this id" in refused(reply.steer(command="answer"), 404)
    assert refused(client.post("chat/completions/chatcmpl-0/steer", json={"command": "answer"}), 404)
    assert refused(client.post("chat/completions/../steer", json={"command": "answer"}), 404)
    assert refused(client.get("chat/completions/chatcmpl-0/steer"), 404)


def test_a_reply_in_the_answer_refuses_in_a_sentence(client: httpx.Client) -> None:
    with streaming(client, thinking_budget=200) as reply:
        assert reply.steer(command="answer").status_code == 200
        again = reply.steer(command="answer")
        assert again.status_code in (404, 409) and again.json()["error"]["message"].count(".") >= 0
        if again.status_code == 409:
            assert again.json()["error"]["code"] == "command_refused"
        reply.read()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "command must be one of answer, wait, more, less, pause, step, resume"),
        ({"command": "sing"}, "command must be one of"),
        ({"command": ["answer"]}, "command must be one of"),
        ({"command": "more"}, "tokens must lie between 1"),
        ({"command": "more", "tokens": "9"}, "tokens must be a number"),
        ({"command": "answer", "tokens": 3}, "takes no number of tokens"),
        ({"command": "pause", "word": "Hmm"}, "takes no word"),
        ({"command": "wait", "word": "x" * 201}, "201 characters; 200 are the most"),
        ({"command": "wait", "word": 3}, "word must be a text"),
        ({"command": "wait", "at_end": "yes"}, "at_end must be true or false"),
        ({"command": "answer", "choice": -1}, "choice must lie between 0"),
        ({"command": "answer", "who": "me"}, "There is no field 'who' here"),
    ],
)
def test_a_body_that_cannot_be_read_names_the_field(client: httpx.Client, body: dict[str, Any], words: str) -> None:
    assert words in refused(client.post("chat/completions/chatcmpl-0/steer", json=body), 400)


def test_a_body_is_json_of_a_bounded_size(client: httpx.Client) -> None:
    url = "chat/completions/chatcmpl-0/steer"
    assert refused(client.post(url, content=b"{}", headers={"content-type": "text/plain"}), 415)
    assert refused(client.post(url, content=b"[", headers={"content-type": "application/json"}), 400)
    long = json.dumps({"command": "answer", "word": "x" * 4 * 2**20}).encode()
    assert refused(client.post(url, content=long, headers={"content-type": "application/json"}), 413)


def test_a_command_is_left_waiting_for_a_slow_model(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steer_api, "LONGEST_S", 0.05)
    with streaming(client, model="slow") as reply:
        said = [reply.steer(command="answer") for _ in range(2)]
        assert 202 in [each.status_code for each in said]
        waiting = next(each for each in said if each.status_code == 202).json()["results"][0]
        assert waiting["obeyed"] is None and "next token" in waiting["note"]
        reply.read(3)
    assert all(each.status_code in (202, 200, 409) for each in said)


def test_many_commands_at_once_all_have_an_answer(client: httpx.Client, server: Playground) -> None:
    """Twelve clients send what there is as fast as they can; the reply is whole, and so is its receipt."""
    with streaming(client, thinking_budget=300) as reply:
        over, statuses = threading.Event(), list[int]()
        bodies = [{"command": kind} | ({"tokens": 2} if kind in ("more", "less", "step") else {}) for kind in KINDS]
        bodies = [body for body in bodies if body["command"] != "answer"]

        def send(first: int) -> None:
            with httpx.Client(base_url=f"{server.url}v1/", timeout=60) as own:
                number = first
                while not over.is_set():
                    answer = own.post(f"chat/completions/{reply.id}/steer", json=bodies[number % len(bodies)])
                    statuses.append(answer.status_code)
                    number += 1

        with ThreadPoolExecutor(12) as pool:
            people = [pool.submit(send, first) for first in range(12)]
            try:
                while len(statuses) < 120 and not all(person.done() for person in people):
                    reply.read(1)
            finally:
                over.set()
            for person in people:
                person.result()
        reply.steer(command="resume")
        reply.read()
    assert {*statuses} <= {200, 202, 404, 409} and 200 in statuses
    receipt = reply.receipt()
    assert receipt["thinking_tokens"] <= receipt["max_thinking_tokens"] and receipt["steered"]


def test_a_visitor_can_raise_no_limit_of_a_public_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv(PUBLIC_VARIABLE, raising=False)
    assert new_steering().most_thinking_tokens is None
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    assert new_steering().most_thinking_tokens == MOST.thinking_tokens
    assert IN_PUBLIC_PAUSE_S <= 60


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from((*FIELDS, "x")), values | st.sampled_from(KINDS), max_size=5))
def test_any_body_is_read_or_refused_in_a_sentence(body: dict[str, Any]) -> None:
    try:
        asked = read_steer(body)
    except S1Error as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert asked.command.kind == body["command"]
