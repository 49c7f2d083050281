"""The command line as users run it, killed without warning included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from curate_helpers import question_file, rejections
from fake_claude import FakeClaude

from curate.claude.live import AT_ONCE
from curate.recipes import RECIPES, recipe_words
from curate.run import main
from s1core.nano import WEAK

ROOT = Path(__file__).parents[2]


def start(tmp_path: Path, fake: FakeClaude, *words: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "curate.run",
        *words,
        "--out",
        str(tmp_path / "run"),
        "--cache",
        str(tmp_path / "c"),
    ]
    surroundings = {**os.environ, "ANTHROPIC_BASE_URL": fake.url, "ANTHROPIC_API_KEY": fake.key}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=surroundings,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.002)
    process.kill()
    process.communicate()


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """By domains alone: no model has to be loaded."""
    path = question_file(tmp_path / "pool.jsonl", 150)
    return [
        "--source",
        str(path),
        "--eval",
        "none",
        "--select",
        "diverse",
        "--domains",
        "claude",
        "--target",
        "30",
        "--yes",
    ]


def by_text(text: str) -> str:
    time.sleep(0.01)
    return "05" if sum(text.encode()) % 2 else "11"


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out + errors


def test_single_calls_survive_kills(tmp_path: Path, fake: FakeClaude, words: list[str]) -> None:
    fake.answer = by_text
    kills = (1, 20, 60, 100)
    for answered in kills:
        process = start(tmp_path, fake, *words, "--claude-mode", "live")
        kill_when(process, lambda n=answered: sum(fake.asked.values()) >= n)
    said = finish(start(tmp_path, fake, *words, "--claude-mode", "live"))
    assert "30 rows in" in said
    assert len(fake.asked) == 150
    lines = [json.loads(line) for line in (tmp_path / "c" / "claude" / "samples.jsonl").read_text().splitlines()]
    answers = [line["key"] for line in lines if line["do"] == "answer"]
    # No answer that was written down is asked for again; what was on the wire at a kill may be.
    assert len(answers) == len(set(answers)) == 150
    assert sum(fake.asked.values()) <= 150 + AT_ONCE * len(kills)
    assert len(rejections(tmp_path / "run")) == 120


def test_batches_survive_a_kill_between_the_making_and_the_reply(
    tmp_path: Path, fake: FakeClaude, words: list[str]
) -> None:
    fake.answer = by_text
    running: list[subprocess.Popen[str]] = []
    fake.on_batch = lambda batch_id: running[-1].kill()
    running.append(start(tmp_path, fake, *words, "--claude-mode", "batch", "--poll", "0.05"))
    running[-1].communicate(timeout=120)
    assert running[-1].returncode == -signal.SIGKILL
    assert len(fake.batches) == 1
    fake.on_batch = lambda batch_id: None
    finish(start(tmp_path, fake, *words, "--claude-mode", "batch", "--poll", "0.05"))
    assert len(fake.batches) == 1
    assert set(fake.asked.values()) == {1}


@pytest.mark.parametrize("noted", [0, 1, 75, 149])
def test_batches_survive_a_kill_while_their_answers_are_noted(
    tmp_path: Path, fake: FakeClaude, words: list[str], noted: int
) -> None:
    fake.answer, fake.polls = by_text, 3
    journal = tmp_path / "c" / "claude" / "samples.jsonl"
    process = start(tmp_path, fake, *words, "--claude-mode", "batch", "--poll", "0.05")
    kill_when(process, lambda: journal.exists() and journal.read_text().count('"do":"answer"') >= noted > -1)
    finish(start(tmp_path, fake, *words, "--claude-mode", "batch", "--poll", "0.05"))
    assert len(fake.batches) <= 1 + (noted == 0)
    assert set(fake.asked.values()) == {1}
    assert journal.read_text().count('"do":"answer"') == 150


def test_sigterm_ends_cleanly_and_the_same_command_goes_on(tmp_path: Path, fake: FakeClaude, words: list[str]) -> None:
    fake.answer = by_text
    process = start(tmp_path, fake, *words, "--claude-mode", "live")
    while sum(fake.asked.values()) < 20:
        time.sleep(0.01)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from here" in errors
    finish(start(tmp_path, fake, *words, "--claude-mode", "live"))
    assert set(fake.asked.values()) == {1}


def test_the_whole_command_with_real_weak_models_killed_in_between(tmp_path: Path, fake: FakeClaude) -> None:
    given = ["--recipe", "nano", "--source", "nano:60", "--target", "8", "--weak-max-tokens", "16"]

    def attempts() -> list[str]:
        files = (tmp_path / "c").glob("attempt-*/samples.jsonl")
        return [f"{path.parent} {line}" for path in files for line in path.read_text().splitlines()]

    kill_when(start(tmp_path, fake, *given), lambda: len(attempts()) >= 45)
    before = attempts()
    said = finish(start(tmp_path, fake, *given))
    assert "8 rows in" in said
    rules = {r.rule.partition("@")[0] for r in rejections(tmp_path / "run")}
    assert {"solved_by:weak-1", "not_drawn"} <= rules
    assert not fake.requests
    # What was written is kept as it is, and no question is put to a model twice.
    assert set(before[:-1]) <= set(attempts())
    asked = [line.partition(" ")[0] + json.loads(line.partition(" ")[2])["key"] for line in attempts()]
    assert len(asked) == len(set(asked))
    broken = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert main([*given, "--out", str(tmp_path / "whole"), "--cache", str(tmp_path / "other")]) == 0
    whole = json.loads((tmp_path / "whole" / "manifest.json").read_text())
    assert (broken["rows_hash"], broken["funnel"]) == (whole["rows_hash"], whole["funnel"])


def test_nothing_is_spent_where_nobody_can_be_asked(tmp_path: Path, fake: FakeClaude, words: list[str]) -> None:
    process = start(tmp_path, fake, *words[:-1])
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "claude-haiku-5-5" in out
    assert "Cap $5.00" in out
    assert "--yes goes on without asking" in out
    assert not fake.requests
    told = json.loads((tmp_path / "run" / "estimate.json").read_text())
    assert (told["basis"], told["rows"], told["cap_usd"], told["spent_usd"]) == ("rows", 150, 5.0, 0.0)
    assert [cost["stage"] for cost in told["costs"]] == ["domain"]
    assert 0 < told["usd_cached"] < told["usd"]


def test_the_whole_s1k_is_estimated_at_once_without_network_or_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.sources.hub._load", lambda *_: pytest.fail("the network was asked"))
    words = ["--recipe", "s1k", "--estimate", "counts", "--out", str(tmp_path / "run")]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["basis"], told["rows"]) == ("counts", 59_029)
    calls = {(cost["stage"], cost["who"]): cost["calls"] for cost in told["costs"]}
    assert calls[("difficulty", "claude-haiku-5-5")] == 3 * 59_029
    assert calls[("trace", "DeepSeek-R1-Distill-Qwen-32B")] == calls[("domain", "claude-haiku-5-5")] == 59_029
    assert 0 < told["usd_cached"] < told["usd"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "more than the cap" in said
    assert "By published counts: 59,029 questions" in said
    assert not (tmp_path / "run").exists()


def test_the_catalogue_tells_what_can_be_asked() -> None:
    told = json.loads(subprocess.check_output([sys.executable, "-m", "curate.catalogue"], cwd=ROOT, text=True))
    assert len(told["sources"]) == 19
    rows = {source["name"]: source["rows"] for source in told["sources"]}
    assert (rows.pop("nano"), rows.pop("problems"), rows.pop("gsm8k")) == (None, None, 7_473)
    assert sum(rows.values()) == 59_029
    assert [source["name"] for source in told["sources"] if source["private"]] == ["gpqa"]
    assert set(told["recipes"]) == {"nano", "s1-135m", "s1k"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--source", "nowhere"], "no source and no file is called 'nowhere'"),
        ([], "no source was named"),
        (["--source", "nano:50"], "needs weaker models"),
        (["--source", "nano:50", "--source", "nano:60"], "source nano is named twice"),
        (["--source", "nano:50", "--fields", "question"], "--fields is written as"),
        (["--source", "problems:many"], "expected a number of questions, such as problems:24000"),
        (["--source", "problems:50", "--local", "gsm8k=x.jsonl"], "sources of the hub here: none"),
        (["--recipe", "s1-135m", "--local", "gsm8k=none.jsonl"], "there is no file none.jsonl"),
        (["--recipe", "s1-135m", "--difficulty-sample", "0"], "--difficulty-sample must be 1 or more"),
        (["--recipe", "s1-135m", "--length-ratio", "0"], "--length-ratio must be above 0"),
        (["--source", "nano:50", "--select", "all", "--target", "0"], "target must be 1 or more"),
        (["--source", "nano:50", "--select", "all", "--shard", "8/8"], "a shard is written as 0/8"),
        (["--source", "nano:50", "--select", "all", "--eval", "math500=none.jsonl"], "there is no file none.jsonl"),
        (["--source", "nano:50", "--select", "diverse", "--domains", "claude", "--claude-model", "x"], "price of 'x'"),
        (["--source", "nano:50", "--select", "all", "--claude-price", "1"], ""),
    ],
)
def test_bad_arguments_are_one_sentence(
    tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evals = [] if "--eval" in words else ["--eval", "none"]
    code = main([*words, *evals, "--out", str(tmp_path / "r"), "--cache", str(tmp_path / "c")])
    error = capsys.readouterr().err
    if message:
        assert code == 2
        assert message in error.splitlines()[-1]
    else:
        assert code == 0


def test_recipes_give_way_to_the_users_lists() -> None:
    own = recipe_words("nano", {"source"})
    assert "--source" not in own
    assert own.count("--weak") == len(WEAK) == 2
    assert [value for option, value in RECIPES["s1k"] if option == "source"].__len__() == 16
