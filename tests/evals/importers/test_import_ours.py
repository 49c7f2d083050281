"""Runs that lm-eval and inspect made through this project's own API come back with settings, tokens and receipts."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals import import_lm_eval
from evals.importers import inspect_zip, write
from evals.importers.lines import Notes
from evals.importers.settings import asked_of
from evals.importers.tokens import own_tokenizer
from s1core.models import NANO_WEIGHTS
from s1core.store import Row, read_manifest, read_rows
from tests.evals.importers.logs import (
    inspect_head,
    inspect_json,
    inspect_sample,
    inspect_zstd,
    judged,
    lm_eval,
    with_receipt,
    zstd_zip,
)

OURS = "openai-api/nano/s1-nano"
THOUGHT = [{"type": "reasoning", "reasoning": "\nMaybe 6.\nWait, 7.\n"}, {"type": "text", "text": "\nFinal Answer: 7"}]


def run(out: Path, *paths: Path, options: tuple[str, ...] = ()) -> list[Row]:
    assert import_lm_eval.main([*map(str, paths), "--out", str(out), *options]) == 0
    return list(read_rows(out))


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({"thinking_budget": 64, "waits": 1}, "budget 64, 1 x Wait"),
        ({"thinking_budget": 64, "waits": 2, "wait_text": "Hmm"}, "budget 64, 2 x Hmm"),
        ({"waits": 1}, "1 x Wait"),
        ({"extra_body": {"thinking_budget": 64, "waits": 1}}, "budget 64, 1 x Wait"),
        ({"thinking_token_budget": 64}, "budget 64"),
        ({"thinking_budget_tokens": "64"}, "budget 64"),
        ({"thinking": {"type": "enabled", "budget_tokens": 64}}, "budget 64"),
        ({"extra_body": {"thinking": {"budget_tokens": 64}}}, "budget 64"),
        ({"reasoning": {"max_tokens": 64}}, "budget 64"),
        ({"reasoning_tokens": 64}, "budget 64"),
        ({"chat_template_kwargs": {"thinking_budget": 64}}, "budget 64"),
        ({"thinking": {"type": "disabled"}}, "budget 0"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "budget 0"),
        ({"reasoning_effort": "none"}, "budget 0"),
        ({"reasoning": {"effort": "none"}}, "budget 0"),
        ({"reasoning_effort": "low"}, "natural, effort low"),
        ({"extra_body": {"reasoning": {"effort": "high"}}}, "natural, effort high"),
        ({"min_thinking_tokens": 32}, "natural, at least 32 tokens"),
        ({"thinking_token_budget": -1}, "natural"),
        ({"thinking_budget": None, "waits": None}, "natural"),
        ({"max_tokens_thinking": 500, "thinking_n_ignore": 1, "thinking_n_ignore_str": "Wait"}, "budget 500, 1 x Wait"),
        ({"max_tokens_thinking": "auto"}, "natural"),
    ],
)
def test_every_way_to_ask_for_thinking_is_read(options: dict[str, Any], label: str) -> None:
    assert asked_of(options).label == label
    assert asked_of(json.loads(json.dumps(options))).thinks == (label not in ("natural", "budget 0"))


def test_the_harness_has_a_budget_a_round_and_our_api_a_total() -> None:
    assert asked_of({"max_tokens_thinking": 500}).accounting == "per_round"
    assert asked_of({"thinking_budget": 500}).accounting == "total"


def test_options_in_the_words_of_a_command_line_are_read(tmp_path: Path) -> None:
    words = 'thinking_budget=64,waits=1,chat_template_kwargs={"a": 1, "b": 2}'
    folder = lm_eval(tmp_path / "log", [judged(0, exact_match=1)], model={"model": "s1-nano"})
    (results,) = folder.glob("results_*.json")
    content = json.loads(results.read_text())
    content["config"]["gen_kwargs"] = words
    results.write_text(json.dumps(content))
    assert run(tmp_path / "out", folder)[0]["setting"] == "budget 64, 1 x Wait"


def test_two_settings_of_lm_eval_are_two_points(tmp_path: Path) -> None:
    for budget in (16, 64):
        model = {"model": "s1-nano", "base_url": "http://127.0.0.1:7860/v1/chat/completions"}
        rows = [judged(n, exact_match=1) for n in range(3)]
        folder = tmp_path / "logs" / str(budget)
        lm_eval(folder, rows, backend="local-chat-completions", model=model, thinking_budget=budget, waits=1)
    rows = run(tmp_path / "out", tmp_path / "logs")
    assert [row["setting"] for row in rows] == ["budget 16, 1 x Wait"] * 3 + ["budget 64, 1 x Wait"] * 3
    assert {row["thinking_tokens"] for row in rows} == {None}  # the answer is all that lm-eval keeps
    assert read_manifest(tmp_path / "out")["config"]["model"] == "s1-nano"


def test_runs_that_differ_in_their_temperature_are_two_points(tmp_path: Path) -> None:
    for temperature in (0, 0.6):
        folder = tmp_path / "logs" / str(temperature)
        lm_eval(folder, [judged(0, exact_match=1)], model={"model": "s1-nano"}, temperature=temperature)
    rows = run(tmp_path / "out", tmp_path / "logs")
    assert [row["setting"] for row in rows] == ["natural", "natural, temperature 0.6"]


def test_the_tokenizer_of_a_bundled_model_is_not_looked_for_on_the_hub() -> None:
    assert own_tokenizer("s1-nano") == (str(NANO_WEIGHTS), "s1-nano")
    assert own_tokenizer("s1.1-7B")[0] == "simplescaling/s1.1-7B"
    assert own_tokenizer("org/m") == ("org/m", "m")


def test_thinking_of_s1_nano_is_counted_by_its_own_tokenizer(tmp_path: Path) -> None:
    text = "<|im_start|>think\nabc\n<|im_start|>answer\nFinal Answer: 7"
    rows = run(tmp_path / "out", lm_eval(tmp_path / "log", [judged(0, text, exact_match=1)], model="s1-nano"))
    assert (rows[0]["thinking_tokens"], rows[0]["closed_by"]) == (4, "budget")
    assert read_manifest(tmp_path / "out")["tokenizer"] == "s1-nano"


@pytest.mark.parametrize("packed", [inspect_zstd, inspect_json], ids=["zstd", "json"])
def test_inspect_runs_come_back_with_their_receipts(tmp_path: Path, packed: Any) -> None:
    asked = {"extra_body": {"thinking_budget": 64, "waits": 1}}
    head = inspect_head(OURS, samples=2, model_generate_config=asked)
    samples = [
        with_receipt(inspect_sample(1, THOUGHT, {"match": "C"}, tokens=38)),
        with_receipt(inspect_sample(2, THOUGHT, {"match": "I"}, tokens=64), thinking_tokens=64, closed_by="budget"),
    ]
    path = packed(tmp_path / f"log.{'eval' if packed is inspect_zstd else 'json'}", samples, head)
    rows = run(tmp_path / "out", path)
    assert [row["setting"] for row in rows] == ["budget 64, 1 x Wait"] * 2
    assert [(row["thinking_tokens"], row["answer_tokens"], row["waits_used"]) for row in rows] == [
        (38, 16, 1),
        (64, 16, 1),
    ]
    assert [row["closed_by"] for row in rows] == ["model", "budget"]
    assert [row["correct"] for row in rows] == [True, False]
    assert rows[0]["receipt"]["max_thinking_tokens"] == 64
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["config"]["model"], manifest["tokenizer"]) == ("s1-nano", write.TOLD)


def test_an_effort_is_the_budget_that_its_receipts_tell(tmp_path: Path) -> None:
    head = inspect_head(OURS, model_generate_config={"reasoning_effort": "low"})
    sample = with_receipt(inspect_sample(1, THOUGHT), max_thinking_tokens=1024, budget_from="reasoning_effort")
    (row,) = run(tmp_path / "out", inspect_json(tmp_path / "log.json", [sample], head))
    assert row["setting"] == "budget 1024, effort low"
    assert row["receipt"]["budget_from"] == "reasoning_effort"


@pytest.mark.parametrize("told", [{"thinking_tokens": "many"}, {"closed_by": "magic"}, {"answer_tokens": -1}])
def test_a_receipt_that_cannot_be_one_is_left_out(tmp_path: Path, told: dict[str, Any]) -> None:
    sample = with_receipt(inspect_sample(1, THOUGHT, tokens=38), **told)
    (row,) = run(tmp_path / "out", inspect_json(tmp_path / "log.json", [sample], inspect_head(OURS)))
    assert (row["receipt"], row["thinking_tokens"], row["waits_used"]) == (None, 38, None)


def test_a_log_without_its_unpacker_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = inspect_zstd(tmp_path / "log.eval", [inspect_sample(1)])
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert import_lm_eval.main([str(path)]) == 2
    told = capsys.readouterr().err
    assert "pip install zstandard" in told
    assert "inspect log convert LOG.eval --to json --output-dir FOLDER" in told


def test_a_method_that_is_not_read_says_what_to_do(tmp_path: Path) -> None:
    path, notes = tmp_path / "log.eval", Notes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as log:
        log.writestr("header.json", json.dumps(inspect_head()))
    assert inspect_zip.read_header(path, notes) is None
    assert "--output-dir FOLDER" in " ".join(notes)


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_zip, "LARGEST_MEMBER", 100_000)
    path, notes = tmp_path / "log.eval", Notes()
    # A header that claims little: what it unpacks to is found on the way.
    path.write_bytes(zstd_zip({"header.json": b" " * 50_000_000}, claims=10))
    assert path.stat().st_size < 20_000
    assert inspect_zip.read_header(path, notes) is None
    assert "unpacks to more than" in " ".join(notes)


def test_a_damaged_member_is_told_and_the_rest_comes_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = inspect_zstd(tmp_path / "log.eval", [inspect_sample(n, scores={"match": "C"}) for n in (1, 2)])
    content = bytearray(path.read_bytes())
    content[content.index(b"samples/2_epoch_1.json") + 60] ^= 0xFF
    path.write_bytes(content)
    assert len(run(tmp_path / "out", path)) == 1
    assert "samples/2_epoch_1.json: is damaged" in capsys.readouterr().err


LOGS = Path(__file__).parents[2] / "data" / "client_logs"
"""What lm_eval and inspect_ai logged against this project's server: 12 questions of s1-nano's each."""


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("lm_eval-chat-budget-64", "budget 64"),
        ("lm_eval-chat-budget-64-wait-1", "budget 64, 1 x Wait"),
        ("lm_eval-text-ids", "budget 64, 1 x Wait"),
    ],
)
def test_real_runs_of_lm_eval_come_back_with_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, setting: str
) -> None:
    rows = run(tmp_path / "out", LOGS / name)
    assert {row["setting"] for row in rows} == {setting}
    assert [row["thinking_tokens"] for row in rows] == [None] * 12
    assert all(row["answered"] and row["question"] and row["rule"] == "recorded: exact_match" for row in rows)
    assert "--gen_kwargs reasoning_format=raw" in capsys.readouterr().err


def test_a_real_run_of_lm_eval_with_raw_text_comes_back_with_tokens(tmp_path: Path) -> None:
    raw = run(tmp_path / "raw", LOGS / "lm_eval-chat-raw")
    parsed = run(tmp_path / "parsed", LOGS / "lm_eval-chat-budget-64-wait-1")
    assert [row["segments"][-1] for row in raw] == [row["segments"][-1] for row in parsed]
    forced = [row["thinking_tokens"] for row in raw if row["closed_by"] == "budget"]
    own = [row["thinking_tokens"] for row in raw if row["closed_by"] == "model"]
    assert set(forced) == {64} and all(0 < tokens <= 64 for tokens in own)
    assert len(forced) + len(own) == 12 and own
    assert read_manifest(tmp_path / "raw")["tokenizer"] == "s1-nano"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("inspect-natural", "natural"),
        ("inspect-budget-64-wait-1", "budget 64, 1 x Wait"),
        ("inspect-effort-low", "budget 1024, effort low"),
    ],
)
def test_real_runs_of_inspect_come_back_with_receipts(tmp_path: Path, name: str, setting: str) -> None:
    rows = run(tmp_path / "out", LOGS / name)
    assert len(rows) >= 12 and {row["setting"] for row in rows} == {setting}
    for row in rows:
        assert row["thinking_tokens"] == row["receipt"]["thinking_tokens"] <= 1024
        assert (row["closed_by"], row["waits_used"]) == (row["receipt"]["closed_by"], row["receipt"]["waits_used"])
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["config"]["model"], manifest["tokenizer"]) == ("s1-nano", write.TOLD)
