"""The command line: what it prints, and one sentence for every mistake."""

import io
import json
from pathlib import Path

import pytest

from s1core import __main__ as cli
from s1core.engines.scripted import ScriptedEngine
from s1core.methods.show import tree_lines
from s1core.recording import read_runs
from s1core.types import Tokens, Trace


def script(text: str, _request: int) -> str:
    if "<|im_start|>answer" in text:
        return (" 3" if text.endswith(":") else "\nFinal Answer: 3") + "<|im_end|>"
    return ", check: \x1b[31mred\n<|im_start|>" if "Wait" in text else "\nMaybe 2.\n<|im_start|>"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    engine = ScriptedEngine(script)
    monkeypatch.setattr(cli, "load_engine", lambda *_, **__: engine)
    return engine


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = cli.main(list(argv))
    except SystemExit as stop:
        code = int(str(stop.code))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_shows_who_wrote_what_and_the_receipt(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "How many?", "--budget", "128", "--waits", "1")
    assert code == 0
    assert "[Wait 1: Wait]" in out
    assert "the model ended its thinking" in out
    assert "Final Answer: 3" in out
    assert "closed by the model" in out and "1 of 1 forced" in out


def test_model_text_cannot_steer_the_terminal(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in run(capsys, "q", "--waits", "1")[1]


def test_a_terminal_gets_colour_unless_it_asks_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert cli.Terminal(Tty())._colour  # pyright: ignore
    monkeypatch.setenv("NO_COLOR", "1")
    assert not cli.Terminal(Tty())._colour  # pyright: ignore


def test_a_spent_budget_is_told_with_its_number(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert "── budget spent: 4 ──" in run(capsys, "q", "--budget", "4")[1]


def test_json_is_one_object_that_reads_back(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "q", "--waits", "1", "--json")
    trace = Trace.from_dict(json.loads(out))
    assert (code, err, trace.answer, trace.receipt.waits_used) == (0, "", "3", 1)


def test_a_trace_is_forked_at_a_named_place(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"
    path.write_text(run(capsys, "q", "--waits", "1", "--json")[1], encoding="utf-8")
    code, out, _ = run(capsys, "q", "--fork", str(path), "--at", "wait1", "--say", "Wait, no")
    assert code == 0 and "[Wait 1: Wait, no]" in out
    code, out, _ = run(capsys, "q", "--fork", str(path), "--at", "4", "--close")
    assert code == 0 and "── budget spent: 4 ──" in out
    assert json.loads(run(capsys, "q", "--fork", str(path), "--waits", "1", "--json")[1])["answer"] == "3"
    assert "has no place 'wait9'; it has start, wait1, end" in run(capsys, "q", "--fork", str(path), "--at", "wait9")[2]
    assert "asked something else" in run(capsys, "another", "--fork", str(path))[2]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "required: question"),
        (["q", "--budget", "many"], "invalid int value"),
        (["q", "--budget", "-1"], "max_thinking_tokens must be 0 or more"),
        (["q", "--waits", "-2"], "waits must be 0 or more"),
        (["q", "--budget", "5", "--min-thinking", "9"], "is larger than"),
        (["q", "--temperature", "99"], "temperature must lie"),
        (["q", "--nonsense"], "unrecognized arguments"),
        (["q", "--at", "3"], "name it with --fork"),
        (["q", "--fork", "x", "--say", "y", "--close"], "exclude each other"),
        (["q", "--fork", "/nowhere.json"], "holds no trace"),
        ([" "], "the question is empty"),
        (["q" * 5000], "shorten the question by"),
    ],
)
def test_a_mistake_costs_one_sentence_and_exit_code_2(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert words in err and err.count("\n") == 1


def test_an_unknown_model_is_one_sentence_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "q", "--model", "nobody")
    assert code == 2 and "unknown model 'nobody'" in err and err.count("\n") == 1


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0 and "--waits 1" in out


def test_a_run_that_was_saved_plays_again(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "runs" / "one.jsonl"
    _, ran, _ = run(capsys, "How many?", "--waits", "1", "--save", str(path), "--json")
    (again,) = read_runs(path, "s1-nano")
    trace = Trace.from_dict(json.loads(ran))
    assert again.question == "How many?" and again.complete
    assert tuple(i for part in again.parts for i in part.token_ids) == trace.token_ids


def test_a_run_that_broke_off_is_saved_as_far_as_it_came(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(_terminal: object, event: object) -> None:
        if isinstance(event, Tokens):
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.Terminal, "show", pressed)
    path = tmp_path / "one.jsonl"
    assert run(capsys, "How many?", "--save", str(path))[0] == 130
    (again,) = read_runs(path, "s1-nano")
    assert again.parts and not again.complete


def test_a_file_that_cannot_be_written_is_one_sentence(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, "How many?", "--save", str(tmp_path))
    assert code == 2 and "cannot be written" in err and err.count("\n") <= 2


def test_a_method_of_one_run_is_shown_as_it_happens(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "How many?", "--method", "early-exit:every=3,equal=2")
    assert code == 0
    assert "the answer has settled: 6" in out and "closed by an early exit" in out
    assert "total     10 tokens: thinking, answer, probes 2" in out


def test_a_method_of_several_runs_names_each_and_its_cost(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "How many?", "--method", "vote:samples=2", "--waits", "1")
    assert code == 0
    assert "run 1: 3 (" in out and "method    majority vote: majority of 2, 1 x Wait" in out
    assert "votes     3 x 2" in out and "in all" in out
    assert "\x1b" not in out


def test_a_method_as_json_has_settings_cost_and_runs(
    engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "How many?", "--method", "vote:samples=2", "--json")
    told = json.loads(out)
    assert code == 0 and told["method"]["samples"] == 2 and told["answer"] == "3"
    assert told["spent"]["total_tokens"] == sum(
        r["receipt"]["thinking_tokens"] + r["receipt"]["answer_tokens"] for r in told["runs"]
    )
    assert Trace.from_dict(told["runs"][1]).answer == "3"


def test_a_method_goes_with_no_file_of_runs(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "q", "--method", "vote", "--save", "x.jsonl")
    assert code == 2 and "leave out --fork, --save and --recording" in err
    code, _, err = run(capsys, "q", "--method", "voting")
    assert code == 2 and "there is no method 'voting'; there are forcing," in err


def test_a_search_is_drawn_as_a_tree() -> None:
    tree = [
        {"number": 0, "parent": None, "depth": 1, "text": "Maybe\n2.", "answer": "2", "finished": False},
        {"number": 1, "parent": None, "depth": 1, "text": "x" * 80, "answer": "3", "finished": True},
        {"number": 2, "parent": 0, "depth": 2, "text": "So 3.", "answer": "3", "finished": True},
    ]
    counts = {"reward": 0.25, "thinking_tokens": 7, "answer_tokens": 1}
    assert tree_lines([{**node, **counts} for node in tree]) == [
        "0.25    8  Maybe 2.",
        "  0.25    8  So 3. → 3",
        f"0.25    8  {'x' * 60}… → 3",
    ]
