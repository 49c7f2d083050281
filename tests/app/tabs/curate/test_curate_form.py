"""What the form of the Curate tab asks of `curate.run`: checked, and never more than was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.jobs.commands import FormError
from app.tabs.curate.form import catalogue, estimate, is_personal, read_form, sources_of

FORM: dict[str, Any] = {
    "recipe": "nano",
    "sources": ["nano"],
    "made": 600,
    "files": "",
    "target": 20,
    "selection": "published",
    "max_usd": 5,
    "may_spend": False,
    "judge": "local",
    "domains": "local",
    "teacher": "",
    "weak": "",
    "url": "",
    "evaluation": "",
}


def form(**changes: Any) -> dict[str, Any]:
    return FORM | changes


def test_the_words_are_those_of_the_command_line(tmp_path: Path) -> None:
    asked = read_form(form())
    words = asked.launch_words(tmp_path)
    assert words[:2] == ["-m", "curate.run"]
    assert {"--recipe=nano", "--source=nano:600", "--target=20", "--select=published", "--max-usd=5"} <= set(words)
    assert f"--out={tmp_path.resolve() / asked.name}" in words
    assert "--yes" not in words


def test_money_does_not_change_the_folder_and_everything_else_does() -> None:
    name = read_form(form()).name
    assert name.startswith("nano-20-")
    assert read_form(form(max_usd=50, may_spend=True)).name == name
    assert read_form(form(made=700)).name != name
    assert read_form(form(may_spend=True)).launch_words(Path("x")).count("--yes") == 1


def test_a_changed_file_has_another_folder(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": "a"}\n')
    given = form(recipe="files", sources=[], files=str(path))
    asked = read_form(given)
    assert is_personal(given) and not is_personal(form())
    assert f"--source={path}" in asked.deciding and "--until=decontaminate" in asked.deciding
    before = asked.name
    path.write_text('{"question": "ab"}\n')
    assert asked.name != before


@pytest.mark.parametrize("field", ["files", "teacher", "weak", "url", "evaluation"])
def test_no_field_can_become_an_option(field: str, tmp_path: Path) -> None:
    words = read_form(form(**{field: "--out=/elsewhere"})).launch_words(tmp_path)
    assert "--out=/elsewhere" not in words
    assert any(word.endswith("=--out=/elsewhere") for word in words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "other"}, "one of the recipes"),
        ({"sources": []}, "at least one source"),
        ({"sources": ["../x"]}, "no source called"),
        ({"target": 0}, "Target size: from 1"),
        ({"target": None}, "Target size: a number"),
        ({"made": "many"}, "a number is needed"),
        ({"made": float("nan")}, "made here"),
        ({"max_usd": -1}, "Spending cap"),
        ({"judge": "oracle"}, "either local or Claude"),
        ({"selection": "best"}, "one of published"),
        ({"files": "a\n" * 41}, "at most 40 lines"),
        ({"teacher": "a\nb"}, "at most 1 line of"),
        ({"weak": "a\x00b"}, "ordinary characters"),
    ],
)
def test_what_cannot_be_curated_is_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormError, match=message):
        read_form(form(**changes))


def test_the_s1k_recipe_takes_the_papers_sources() -> None:
    assert len(sources_of("s1k")) == 16
    assert sources_of("nano") == ["nano"]
    assert sources_of("files") == []
    assert sources_of("s1-135m") == ["problems", "gsm8k"]
    named = {source["name"] for source in catalogue()["sources"]}
    assert named == {"nano", *sources_of("s1-135m"), *sources_of("s1k")}


def test_the_estimate_comes_from_the_command_line() -> None:
    told = estimate(read_form(form(recipe="s1k", sources=sources_of("s1k"), judge="claude", domains="claude")))
    assert (told["rows"], told["basis"]) == (59_029, "counts")
    assert 0 < told["usd_cached"] < told["usd"]
    assert estimate(read_form(form(recipe="files", sources=["aime"])))["costs"] == []
    with pytest.raises(FormError, match="no source and no file is called 'nowhere.jsonl'"):
        estimate(read_form(form(files="nowhere.jsonl")))
