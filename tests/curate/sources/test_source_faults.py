"""What spreadsheets, JSON writers and chat sets do to questions: read as meant, or refused by a rule that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.pipeline import curate
from curate.progress import Progress, read_events
from curate.rows import CurateError, Row, question_key
from curate.sources import Refused, parse_spec, read
from curate.stages.decontaminate import Decontaminate
from curate.text import joined, normal, words
from s1core.errors import S1Error
from s1core.escapes import eaten_command, with_backslashes
from s1core.grading import grade


def read_all(path: Path) -> list[Row | Refused]:
    return [row for _, row in read(parse_spec(str(path)))]


def only(path: Path, content: str | bytes) -> Row | Refused:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (found,) = read_all(path)
    return found


USER, SYSTEM = {"content": "What is 3+4?", "role": "user"}, {"content": "Be brief.", "role": "system"}
SHAREGPT = [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "What is 3+4?"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "What is 3+4?"}]}]


TABLE_CELLS = [
    json.dumps([USER]),
    json.dumps([SYSTEM, USER]),
    json.dumps(USER),
    str([SYSTEM, USER]),
    json.dumps(SHAREGPT),
]


@pytest.mark.parametrize("cell", TABLE_CELLS)
def test_a_chat_in_a_cell_of_a_table_is_its_question(cell: str, tmp_path: Path) -> None:
    quoted = cell.replace('"', '""')
    row = only(tmp_path / "a.csv", f'prompt,answer\n"{quoted}",7\n')
    assert isinstance(row, Row) and (row.question, row.answer) == ("What is 3+4?", "7")


@pytest.mark.parametrize("column", ["messages", "conversations", "conversation"])
def test_a_column_of_chats_has_questions_and_solutions(column: str, tmp_path: Path) -> None:
    chat = [SYSTEM, USER, {"role": "assistant", "content": "It is 7."}]
    row = only(tmp_path / "a.jsonl", json.dumps({column: chat}) + "\n")
    assert isinstance(row, Row) and (row.question, row.solution, row.answer) == ("What is 3+4?", "It is 7.", None)


@pytest.mark.parametrize("text", ['[{"x": 1}]', '{"role": "user"', "[1, 2]", '[{"role": "user"}] is what?'])
def test_a_text_that_looks_like_a_chat_is_a_question(text: str, tmp_path: Path) -> None:
    row = only(tmp_path / "a.jsonl", json.dumps({"question": text}) + "\n")
    assert isinstance(row, Row) and row.question == text


@pytest.mark.parametrize("prompt", [[USER], [SYSTEM, USER], USER, SHAREGPT, PARTS], ids=str)
def test_a_prompt_of_messages_is_its_question(prompt: Any, tmp_path: Path) -> None:
    record = {"prompt": prompt, "reward_model": {"ground_truth": "7"}, "extra_info": {"index": "a"}}
    row = only(tmp_path / "a.jsonl", json.dumps(record) + "\n")
    assert isinstance(row, Row)
    assert (row.question, row.answer) == ("What is 3+4?", "7")


def test_an_answer_of_messages_is_its_text(tmp_path: Path) -> None:
    record = {"prompt": [USER], "response": [{"role": "assistant", "content": "It is 7."}], "answer": 7}
    row = only(tmp_path / "a.jsonl", json.dumps(record) + "\n")
    assert isinstance(row, Row) and (row.solution, row.answer) == ("It is 7.", "7")


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ([USER, {"role": "assistant", "content": "7"}, USER], "conversation"),
        ([{"role": "user", "content": [{"type": "image", "url": "x"}]}], "conversation"),
        ([SYSTEM], "empty_question"),
    ],
)
def test_a_chat_that_is_no_question_is_refused_by_name(prompt: Any, rule: str, tmp_path: Path) -> None:
    row = only(tmp_path / "a.jsonl", json.dumps({"prompt": prompt}) + "\n")
    assert isinstance(row, Refused) and row.rule == rule


# LaTeX in JSON


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (r'{"question": "What is \frac{1}{2} of 6?", "answer": "\frac{6}{2}"}', r"\frac"),
        (r'{"question": "How many?", "answer": "\binom{3}{2}"}', r"\binom"),
        (r'{"question": "What is 3 \times 4?", "answer": "12"}', r"\times"),
        (r'{"question": "Is 3 \neq 4?", "answer": "yes"}', r"\neq"),
        (r'{"question": "What is |(3\right)|?", "answer": "3"}', r"\right"),
        (r'{"question": "What is $\nu$ here?", "answer": "3"}', r"\nu"),
        (r'{"question": "Is $a \ne b$?", "answer": "yes"}', r"\ne"),
        (r'{"question": "Is 3 \ne 4?", "answer": "yes"}', r"\ne"),
        (r'{"question": "Is $A \not= B$?", "answer": "yes"}', r"\not"),
    ],
)
def test_commands_that_json_has_eaten_are_named(line: str, command: str, tmp_path: Path) -> None:
    row = only(tmp_path / "a.jsonl", line + "\n")
    assert isinstance(row, Refused)
    assert row.rule == "control_character" and command in row.detail


@pytest.mark.parametrize(
    "line",
    [
        r'{"question": "What is \\frac{1}{2} of 6?", "answer": "3"}',
        r'{"question": "Two lines:\nnew, or\ttabbed.\r\nAnd a page.\f\nNext", "answer": "3"}',
        r'{"question": "It costs $5\ne depois $6,\nu sea, $$\nu = 3$$ \tan apple", "answer": "3"}',
    ],
)
def test_line_ends_and_right_latex_are_kept(line: str, tmp_path: Path) -> None:
    assert isinstance(only(tmp_path / "a.jsonl", line + "\n"), Row)


@pytest.mark.parametrize("gold", ["\frac{6}{2}", r"\frac{6}{2}"])
def test_an_eaten_gold_is_compared_as_it_was_meant(gold: str) -> None:
    assert grade(r"\boxed{\frac{6}{2}}", gold).correct


@given(st.sampled_from([r"\frac", r"\binom", r"\times", r"\theta", r"\beta", r"\forall", r"\neq", r"\right", r"\text"]))
def test_what_json_eats_comes_back(command: str) -> None:
    eaten = json.loads(f'"a {command}{{1}} b"')
    assert with_backslashes(eaten) == f"a {command}{{1}} b" and eaten_command(eaten) == command
    assert eaten_command(with_backslashes(eaten)) == ""


# Tables

TABLE = "question,answer\nWhat is 2+2?,4\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_tables_of_every_program_are_read(encoding: str, separator: str, suffix: str, tmp_path: Path) -> None:
    row = only(tmp_path / f"a.{suffix}", TABLE.replace(",", separator).encode(encoding))
    assert isinstance(row, Row) and (row.question, row.answer) == ("What is 2+2?", "4")


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_json_in_utf_16_is_read(suffix: str, tmp_path: Path) -> None:
    row = only(tmp_path / f"a.{suffix}", '{"question": "What is 2+2?", "answer": "4"}\n'.encode("utf-16"))
    assert isinstance(row, Row) and row.answer == "4"


def test_a_text_that_breaks_its_encoding_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.encode("utf-16")[:-1])
    with pytest.raises(CurateError, match="begins as UTF-16 and is not whole; save it as UTF-8"):
        read_all(path)


@pytest.mark.parametrize("cell", ["NaN", "[NaN]", '"NaN"', '"nan"', "null", '""'])
def test_an_empty_cell_is_no_answer(cell: str, tmp_path: Path) -> None:
    row = only(tmp_path / "a.jsonl", f'{{"question": "What is 2+2?", "answer": {cell}, "weight": NaN}}\n')
    assert isinstance(row, Row) and (row.answer, row.solution) == (None, "")
    assert "weight" not in row.metadata, "JSON knows no NaN"


def test_a_name_that_is_no_text_is_told_and_written(tmp_path: Path) -> None:
    progress = Progress(tmp_path, lambda event: None)
    progress.begin("collect", 0)
    progress.fail("no file called 'x\udcff.csv'")
    assert read_events(tmp_path)[-1]["detail"] == "no file called 'x\udcff.csv'"


# Scripts without spaces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲乙两地相距，一辆车", ["甲乙两地相距", "乙两地相距一", "两地相距一辆", "地相距一辆车"]),
        ("相距120公里", ["相距", "120", "公里"]),
        ("a plain text, 2+2", ["a", "plain", "text", "2", "2"]),
        ("höher als 3", ["höher", "als", "3"]),
        ("두 수의 합은", ["두수의합은"]),
        ("다음 수의 합을 구하고 답하시오", ["다음수의합을구하고답하시오"]),
        ("a_1 and __b__", ["a", "1", "and", "b"]),
    ],
)
def test_words_of_a_script_without_spaces(text: str, expected: list[str]) -> None:
    assert words(normal(text)) == expected


@given(st.text("甲乙两地相距一辆车袋の中に赤い玉", min_size=1, max_size=60))
def test_words_of_such_a_text_join_to_it_again(text: str) -> None:
    assert joined(words(text)) == text


ENGLISH = "A train leaves the town at noon and travels sixty miles"
ARABIC = "كم عدد الكتب التي اشتراها أحمد من المكتبة في اليوم الأول"
HEBREW = "כמה ספרים קנתה דנה ביום הראשון של החופשה הגדולה"
KOREAN = "철수는 사과를 스물네 개 가지고 있었고 영희에게 여섯 개를 주었습니다"
BENGALI = "রহিমের কাছে ২৪ টি আম ছিল এবং সে ৬ টি আম করিমকে দিল"


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        (ENGLISH, ENGLISH.replace("travels", "tra\u00advels")),
        (ENGLISH, ENGLISH.replace("travels", "tra\u200bvels").replace("noon", "noon\u200f")),
        (ENGLISH, ENGLISH.replace(" ", "_")),
        (ENGLISH, ENGLISH.replace("travels", "__travels__")),
        (KOREAN, KOREAN.replace(" ", "")),
        (KOREAN, KOREAN.replace("스물네 개", "스물네개").replace("있었고", "있었고,")),
        (ARABIC, ARABIC.replace("كتب", "كُتُب")),
        (ARABIC, ARABIC.replace("اليوم", "اليـــوم").replace("أ", "ا")),
        (HEBREW, HEBREW.replace("ספרים", "סְפָרִים")),
        (BENGALI, BENGALI.replace("২৪", "24").replace("৬", "6")),
        (ENGLISH.replace("sixty", "60"), ENGLISH.replace("sixty", "६०")),
    ],
)
def test_a_question_is_found_however_it_is_written(asked: str, written: str) -> None:
    def row(question: str, source: str) -> Row:
        return Row(key=question_key(question), id="1", source=source, question=question, solution="")

    stage = Decontaminate(evaluation=[row(asked, "test")])
    outcome = stage.run([row(written, "train"), row("Something else is asked here", "train")], lambda *_: None)
    assert [rejection.rule for rejection in outcome.rejections] == ["contaminated:test"]
    assert len(outcome.rows) == 1


# Errors of the system


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "the disk is full: No space left on device; free space and resume"),
        (PermissionError(13, "Permission denied", "sets/x"), "Permission denied: sets/x; mend that and resume"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer; mend that and resume"),
        (OSError("it broke"), "it broke; mend that and resume"),
    ],
)
def test_only_a_full_disk_is_told_as_one(
    error: OSError, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curate.config import CurateConfig, Means

    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("curate.pipeline._append", fails)
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "What is 2+2?", "answer": "4"}\n')
    config = CurateConfig(sources=[parse_spec(str(path))], evaluation=[], mode="all")
    with pytest.raises(S1Error) as raised:
        curate(config, tmp_path / "run", Means(cache=tmp_path / "cache"), until="duplicates")
    assert said in str(raised.value) and ("free space" in str(raised.value)) is (error.errno == 28)
