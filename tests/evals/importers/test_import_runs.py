"""Imports: the original's own output whole, and whatever is broken named while the rest comes in."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals import import_lm_eval
from evals.importers import inspect_zip, write
from evals.importers.lines import Notes
from evals.importers.thinking import split_thinking
from evals.reports.summary import by_setting
from s1core.store import read_manifest, read_rows

DATA = Path(__file__).parents[4] / "shared" / "data"
FORK = DATA / "s1.1_budget_samples"
STAMP = "2025-04-06T00-32-58.601604"


@pytest.fixture(autouse=True)
def count_words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real" not in request.node.name:
        monkeypatch.setattr(write, "load_counter", lambda location: lambda text: len(text.split()))


@pytest.mark.skipif(not FORK.is_dir(), reason="the s1.1-32B samples are not beside the checkout")
def test_real_runs_of_s1_1_32b_come_out_whole(tmp_path: Path) -> None:
    paths = [str(path) for path in sorted((FORK / "fork").glob("s1.1*"))]
    tokenizer = ["--tokenizer", str(DATA / "qwen2_tokenizer")]
    assert import_lm_eval.main([*paths, *tokenizer, "--out", str(tmp_path / "run")]) == 0
    groups = by_setting(read_rows(tmp_path / "run"))
    shares = {name: round(100 * sum(r["correct"] for r in rows) / len(rows), 1) for name, rows in groups.items()}
    budgets = (500, 1000, 2000, 4000, 8000)
    assert list(shares.items()) == [
        (f"budget {b}", share) for b, share in zip(budgets, (83.7, 81.0, 78.8, 78.3, 78.3), strict=True)
    ]
    checked = 0
    for line in (FORK / "derived_per_sample.jsonl").read_text().splitlines():
        fact = json.loads(line)
        if fact["dataset"] != "FORK":
            continue
        row = groups[f"budget {fact['budget']}"][fact["doc_id"]]
        assert row["id"] == f"s1_fork/{fact['doc_id']}"
        assert row["correct"] == fact["correct"]
        if row["closed_by"] == "budget":
            assert row["thinking_tokens"] == fact["budget"]  # exactly what was asked
        else:
            assert row["thinking_tokens"] == fact["think_segment_tokens"] - 2  # less the two tokens that open it
        checked += 1
    assert checked == 920
    assert read_manifest(tmp_path / "run")["config"]["provenance"] == "imported"


@pytest.mark.skipif(not FORK.is_dir(), reason="the s1.1-32B samples are not beside the checkout")
def test_our_own_grading_differs_from_the_recorded_one_in_a_single_misread_question(tmp_path: Path) -> None:
    paths = [str(path) for path in sorted((FORK / "fork").glob("s1.1*"))]
    for name, options in (("recorded", []), ("ours", ["--regrade"])):
        assert import_lm_eval.main([*paths, "--tokenizer", "x", "--out", str(tmp_path / name), *options]) == 0
    recorded, ours = (list(read_rows(tmp_path / name)) for name in ("recorded", "ours"))
    differing = [(a, b) for a, b in zip(recorded, ours, strict=True) if a["answer"] != b["answer"]]
    # The text says B; who read it for upstream noted A (`test_grading_vectors.MISREAD_UPSTREAM`).
    assert [(a["id"], a["answer"], b["answer"]) for a, b in differing] == [("s1_fork/14", "A", "B")] * 5
    assert [a["correct"] == b["correct"] for a, b in zip(recorded, ours, strict=True)].count(False) == 5
    shares = [round(100 * sum(r["correct"] for r in rows) / len(rows), 1) for rows in by_setting(ours).values()]
    assert shares == [83.2, 80.4, 78.3, 77.7, 77.7]  # one of 184 questions below the recorded ones


def lm_eval(folder: Path, lines: list[str] | None = None, model: str = "org/m", **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "config": {"model": "vllm", "model_args": f"pretrained={model},dtype=x", "gen_kwargs": options},
        "configs": {"aime24_nofigures": {}},
        "n-samples": {"aime24_nofigures": {"effective": 2}},
    }
    (folder / f"results_{STAMP}.json").write_text(json.dumps(results))
    text = "\n".join(lines if lines is not None else [sample(0), sample(1)]) + "\n"
    (folder / f"samples_aime24_nofigures_{STAMP}.jsonl").write_text(text)
    return folder


def sample(doc_id: int, **extra: Any) -> str:
    text = "<|im_start|>think\na b c\n<|im_start|>answer\nFinal Answer: 7"
    return json.dumps({"doc_id": doc_id, "doc": {}, "target": "7", "resps": [[text]], **extra})


def run(tmp_path: Path, *paths: Path, code: int = 0, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    out = tmp_path / "out"
    assert import_lm_eval.main([*map(str, paths), "--out", str(out), *options]) == code
    return list(read_rows(out))


def test_settings_come_from_gen_kwargs(tmp_path: Path) -> None:
    folder = lm_eval(tmp_path / "a", max_tokens_thinking="auto", thinking_n_ignore=2, thinking_n_ignore_str="Wait")
    rows = run(tmp_path, folder)
    assert {row["setting"] for row in rows} == {"2 x Wait"}
    assert [row["correct"] for row in rows] == [True, True]
    config = read_manifest(tmp_path / "out")["config"]
    assert (config["model"], config["benchmark"]) == ("org/m", "aime24")


def test_a_recorded_verdict_wins_unless_regraded(tmp_path: Path) -> None:
    folder = lm_eval(tmp_path / "a", [sample(0, exact_match=0), sample(1, exact_match=1)])
    assert [row["correct"] for row in run(tmp_path, folder)] == [False, True]
    again = run(tmp_path / "again", folder, options=("--regrade",))
    assert [row["correct"] for row in again] == [True, True]


def test_broken_lines_are_named_and_the_rest_comes_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [sample(0), "{nope}", '{"doc_id": 2, "target": "1"}', "[]", sample(4, odd_field=1), sample(5)[:40]]
    rows = run(tmp_path, lm_eval(tmp_path / "a", lines))
    assert [row["id"] for row in rows] == ["aime24_nofigures/0", "aime24_nofigures/4"]
    told = capsys.readouterr().err
    assert all(f"line {number}" in told for number in (2, 3, 4, 6))
    assert "odd_field" in told


def test_what_only_python_takes_for_json_comes_in_mended(tmp_path: Path) -> None:
    endless = sample(2)[:-1] + ', "extracted_answer": ' + "7" * 5_000 + "}"
    lines = [sample(0, resps=[["half a character: \ud83d"]]), sample(1, target=float("nan")), endless, sample(3)]
    rows = run(tmp_path, lm_eval(tmp_path / "a", lines))
    assert [row["id"] for row in rows] == [f"aime24_nofigures/{i}" for i in (0, 2, 3)]
    assert rows[0]["segments"][0][2] == "half a character: \ufffd"
    assert rows[1]["correct"] is False


def test_empty_and_huge_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = lm_eval(tmp_path / "a")
    empty = tmp_path / f"samples_x_{STAMP}.jsonl"
    empty.touch()
    huge = tmp_path / f"samples_y_{STAMP}.jsonl"
    with huge.open("wb") as file:
        file.truncate(2**30)  # takes no room on the disk
    assert len(run(tmp_path, good, empty, huge, tmp_path / "missing")) == 2
    told = capsys.readouterr().err
    assert "zero bytes" in told
    assert "1,024 MB" in told
    assert "does not exist" in told


def test_half_written_results_leave_the_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lm_eval(tmp_path / "org__m")
    (folder / f"results_{STAMP}.json").write_text('{"config": {\n"mod')
    assert len(run(tmp_path, folder)) == 2
    assert "half-written" in capsys.readouterr().err
    assert read_manifest(tmp_path / "out")["config"]["model"] == "org/m"


def test_mixed_models_never_share_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, lm_eval(tmp_path / "a"), lm_eval(tmp_path / "b", model="org/other"), code=2)
    assert "one model on one benchmark" in capsys.readouterr().err


def test_nothing_usable_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    run(tmp_path, tmp_path / "x.json", code=2)
    assert "nothing could be imported" in capsys.readouterr().err


def inspect(model: str = "openai/o1") -> dict[str, Any]:
    return {"version": 2, "status": "success", "eval": {"task": "aime24", "model": model, "dataset": {"samples": 2}}}


def inspect_sample(number: int, value: Any = "C") -> dict[str, Any]:
    content = [{"type": "reasoning", "reasoning": "a b c"}, {"type": "text", "text": "ANSWER: 7"}]
    output = {"model": "o1", "choices": [{"message": {"content": content}}], "usage": {"reasoning_tokens": 9}}
    scores = {"match": {"value": value, "answer": "7"}}
    return {"id": number, "epoch": 1, "input": "q", "target": "7", "output": output, "scores": scores}


def eval_file(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as log:
        log.writestr("header.json", json.dumps(inspect()))
        for name, content in members.items():
            log.writestr(f"samples/{name}.json", content)
    return path


def test_inspect_json_comes_in(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**inspect(), "samples": [inspect_sample(1), inspect_sample(2, "I")]}))
    rows = run(tmp_path, path)
    assert [(row["correct"], row["thinking_tokens"], row["answer"]) for row in rows] == [
        (True, 9, "7"),
        (False, 9, "7"),
    ]


def test_inspect_zip_comes_in_but_for_its_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspect_zip, "LARGEST_MEMBER", 100_000)
    good = json.dumps(inspect_sample(1)).encode()
    rows = run(tmp_path, eval_file(tmp_path / "log.eval", good=good, bomb=b" " * 10**6, torn=good[:50]))
    assert len(rows) == 1
    told = capsys.readouterr().err
    assert "bomb.json: unpacks to" in told
    assert "torn.json" in told


def test_a_damaged_zip_is_told(tmp_path: Path) -> None:
    path = eval_file(tmp_path / "log.eval", a=b"{}")
    path.write_bytes(path.read_bytes()[:60])
    notes = Notes()
    assert write.find_all([path], 10, notes) == []
    assert "half-written" in " ".join(notes)


def test_thinking_is_split_in_every_format() -> None:
    forced = split_thinking("<|im_start|>think\na\n<|im_start|>answer\nFinal Answer: 7")
    assert (forced.thinking, forced.answer, forced.closed_by) == ("\na", " 7", "budget")
    own = split_thinking("<|im_start|>think\na\n<|im_start|>answer\n7")
    assert (own.thinking, own.answer, own.closed_by) == ("\na\n", "\n7", "model")
    assert split_thinking("<|im_start|>think\na").closed_by == "context"
    assert split_thinking("<think>\na\n</think>\n\n7").thinking == "a"
    assert split_thinking("7").thinking == ""
