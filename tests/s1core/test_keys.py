"""Keys of a terminal: what each does to a run, and a real terminal with a real model behind it."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s1core import Budget, Steering, Trace, stream
from s1core.engines.scripted import ScriptedEngine
from s1core.keys import HELP, MOVE, Keys, keys_of
from s1core.types import Event

DEADLINE_S = 600.0


def script(text: str, _request: int) -> str:
    if "<|im_start|>answer" in text:
        return " 3<|im_end|>"
    return "x" * 200 + "<|im_start|>"


def steered(typed: str) -> tuple[Trace, str]:
    """Type before the run begins, so that all of it is obeyed at its start."""
    steering, said = Steering(longest_pause_s=0), list[str]()
    Keys(steering, said.append).typed(typed)
    events = list[Event](stream(ScriptedEngine(script), "q", Budget(max_thinking_tokens=100), steering=steering))
    return Trace.from_events(events), "".join(said)


@pytest.mark.parametrize(
    ("typed", "done"),
    [
        ("a", [("answer", 0, None)]),
        ("w", [("wait", 0, None)]),
        ("e", [("wait", 0, None)]),
        ("+", [("more", MOVE, None)]),
        ("-", [("less", MOVE, None)]),
        ("  ", [("pause", 0, None), ("resume", 0, None)]),
        ("ss ", [("pause", 0, None), ("step", 2, None), ("resume", 0, None)]),
        ("oHm\x7fé\r", [("pause", 0, None), ("wait", 0, "Hé"), ("resume", 0, None)]),
        ("oHm\x1b", [("pause", 0, None), ("resume", 0, None)]),
        ("o\r", [("pause", 0, None), ("resume", 0, None)]),
        ("xyz\t\x00Q", []),
    ],
)
def test_each_key_does_what_the_help_says(typed: str, done: list[tuple[str, int, str | None]]) -> None:
    trace, _ = steered(typed)
    assert [(each.kind, each.tokens, each.word) for each in trace.receipt.steered] == done


def test_what_cannot_be_done_is_said_in_a_line() -> None:
    trace, said = steered("ww")
    assert trace.receipt.waits_by_you == 1
    assert said == "\n(a Wait has just been put in; let the model write before the next one)\n"


def test_a_word_is_shown_while_it_is_typed() -> None:
    assert steered("oHm\x7f!\r")[1] == "\nword, then Enter: Hm\b \b!\n"


@pytest.mark.parametrize("key", "awe+-so")
def test_the_help_names_every_key(key: str) -> None:
    assert re.search(rf"(?:^keys: |· ){re.escape(key)} ", HELP)


def test_what_is_no_terminal_is_left_alone() -> None:
    with Path(os.devnull).open() as nothing:
        for stdin in (io.StringIO("a"), nothing):
            with keys_of(stdin, Steering(), lambda words: None) as listens:
                assert not listens


class Screen:
    """The other end of a terminal in which the command runs."""

    def __init__(self, *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "s1core", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "200"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the terminal's keys are for this process
        )
        self.shown = ""

    def until(self, words: str) -> str:
        """Read until the screen shows `words`."""
        end = time.monotonic() + DEADLINE_S
        while words not in self.shown and time.monotonic() < end:
            self.read(0.2)
        assert words in self.shown, self.shown
        return self.shown

    def read(self, for_s: float) -> str:
        """Read what comes within so many seconds."""
        end, new = time.monotonic() + for_s, ""
        while (left_s := end - time.monotonic()) > 0:
            if not select.select([self._own], [], [], left_s)[0]:
                break
            try:
                new += os.read(self._own, 4096).decode("utf-8", "replace")
            except OSError:
                break
        self.shown += new
        return new

    def type(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def after(self) -> list[object]:
        return list(termios.tcgetattr(self._theirs))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)
        os.close(self._theirs)


@contextmanager
def screen(*arguments: str) -> Iterator[Screen]:
    shown = Screen(*arguments)
    try:
        yield shown
    finally:
        shown.close()


def letters(shown: str) -> int:
    """Count what the model wrote, without colours and line ends of the terminal."""
    return len(re.sub(r"\x1b\[[0-9;]*m|\r", "", shown))


def test_the_keys_of_a_terminal_steer_the_model() -> None:
    with screen("How many r in raspberry?", "--budget", "900", "--waits", "8") as shown:
        shown.until("s one token")
        shown.type(" ")
        shown.until("[you: pause]")
        shown.read(0.5)
        assert letters(shown.read(1.0)) == 0  # held
        for _ in range(3):
            shown.type("s")
            end, came = time.monotonic() + 10, ""
            while not came and time.monotonic() < end:
                came = shown.read(0.5)
            assert letters(came) <= len("[Wait 8: Wait]")  # one token of this model is one letter, or an end
        shown.type("oHmm")
        shown.until("Hmm")
        shown.type("\r")
        shown.until("[you: Hmm]")
        shown.type("a")
        text = shown.until("model     s1-nano")
        assert "you wanted the answer" in text and "closed by you" in text
        assert "you       pause at " in text and "answer now at " in text
        assert shown.process.wait(timeout=60) == 0
        assert shown.after() == shown.before


def test_ctrl_c_ends_the_run_and_gives_the_terminal_back() -> None:
    with screen("How many r in raspberry?", "--budget", "900", "--waits", "8") as shown:
        shown.until("s one token")
        shown.type(" ")
        shown.until("[you: pause]")
        shown.type("\x03")
        assert shown.process.wait(timeout=60) == 130
        assert shown.after() == shown.before
