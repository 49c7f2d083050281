"""The server from outside: the command line, and calls that do not come from the page."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from tests.browser.playground import Playground, scripted_engines

ROOT = Path(__file__).parents[2]


def app(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "app", *arguments], capture_output=True, text=True, cwd=ROOT)


def test_help_teaches() -> None:
    done = app("--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout and "s1-32B" in done.stdout


def test_an_unknown_model_is_one_sentence() -> None:
    done = app("--model", "s2-nano")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("unknown model 's2-nano'") and done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = app("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "choose another one with --port" in done.stderr and done.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Playground("paced", scripted_engines()) as server:
        yield Client(server.url, verbose=False)


@pytest.mark.parametrize("budget", [-5, "many", None, {"tokens": 3}])
def test_a_bad_budget_through_the_api_is_one_sentence(client: Client, budget: object) -> None:
    view = client.predict("How many r in raspberry?", "paced", budget, 1, api_name="/think")
    assert view["state"] == "error"
    assert "Thinking budget must" in view["note"]


def test_an_unknown_model_through_the_api_is_one_sentence(client: Client) -> None:
    view = client.predict("How many r in raspberry?", "s2-nano", 64, 1, api_name="/think")
    assert "not in the list of models" in view["note"]


def test_a_good_call_through_the_api_is_answered(client: Client) -> None:
    view = client.predict("How many r in raspberry?", api_name="/think")
    assert (view["state"], view["answer"]["text"]) == ("done", "3")
    assert view["track"]["state"] == "none", "probes only where they are asked for"


def test_every_setting_has_a_name_for_scripts(client: Client) -> None:
    view = client.predict(
        question="How many r in raspberry?", budget=64, waits=2, method="vote", count=2, api_name="/think"
    )
    assert ["Method", "majority of 2"] in view["receipt"]


def test_the_api_streams_and_fills_the_track(client: Client) -> None:
    job = client.submit(question="How many r in raspberry?", track=True, api_name="/think")
    job.result(timeout=30)
    views: list[Any] = job.outputs()
    states = [view["state"] for view in views]
    assert states == sorted(states, key=["running", "probing", "done"].index) and set(states) >= {"running", "done"}
    assert views[-1]["track"]["words"].startswith("Answer settled at ")


def test_calls_of_one_client_do_not_end_each_other(client: Client) -> None:
    jobs = [client.submit(question=f"How many {letter} in raspberry?", api_name="/think") for letter in "rab"]
    assert [job.result(timeout=30)["state"] for job in jobs] == ["done"] * 3


def test_a_comparison_through_the_api_is_raced(client: Client) -> None:
    lanes = [{"method": "forcing", "model": "paced", "budget": budget} for budget in (8, 256)]
    view = client.predict({"question": "How many r in raspberry?", "lanes": lanes}, api_name="/compare")
    assert [lane["answer"]["verdict"] for lane in view["lanes"]] == ["wrong", "right"]
    view = client.predict({"question": "How many r in raspberry?", "lanes": lanes[:1]}, api_name="/compare")
    assert (view["state"], view["note"]) == ("error", "A comparison has 2 to 4 lanes. Add or remove some.")


def test_no_two_listeners_of_an_event_that_come_last_wake_each_other(client: Client) -> None:
    """Gradio's page repeats an event for a listener that was busy, and with it all others, who may be busy then."""
    waking = Counter(
        target
        for listener in client.config["dependencies"]
        if listener["backend_fn"] and listener["trigger_mode"] == "always_last"
        for target in map(tuple, listener["targets"])
        if target[1] != "then"
    )
    assert waking
    assert {target: count for target, count in waking.items() if count > 1} == {}
