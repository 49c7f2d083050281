"""The whole funnel: every row accounted for, resumable at every point, the same set whatever happened on the way."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from claude_helpers import MakeClaude
from curate_helpers import knows, question_file, rejections, use_engines
from datasets import load_from_disk
from fake_claude import FakeClaude

from curate.claude.journal import CapReached, Journal
from curate.claude.prices import MODELS
from curate.config import CurateConfig, Means
from curate.estimate import as_table, estimate, pool_of
from curate.example import main as example
from curate.generation import ModelSpec
from curate.pipeline import Result, curate
from curate.progress import read_events
from curate.push import check
from curate.push import main as push
from curate.rows import CurateError, Row
from curate.sources import evaluation_spec, parse_spec
from curate.stages.trace import NanoTeacher
from s1core.errors import EngineFailed
from tests.stand_in_hub import stand_in

WEAK = (ModelSpec(model="weak-a"), ModelSpec(model="weak-b"))


def config(tmp_path: Path, count: int = 120, **more: Any) -> CurateConfig:
    path = tmp_path / "pool.jsonl"
    if not path.exists():
        question_file(path, count)
    options: dict[str, Any] = {
        "sources": [parse_spec(str(path))],
        "evaluation": [evaluation_spec("nano")],
        "weak": WEAK,
        "target": 20,
        **more,
    }
    return CurateConfig(**options)


def run(tmp_path: Path, wanted: CurateConfig, out: str = "run", **more: Any) -> Result:
    means = more.pop("means", None) or Means(cache=tmp_path / "cache")
    return curate(wanted, tmp_path / out, means, **more)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return use_engines(monkeypatch, **{"weak-a": knows(3), "weak-b": knows(2)})


def manifest(tmp_path: Path, out: str = "run") -> dict[str, Any]:
    return json.loads((tmp_path / out / "manifest.json").read_text())


def test_every_row_is_in_the_set_or_rejected_with_a_rule(tmp_path: Path, engines: list[str]) -> None:
    wanted = config(tmp_path)
    result = run(tmp_path, wanted)
    dataset = load_from_disk(str(tmp_path / "run" / "dataset"))
    gone = rejections(tmp_path / "run")
    assert result.state == "finished"
    assert len(dataset) == 20
    assert len(dataset) + len(gone) == 120
    assert set(dataset["id"]).isdisjoint(r.id for r in gone)
    assert all(r.rule and r.stage for r in gone)
    assert {r.rule.split(":")[0] for r in gone} == {"contaminated", "solved_by", "not_drawn"}
    stages = [count.stage for count in result.funnel]
    assert stages == ["collect", "duplicates", "decontaminate", "trace", "quality", "difficulty", "domain", "select"]
    for before, after in zip(result.funnel, result.funnel[1:], strict=False):
        assert before.rows_out == after.rows_in
        assert after.rows_in - after.rows_out == sum(after.rejected.values())


def test_a_row_of_the_set_is_ready_to_train_on(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    row: Any = load_from_disk(str(tmp_path / "run" / "dataset"))[0]
    assert row["user"] == row["question"]
    thinking, answer = row["assistant"].removeprefix("<|im_start|>think\n").split("\n<|im_start|>answer\n")
    assert thinking == row["thinking"].strip()
    assert thinking.startswith("Maybe ")
    assert answer == row["attempt"]
    assert answer.startswith("Final Answer: ")
    assert row["thinking_tokens"] == len(row["thinking"])
    assert row["drawn"] == "uniform_domain"
    assert row["domain"] in ("letters", "powers", "digits", "clock", "hops", "cups")


def test_the_manifest_and_the_card_tell_how_it_came_about(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    told = manifest(tmp_path)
    assert told["state"] == "finished"
    assert told["rows"] == 20 == sum(told["domains"].values()) == sum(told["teacher_right"].values())
    assert told["cost"]["usd"] == 0
    card = (tmp_path / "run" / "README.md").read_text()
    assert "| decontaminate | 120 |" in card
    assert "solved\\_by:weak-a" in card
    assert str(tmp_path) not in card + json.dumps(told)


def test_the_second_model_is_asked_only_what_the_first_did_not_solve(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    assert engines == ["weak-a", "weak-b"]
    rules = Counter(r.rule for r in rejections(tmp_path / "run"))
    lines = [len(p.read_text().splitlines()) for p in (tmp_path / "cache").glob("attempt-*/samples.jsonl")]
    assert max(lines) - min(lines) == rules["solved_by:weak-a"] > 0


def test_a_second_run_finds_everything_done(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    before = manifest(tmp_path)["rows_hash"], rejections(tmp_path / "run")
    run(tmp_path, config(tmp_path))
    assert engines == ["weak-a", "weak-b"]
    assert (manifest(tmp_path)["rows_hash"], rejections(tmp_path / "run")) == before
    known = [e["stage"] for e in read_events(tmp_path / "run") if e.get("known")]
    assert known == ["duplicates", "decontaminate", "quality"]


def test_other_selections_share_traces_and_need_no_weak_models(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    sizes = {}
    for mode in ("random", "diverse", "longest", "all"):
        result = run(tmp_path, config(tmp_path, mode=mode, weak=()), out=mode)
        sizes[mode] = result.rows
        assert "difficulty" not in [count.stage for count in result.funnel]
    assert sizes["random"] == sizes["diverse"] == sizes["longest"] == 20
    assert sizes["all"] > 100
    assert engines == ["weak-a", "weak-b"]
    assert len(list((tmp_path / "cache").glob("trace-*"))) == 1


@pytest.mark.parametrize("fails_at", [1, 7, 40])
def test_an_engine_that_fails_in_the_middle_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    engine = knows(3)
    generate = engine.agenerate

    async def failing(request: Any) -> Any:
        if len(engine.requests) >= fails_at:
            raise EngineFailed("the device is gone")
        async for chunk in generate(request):
            yield chunk

    monkeypatch.setattr(engine, "agenerate", failing)
    use_engines(monkeypatch, **{"weak-a": engine, "weak-b": knows(2)})
    wanted = config(tmp_path)
    with pytest.raises(EngineFailed):
        run(tmp_path, wanted)
    failed = [e for e in read_events(tmp_path / "run") if e["state"] == "failed"]
    assert [(e["stage"], e["detail"]) for e in failed] == [
        ("difficulty", "the device is gone"),
        (None, "the device is gone"),
    ]
    done = sum(len(p.read_text().splitlines()) for p in (tmp_path / "cache").glob("attempt-*/samples.jsonl"))
    monkeypatch.setattr(engine, "agenerate", generate)
    requests = len(engine.requests)
    run(tmp_path, wanted)
    # Two requests a question: thinking and answer.
    rows = next(e["in"] for e in read_events(tmp_path / "run") if e["stage"] == "difficulty")
    assert len(engine.requests) - requests == 2 * (rows - done)


def test_a_truncated_record_of_rejections_is_made_again(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    before = rejections(tmp_path / "run")
    path = tmp_path / "run" / "rejected.jsonl"
    for kept in (0, 1, 3):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:kept]))
        run(tmp_path, config(tmp_path))
        assert rejections(tmp_path / "run") == before


@pytest.mark.parametrize("damage", [b'{"stage": "qua', b"[1]", b"\xff\xfe", b"null", b'{"stage": 1, "rule": 2}', b"{}"])
def test_a_damaged_line_of_the_record_is_made_again(tmp_path: Path, engines: list[str], damage: bytes) -> None:
    run(tmp_path, config(tmp_path))
    before = rejections(tmp_path / "run")
    paths = [tmp_path / "run" / "rejected.jsonl", *(tmp_path / "run" / "sources").glob("*.jsonl")]
    assert len(paths) >= 3
    for path in paths:
        lines = path.read_bytes().splitlines()
        for number in {0, len(lines) // 2, len(lines) - 1} if lines else ():
            path.write_bytes(b"\n".join([*lines[:number], damage, *lines[number + 1 :]]) + b"\n")
            run(tmp_path, config(tmp_path))
            assert rejections(tmp_path / "run") == before


def test_stopping_after_a_stage_and_going_on(tmp_path: Path, engines: list[str]) -> None:
    for stage in ("collect", "decontaminate", "quality", "domain"):
        result = run(tmp_path, config(tmp_path), until=stage)
        assert (result.state, result.funnel[-1].stage) == ("partial", stage)
        assert not (tmp_path / "run" / "dataset").exists()
    assert run(tmp_path, config(tmp_path)).state == "finished"


def test_no_rows_left_names_the_stage_and_the_rules(tmp_path: Path, engines: list[str]) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps({"question": f"See ![Image] {n}?", "answer": "1"}) + "\n" for n in range(3)))
    with pytest.raises(CurateError, match=r"stage quality left none of 3 rows \(failed_call 3\)"):
        run(tmp_path, config(tmp_path))
    assert len(rejections(tmp_path / "run")) == 3


def test_a_model_that_answers_nothing_is_a_fault_and_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = knows(3)
    engine.context_length = 20
    use_engines(monkeypatch, **{"weak-a": engine})
    with pytest.raises(CurateError, match=r"weak-a answered none of .* questions \(question_too_long"):
        run(tmp_path, config(tmp_path))


def test_a_folder_of_other_settings_is_refused(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    with pytest.raises(CurateError, match="other settings"):
        run(tmp_path, config(tmp_path, target=10))


def test_questions_of_a_teacher_on_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = knows(1)
    use_engines(monkeypatch, **{"teacher": teacher, "weak-a": knows(3)})
    wanted = config(tmp_path, teacher=ModelSpec(model="teacher"), weak=WEAK[:1])
    run(tmp_path, wanted)
    row = load_from_disk(str(tmp_path / "run" / "dataset"))[0]
    assert row["thinking"] == "\nMaybe.\n"
    assert row["thinking_tokens"] == len("\nMaybe.\n")
    assert manifest(tmp_path)["teacher_right"] == {"right": 20}


def test_models_without_a_thinking_block_are_asked_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = knows(3)
    seen: list[str] = []
    monkeypatch.setattr(engine, "_script", lambda text, n: seen.append(text) or "It is 3.<|im_end|>")
    use_engines(monkeypatch, **{"weak-a": engine})
    run(tmp_path, config(tmp_path, weak=(replace(WEAK[0], style="answer"),)))
    assert all(text.endswith("<|im_start|>assistant\n") for text in seen)


def test_shards_do_the_models_work_and_a_whole_run_finds_it(tmp_path: Path, engines: list[str]) -> None:
    for part in ("0/2", "1/2"):
        means = Means(cache=tmp_path / "cache", shard=part)
        result = run(tmp_path, config(tmp_path), out=f"part-{part[0]}", means=means)
        assert result.state == "partial"
    assert engines == ["weak-a", "weak-b"] * 2
    run(tmp_path, config(tmp_path))
    assert engines == ["weak-a", "weak-b"] * 2
    assert run(tmp_path, config(tmp_path), out="again").rows == 20


def test_the_funnel_can_be_watched(tmp_path: Path, engines: list[str]) -> None:
    heard: list[dict[str, Any]] = []
    run(tmp_path, config(tmp_path), on_event=heard.append)
    assert heard == read_events(tmp_path / "run")
    ends = [e for e in heard if e["state"] == "done"]
    assert [e["stage"] for e in ends][-1] == "render"
    assert all(e["in"] - e["out"] == sum(e["rejected"].values()) for e in ends)
    assert heard[-1]["state"] == "finished"


def claude_means(tmp_path: Path, make_claude: MakeClaude, cap_usd: float = 5.0, **options: Any) -> Means:
    made = make_claude(cap_usd=cap_usd, **options)
    made.journal.close()

    def claude(journal: Journal) -> Any:
        return replace(made, journal=journal)

    journal = tmp_path / "cache" / "claude"
    return Means(cache=tmp_path / "cache", journal=lambda: Journal(journal, "run", cap_usd), claude=claude)


def by_claude(fake: FakeClaude) -> None:
    """Grades by rule, and sorts into two classes."""

    def answer(text: str) -> str:
        if not text.startswith("# Problem"):
            return "05" if sum(text.encode()) % 2 else "11"
        attempt, solution = (part.split("\n\n")[1] for part in text.split("## ")[1:])
        return "So.\nYes" if attempt.strip() == f"Final Answer: {solution.strip()}" else "So.\nNo"

    fake.answer = answer


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_claude_judges_and_classifies(
    tmp_path: Path, engines: list[str], fake: FakeClaude, make_claude: MakeClaude, mode: str
) -> None:
    by_claude(fake)
    wanted = config(tmp_path, judge="claude", domains="claude")
    run(tmp_path, wanted, means=claude_means(tmp_path, make_claude, mode=mode))
    local = config(tmp_path, judge="local")
    run(tmp_path, local, out="local")
    rules = [Counter(r.rule for r in rejections(tmp_path / out)) for out in ("run", "local")]
    assert rules[0]["solved_by:weak-a"] == rules[1]["solved_by:weak-a"] > 0
    told = manifest(tmp_path)
    assert set(told["domains"]) == {"05 Combinatorics", "11 Number theory"}
    assert set(told["prompts"]) == {"grading", "domain"}
    assert told["cost"]["usd"] > 0
    assert told["cost"]["by_task"]["grading"]["calls"] == sum(
        n for text, n in fake.asked.items() if text.startswith("# Problem")
    )
    asked = dict(fake.asked)
    run(tmp_path, wanted, means=claude_means(tmp_path, make_claude, mode=mode))
    assert dict(fake.asked) == asked
    assert set(asked.values()) == {1}


def test_what_claude_cannot_judge_or_sort_is_rejected_by_name(
    tmp_path: Path, engines: list[str], fake: FakeClaude, make_claude: MakeClaude
) -> None:
    fake.answer = lambda text: (
        {"stop_reason": "refusal", "content": []} if "cup" in text else "Hm." if "clock" in text else "05\nNo"
    )
    run(
        tmp_path,
        config(tmp_path, judge="claude", domains="claude", target=5),
        means=claude_means(tmp_path, make_claude),
    )
    rules = Counter(r.rule for r in rejections(tmp_path / "run"))
    assert rules["judge:refused"] > 0
    assert rules["judge:unparseable"] > 0


def test_the_cap_stops_the_run_and_a_higher_one_finishes_it(
    tmp_path: Path, engines: list[str], fake: FakeClaude, make_claude: MakeClaude
) -> None:
    by_claude(fake)
    fake.output_tokens = 1000
    wanted = config(tmp_path, judge="claude")
    with pytest.raises(CapReached):
        run(tmp_path, wanted, means=claude_means(tmp_path, make_claude, cap_usd=0.01))
    last = read_events(tmp_path / "run")[-1]
    assert (last["stage"], last["state"]) == (None, "stopped")
    assert "spending cap" in last["detail"]
    run(tmp_path, wanted, means=claude_means(tmp_path, make_claude, cap_usd=5))
    assert set(fake.asked.values()) == {1}


def test_the_estimate_comes_before_anything_is_spent(
    tmp_path: Path, engines: list[str], fake: FakeClaude, make_claude: MakeClaude
) -> None:
    wanted = config(tmp_path, judge="claude", domains="claude", teacher=ModelSpec(model="teacher"))
    tables: list[str] = []

    def decline(rows: list[Row]) -> bool:
        costs = estimate(wanted, pool_of(rows), model=MODELS["claude-haiku-5-5"], mode="batch", journal=None)
        tables.append(as_table(costs, 5.0, 0.0))
        assert [cost.stage for cost in costs] == ["trace", "difficulty", "difficulty", "difficulty", "domain"]
        assert [cost.calls for cost in costs] == [len(rows)] * 3 + [3 * len(rows), len(rows)]
        domain = costs[-1]
        assert 0 < domain.usd_cached < domain.usd
        assert costs[3].usd_cached == costs[3].usd
        return False

    result = run(tmp_path, wanted, approve=decline, means=claude_means(tmp_path, make_claude))
    assert result.state == "declined"
    assert not fake.asked
    assert engines == []
    assert "uncached" in tables[0]
    assert "too short for the prompt cache" in tables[0]


def test_only_finished_sets_without_private_questions_may_be_published(tmp_path: Path, engines: list[str]) -> None:
    with pytest.raises(CurateError, match="is no curated set"):
        check(tmp_path)
    run(tmp_path, config(tmp_path), until="quality")
    with pytest.raises(CurateError, match="is not finished"):
        check(tmp_path / "run")
    run(tmp_path, config(tmp_path))
    told = check(tmp_path / "run")
    told["sources"][0]["private"] = True
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(CurateError, match="never be published in plain text"):
        check(tmp_path / "run")


def test_publishing_uploads_rows_and_card_by_its_own_command(
    tmp_path: Path, engines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = stand_in(monkeypatch)
    run(tmp_path, config(tmp_path))
    assert not hub.private
    assert push([str(tmp_path / "run"), "--to", "me/nano-20", "--private"]) == 0
    assert (hub.rows, hub.private) == ({"me/nano-20": 20}, {"me/nano-20": True})
    assert hub.files == {"me/nano-20": {"README.md": (tmp_path / "run" / "README.md").read_bytes()}}
    assert "huggingface.co/datasets/me/nano-20" in capsys.readouterr().out
    hub.refuses = ConnectionError("no route")
    assert push([str(tmp_path / "run"), "--to", "me/nano-20"]) == 2
    assert "the hub did not take me/nano-20 (no route)" in capsys.readouterr().err


def test_private_sets_are_not_pushed_to_public_repositories(
    tmp_path: Path, engines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = stand_in(monkeypatch)
    run(tmp_path, config(tmp_path))
    assert push([str(tmp_path / "run"), "--to", "me/open"]) == 0
    hub.rows.clear()
    assert push([str(tmp_path / "run"), "--to", "me/open", "--private"]) == 2
    assert "me/open is there already, and public" in capsys.readouterr().err
    assert push([str(tmp_path / "run"), "--to", "nano-20"]) == 2
    assert "written as owner/name" in capsys.readouterr().err
    assert not hub.rows


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(
    tmp_path: Path, engines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, rejections: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr("curate.pipeline._append", full)
        with pytest.raises(CurateError, match="No space left on device; free space and resume"):
            run(tmp_path, config(tmp_path))
    assert run(tmp_path, config(tmp_path)).state == "finished"


def test_the_teacher_fails_by_name_on_other_questions(tmp_path: Path) -> None:
    kept: list[dict[str, Any]] = []
    row = Row(key="k", id="1", source="a", question="Why?", solution="")
    NanoTeacher().trace([row], lambda *facts: kept.extend(facts))
    assert kept[0]["failed"] == "not a question of s1-nano's families"


def test_an_example_holds_a_part_and_says_of_how_much(tmp_path: Path, engines: list[str]) -> None:
    run(tmp_path, config(tmp_path))
    words = [str(tmp_path / "run"), "--to", str(tmp_path / "example"), "--rows", "5", "--rejected", "2"]
    assert example(words) == 2  # nobody knows the licence of a local file
    path = tmp_path / "run" / "manifest.json"
    told = manifest(tmp_path)
    told["sources"][0]["licence"] = "MIT"
    path.write_text(json.dumps(told))
    assert example(words) == 0
    held = json.loads((tmp_path / "example" / "example.json").read_text())
    assert (held["rows"], len(held["keys"]), len(held["lengths"])) == (20, 20, 20)
    assert sum(held["rejected"].values()) == 100
    assert len((tmp_path / "example" / "rows.jsonl").read_text().splitlines()) == 5
    assert read_events(tmp_path / "example")[-1]["state"] == "finished"
