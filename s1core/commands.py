"""What a person may ask of a run while it goes on, and what that makes of the state machine. Pure and total.

A run obeys between two tokens and records where. Repeated at the same places by nobody, the commands give the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from s1core.budget import Limits, Progress, fits
from s1core.errors import InvalidSetting

CommandKind = Literal["answer", "wait", "more", "less", "pause", "step", "resume"]
"""Answer now; force a Wait; raise or lower the budget; hold the text, show some tokens of it, let it go on."""
KINDS: tuple[CommandKind, ...] = get_args(CommandKind)
COUNTED: tuple[CommandKind, ...] = ("more", "less", "step")
"""Commands that come with a number of tokens."""
HOLDING: tuple[CommandKind, ...] = ("pause", "step", "resume")
"""Commands that hold the text and change none of it."""
MOST_WORD_CHARACTERS = 200
MOST_COMMANDS = 1_000
"""Commands that one run obeys and records."""
_MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One press of a button."""

    kind: CommandKind
    tokens: int = 0
    """Of `more` and `less`: how far the budget moves. Of `step`: how many tokens are shown."""
    word: str | None = None
    """Of `wait`: what is written; None is the run's own wait text."""
    at_end: bool = False
    """Of `wait`: in place of the next end of thinking, not at once."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidSetting(f"there is no command {str(self.kind)[:40]!r}; there are {', '.join(KINDS)}")
        counted = self.kind in COUNTED
        if isinstance(self.tokens, bool) or not isinstance(self.tokens, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidSetting(f"tokens must be a whole number, not {str(self.tokens)[:40]!r}")
        if not (1 <= self.tokens <= _MOST_TOKENS if counted else self.tokens == 0):
            needs = "needs 1 token or more" if counted else "takes no number of tokens"
            raise InvalidSetting(f"the command {self.kind} {needs}, got {str(self.tokens)[:40]}")
        if self.kind != "wait" and (self.word is not None or self.at_end):
            raise InvalidSetting(f"the command {self.kind} takes no word; only wait does")
        if self.word is not None and len(self.word) > MOST_WORD_CHARACTERS:
            raise InvalidSetting(f"a word has at most {MOST_WORD_CHARACTERS} characters, this one {len(self.word):,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Steered(Command):
    """A command that a run has obeyed, and where. An event of the run, and a part of its receipt."""

    at_tokens: int
    """Tokens after the prompt when it was obeyed, forced ones included."""
    after_waits: int
    """Forced Waits before that; where one has no word, the tokens alone do not tell the place."""
    source: Literal["you"] = "you"

    @property
    def command(self) -> Command:
        """What was asked."""
        return Command(kind=self.kind, tokens=self.tokens, word=self.word, at_end=self.at_end)

    @classmethod
    def of(cls, command: Command, *, at_tokens: int, after_waits: int) -> Steered:
        """Record where a command was obeyed."""
        return cls(
            kind=command.kind,
            tokens=command.tokens,
            word=command.word,
            at_end=command.at_end,
            at_tokens=at_tokens,
            after_waits=after_waits,
        )

    @property
    def in_words(self) -> str:
        """What was asked, in a few words."""
        match self.kind:
            case "answer":
                return "answer now"
            case "wait":
                word = "Wait" if self.word is None else f"“{self.word}”"
                return f"{word} at the next end" if self.at_end else word
            case "more" | "less" | "step":
                return f"{self.kind} {self.tokens:,}"
            case _:
                return self.kind


@dataclass(frozen=True, slots=True)
class Obeyed:
    """Where the state machine stands after a command."""

    limits: Limits
    progress: Progress
    moved: int = 0
    """Tokens by which the budget moved, which may be fewer than were asked for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a command changes nothing, in a sentence."""

    reason: str


def obey(limits: Limits, progress: Progress, command: Command, *, word_tokens: int = 0) -> Obeyed | Refused:
    """Apply a command to the state machine. Pure; total.

    Args:
        limits: of the run.
        progress: of the run; it goes on thinking.
        command: what is asked.
        word_tokens: length of the encoded word of a `wait`.
    """
    match command.kind:
        case "answer":
            return Obeyed(limits, replace(progress, answer_asked=True))
        case "wait":
            return _wait(limits, progress, word_tokens, at_end=command.at_end)
        case "more" | "less":
            return _move(limits, progress, command)
        case _:
            return Obeyed(limits, progress)


def _wait(limits: Limits, progress: Progress, tokens: int, *, at_end: bool) -> Obeyed | Refused:
    if not fits(limits, progress, tokens):
        return Refused(f"the budget leaves no room for a word of {tokens} tokens; raise it first")
    if at_end:
        if progress.word_at_end is not None:
            return Refused("the next end of thinking is ignored already; wait for it")
        return Obeyed(limits, replace(progress, word_at_end=tokens))
    if tokens == 0:
        return Refused("there is no word to put in here; give one, Wait for instance")
    if progress.just_injected:
        return Refused("a Wait has just been put in; let the model write before the next one")
    return Obeyed(limits, replace(progress, word_now=tokens))


def _move(limits: Limits, progress: Progress, command: Command) -> Obeyed | Refused:
    if limits.accounting != "total":
        return Refused("a budget per round cannot be moved while the run goes on; count it over the whole run")
    now = limits.max_thinking_tokens
    if command.kind == "more":
        most = limits.room if limits.ceiling is None else min(limits.room, limits.ceiling)
        new = max(now, min(now + command.tokens, most))
        refusal = f"the budget cannot be raised above {now:,} thinking tokens here"
    else:
        new = min(now, max(progress.spent, now - command.tokens))
        refusal = "the whole budget is spent; there is nothing to take away"
    if new == now:
        return Refused(refusal)
    bound_by = "context" if new == limits.room else "budget"
    return Obeyed(replace(limits, max_thinking_tokens=new, bound_by=bound_by), progress, abs(new - now))


class CommandLog:
    """The commands that one run has obeyed."""

    def __init__(self) -> None:
        self._done: list[Steered] = []

    def __iter__(self) -> Iterator[Steered]:
        return iter(self._done)

    @property
    def is_full(self) -> bool:
        """Whether no more are recorded."""
        return len(self._done) >= MOST_COMMANDS

    @property
    def changed_text(self) -> bool:
        """Whether one may have changed what was written."""
        return any(each.kind not in HOLDING for each in self._done)

    @property
    def moved_budget(self) -> bool:
        """Whether one has moved the budget."""
        return any(each.kind in ("more", "less") for each in self._done)

    def record(self, command: Command, *, at_tokens: int, after_waits: int) -> Steered:
        """Add a command with its place; steps in a row are one."""
        done = Steered.of(command, at_tokens=at_tokens, after_waits=after_waits)
        last = self._done[-1] if self._done else None
        if last is not None and done.kind == last.kind == "step":
            self._done[-1] = replace(last, tokens=last.tokens + done.tokens)
        else:
            self._done.append(done)
        return done


def read_steered(rows: Any) -> tuple[Steered, ...]:
    """Read commands that `dataclasses.asdict` made of `Steered`; raises TypeError where they are something else."""
    return tuple(Steered(**row) for row in rows)
