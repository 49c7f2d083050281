"""Benchmarks from files and, by a stand-in, from the hub."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evals.benchmarks import BadData, BenchmarkUnavailable, is_private, load_benchmark
from evals.benchmarks import files as files_module
from s1core.errors import InvalidSetting

DATA = Path(__file__).parents[4] / "shared" / "data"
GPQA_ROWS = [
    {"Record ID": f"r{i}", "Question": f"Q{i}", "Correct Answer": "right", "Subdomain": "Physics"}
    | {f"Incorrect Answer {k}": f"wrong {k}" for k in (1, 2, 3)}
    for i in range(20)
]


def hub(monkeypatch: pytest.MonkeyPatch, rows: Any) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []

    def load_dataset(hub_id: str, config: str | None, split: str) -> Any:
        asked.append((hub_id, config, split))
        if isinstance(rows, Exception):
            raise rows
        return rows

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return asked


def test_choices_are_shuffled_with_a_fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub(monkeypatch, GPQA_ROWS)
    items = load_benchmark("gpqa_diamond")
    assert asked == [("Idavidrein/gpqa", "gpqa_diamond", "train")]
    assert len({item.answer for item in items}) > 1
    for item in items:
        assert f"{item.answer}) right" in item.question
        assert item.question.count("wrong") == 3
        assert item.kind == "choice"
    hub(monkeypatch, list(reversed(GPQA_ROWS)))
    assert {i.id: i.answer for i in load_benchmark("gpqa_diamond")} == {i.id: i.answer for i in items}
    assert load_benchmark("gpqa_diamond", limit=3)[0].answer == items[-1].answer


def test_only_gpqa_is_private() -> None:
    assert is_private("gpqa_diamond")
    assert not any(map(is_private, ("nano", "aime24", "aime25", "math500")))


def test_no_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, ConnectionError("offline"))
    with pytest.raises(BenchmarkUnavailable, match="--data FILE"):
        load_benchmark("math500")
    with pytest.raises(BenchmarkUnavailable, match="hf auth login"):
        load_benchmark("gpqa_diamond")


@pytest.mark.skipif(not DATA.is_dir(), reason="the public question files are not beside the checkout")
@pytest.mark.parametrize(
    ("name", "file", "count", "kind"),
    [
        ("aime24", "aime/aime24.json", 30, "integer"),
        ("aime25", "aime/aime25_I.jsonl", 15, "integer"),
        ("aime25", "aime/aime25_II.jsonl", 15, "integer"),
        ("math500", "math500/test.jsonl", 500, "math"),
    ],
)
def test_real_files_are_read_whole(name: str, file: str, count: int, kind: str) -> None:
    items = load_benchmark(name, data=DATA / file)
    assert len(items) == count
    assert {item.kind for item in items} == {kind}


def test_csv_with_other_field_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('Problem,Answer\n"two\nlines",7\nx,8\n')
    items = load_benchmark("aime24", data=path)
    assert [(i.question, i.answer) for i in items] == [("two\nlines", "7"), ("x", "8")]


USER, SYSTEM = {"role": "user", "content": "What is 3+4?"}, {"role": "system", "content": "Be brief."}
SHAREGPT = [{"from": "human", "value": "What is 3+4?"}, {"from": "gpt", "value": "It is \\boxed{7}."}]


@pytest.mark.parametrize("name", ["prompt", "messages", "conversations", "conversation", "question"])
@pytest.mark.parametrize("chat", [[USER], [SYSTEM, USER], USER, SHAREGPT], ids=str)
@pytest.mark.parametrize("written", [json.dumps, str])
def test_a_chat_is_its_question_also_in_a_table(tmp_path: Path, name: str, chat: Any, written: Any) -> None:
    table, lines = tmp_path / "q.csv", tmp_path / "q.jsonl"
    quoted = written(chat).replace('"', '""')
    table.write_text(f'{name},answer\n"{quoted}",7\n')
    lines.write_text(json.dumps({name: chat, "answer": 7}) + "\n")
    for path in (table, lines):
        (item,) = load_benchmark("math500", data=path)
        assert (item.question, item.answer) == ("What is 3+4?", "7")


def test_a_chat_may_hold_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({"conversations": SHAREGPT}) + "\n")
    (item,) = load_benchmark("math500", data=path)
    assert (item.question, item.answer) == ("What is 3+4?", "7")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            json.dumps({"messages": [USER, USER], "answer": 7}).encode(),
            "messages is a conversation .2 turns of the user.",
        ),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"problem": "a", "answer": 1}\n{"problem": "b", "ans', "line 2: not valid JSON"),
        (b'{"problem": "a"}', "no answer"),
        (b'{"answer": "1"}', "no question"),
        (b'{"problem": "a", "answer": 1, "id": 3}\n{"problem": "b", "answer": 1, "id": 3}', "line 2: the id '3'"),
        (b"[1]", "expected an object"),
        (b"[]", "no question"),
        (b'{"problem": "\xff"}', "line 1: not UTF-8"),
        (b"[" * 100_000, "line 1: not valid JSON"),
        (b'{"problem": "a", "answer": NaN}', "no answer"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadData, match=message) as caught:
        load_benchmark("math500", data=path)
    assert "\n" not in str(caught.value)


def test_what_only_python_takes_for_json_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('[{"problem": "half a character: \\ud83d", "answer": ' + "9" * 5_000 + "}]")
    (item,) = load_benchmark("math500", data=path)
    assert item.question == "half a character: \ufffd"
    assert item.answer == "9" * 5_000


def test_an_oversize_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "LARGEST_FILE", 10)
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({"problem": "a", "answer": "1"}))
    with pytest.raises(BadData, match="at most"):
        load_benchmark("math500", data=path)


def test_a_missing_file_and_wrong_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="cannot be read"):
        load_benchmark("math500", data=tmp_path / "none.json")
    with pytest.raises(InvalidSetting, match="known: problems, problems-paraphrased, nano, aime24"):
        load_benchmark("aime23")
    with pytest.raises(InvalidSetting, match="has its own questions"):
        load_benchmark("nano", data=tmp_path / "x.json")


def test_answers_after_worked_solutions_are_found(tmp_path: Path) -> None:
    file = tmp_path / "gsm8k.jsonl"
    file.write_text(json.dumps({"question": "Two and three?", "answer": "2 + 3 = <<2+3=5>>5\n#### 5"}) + "\n")
    (item,) = load_benchmark("gsm8k", data=file)
    assert (item.question, item.answer, item.group) == ("Two and three?", "5", "GSM8K")


def test_a_story_stands_before_its_question(tmp_path: Path) -> None:
    file = tmp_path / "svamp.json"
    rows = [{"ID": "chal-1", "Body": "Ann has 3 pens.", "Question": "How many has she?", "Answer": 3.0}]
    file.write_text(json.dumps(rows))
    (item,) = load_benchmark("svamp", data=file)
    assert (item.id, item.question, item.answer) == ("chal-1", "Ann has 3 pens. How many has she?", "3")
