"""What the Curate tab reads: funnels that grow, rejections, rows, lengths; and the routes around them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.artifacts.curated.funnel import STAGES, Funnel, FunnelFile
from app.artifacts.curated.lengths import lengths_view
from app.artifacts.curated.rejected import PAGE, RejectedFile
from app.artifacts.curated.sets import SetStore, process_runs, published
from app.jobs.registry import Jobs
from app.tabs.curate.jobs import CurateJobs
from app.tabs.curate.routes import router

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{value}}"


def event(stage: str | None, state: str, **more: Any) -> dict[str, Any]:
    if stage is None:
        return {"at": 1.0, "stage": None, "state": state, "detail": "", **more}
    base = {"in": 100, "done": 0, "out": None, "rejected": {}, "seconds": 0.0}
    return {"at": 1.0, "stage": stage, "state": state, **base, **more}


def folded(*events: dict[str, Any], alive: bool = True) -> dict[str, Any]:
    funnel = Funnel()
    for one in events:
        funnel.take(one)
    return funnel.view(alive=alive)


def stage(view: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in view["stages"] if one["stage"] == name)


def test_a_running_funnel_shows_all_stages_and_the_speed_of_the_one_at_work() -> None:
    view = folded(
        event(None, "started", pid=1),
        event("collect", "started", **{"in": 0}),
        event("collect", "done", **{"in": 0}, out=90, rejected={"empty_question": 10}, seconds=0.5),
        event("trace", "running", done=40, seconds=1.0),
        event("trace", "running", done=60, seconds=3.0),
    )
    assert view["state"] == "running"
    assert [one["stage"] for one in view["stages"]][0] == "collect"
    collect, trace = stage(view, "collect"), stage(view, "trace")
    assert (collect["in"], collect["out"], collect["rate"]) == (100, 90, 200.0)
    # 40 were known before this start: only what was added counts.
    assert (trace["rate"], trace["left_s"]) == (10.0, 4)
    assert stage(view, "select")["state"] == "waiting"


def test_the_rate_follows_the_last_seconds() -> None:
    news = [event("difficulty", "running", done=min(n, 20) * 2, seconds=float(n)) for n in range(1, 50)]
    assert stage(folded(event(None, "started"), *news), "difficulty")["rate"] is None
    assert stage(folded(event(None, "started"), *news[:10]), "difficulty")["rate"] == 2.0


@pytest.mark.parametrize("notes", [["6 rows share nothing but 'think'"], None, 3, "x"])
def test_what_to_look_at_is_shown(notes: Any) -> None:
    view = folded(event("decontaminate", "done", out=1, notes=notes))
    assert stage(view, "decontaminate")["notes"] == (notes if isinstance(notes, list) else [])


def test_what_is_known_has_no_speed() -> None:
    view = folded(event("quality", "done", out=99, rejected={"x": 1}, seconds=0.5, known=True))
    assert (stage(view, "quality")["known"], stage(view, "quality")["rate"]) == (True, None)


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (event(None, "finished", detail="finished"), "finished"),
        (event(None, "stopped", detail="partial"), "partial"),
        (event(None, "stopped", detail="declined"), "asks"),
        (event(None, "stopped", detail="the spending cap of $5.00 is reached"), "stopped"),
        (event(None, "failed", detail="no network"), "failed"),
    ],
)
def test_how_a_run_ended(ends: dict[str, Any], state: str) -> None:
    view = folded(event(None, "started"), event("trace", "running", done=5), ends)
    assert view["state"] == state
    assert stage(view, "trace")["state"] == "halted"


def test_a_run_whose_process_is_gone_was_interrupted() -> None:
    view = folded(event(None, "started", pid=1), event("trace", "running", done=5, seconds=1.0), alive=False)
    assert view["state"] == "interrupted"
    assert stage(view, "trace")["left_s"] is None
    assert process_runs(os.getpid())
    assert not process_runs(2**22 + 12345)


def test_stages_that_were_passed_over_are_not_shown_once_it_is_over() -> None:
    done = [event(name, "done", out=100) for name in STAGES if name != "difficulty"]
    over = folded(event(None, "started"), *done, event(None, "finished", detail="finished"))
    assert [one["stage"] for one in over["stages"]] == [name for name in STAGES if name != "difficulty"]


def test_a_growing_file_is_followed_a_torn_line_waits_and_a_new_start_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    follower = FunnelFile(path)
    assert follower.read().state == "none"
    line = json.dumps(event("collect", "running", done=7)) + "\n"
    path.write_text(json.dumps(event(None, "started", pid=5)) + "\n" + line[:20])
    assert follower.read().stages == {}
    with path.open("a") as file:
        file.write(line[20:] + "[1]\nno json\n" + json.dumps(event("unknown", "done")) + "\n")
    assert follower.read().stages["collect"].done == 7
    with path.open("a") as file:
        file.write(json.dumps(event(None, "started", pid=6)) + "\n")
    assert (follower.read().stages, follower.read().pid) == ({}, 6)


def rejection(number: int, rule: str = "near_duplicate", **more: Any) -> str:
    entry = {"stage": "duplicates", "rule": rule, "source": "a", "id": str(number), "key": "", "detail": "of a/0"}
    return json.dumps({**entry, "question": HOSTILE, **more}) + "\n"


def test_rejections_are_found_by_rule_while_their_file_grows_and_when_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    file = RejectedFile(path)
    assert file.counts() == {}
    path.write_text("".join(rejection(n) for n in range(60)) + rejection(99, "exact_duplicate")[:30])
    assert file.counts() == {("duplicates", "near_duplicate"): 60}
    assert [entry["id"] for entry in file.page("duplicates", "near_duplicate", 50)] == [str(n) for n in range(50, 60)]
    assert len(file.page("duplicates", "near_duplicate", 0)) == PAGE
    assert file.page("duplicates", "nothing", 0) == []
    path.write_text(rejection(1, "exact_duplicate"))
    assert file.counts() == {("duplicates", "exact_duplicate"): 1}


def test_lengths_become_shares_per_doubling() -> None:
    view = lengths_view("a", [100] * 50 + [200] * 50 + [400] * 100)
    widths = [high / low for low, high in zip(view["edges"], view["edges"][1:], strict=False)]
    assert sum(view["counts"]) == 200 == view["n"]
    assert max(widths) == pytest.approx(min(widths), rel=0.02)
    assert (view["origin"], view["mean"]) == ("measured", 275.0)
    assert lengths_view("none", [])["counts"] == []
    assert lengths_view("one", [7])["counts"] == [1]


def test_the_published_lengths_are_labelled_so() -> None:
    assert [(one["name"], one["origin"], one["n"]) for one in published()] == [
        ("s1K", "published", 1000),
        ("s1K-1.1", "published", 1000),
    ]
    assert all(sum(one["counts"]) == 1000 and one["counts"][-1] for one in published())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.delenv("SPACE_ID", raising=False)
    folder = tmp_path / "curated" / "mine"
    folder.mkdir(parents=True)
    config = {"mode": "published", "sources": [{"name": "gpqa"}]}
    (folder / "manifest.json").write_text(json.dumps({"config": config, "state": "begun"}))
    lines = [rejection(1), rejection(2, source="gpqa"), rejection(3, "contaminated:gpqa_diamond")]
    (folder / "rejected.jsonl").write_text("".join(lines))
    (tmp_path / "secret.json").write_text("{}")
    app = FastAPI()
    app.include_router(
        router(SetStore(tmp_path / "curated"), CurateJobs(tmp_path / "curated", Jobs(tmp_path / "jobs")))
    )
    with TestClient(app) as client:
        yield client


def get(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    found = client.get(f"/curate/{path}", params=query)
    assert found.status_code == 200
    return found.json()


def test_sets_under_way_and_examples_are_listed(client: TestClient) -> None:
    sets = get(client, "sets")["sets"]
    assert [(one["id"], one["state"], one["example"]) for one in sets] == [
        ("mine", "begun", False),
        ("example.nano-1k", "finished", True),
        ("example.nano-random", "finished", True),
    ]


def test_an_example_tells_that_it_is_a_part(client: TestClient) -> None:
    one = get(client, "set", set="example.nano-1k")
    assert "60 of 1,000 selected" in one["note"]
    assert one["lengths"]["n"] == 1000
    assert sum(count for _, count in one["domains"]) == 1000
    selected = get(client, "selected", set="example.nano-1k")
    assert (selected["here"], selected["total"]) == (60, 1000)
    rejected = get(client, "rejected", set="example.nano-1k", stage="select", rule="not_drawn")
    assert (len(rejected["rows"]), rejected["total"], rejected["more"]) == (8, 13_109, False)


def test_selected_rows_are_searched_and_opened_with_their_trace(client: TestClient) -> None:
    found = get(client, "selected", set="example.nano-1k", words="BALL UNDER CUP")
    assert 0 < found["found"] < 60
    one = get(client, "question", set="example.nano-1k", key=found["rows"][0]["key"])
    assert one["question"].startswith("Ball under cup")
    assert one["thinking"] and one["attempt"] and dict(one["facts"])["domain"] == "cups"
    assert get(client, "selected", set="example.nano-1k", words="no such words")["found"] == 0
    assert "reload the page" in get(client, "question", set="example.nano-1k", key="x")["error"]


def test_two_sets_are_compared(client: TestClient) -> None:
    found = get(client, "compare", set="example.nano-1k", other="example.nano-random")
    assert found["both"] + found["only_a"] == found["both"] + found["only_b"] == 1000
    assert {name for name, _, _ in found["domains"]} == {"clock", "letters", "hops", "digits", "cups", "powers"}
    assert found["lengths"]["name"] == "nano-random"
    assert "Only finished sets" in get(client, "compare", set="mine", other="example.nano-1k")["error"]


@pytest.mark.parametrize("name", ["", "..", "../secret", "nobody", "example.", "example.../mine", "mine/../mine", "/"])
def test_a_forged_name_reaches_nothing(client: TestClient, name: str) -> None:
    for path in ("set", "progress", "selected"):
        assert "no curated set" in get(client, path, set=name)["error"]


def test_texts_that_must_not_be_public_are_hidden_in_public_alone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(rule: str) -> list[tuple[str, str]]:
        rows = get(client, "rejected", set="mine", stage="duplicates", rule=rule)["rows"]
        return [(row["question"], row["detail"]) for row in rows]

    assert shown("near_duplicate") == [(HOSTILE, "of a/0")] * 2
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    assert shown("near_duplicate") == [(HOSTILE, "of a/0"), ("", "")]
    assert shown("contaminated:gpqa_diamond") == [("", "")]


def test_what_was_made_of_the_owners_files_is_his_alone_in_public(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"mode": "published", "sources": [{"name": "diary", "files": [["diary.jsonl", 1, 1]]}]}
    folder = tmp_path / "curated" / "diary"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"config": config, "state": "begun"}))
    assert "diary" in [one["id"] for one in get(client, "sets")["sets"]]
    assert get(client, "set", set="diary")["id"] == "diary"
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    assert "diary" not in [one["id"] for one in get(client, "sets")["sets"]]
    for path in ("set", "progress", "selected"):
        assert "no curated set" in get(client, path, set="diary")["error"]
    assert get(client, "job", set="diary") == {"runs": False, "said": ""}
