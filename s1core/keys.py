"""Keys of a terminal as commands to the run that streams in it."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TextIO

from s1core.commands import MOST_WORD_CHARACTERS, Steered
from s1core.errors import CommandRefused
from s1core.steering import Steering

HELP = (
    "keys: a answer now · w Wait · e Wait at the next end · o another word · + more · - less · space hold or go on · "
    "s one token"
)
MOVE = 32
"""Tokens by which a key moves the budget."""
_LOOK_EVERY_S = 0.1
_ENTER, _ESCAPE, _ERASE = "\r\n", "\x1b", "\x7f\x08"

Say = Callable[[str], None]


class Keys:
    """What each key does. Fed with what is typed; knows no terminal."""

    def __init__(self, steering: Steering, say: Say) -> None:
        """Set up; `say` shows a line of what the keys have to say."""
        self._steering = steering
        self._say = say
        self._held = False
        self._word: str | None = None
        """What has been typed of another word; None while none is asked for."""

    def typed(self, text: str) -> None:
        """Take what was typed."""
        for letter in text:
            if self._word is None:
                self._key(letter)
            else:
                self._letter(letter, self._word)

    def _key(self, letter: str) -> None:
        steering = self._steering
        match letter:
            case "a":
                self._held = False
                self._press(steering.answer_now())
            case "w":
                self._press(steering.wait())
            case "e":
                self._press(steering.wait(at_end=True))
            case "+" | "=":
                self._press(steering.more(MOVE))
            case "-":
                self._press(steering.less(MOVE))
            case " ":
                self._hold(not self._held)
            case "s":
                self._hold(True)
                self._press(steering.step())
            case "o":
                self._hold(True)
                self._word = ""
                self._say("\nword, then Enter: ")
            case _:
                pass

    def _letter(self, letter: str, word: str) -> None:
        """Take a letter of another word: Enter says it, Escape does not."""
        if letter in _ENTER or letter == _ESCAPE:
            self._word = None
            self._say("\n")
            if word and letter != _ESCAPE:
                self._press(self._steering.wait(word))
            self._hold(False)
        elif letter in _ERASE:
            self._word = word[:-1]
            self._say("\b \b" if word else "")
        elif letter.isprintable() and len(word) < MOST_WORD_CHARACTERS:
            self._word = word + letter
            self._say(letter)

    def _hold(self, held: bool) -> None:
        if held != self._held:
            self._held = held
            self._press(self._steering.pause() if held else self._steering.resume())

    def _press(self, done: Future[Steered]) -> None:
        done.add_done_callback(self._answered)

    def _answered(self, done: Future[Steered]) -> None:
        if isinstance(error := done.exception(), CommandRefused):
            self._say(f"\n({error})\n")


@contextlib.contextmanager
def keys_of(terminal: TextIO, steering: Steering, say: Say) -> Generator[bool, None, None]:
    """Listen to the keys of a terminal while the block runs; yields False where there is none to listen to."""
    if not _is_ours(terminal):
        yield False
        return
    import termios
    import tty

    number, keys, over = terminal.fileno(), Keys(steering, say), threading.Event()
    before = termios.tcgetattr(number)
    listener = threading.Thread(target=_listen, args=(number, keys, over), name="s1-keys", daemon=True)
    try:
        tty.setcbreak(number)  # Ctrl-C still ends the run
        listener.start()
        yield True
    finally:
        over.set()
        listener.join()
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _listen(number: int, keys: Keys, over: threading.Event) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    while not over.is_set():
        ready, _, _ = select.select([number], [], [], _LOOK_EVERY_S)
        if not ready:
            continue
        try:
            read = os.read(number, 1024)
        except OSError:  # the terminal is gone
            return
        if not read:
            return
        keys.typed(decoder.decode(read))


def _is_ours(terminal: TextIO) -> bool:
    """Whether it is a terminal, and this program runs in its foreground: others may not change it."""
    try:
        return sys.platform != "win32" and terminal.isatty() and os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
