"""Extraction, the kinds of comparison, and what keeps a hostile answer from costing more than its deadline."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from s1core.errors import InvalidSetting
from s1core.grading import GraderUnavailable, Kind, canonical, extract_answer, grade, pool, process

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        ("\nFinal Answer: 3", "3", "final_answer_label"),
        ("Answer: 12.", "12", "final_answer_label"),
        ("answer: **B**", "B", "final_answer_label"),
        ("**Final Answer:** 12", "12", "final_answer_label"),
        ("**Answer**: 12", "12", "final_answer_label"),
        ("Answer: 1\nFinal Answer: 2\n", "2", "final_answer_label"),
        ("Final Answer: The final answer is $(0, 0)$. I hope it is correct.", "$(0, 0)$", "final_answer_label"),
        ("Final Answer:\n\\[\n x = 5\n\\]\n", "x = 5", "final_answer_label"),
        ("Final Answer:\n$$\n5\n$$", "5", "final_answer_label"),
        ("Réponse : 7", "7", "final_answer_label"),
        (r"So \boxed{1}, no \boxed{\frac{1}{2}}.", r"\frac{1}{2}", "boxed"),
        (r"Final Answer: 5 because \boxed{6}", "6", "boxed"),
        (r"\boxed{7} and then \boxed{8", "7", "boxed"),
        (r"\boxed {7}", "7", "boxed"),
        (r"\boxed{x = \boxed{3}}", "3", "boxed"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}", "boxed"),
        (r"\boxed{\left\{ 1 \right.}", r"\left\{ 1 \right.", "boxed"),
        (r"\boxed{1} and \boxed{2}", "1, 2", "boxed_row"),
        (r"\[ \boxed{1}, \quad \text{and} \quad \boxed{2} \]", "1, 2", "boxed_row"),
        (r"\boxed{1} no, \boxed{2}", "2", "boxed"),
        (r"\boxed{1} \boxed{2}", "2", "boxed"),
        ("Final Answer:\n\n  -4 ", "-4", "final_answer_label"),
        ("I think 3", None, "no_answer_marker"),
        ("Final Answer:  ", None, "empty_answer"),
        (r"\boxed{}", None, "no_answer_marker"),
        ("", None, "no_answer_marker"),
    ],
)
def test_extraction(text: str, answer: str | None, rule: str) -> None:
    found = extract_answer(text)
    assert (found.answer, found.rule) == (answer, rule)


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 20 + "{" * 100_000,
        "\\boxed{" * 100_000,
        "\\boxed{" * 50_000 + "}" * 50_000,
        "Answer: " + "." * 200_000 + "x",
        "Answer: " + ". " * 100_000,
        "Final " * 50_000 + " " * 50_000,
        "answer " * 50_000,
        "答" * 100_000,
        "respuesta " * 20_000,
        "answer is " * 30_000,
        "answer: (" * 30_000,
        "(" * 1_000 + "answer: " * 20_000,
        "jibu" + " " * 200_000,
        "Answer is " + "word " * 60_000,
        "#### " * 40_000,
    ],
    ids=[
        *("braces", "open boxes", "nested boxes", "dots", "spaced dots", "finals", "answers", "characters", "words"),
        *("phrases", "quoted labels", "labels in one line", "blanks", "a long sentence", "hashes"),
    ],
)
def test_long_hostile_texts_are_read_in_linear_time(text: str) -> None:
    # Quadratic time would take minutes here, and fail by the test's own time limit.
    extract_answer(text)
    grade(text, "B", "choice")


@pytest.mark.parametrize(
    ("kind", "text", "gold", "correct", "rule"),
    [
        ("integer", r"\boxed{023}", "23", True, "integer"),
        ("integer", "Final Answer: 23", "023", True, "integer"),
        ("integer", "Final Answer: $1{,}024$", "1024", True, "integer"),
        ("integer", "Final Answer: −7", "-7", True, "integer"),
        ("integer", "Final Answer: 23.0", "23", True, "integer"),
        ("integer", "Final Answer: 24", "23", False, "integer"),
        ("integer", "Final Answer: 1023.9999999", "1024", False, "integer"),
        ("integer", r"\boxed{0.9999999}", "1", False, "integer"),
        ("integer", r"\boxed{2800\%}", "28", True, "integer"),
        ("integer", r"\boxed{102399.99999\%}", "1024", False, "integer"),
        ("integer", r"\boxed{2^{10}}", "1024", True, "math_verify"),
        ("integer", "Final Answer: x = 23", "23", True, "math_verify"),
        ("integer", "Final Answer:", "23", False, "empty_answer"),
        ("integer", "", "23", False, "no_answer"),
        ("text", "Final Answer:  Yes.", "yes", True, "same_words"),
        ("text", r"\boxed{\text{no}}", "No", True, "same_words"),
        ("text", "Final Answer: 007", "7", True, "integer"),
        ("text", "P", "p", True, "same_words"),
        ("text", "Final Answer: cup b", "cup a", False, "same_words"),
        ("text", "the third", "The  third", True, "same_words"),
        ("choice", "Answer: B, which is cold.", "B", True, "choice"),
        ("choice", r"\boxed{\text{(B)}}", "(B) Au", True, "choice"),
        ("choice", 'Answer: "C"', "C", True, "choice"),
        ("choice", "Answer: c", "C", False, "no_choice_letter"),
        ("choice", "A triangle has three sides, so the answer is B.", "B", True, "choice"),
        (
            "choice",
            "Answer: A triangle has three.\nTherefore, the correct answer is:\n\n**B. three**",
            "B",
            True,
            "choice",
        ),
        ("choice", "Answer: People **B. leave a tip**. Anything else (option A) is rude.", "B", True, "choice"),
        ("choice", "The answer is not A. The answer is B", "B", True, "choice"),
        ("choice", "The bent key makes **B** the correct answer. Option A is far too small.", "B", True, "choice"),
        ("choice", "Answer: The bent key fits (Option B). The small one (Option A) breaks.", "B", True, "choice"),
        ("choice", "Option A would break, so I would go for option B.", "B", True, "choice"),
        ("choice", "The largest ocean is the Pacific.", "C", False, "no_choice_letter"),
        ("choice", "", "C", False, "no_answer"),
        ("math", r"\boxed{\dfrac{1}{2}}", r"\frac12", True, "number"),
        ("math", r"\boxed{\left( 3, \frac{\pi}{2} \right)}", r"(3,\frac{\pi}{2})", True, "same_text"),
        ("math", r"\boxed{0.5}", "1/2", True, "number"),
        ("math", r"\boxed{0.333333}", r"\frac{1}{3}", True, "number"),
        ("math", r"\boxed{0.33}", r"\frac{1}{3}", False, "number"),
        ("math", r"\boxed{.0000671}", ".0000672", False, "number"),
        ("math", r"\boxed{1+\sqrt{3}}", r"\sqrt{3} + 1", True, "math_verify"),
        ("math", "Final Answer: sqrt(3) - 1", r"-1+\sqrt{3}", True, "math_verify"),
        ("math", "1", r"\sqrt{3} - 1", False, "math_verify"),
        ("math", "Final Answer: 36 dollars", "36", True, "math_verify"),
        ("math", r"\boxed{1 2}", "12", False, "math_verify"),
        ("math", r"\boxed{1\quad 2}", "12", False, "math_verify"),
        ("math", r"\boxed{11,111}", "11111", True, "number"),
        ("math", r"\boxed{(2,1)}", "(1,2)", False, "math_verify"),
        ("math", r"\boxed{7,5,3}", "3, 5, 7", True, "math_verify"),
        ("math", r"\boxed{x \in [-2,7]}", r"-2 \le x \le 7", True, "math_verify"),
        ("math", r"\boxed{33.5\%}", "0.335", True, "number"),
        ("math", "Final Answer: 5", "nan", False, "no_gold"),
        ("math", "So it is $x+1$ after all", "1+x", True, "math_verify"),
        ("math", r"\boxed{1/0}", "1", False, "math_verify"),
    ],
)
def test_verdict_names_the_rule(kind: Kind, text: str, gold: str, correct: bool, rule: str) -> None:
    verdict = grade(text, gold, kind)
    assert (verdict.correct, verdict.rule) == (correct, rule)


def test_verdict_tells_how_the_answer_was_found() -> None:
    assert grade(r"\boxed{3}", "3").found == "boxed"
    assert grade("Final Answer: 3", "3").found == "final_answer_label"
    assert grade("3", "3").found == "unmarked"
    assert grade("I count three of them: 3", "3").answer == "3"


def test_unknown_kind_says_which_are_known() -> None:
    with pytest.raises(InvalidSetting, match="math, integer, choice, text"):
        grade("3", "3", "number")  # pyright: ignore[reportArgumentType]


def test_canonical_answers_can_be_counted_as_votes() -> None:
    assert canonical("023") == canonical("$23$") == "23"
    assert canonical("0.5") == canonical(r"\tfrac{1}{2}") == "1/2"
    assert canonical(r"\left(1, 2\right)") == "(1,2)"
    assert canonical("1,234") == canonical("१२३४") == "1234"
    assert canonical(r"0.5\%") == canonical("1/2 %") == "1/2%"


def test_importing_and_simple_grading_load_no_computer_algebra() -> None:
    code = (
        "import sys; from s1core.grading import grade; assert grade('\\\\boxed{1}', '2').rule == 'number';"
        "print(*{'sympy', 'math_verify', 'latex2sympy2_extended'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []


@pytest.fixture(scope="module")
def client() -> Iterator[process.Client]:
    client = process.Client()
    yield client
    client.stop()


def gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


HOSTILE = {
    "power tower": "9^{9^{9^9}}",
    "python tower": "9**9**9**9",
    "factorial": "100000000!",
    "factorials": "(((9!)!)!)!",
    "binomial": r"\binom{10^{9}}{5\cdot 10^8}",
    "sum": r"\sum_{k=1}^{10^{12}} \frac{1}{k^{k}}",
    "digits of a sine": r"\sin(10^{10^{9}})",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_late_process_is_killed_and_replaced(
    client: process.Client, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    assert client.compare("1+x", "x+1", found="boxed").equal
    assert client.worker is not None
    first = client.worker.answering_pid
    with monkeypatch.context() as patch:
        patch.setattr(client, "deadline_s", 0.5)
        reply = client.compare(answer, "42", found="boxed")
    assert (reply.equal, reply.rule) == (False, "timeout")
    assert client.compare("2+x", "x+2", found="boxed").equal
    assert client.worker.answering_pid != first and gone(first)


def test_a_comparison_that_hangs_holds_no_other_up() -> None:
    clients = pool.Pool(deadline_s=60)
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(clients.compare, HOSTILE["sum"], "42", found="boxed")
        while not clients.clients or clients.clients[0].since_s == math.inf:
            time.sleep(0.01)
        replies = [clients.compare(f"{i}+x", "x+1", found="boxed").equal for i in range(3)]
        assert not hanging.done()
        worker = clients.clients[0].worker
        assert worker is not None and worker.answering_pid is not None
        os.kill(worker.answering_pid, signal.SIGKILL)
        assert hanging.result().equal is False
    assert replies == [False, True, False]
    assert len(clients.clients) == 2
    clients.stop()


def test_processes_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "HELD_UP_S", 0.0)
    clients = pool.Pool(limit=2)
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(lambda i: clients.compare(f"{i % 3}+x", "x+1", found="boxed").equal, range(12)))
    assert replies == [i % 3 == 1 for i in range(12)]
    assert len(clients.clients) <= 2
    clients.stop()


def test_the_deadline_leaves_room_within_five_seconds() -> None:
    assert process.DEADLINE_S <= 4
    assert process.Client().deadline_s == process.DEADLINE_S


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads CPU times from /proc")
def test_a_starved_process_is_given_more_time(client: process.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.compare("1+x", "x+1", found="boxed").equal
    assert client.worker is not None and client.worker.answering_pid is not None
    monkeypatch.setattr(client, "deadline_s", 0.5)
    os.kill(client.worker.answering_pid, signal.SIGSTOP)
    wake = threading.Timer(1.0, os.kill, (client.worker.answering_pid, signal.SIGCONT))
    wake.start()
    assert client.compare("1+x", "x+1", found="boxed").rule == "math_verify"
    wake.join()


def test_memory_is_limited(client: process.Client) -> None:
    pytest.importorskip("resource", reason="this system cannot limit the memory of a process")
    if not Path("/proc").is_dir():
        pytest.skip("reads the limits from /proc")
    client.compare("1+x", "x+1", found="boxed")
    assert client.worker is not None
    limits = Path(f"/proc/{client.worker.answering_pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    assert line.split()[3] == str(1 << 30)


def test_a_process_that_was_killed_from_outside_is_replaced(client: process.Client) -> None:
    assert client.compare("1+x", "x+1", found="boxed").equal
    assert client.worker is not None and client.worker.answering_pid is not None
    os.kill(client.worker.answering_pid, 9)
    assert client.compare("1+x", "x+1", found="boxed").equal


def test_a_stopped_client_leaves_no_process_behind(client: process.Client) -> None:
    assert client.compare("1+x", "x+1", found="boxed").equal
    assert client.worker is not None
    child = client.worker.answering_pid
    client.stop()
    assert gone(child)


def test_an_interrupted_comparison_leaves_no_stale_reply(
    client: process.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: process.Worker, timeout_s: float) -> dict[str, object]:
        raise KeyboardInterrupt

    assert client.compare("1+x", "x+1", found="boxed").equal
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(process.Worker, "_next_line", interrupted)
        client.compare("1+x", "x+2", found="boxed")
    assert client.compare("1+x", "x+1", found="boxed").equal


def test_a_process_that_cannot_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "worker.py"
    monkeypatch.setattr(process, "_PROGRAM", program)
    program.write_text('print(\'{"unavailable": "No module named math_verify"}\')')
    with pytest.raises(GraderUnavailable, match="pip install math-verify"):
        process.Client().compare("1+x", "x+1", found="")
    program.write_text("")
    with pytest.raises(GraderUnavailable, match="did not start"):
        process.Client().compare("1+x", "x+1", found="")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(GraderUnavailable, match="cannot start"):
        process.Client().compare("1+x", "x+1", found="")


def test_threads_share_one_process_and_get_their_own_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine an honest comparison may take longer than that.
    monkeypatch.setattr(pool, "HELD_UP_S", math.inf)
    assert grade(r"\boxed{1+x}", "x+1").correct
    before = sum(thread.name == "grading-replies" for thread in threading.enumerate())
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda i: grade(f"\\boxed{{{i % 3}+x}}", "x+1"), range(24)))
    assert [reply.correct for reply in replies] == [i % 3 == 1 for i in range(24)]
    assert sum(thread.name == "grading-replies" for thread in threading.enumerate()) == before


async def test_grading_works_inside_an_event_loop_and_beside_it() -> None:
    assert grade(r"\boxed{1+y}", "y+1").correct
    verdicts = await asyncio.gather(*(asyncio.to_thread(grade, f"\\boxed{{{i}+y}}", "y+1") for i in range(4)))
    assert [verdict.correct for verdict in verdicts] == [False, True, False, False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_starts_its_own_process() -> None:
    code = (
        "import os; from s1core.grading import grade; assert grade('\\\\boxed{1+x}', 'x+1').correct; pid = os.fork();"
        "right = grade('\\\\boxed{2+x}', 'x+2').correct;"
        "status = 0 if pid == 0 else os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]);"
        "os._exit(0 if right and status == 0 else 1)"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, timeout=120).returncode == 0


def test_math_verify_has_the_functions_that_are_replaced() -> None:
    code = (
        "import inspect, math_verify.grader as grader;"
        "names = ('sympy_numeric_eq', 'sympy_deep_compare_set_and_tuple', 'sympy_compare_sets');"
        "print(*(f'{name}{len(inspect.signature(getattr(grader, name)).parameters)}' for name in names));"
        "from s1core.grading import exact; exact.install();"
        "print(*(getattr(grader, name).__module__ for name in names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == [
        *("sympy_numeric_eq4", "sympy_deep_compare_set_and_tuple4", "sympy_compare_sets4"),
        *["s1core.grading.exact"] * 3,
    ]
