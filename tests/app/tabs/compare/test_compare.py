"""Comparisons: what is asked for is checked, lanes start together and are freed together. No Gradio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from app.runs.questions import same_answer
from app.runs.recent_runs import NoSuchRace, RaceStore
from app.runs.recording import RecordedRace
from app.shell.responses import View
from app.tabs.compare import export as compare_export
from app.tabs.compare import recording_file
from app.tabs.compare.backdrop import curve
from app.tabs.compare.race import Race
from app.tabs.compare.request import presets, read_comparison, setting
from app.tabs.compare.tape import tape
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting, ModelUnavailable
from s1core.models import PRESETS
from s1core.nano import expected_answer
from tests.browser.playground import PacedEngine, endless, think

QUESTION = "How many r in raspberry?"


def comparison(*lanes: dict[str, Any], question: str = QUESTION, expected: str = "") -> Any:
    asked = [{"method": "forcing", "budget": 256, "model": "m", **lane} for lane in lanes]
    return read_comparison({"question": question, "expected": expected, "lanes": asked}, expected_answer)


def race(*lanes: dict[str, Any], **asked: Any) -> Race:
    return Race(comparison(*lanes, **asked), same_answer)


def loads(**engines: Engine):
    async def load(model: str) -> AsyncGenerator[str | Engine, None]:
        if model not in engines:
            raise ModelUnavailable(f"{model} is not here; choose another one")
        yield f"Loading {model}: 1 s so far."
        yield engines[model]

    return load


async def last_of(views: AsyncGenerator[View, None]) -> View:
    return [view async for view in views][-1]


def test_the_expected_answer_is_known_for_the_examples_and_can_be_typed() -> None:
    assert comparison({}, {}).expected == "3"
    assert comparison({}, {}, expected=" 4 ").expected == "4"
    assert comparison({}, {}, question="Why?").expected is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "set of named values"),
        ({"question": QUESTION, "lanes": [{}]}, "2 to 4 lanes"),
        ({"question": QUESTION, "lanes": [{}] * 5}, "2 to 4 lanes"),
        ({"question": QUESTION, "lanes": "ab"}, "2 to 4 lanes"),
        ({"question": QUESTION, "lanes": [{"budget": 1}, {"budget": "many"}]}, "Lane 2: Thinking budget must"),
        ({"question": QUESTION, "lanes": [{"budget": 1}, 7]}, "Lane 2 must be"),
        ({"question": QUESTION, "lanes": [{"budget": 1}, {"__class__": 1}]}, "unknown setting"),
        ({"question": QUESTION, "lanes": [{"budget": 1, "waits": 99}, {"budget": 1}]}, "Lane 1: Waits must lie"),
        ({"question": " ", "lanes": [{"budget": 1}, {"budget": 1}]}, "Type a question"),
        ({"question": QUESTION, "expected": "x" * 201, "lanes": [{"budget": 1}] * 2}, "Shorten it"),
    ],
)
def test_a_forged_comparison_is_one_sentence(value: Any, says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        read_comparison(value, expected_answer)


def test_settings_come_back_as_they_were_asked() -> None:
    for preset in presets("m", "n"):
        read = read_comparison({"question": QUESTION, "lanes": preset["lanes"]}, expected_answer)
        for asked, lane in zip(preset["lanes"], read.lanes, strict=True):
            assert setting(lane) == {name: value for name, value in asked.items() if name != "count"}


def test_the_first_comparison_of_s1_135m_is_of_waits() -> None:
    first, *others = presets("s1-135M", "s1-nano")
    assert [lane["waits"] for lane in first["lanes"]] == [0, 1, 2]
    assert [lane["budget"] for lane in others[0]["lanes"]] == [0, 16, 64]
    assert presets("m", "n")[0]["name"] == "0/1/2/4 Waits"


def test_what_a_method_does_not_use_is_left_out() -> None:
    lanes = comparison({"method": "none", "budget": 5}, {"method": "vote", "count": 3, "waits": 1}).lanes
    assert setting(lanes[0]) == {"method": "none", "model": "m"}
    assert setting(lanes[1]) | {} == {
        "method": "vote", "model": "m", "budget": 256, "waits": 1, "word": "Wait", "count": 3,
    }  # fmt: skip


async def test_lanes_run_together_and_each_ends_with_its_own_answer() -> None:
    engine = PacedEngine(think, delay_s=0.001)
    views = [view async for view in race({"budget": 8}, {"waits": 1}, {"method": "none"}).views(loads(m=engine))]
    assert views[0]["note"] == "Loading m: 1 s so far."
    last = views[-1]
    assert [lane["answer"]["verdict"] for lane in last["lanes"]] == ["wrong", "right", "right"]
    assert last["state"] == "done" and last["expected"] == "3"
    assert all(lane["receipt"] and lane["clock"] > 0 for lane in last["lanes"])
    assert "tokens of the lanes' prompts" in last["saved"]
    assert engine.running == 0


async def test_two_models_race_and_a_missing_one_is_one_sentence() -> None:
    one, other = PacedEngine(think), PacedEngine(endless)
    last = await last_of(race({"model": "a"}, {"model": "b"}).views(loads(a=one, b=other)))
    assert [lane["answer"]["text"] for lane in last["lanes"]] == ["3", "42"]
    last = await last_of(race({"model": "a"}, {"model": "x"}).views(loads(a=one)))
    assert (last["state"], last["note"]) == ("error", "x is not here; choose another one")


async def test_stop_ends_every_lane_with_its_receipt() -> None:
    engine, lanes = PacedEngine(endless, delay_s=0.001), race({}, {"budget": 128}, {"budget": 64})
    views = lanes.views(loads(m=engine))
    while (await anext(views))["state"] != "running" or engine.running < 3:
        pass
    lanes.stop()
    last = await last_of(views)
    assert last["state"] == "cancelled" and engine.running == 0
    assert all(lane["receipt"] for lane in last["lanes"])


async def test_a_page_that_goes_away_frees_every_lane() -> None:
    engine = PacedEngine(endless, delay_s=0.001)
    views = race({}, {"method": "vote", "count": 3}).views(loads(m=engine))
    while engine.running < 4:
        await anext(views)
    await views.aclose()
    assert engine.running == 0


async def test_a_new_race_silences_the_one_before() -> None:
    engine, lanes = PacedEngine(endless, delay_s=0.001), race({}, {})
    views = lanes.views(loads(m=engine))
    while engine.running < 2:
        await anext(views)
    lanes.supersede()
    assert [view async for view in views] == []
    assert engine.running == 0


async def test_one_lane_that_breaks_leaves_the_others_whole() -> None:
    healthy, broken = PacedEngine(think), PacedEngine(think, breaks_after=9)
    last = await last_of(race({"model": "a"}, {"model": "b"}).views(loads(a=healthy, b=broken)))
    assert [lane["state"] for lane in last["lanes"]] == ["done", "error"]
    assert last["lanes"][0]["receipt"] and "First" in last["lanes"][1]["text"]


async def test_events_are_kept_with_their_times() -> None:
    lanes = race({"waits": 1}, {"method": "vote", "count": 2})
    await last_of(lanes.views(loads(m=PacedEngine(think, delay_s=0.001))))
    for live in lanes.lanes:
        times = [each.at_s for each in live.happened]
        assert times == sorted(times) and times[-1] > 0.01
    assert {each.number for each in lanes.lanes[1].happened} == {0, 1}
    await asyncio.sleep(0)


async def recorded(*lanes: dict[str, Any]) -> RecordedRace:
    ran = race(*lanes)
    await last_of(ran.views(loads(m=PacedEngine(think, delay_s=0.001))))
    return ran.recorded()


def at_end(lane: View) -> View:
    shown: View = {"meter": {}}
    for _, _, _, changed in lane["frames"]:
        shown = shown | changed | {"meter": shown["meter"] | changed.get("meter", {})}
    return shown | {"text": lane["texts"][lane["frames"][-1][1]]}


METHODS: list[dict[str, Any]] = [
    {"waits": 1},
    {"method": "vote", "count": 2},
    {"method": "rejection", "count": 2, "budget": 64},
    {"method": "steps", "count": 3},
]


async def test_a_tape_ends_as_the_live_race_did() -> None:
    ran = race(*METHODS)
    live = await last_of(ran.views(loads(m=PacedEngine(think, delay_s=0.001))))
    made = tape(ran.recorded(), same_answer)
    for lane, shown in zip(made["lanes"], live["lanes"], strict=True):
        end = at_end(lane)
        assert {part: end[part] for part in ("state", "text", "answer", "receipt", "meter")} == {
            part: shown[part] for part in ("state", "text", "answer", "receipt", "meter")
        }
        assert lane["setting"] == shown["setting"]
        times = [frame[0] for frame in lane["frames"]]
        assert times == sorted(times) and made["end"] >= times[-1]
    assert made["saved"] == live["saved"] and made["verdict"] == live["verdict"] != ""


async def test_a_recording_shows_the_same_picture_elsewhere() -> None:
    before = await recorded(*METHODS)
    after = recording_file.read("".join(recording_file.write(before)).splitlines(keepends=True))
    assert tape(after, same_answer) == tape(replace(before, title=after.title), same_answer)


async def test_a_stopped_race_can_be_recorded_too() -> None:
    engine, ran = PacedEngine(endless, delay_s=0.001), race({}, {"method": "vote", "count": 2})
    views = ran.views(loads(m=engine))
    while engine.running < 3:
        await anext(views)
    ran.stop()
    await last_of(views)
    again = recording_file.read("".join(recording_file.write(ran.recorded())).splitlines())
    ends = [at_end(lane) for lane in tape(again, same_answer)["lanes"]]
    assert [end["state"] for end in ends] == ["cancelled", "cancelled"]
    assert "before all samples were there" in ends[1]["note"]


async def test_damaged_and_foreign_files_are_one_sentence() -> None:
    lines = "".join(recording_file.write(await recorded({}, {"waits": 1}))).splitlines()
    head = json.loads(lines[0])
    asked = {**head["lanes"][0]["asked"], "budget": {"max_thinking_tokens": -1}}
    damaged: dict[str, list[str]] = {
        "not a recording": [""],
        "not a recording ": ["[" * 100_000],
        "not a recording  ": ["\x89PNG"],
        "another version": [json.dumps(head | {"version": 99}), *lines[1:]],
        "1 to 4 lanes": [json.dumps(head | {"lanes": []}), *lines[1:]],
        "settings cannot be read": [json.dumps(head | {"lanes": [{"asked": asked, "note": ""}] * 2}), *lines[1:]],
        "its end is missing": lines[:-1],
        "its end is missing ": lines[:5] + lines[6:],
        "damaged in line 4": [*lines[:3], lines[3][:-9], *lines[4:]],
        "damaged in line 3": [*lines[:2], '[0,0,0.1,"tokens",{"text":7}]', *lines[3:]],
        "damaged in line 3 ": [*lines[:2], '[9,0,0.1,"started",{}]', *lines[3:]],
        "damaged in line 3  ": [*lines[:2], '[0,0,NaN,"__class__",{}]', *lines[3:]],
    }
    for says, content in damaged.items():
        with pytest.raises(recording_file.BadRecording, match=says.strip()) as caught:
            recording_file.read(content)
        assert "\n" not in str(caught.value)


def test_every_bundled_recording_plays_and_is_of_the_real_model() -> None:
    names = recording_file.bundled()
    assert len(names) >= 4
    for name, title in names.items():
        race = recording_file.read_bundled(name)
        made = tape(race, same_answer)
        assert made["title"] == title and made["end"] > 0.05
        assert all(at_end(lane)["state"] == "done" for lane in made["lanes"])
        assert all(lane.asked.model in PRESETS for lane in race.lanes)


@pytest.mark.parametrize("name", ["", "../race-waits", "race-nothing", "/etc/passwd", "race-waits.jsonl"])
def test_only_bundled_names_are_opened(name: str) -> None:
    with pytest.raises(recording_file.BadRecording, match="no such recording"):
        recording_file.read_bundled(name)


async def test_old_races_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runs.recent_runs.MOST_RACES", 2)
    store, race = RaceStore(), await recorded({}, {})
    keys = [store.keep(race) for _ in range(3)]
    assert store.find(keys[2]) is race
    with pytest.raises(NoSuchRace, match="Race again"):
        store.find(keys[0])


async def test_text_that_looks_like_markup_cannot_leave_the_exported_page() -> None:
    race = replace(await recorded({}, {}), question="</script><script>alert(1)</script>[[SCRIPT]]")
    page = compare_export.page(tape(race, same_answer))
    assert "<script>alert" not in page and page.count("</script>") == 2
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page


def test_the_curve_of_a_model_prefers_what_was_measured_here() -> None:
    def series(**parts: Any) -> dict[str, Any]:
        point = {"label": "a", "tokens": 1.0, "accuracy": 50.0, "low": 40.0, "high": 60.0, "n": 9, "waits": 0}
        return {"model": "m", "method": "budget forcing", "benchmark": "x", "points": [point]} | parts

    known = [series(origin="published"), series(origin="measured"), series(origin="measured", method="majority vote")]
    found = curve(known, "m")
    assert found and (found["origin"], found["n"]) == ("measured", 9)
    assert curve(known, "other") is None
