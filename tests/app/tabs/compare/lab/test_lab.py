"""The Wait lab: traces of races are forked, branches are freed and kept, and nobody finds another's."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.access.admission import Gate, Room
from app.models.registry import EngineRegistry
from app.runs.questions import same_answer
from app.runs.recent_runs import RaceStore
from app.runs.recording import RecordedRace
from app.shell.responses import View
from app.tabs.compare import import_lm_eval
from app.tabs.compare.lab import routes as compare_lab_routes
from app.tabs.compare.lab.positions import NO_PLACE
from app.tabs.compare.lab.session import MOST_BRANCHES, Lab, LabStore, NoSuchLab
from app.tabs.compare.race import Race
from app.tabs.compare.request import read_comparison
from s1core import S1Error
from s1core.errors import InvalidSetting
from s1core.nano import expected_answer
from tests.app.tabs.compare.lm_eval_log import log
from tests.browser.playground import LONG, PacedEngine, endless, think

QUESTION = "How many r in raspberry?"
Served = tuple[TestClient, RaceStore, PacedEngine, Gate]
HEADERS = {"x-requested-with": "s1-playground"}


async def raced(engine: PacedEngine, *lanes: dict[str, Any]) -> Race:
    asked = [{"method": "forcing", "budget": 256, "model": "m", **lane} for lane in lanes]
    race = Race(read_comparison({"question": QUESTION, "lanes": asked}, expected_answer), same_answer)

    async def load(model: str) -> AsyncGenerator[PacedEngine, None]:
        yield engine

    async for _ in race.views(load):
        pass
    return race


async def lab_of(engine: PacedEngine, **lane: Any) -> Lab:
    return Lab.of((await raced(engine, {"waits": 1, **lane}, {})).recorded(), 0, 0, same_answer)


def renamed(race: RecordedRace) -> RecordedRace:
    """The same race, of a model that is not here."""
    return replace(race, lanes=tuple(replace(lane, asked=replace(lane.asked, model="other")) for lane in race.lanes))


def ask(node: int = 0, at: int = 0, kind: str = "say", **more: Any) -> dict[str, Any]:
    return {"node": node, "at": at, "kind": kind, "word": "Wait" if kind == "say" else "", "budget": 256} | more


async def last(engine: PacedEngine, lab: Lab, value: dict[str, Any]) -> View:
    return [view async for view in lab.fork(engine, lab.read(value))][-1]


async def test_a_trace_is_forked_at_a_wait_and_the_branch_is_forked_again() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine)
    drawn = lab.draw(engine, 0)
    wait = dict((name, at) for at, name in drawn.names)["Wait 1"]
    closed = await last(engine, lab, ask(at=wait, kind="close"))
    assert (closed["parent"], closed["at"], closed["state"]) == (0, wait, "done")
    assert closed["answer"]["verdict"] == "right" and closed["receipt"][0] == ["Kept", f"{wait} tokens of thinking"]
    assert f"closed by you · token {wait}" in closed["text"] and ["Closed by", "you"] in closed["receipt"]
    assert closed["new"] == 0, "an answer is no thinking"
    assert f"closed by you · token {wait}" in lab.draw(engine, closed["node"]).text
    same = await last(engine, lab, ask(at=wait))
    assert same["text"] == drawn.text and same["answer"]["text"] == "3"
    assert same["saved"] > wait and same["new"] < len(drawn.text)
    again = await last(engine, lab, ask(node=same["node"], at=3, kind="say", word="Wait"))
    assert (again["parent"], again["answer"]["text"]) == (same["node"], "3")
    assert [view["node"] for view in lab.whole("key", engine)["nodes"]] == [0, 1, 2, 3]


async def test_places_say_how_much_of_the_text_is_kept() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine)
    drawn = lab.draw(engine, 0)
    assert len(drawn.ends) == drawn.names[-1][0] + 1
    assert [name for _, name in drawn.names] == ["start", "Wait 1", "end"]
    wait = drawn.names[1][0]
    assert drawn.ends[wait + 1 : wait + 4] == (NO_PLACE,) * 3  # the script's tokens are bytes
    places = [end for end in drawn.ends if end != NO_PLACE]
    assert places == sorted(places) and drawn.text[: places[-1]].endswith("So 3.\n")
    branch = await last(engine, lab, ask(at=5, kind="ignore"))
    assert branch["kept"] == drawn.ends[5]


async def test_another_budget_goes_on_from_where_the_first_was_spent() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine, budget=8, waits=0)
    assert lab.view(lab.node(0))["answer"]["verdict"] == "wrong"
    longer = await last(engine, lab, ask(at=8, kind="ignore", budget=None, waits=1))
    assert longer["spent"] > 8 and longer["answer"]["text"] == "2" or longer["answer"]["verdict"] == "right"


async def test_a_page_that_goes_away_frees_the_engine_and_leaves_no_branch() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine)
    slow = PacedEngine(endless, delay_s=0.001)
    views = lab.fork(slow, lab.read(ask(at=4)))
    async for _ in views:
        if slow.running:
            break
    await views.aclose()
    assert slow.running == 0 and list(lab.nodes) == [0]


async def test_stop_leaves_a_branch_with_its_receipt() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine)
    slow = PacedEngine(endless, delay_s=0.001)
    view: View = {}
    async for view in lab.fork(slow, lab.read(ask(at=4, budget=4000))):
        lab.node(view["node"]).stop.set()
    assert view["state"] == "cancelled" and view["receipt"] and LONG[:4] not in view["text"][: view["kept"]]


async def test_what_cannot_be_forked_is_one_sentence() -> None:
    engine = PacedEngine(think)
    lab = await lab_of(engine)
    for value, says in (
        (None, "no longer here"),
        (ask(node=9), "no longer here"),
        (ask(at="4"), "Choose a place"),  # type: ignore[arg-type]
        (ask(kind="eval"), "choose one"),
        (ask(budget=-1), "Thinking budget must"),
        (ask(waits=99), "Waits must lie"),
        (ask(word="x" * 201), "Shorten it"),
    ):
        with pytest.raises(S1Error, match=says):
            lab.read(value)
    with pytest.raises(InvalidSetting, match="cannot be forked after 9999"):
        await last(engine, lab, ask(at=9999))
    with pytest.raises(S1Error, match="Fork again"):
        await last(PacedEngine(think, breaks_after=1), lab, ask(at=4))
    assert list(lab.nodes) == [0]
    for _ in range(MOST_BRANCHES):
        await last(engine, lab, ask(at=0, kind="close"))
    with pytest.raises(InvalidSetting, match="holds 32 branches"):
        lab.read(ask(kind="close"))


async def test_a_run_that_broke_off_or_has_no_tokens_is_not_forked() -> None:
    race = (await raced(PacedEngine(think), {}, {})).recorded()
    broken = replace(race, lanes=(replace(race.lanes[0], happened=race.lanes[0].happened[:-1]), race.lanes[1]))
    for lane, run, says in ((0, 0, "broke off"), (1, 7, "broke off"), (5, 0, "no such lane")):
        with pytest.raises(InvalidSetting, match=says):
            Lab.of(broken, lane, run, same_answer)
    with pytest.raises(InvalidSetting, match="texts without tokens"):
        Lab.of(import_lm_eval.read(log(500)).race, 0, 0, same_answer)


async def test_a_public_page_bounds_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await lab_of(PacedEngine(think))
    monkeypatch.setenv("S1_PUBLIC", "1")
    with pytest.raises(InvalidSetting, match="on a public page"):
        lab.read(ask(budget=100_000))
    assert lab.read(ask(budget=None)).asked.budget.max_thinking_tokens == 4096


async def test_a_sample_of_a_vote_goes_on_with_its_own_noise() -> None:
    race = (await raced(PacedEngine(think), {"method": "vote", "count": 2}, {})).recorded()
    lab = Lab.of(race, 0, 1, same_answer)
    assert (lab.asked.sampling.sample_index, lab.asked.sampling.temperature) == (1, 1.0)


async def test_old_labs_make_room_and_keys_cannot_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tabs.compare.lab.session.MOST_LABS", 2)
    store, lab = LabStore(), await lab_of(PacedEngine(think))
    keys = [store.keep(lab) for _ in range(3)]
    assert store.find(keys[2]) is lab and len(set(keys)) == 3 and all(len(key) >= 24 for key in keys)
    for key in (keys[0], "", None, 0):
        with pytest.raises(NoSuchLab, match="Fork a lane anew"):
            store.find(key)


@pytest.fixture
def client() -> Iterator[Served]:
    engine, races, app = PacedEngine(think), RaceStore(), FastAPI()
    store = EngineRegistry("m", engines={"m": engine})
    gate = Gate(Room(at_once=2, per_visitor=1, waiting=1))
    app.include_router(compare_lab_routes.router(store, (races,), LabStore(), gate))
    with TestClient(app) as client:
        yield client, races, engine, gate


async def test_the_routes_open_draw_and_fork(client: Served) -> None:
    http, races, engine, _ = client
    key = races.keep((await raced(engine, {"waits": 1}, {})).recorded())
    lab = http.post("/compare/lab/open", json={"race": key, "lane": 0}, headers=HEADERS).json()
    assert lab["question"] == QUESTION and lab["nodes"][0]["answer"]["text"] == "3"
    drawn = http.get("/compare/lab/places", params={"lab": lab["lab"], "node": 0}).json()
    assert drawn["names"][1][1] == "Wait 1"
    asked = ask(at=drawn["names"][1][0], kind="close") | {"lab": lab["lab"]}
    lines = [json.loads(line) for line in http.post("/compare/lab/fork", json=asked, headers=HEADERS).iter_lines()]
    assert lines[-1]["state"] == "done" and lines[-1]["saved"] > 0
    text = ""
    for line in lines:
        text = line["text"] if line["again"] else text + line["text"]
    assert text.startswith(drawn["text"][: lines[-1]["kept"]])
    late = http.post("/compare/lab/stop", json={"lab": lab["lab"], "node": 1}, headers=HEADERS)
    assert late.json() == {} and late.headers["cache-control"] == "no-store"


async def test_the_routes_refuse_in_one_sentence(client: Served) -> None:
    http, races, engine, _ = client
    key = races.keep((await raced(engine, {}, {})).recorded())
    for body, headers, says in (
        ({"race": key, "lane": 0}, {}, "from the page itself"),
        ({"race": "no", "lane": 0}, HEADERS, "no longer here"),
        ({"race": key, "lane": "0"}, HEADERS, "Choose a lane"),
        ([], HEADERS, "set of named values"),
        ({"race": "x" * 20_000}, HEADERS, "more than a fork"),
    ):
        assert says in http.post("/compare/lab/open", json=body, headers=headers).json()["error"]
    foreign = races.keep(renamed(races.find(key)))
    assert "not in the list" in http.post("/compare/lab/open", json={"race": foreign, "lane": 0}, headers=HEADERS).text
    for path in ("fork", "stop"):
        assert "no longer here" in http.post(f"/compare/lab/{path}", json={"lab": "x"}, headers=HEADERS).json()["error"]
    assert "no longer here" in http.get("/compare/lab/places", params={"lab": "x", "node": 0}).json()["error"]


async def test_a_fork_needs_a_place_on_a_public_page(client: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    http, races, engine, gate = client
    key = races.keep((await raced(engine, {}, {})).recorded())
    lab = http.post("/compare/lab/open", json={"race": key, "lane": 0}, headers=HEADERS).json()["lab"]
    monkeypatch.setenv("S1_PUBLIC", "1")
    asked = ask(kind="close") | {"lab": lab}
    with gate.place("testclient"):
        assert "One visitor may have 1 runs" in http.post("/compare/lab/fork", json=asked, headers=HEADERS).text
    assert json.loads(http.post("/compare/lab/fork", json=asked, headers=HEADERS).text.splitlines()[-1])["node"] == 1
