"""Sources: the paper's configuration, local files of every kind, and everything that can be wrong with them."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.collect import collect
from curate.rows import CurateError, Row, question_key
from curate.sources import EVALUATION, PUBLISHED, Refused, SourceSpec, evaluation_spec, parse_spec, read
from curate.sources import files as files_module
from curate.sources.mapping import LONGEST_FIELD


def rows_of(text: str, fields: dict[str, str] | None = None) -> list[Row]:
    return [row for _, row in read(parse_spec(text, fields)) if isinstance(row, Row)]


def rules_of(path: Path) -> list[str]:
    return [row.rule for _, row in read(parse_spec(str(path))) if isinstance(row, Refused)]


def gathered(folder: Path, *specs: SourceSpec, skip_missing: bool = False) -> Any:
    return collect(folder, specs, 0, lambda done, rules: None, skip_missing=skip_missing)


def write_lines(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_sixteen_sources_add_up_to_the_papers_59029() -> None:
    assert len(PUBLISHED) == 16
    assert sum(source.published_rows or 0 for source in PUBLISHED.values()) == 59_029
    assert all(source.hub and source.hub.id.count("/") == 1 for source in PUBLISHED.values())
    assert [name for name, source in PUBLISHED.items() if source.private] == ["gpqa"]
    assert set(EVALUATION) == {"aime24", "aime25", "math500", "gpqa_diamond"}


def test_keys_are_those_of_the_released_s1k(data: Path) -> None:
    rows = rows_of(str(data / "s1k" / "s1k_questions_solutions.jsonl"))
    assert len(rows) == 915
    assert all(row.key == row.metadata["question_hash"] for row in rows)


@pytest.mark.parametrize(
    ("spec", "kept", "rejected"),
    [
        ("aime=pools/aime_1983_2024.jsonl", 890, {"year at_most 2022": 43}),
        ("theorem_qa=pools/theoremqa_test.json", 747, {"picture absent": 53}),
        ("agieval=pools/agieval", 2596, {"level|other.level is 5": 744}),
    ],
)
def test_real_pools_give_the_published_counts(data: Path, spec: str, kept: int, rejected: dict[str, int]) -> None:
    name, _, place = spec.partition("=")
    found = [row for _, row in read(parse_spec(f"{name}={data / place}"))]
    assert sum(isinstance(row, Row) for row in found) == kept
    assert Counter(row.rule for row in found if isinstance(row, Refused)) == rejected
    assert all(row.answer for row in found if isinstance(row, Row))
    if name in ("aime", "theorem_qa"):
        assert kept == PUBLISHED[name].published_rows


def test_agieval_shows_its_options_and_knows_the_letter(data: Path) -> None:
    first = rows_of(f"agieval={data / 'pools' / 'agieval' / 'sat-math.jsonl'}")[0]
    assert first.question.endswith("(A)2\n(B)4\n(C)9\n(D)10")
    assert (first.kind, first.answer) == ("choice", "D")


def test_hub_sources_are_read_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def load_dataset(hub_id: str, config: Any = None, split: str = "", **more: Any) -> list[dict[str, Any]]:
        asked.append((hub_id, config, split, more))
        return [
            {"problem": "Q1", "solution": "S", "language": "EN", "modality": "text-only", "id": f"{config}1"},
            {"problem": "Q2", "solution": "S", "language": "ZH", "modality": "text-only", "id": f"{config}2"},
        ]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    assert {row.question for row in rows_of("olympic_arena")} == {"Q1"}
    assert len(asked) == 14
    assert asked[0] == ("GAIR/OlympicArena", "Math", "test", {"revision": None})


def test_a_crossword_is_its_clue_and_code_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    clue = {"input": "### Instruction ... ### Clue: Small rodent (5)", "output": "MOUSE"}
    tasks = [
        {"question_content": "Sort.", "difficulty": "hard", "question_id": "1"},
        {"question_content": "Add.", "difficulty": "easy", "question_id": "2"},
    ]

    def load_dataset(hub_id: str, *args: Any, **more: Any) -> list[dict[str, Any]]:
        asked.append((hub_id, more))
        return [clue] if hub_id == "0xharib/xword1" else tasks

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    assert rows_of("xword")[0].question.endswith("in brackets.\n\nSmall rodent (5)")
    assert [row.question for row in rows_of("livecodebench")] == ["Sort."]
    assert asked[-1][1]["data_files"][0] == "hf://datasets/livecodebench/code_generation_lite/test.jsonl"


def test_a_source_that_cannot_be_fetched_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*args: Any, **more: Any) -> None:
        raise ConnectionError("offline")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(CurateError, match=r"source gpqa .*hf auth login.*gpqa=FILE"):
        rows_of("gpqa")


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    records = [{"ID": f"r{n}", "Problem": f"What is {n} + {n},\n in all?", "Solution": str(2 * n)} for n in range(5)]
    path = tmp_path / f"mine{suffix}"
    if suffix == ".jsonl":
        write_lines(path, records)
    elif suffix == ".json":
        path.write_text(json.dumps(records))
    elif suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        import csv

        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]), delimiter="," if suffix == ".csv" else "\t")
            writer.writeheader()
            writer.writerows(records)
    rows = rows_of(str(path))
    assert [(row.id, row.question, row.solution, row.source) for row in rows] == [
        (r["ID"], r["Problem"], r["Solution"], "mine") for r in records
    ]


def test_columns_of_a_file_can_be_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"aufgabe": "Wie viel?", "loesung": "drei", "erg": "3"}])
    with pytest.raises(CurateError, match=r"source a: no column question or problem .* aufgabe"):
        rows_of(str(path))
    row = rows_of(str(path), {"question": "aufgabe", "solution": "loesung", "answer": "erg"})[0]
    assert (row.question, row.solution, row.answer) == ("Wie viel?", "drei", "3")
    with pytest.raises(CurateError, match="unknown field among colour"):
        parse_spec(str(path), {"colour": "x"})


def test_damaged_lines_are_rejected_by_rule_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = b'{"question": "ok", "answer": "1"}\n'
    path.write_bytes(
        good
        + b'{"question": "torn\n'
        + b"[1]\n"
        + b'{"question": "\xff"}\n'
        + b'{"question": "\\ud800 half"}\n'
        + b'{"question": "lost \\ufffd"}\n'
        + b'{"question": "  ", "answer": "1"}\n'
        + json.dumps({"question": "x" * (LONGEST_FIELD + 1)}).encode()
        + b"\n\n"
        + b"[" * 100_000
        + b"\n"
    )
    assert rules_of(path) == [
        "bad_json",
        "bad_json",
        "broken_utf8",
        "broken_utf8",
        "broken_utf8",
        "empty_question",
        "gigantic_field",
        "bad_json",
    ]
    assert [row.question for row in rows_of(str(path))] == ["ok"]


def test_a_gigantic_line_is_skipped_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "LONGEST_LINE", 1000)
    path = write_lines(tmp_path / "a.jsonl", [{"question": "x" * 5000}, {"question": "ok"}])
    assert rules_of(path) == ["gigantic_field"]
    assert [row.id for row in rows_of(str(path))] == ["a.jsonl:2"]


def test_broken_bytes_in_a_table_cost_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"question,answer\nok,1\nbad \xff,2\nshort\nmore,3,4\nfine,5\n")
    assert rules_of(path) == ["broken_utf8", "bad_csv", "bad_csv"]
    assert [row.answer for row in rows_of(str(path))] == ["1", "5"]


def test_a_broken_text_in_a_parquet_file_costs_one_row(tmp_path: Path) -> None:
    raw = pa.array([b"ok", b"\xff bad", b"fine"])
    texts = pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    pq.write_table(pa.table({"question": texts, "answer": ["1", "2", "3"]}), tmp_path / "a.parquet")
    assert rules_of(tmp_path / "a.parquet") == ["broken_utf8"]
    assert [row.answer for row in rows_of(str(tmp_path / "a.parquet"))] == ["1", "3"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.txt", b"x", "is no question file"),
        ("a.parquet", b"PAR1 no", "not readable as Parquet"),
        ("a.json", b"[1, ", "not a JSON list"),
        ("a.jsonl.gz", gzip.compress(b"{}", mtime=0), "is no question file"),
    ],
)
def test_files_that_cannot_be_read_at_all(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CurateError, match=message) as caught:
        rows_of(str(path))
    assert "\n" not in str(caught.value)


def test_a_name_never_leaves_its_folder(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "my (odd) file.jsonl", [{"question": "a"}])
    assert parse_spec(str(path)).name == "my_odd_file"
    assert parse_spec(f"../../evil={path}").name == "evil"
    assert parse_spec(f"..={path}").name == "source"


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(CurateError, match="known sources: nano, problems, gsm8k, numina"):
        parse_spec("nuemina")
    with pytest.raises(CurateError, match="source aime: there is no file"):
        parse_spec(f"aime={tmp_path / 'none.jsonl'}")
    with pytest.raises(CurateError, match="such as nano:24000"):
        parse_spec("nano:many")
    with pytest.raises(CurateError, match="holds no question file"):
        rows_of(str(tmp_path))


def test_nano_makes_its_questions_and_holds_out_the_test_set() -> None:
    rows = rows_of("nano:300")
    held_out = [row for _, row in read(evaluation_spec("nano"), evaluation=True) if isinstance(row, Row)]
    assert len(rows) == 300
    assert len(held_out) == 1200
    assert {row.subject for row in rows} == {"letters", "powers", "digits", "clock", "hops", "cups"}
    assert {row.key for row in rows}.isdisjoint(row.key for row in held_out)
    assert rows[0].key == question_key(rows[0].question)


def test_duplicate_ids_are_rejected(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"id": 1, "question": "a"}, {"id": 1, "question": "b"}])
    outcome = gathered(tmp_path / "run", parse_spec(str(path))).outcome
    assert [row.question for row in outcome.rows] == ["a"]
    assert [(r.rule, r.detail) for r in outcome.rejections] == [("duplicate_id", "a.jsonl:2")]


def test_a_failed_source_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "good.jsonl", [{"question": "a"}])
    bad = write_lines(tmp_path / "bad.jsonl", [{"text": "a"}])
    empty = write_lines(tmp_path / "blank.jsonl", [{"question": " "}])
    specs = [parse_spec(str(path)) for path in (bad, good, empty)]
    with pytest.raises(CurateError, match=r"source bad: no column.*source blank: no usable question.*good kept"):
        gathered(tmp_path / "run", *specs)
    assert '"question": "a"' in (tmp_path / "run" / "sources" / "good.jsonl").read_text()


def test_a_source_is_read_once_and_again_when_its_file_changes(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"question": "a"}])
    first = gathered(tmp_path / "run", parse_spec(str(path)))
    assert gathered(tmp_path / "run", parse_spec(str(path))).outcome == first.outcome
    write_lines(path, [{"question": "a"}, {"question": "b"}])
    assert gathered(tmp_path / "run", parse_spec(str(path))).by_source == {"a": 2}


def test_going_on_without_what_is_missing_is_told(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "good.jsonl", [{"question": "a"}])
    bad = write_lines(tmp_path / "bad.jsonl", [{"text": "a"}])
    collected = gathered(tmp_path / "run", parse_spec(str(bad)), parse_spec(str(good)), skip_missing=True)
    assert collected.by_source == {"good": 1}
    assert "no column" in collected.failed["bad"]
