"""What visitors can do to a public page: every endpoint is tried from outside, without the page."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import AsyncGenerator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client

from app.access.admission import Busy, Gate, Room, visitor_of
from app.access.limits import MOST, PUBLIC_VARIABLE, bounded, is_public
from app.access.owner import NotTheOwner, is_owner, require_owner
from app.access.sign_in import COOKIE, Credentials, SignIn, take_credentials
from app.artifacts.curated.sets import ROOT_VARIABLE as SETS
from app.build import build_app
from app.jobs.registry import ROOT_VARIABLE as JOBS
from app.runs.request import read_settings
from app.tabs.curate.tab import FIELDS
from app.tabs.train.runs import ROOT_VARIABLE as RUNS
from app.tabs.train.tab import FIELDS as TRAIN_FIELDS
from s1core import S1Error
from s1core.errors import InvalidSetting
from tests.app.jobs.test_jobs import request
from tests.app.tabs.curate.test_curate_form import form
from tests.app.tabs.train.test_train_form import form as train_form
from tests.browser.playground import Playground, scripted_engines

PASSWORD = "correct horse: battery"
EVIL = {"origin": "https://evil.example"}
Config = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("public")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPACE_ID", "S1_OWNER", "SPACE_AUTHOR_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv(PUBLIC_VARIABLE, "1")
        patch.setenv(JOBS, str(folder / "jobs"))
        patch.setenv(SETS, str(folder / "curated"))
        patch.setenv(RUNS, str(folder / "runs"))
        owner = Credentials(user="ada", password=PASSWORD)
        with Playground("paced", scripted_engines(), owner=owner) as server:
            yield server.url


@pytest.fixture(scope="module")
def config(url: str) -> Config:
    return httpx.get(url + "config").json()


@pytest.fixture
def owner(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        answer = client.post("owner", data={"user": "ada", "password": PASSWORD})
        assert answer.status_code == 303
        yield client


def number_of(config: Config, elem_id: str, event: str = "click") -> int:
    """Return what Gradio calls the listener of a component."""
    component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == elem_id)
    return next(d["id"] for d in config["dependencies"] if [component, event] in [list(t) for t in d["targets"]])


def send(client: httpx.Client, number: int, data: list[Any], page: str = "mine", **headers: str) -> dict[str, Any]:
    """Do what the page does when something is pressed; returns the last message."""
    body = {"fn_index": number, "data": data, "session_hash": page}
    joined = client.post("gradio_api/queue/join", json=body, headers=headers)
    if joined.status_code != 200:
        return {"refused": joined.status_code}
    with client.stream("GET", "gradio_api/queue/data", params={"session_hash": page}, timeout=60) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") == "process_completed":
                return message
    raise AssertionError("no answer")


def shown(message: dict[str, Any]) -> str:
    return json.dumps(message)


def asked(tmp: Path, **changes: Any) -> list[Any]:
    filled = form(**{"sources": ["nano"], "nano": 200, "target": 10} | changes)
    return [filled[name] for name in FIELDS]


def asked_to_train(**changes: Any) -> list[Any]:
    filled = train_form(**changes)
    return [filled[name] for name in TRAIN_FIELDS]


def given(button: str, folder: Path) -> list[Any]:
    """What the page sends when a button is pressed."""
    forms = {
        "curate-launch": lambda: asked(folder),
        "train-launch": lambda: [None, *asked_to_train()],
    }  # None: the state of the page
    return forms[button]() if button in forms else ["some-set"]


BUTTONS = ("curate-launch", "curate-stop", "train-launch", "train-stop")


@pytest.fixture
def visitor(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.mark.parametrize("button", BUTTONS)
def test_jobs_are_neither_launched_nor_stopped(
    button: str, visitor: httpx.Client, config: Config, folder: Path
) -> None:
    data = given(button, folder)
    message = send(visitor, number_of(config, button), data)
    assert "Read-only demo" in shown(message)
    assert not list((folder / "jobs").glob("*/job.json")) and not (folder / "curated").exists()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("button", BUTTONS)
def test_jobs_are_closed_under_their_names_too(
    button: str, visitor: httpx.Client, config: Config, folder: Path
) -> None:
    data = given(button, folder)
    number = number_of(config, button)
    call = next(d["api_name"] for d in config["dependencies"] if d["id"] == number)
    event = visitor.post(f"gradio_api/call/{call}", json={"data": data}).json()["event_id"]
    assert "Read-only demo" in visitor.get(f"gradio_api/call/{call}/{event}").text
    answer = visitor.post(f"gradio_api/run/{call}", json={"data": data})
    assert answer.status_code >= 400 or "Read-only demo" in answer.text
    assert not list((folder / "jobs").glob("*/job.json"))


def test_only_what_runs_for_the_visitor_alone_is_documented(visitor: httpx.Client) -> None:
    named = visitor.get("gradio_api/info").json()["named_endpoints"]
    assert set(named) == {"/think", "/compare", "/sweep"}


@pytest.mark.parametrize("field", ["files", "evaluation", "teacher", "weak", "url"])
def test_no_field_names_a_file_a_model_or_a_server(
    field: str, visitor: httpx.Client, config: Config, folder: Path
) -> None:
    for value in ("/etc/passwd", "~nobody/x", "http://127.0.0.1:9"):
        message = send(visitor, number_of(config, "curate-estimate"), asked(folder, **{field: value}))
        assert "Read-only demo" in shown(message)


@pytest.mark.parametrize(
    "changes", [{"data": "/etc/passwd"}, {"data": "~nobody/x"}, {"settings": "model=/etc"}, {"settings": " data = /x"}]
)
def test_no_file_and_no_model_is_named_for_training(
    changes: dict[str, str], visitor: httpx.Client, config: Config
) -> None:
    message = send(visitor, number_of(config, "train-preflight"), asked_to_train(**changes))
    assert "Read-only demo" in shown(message)


def test_no_trained_model_is_added(visitor: httpx.Client, config: Config) -> None:
    number = number_of(config, "train-board", "submit")
    assert "Read-only demo" in shown(send(visitor, number, [{"run": "mine"}, None]))


def test_no_trained_model_is_evaluated(visitor: httpx.Client, config: Config, folder: Path) -> None:
    number = number_of(config, "train-board", "submit")
    for run in ("mine", "../../etc", None):
        asked = {"what": "evaluate", "run": run, "benchmark": "nano", "questions": 20}
        assert "Read-only demo" in shown(send(visitor, number, [asked, None]))
    assert not list((folder / "jobs").glob("*/job.json"))


def test_whatever_is_pressed_by_hand_leaves_nothing_behind(visitor: httpx.Client, config: Config, folder: Path) -> None:
    """Every listener of the page, by its number and by its name, with what each might take for a wish."""
    before = sorted(folder.rglob("*"))
    wishes: list[Any] = ["some-set", {"what": "evaluate", "run": "mine"}]
    calls = [(one["id"], one["api_name"], len(one["inputs"])) for one in config["dependencies"] if one["backend_fn"]]
    assert len(calls) > 20
    for (number, name, wanted), wish in itertools.product(calls, wishes):
        data = [wish] * wanted
        send(visitor, number, data, page=f"by hand {number}")
        if name and wish == wishes[0]:
            event = visitor.post(f"gradio_api/call/{name}", json={"data": data}).json().get("event_id")
            assert event is None or "event: " in visitor.get(f"gradio_api/call/{name}/{event}").text
    assert sorted(folder.rglob("*")) == before


def routes_of(router: Any) -> Iterator[Any]:
    """Its own and those that it includes; not Gradio's mounted ones, which are blocked one by one."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        yield from [route] if included is None else routes_of(included)


def test_every_route_that_takes_something_is_known() -> None:
    """A new one is to be thought about here: who may use it, and what it leaves behind."""
    app: Any = build_app("paced", engines=scripted_engines())
    while not hasattr(app, "routes"):
        app = app._app
    taking = {
        (route.path, method)
        for route in routes_of(app)
        for method in (getattr(route, "methods", None) or ())
        if method not in ("GET", "HEAD", "OPTIONS")
    }
    elsewhere = ("/chat/completions", "/completions", "/models", "/responses", "/embeddings")  # say that /v1 is missing
    not_found = ("/v1/{rest:path}", *elsewhere)
    nothing = set(itertools.product(not_found, ("POST", "PUT", "PATCH", "DELETE")))
    answers = {("/v1/chat/completions", "POST"), ("/v1/completions", "POST")}
    by_an_unguessable_key = {(f"/compare/lab/{name}", "POST") for name in ("open", "fork", "stop")}
    by_an_unguessable_key |= {(f"{path}/{{stream_id}}/steer", method) for path, method in answers}
    the_owners = {("/curves/import", "POST"), ("/compare/open", "POST")}
    assert taking == nothing | answers | by_an_unguessable_key | the_owners


@pytest.mark.parametrize("path", ["curves/import", "compare/open"])
def test_no_files_are_taken(path: str, visitor: httpx.Client, owner: httpx.Client) -> None:
    sent: dict[str, Any] = {
        "files": {"file": ("results_1.json", b"{}")},
        "headers": {"x-requested-with": "s1-playground"},
    }
    refused = visitor.post(path, **sent)
    assert refused.status_code == 403 and "Only the owner can add files" in refused.json()["error"]
    assert owner.post(path, **sent).status_code == 200
    assert owner.post(path, **sent | {"headers": sent["headers"] | EVIL}).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["upload", "component_server", "process_recording", "vibe-edit", "undo-vibe-edit", "vibe-code", "stream/x",
     "run-history/connect", "anything"],
)  # fmt: skip
def test_gradios_other_endpoints_are_blocked(path: str, visitor: httpx.Client) -> None:
    answer = visitor.post(f"gradio_api/{path}", files={"files": ("x.txt", b"x")})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["proxy=http://127.0.0.1:9/", "file=/etc/passwd", "file=http://127.0.0.1:9/", "dev/reload"]
)
def test_gradio_serves_no_file_and_no_address(path: str, visitor: httpx.Client) -> None:
    assert visitor.get(f"gradio_api/{path}").status_code == 403


class _Listener(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_no_input_makes_the_server_fetch(visitor: httpx.Client, config: Config) -> None:
    listener = HTTPServer(("127.0.0.1", 0), _Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{listener.server_port}/x.svg"
    try:
        for path in (place, "/etc/passwd"):
            file = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
            message = send(visitor, number_of(config, "compare-board", "submit"), [file])
            assert not message["success"] and "root:" not in shown(message)
            answer = visitor.post("gradio_api/call/think", json={"data": [file]})
            event = answer.json()["event_id"]
            assert "event: error" in visitor.get(f"gradio_api/call/think/{event}").text
        lanes = [{"method": "forcing", "model": place, "budget": 8}] * 2
        view = Client(str(visitor.base_url), verbose=False).predict(
            {"question": "?", "lanes": lanes}, api_name="/compare"
        )
        assert "not in the list of models here" in view["note"]
        assert _Listener.asked == []
    finally:
        listener.shutdown()
        listener.server_close()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"question": "x" * 4_001}, "The question has 4,001 characters; 4,000 are the most"),
        ({"budget": 4_097}, "The thinking budget has 4,097 tokens; 4,096 are the most"),
        ({"budget": 2_048, "waits": 2, "accounting": "per_round"}, "of all 3 rounds has 6,144 tokens"),
        ({"max_answer": 1_025}, "The longest answer has"),
        ({"method": "vote", "count": 9}, "The run has 9 samples; 8 are the most"),
    ],
)
def test_what_is_too_much_is_said_in_one_sentence(setting: dict[str, Any], words: str, url: str) -> None:
    filled: dict[str, Any] = {"question": "?"} | setting
    view = Client(url, verbose=False).predict(**filled, api_name="/think")
    assert view["state"] == "error" and words in view["note"] and "public page" in view["note"]


def test_lanes_are_bounded_too(url: str) -> None:
    lanes = [{"method": "vote", "model": "paced", "budget": 8, "count": 8}] * 4
    view = Client(url, verbose=False).predict({"question": "?", "lanes": lanes}, api_name="/compare")
    assert view["state"] == "error" and "One visitor may have 16 runs at once here" in view["note"]
    lanes[0] = lanes[0] | {"budget": 5_000}
    view = Client(url, verbose=False).predict({"question": "?", "lanes": lanes}, api_name="/compare")
    assert "The thinking budget has 5,000 tokens" in view["note"]


def test_within_the_limits_a_stranger_is_served(url: str) -> None:
    view = Client(url, verbose=False).predict("How many r in raspberry?", "paced", 128, 1, api_name="/think")
    assert (view["state"], view["answer"]["text"]) == ("done", "3")


def test_an_endless_method_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    free = read_settings("?", "m", 0, 0, "Wait", method="none")
    assert free.budget.max_thinking_tokens is None
    assert bounded(free).budget.max_thinking_tokens == MOST.thinking_tokens
    monkeypatch.delenv(PUBLIC_VARIABLE)
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert not is_public() and bounded(free) is free
    bounded(read_settings("x" * 10_000, "m", 100_000, 0, "Wait"))


ROOM = Room(at_once=3, per_visitor=2, waiting=2)


def test_the_gate_lets_in_so_many_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    gate = Gate(ROOM)
    with gate.place("a", 2) as a:
        with pytest.raises(Busy, match="One visitor may have 2 runs at once here, and you have 2"), gate.place("a"):
            pass
        with gate.place("b", 2) as b, gate.place("c") as c:
            # There would be room for c, but b came first.
            assert [gate.number(place) for place in (a, b, c)] == [0, 1, 2]
            with pytest.raises(Busy, match="2 visitors are in line"), gate.place("d"):
                pass
        assert gate.number(a) == 0
    with gate.place("a", 2), gate.place("e") as e:
        assert gate.number(e) == 0


async def test_who_waits_is_told_his_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps() -> AsyncGenerator[str, None]:
        yield "engine"

    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    gate = Gate(ROOM)
    with gate.place("b") as b:
        with gate.place("a", 2), gate.place("c") as c:
            waiting = c.before(steps())
            assert await anext(waiting) == "In line: place 1."
        assert [step async for step in b.before(steps())] == ["engine"]
        assert await anext(waiting) == "engine"


def test_visitors_are_told_apart_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    forwarded = request(host="10.0.0.9", x_forwarded_for="1.2.3.4, 10.0.0.9")
    assert visitor_of(forwarded) == "10.0.0.9", "not by what they say"
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    assert visitor_of(forwarded) == "1.2.3.4"


def test_a_stop_ends_no_other_visitors_run(visitor: httpx.Client, url: str, config: Config) -> None:
    job = Client(url, verbose=False).submit("How many r in raspberry?", "paced", 128, 4, api_name="/think")
    send(visitor, number_of(config, "stop"), [], page="another")
    assert job.result(timeout=60)["state"] == "done"


def test_the_owner_signs_in_and_launches_nothing_from_another_site(
    owner: httpx.Client, config: Config, folder: Path
) -> None:
    stop = number_of(config, "curate-stop")
    assert "No job of this page works on the set" in shown(send(owner, stop, ["some-set"]))
    for number, data in ((stop, ["some-set"]), (number_of(config, "curate-launch"), asked(folder))):
        for origin in ("https://evil.example", "null", f"http://127.0.0.1:1{owner.base_url.port}"):
            message = send(owner, number, data, origin=origin)
            assert "refused" in message or "Read-only demo" in shown(message)
    assert not list((folder / "jobs").glob("*/job.json"))


def test_signing_out_ends_every_session(owner: httpx.Client, url: str, config: Config) -> None:
    cookie = owner.cookies[COOKIE]
    assert owner.post("owner/out", headers=EVIL).status_code == 403
    stop = number_of(config, "curate-stop")
    assert "No job of this page" in shown(send(owner, stop, ["x"])), "another site signs nobody out"
    owner.post("owner/out")
    with httpx.Client(base_url=url, cookies={COOKIE: cookie}) as again:
        assert "Read-only demo" in shown(send(again, stop, ["x"]))


@pytest.mark.parametrize(
    "sent",
    [{}, {"user": "ada"}, {"user": "ada", "password": PASSWORD + " "}, {"user": "eve", "password": PASSWORD}],
)
def test_a_wrong_password_signs_nobody_in(sent: dict[str, str], visitor: httpx.Client) -> None:
    answer = visitor.post("owner", data=sent)
    assert answer.status_code == 403 and not answer.cookies
    assert PASSWORD not in answer.text


def test_another_site_signs_nobody_in(visitor: httpx.Client) -> None:
    answer = visitor.post("owner", data={"user": "ada", "password": PASSWORD}, headers=EVIL)
    assert answer.status_code == 403 and not answer.cookies


def test_the_cookie_is_for_this_server_alone(owner: httpx.Client) -> None:
    answer = owner.post("owner", data={"user": "ada", "password": PASSWORD}, headers={"x-forwarded-proto": "https"})
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told and "samesite=strict" in told and "secure" in told
    assert "ada" not in told.partition(".")[0]  # the signature may spell anything


def test_a_forged_cookie_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in = SignIn(Credentials(user="ada", password=PASSWORD))
    for cookie in ("", ".", "9999999999.", "9999999999." + "0" * 64, "x." + "0" * 64, "9999999999.ä"):
        assert not sign_in.knows(cookie)
    past = "1000"
    assert not sign_in.knows(f"{past}.{sign_in._signature(past)}")


def test_user_and_password_leave_the_environment_and_are_never_written(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    environment = {"S1_AUTH": f"ada:{PASSWORD}"}
    found = take_credentials(environment)
    assert found == Credentials(user="ada", password=PASSWORD) and environment == {}
    assert PASSWORD not in repr(found)
    for bad in ("ada", "ada:short", ":long enough"):
        with pytest.raises(InvalidSetting) as raised:
            take_credentials({"S1_AUTH": bad})
        assert bad not in str(raised.value) and "S1_AUTH must be user:password" in str(raised.value)
    assert take_credentials({}) is None
    assert PASSWORD not in caplog.text + "".join(capfd.readouterr())


def test_on_a_space_the_owner_is_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "ada/s1")
    monkeypatch.delenv("S1_OWNER", raising=False)
    monkeypatch.setenv("SPACE_AUTHOR_NAME", "ada")
    session = {"oauth_info": {"userinfo": {"preferred_username": "ada"}}}
    signed_in = request(host="10.0.0.1")
    signed_in.scope = {"session": session}
    require_owner(signed_in)
    signed_in.headers |= EVIL
    assert not is_owner(signed_in)
    other = request(host="10.0.0.1")
    other.scope = {"session": {"oauth_info": {"userinfo": {"preferred_username": "eve"}}}}
    with pytest.raises(NotTheOwner, match="Duplicate this Space to run your own job"):
        require_owner(other)
    other.scope = {"session": {}}
    assert not is_owner(other)
    assert issubclass(NotTheOwner, S1Error)
