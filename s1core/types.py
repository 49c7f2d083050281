"""Values that travel through the project: sampling settings, events, segments, traces, receipts.

Pure data. A run is a stream of events; everything else (a trace, a web page, a recording) is a fold over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from s1core.budget import Landing
from s1core.commands import Steered, read_steered
from s1core.errors import InvalidSetting
from s1core.spill import Spill

Source = Literal["model", "wait", "you", "hint", "close", "probe"]
"""Who wrote a token: sampled by the model, a forced Wait, a Wait that a person forced while the run went on, a hint
that the budget is almost spent, the closing of the thinking block, or a probe."""
FORCED: tuple[Source, ...] = ("wait", "you")
INJECTED: tuple[Source, ...] = (*FORCED, "hint")
"""Authors inside the thinking beside the model; what they write is not divided."""
PUT_IN = ", put in"
"""Ends the note of a Wait that was forced where the model had not tried to end."""

Phase = Literal["thinking", "answer"]

ClosedBy = Literal["model", "budget", "context", "loop", "you", "cancelled"]
"""What closed the thinking: the model itself, the asked budget, the context window, a loop, a person who wanted the
answer, or one who stopped the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How the next token is drawn.

    The noise of step t is a function of (seed, question_id, sample_index, t) alone, whatever else is in the batch.
    """

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Smallest set of tokens whose probability reaches this is kept; 1 keeps all."""
    top_k: int = 0
    """So many of the likeliest tokens are kept; 0 keeps all."""
    min_p: float = 0.0
    """Tokens at least this times as probable as the likeliest one are kept; 0 keeps all."""
    seed: int = 0
    sample_index: int = 0
    """Tells several samples of the same question and seed apart."""
    question_id: str = ""
    """Tells questions of one seed apart, so that their errors are independent; empty: they share their noise."""

    @property
    def filters(self) -> bool:
        """Whether some tokens are left out before one is drawn."""
        return self.top_p < 1 or self.top_k > 0 or self.min_p > 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 10.0:
            raise InvalidSetting(f"temperature must lie between 0 and 10, got {self.temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise InvalidSetting(f"top_p must be above 0 and at most 1, got {self.top_p}")
        if not 0 <= self.top_k < 2**31:
            raise InvalidSetting(f"top_k must lie between 0 (all) and 2^31 - 1, got {self.top_k}")
        if not 0.0 <= self.min_p <= 1.0:
            raise InvalidSetting(f"min_p must lie between 0 and 1, got {self.min_p}")
        if not 0 <= self.seed < 2**63:
            raise InvalidSetting(f"seed must lie between 0 and 2^63 - 1, got {self.seed}")
        if not 0 <= self.sample_index < 2**31:
            raise InvalidSetting(f"sample_index must lie between 0 and 2^31 - 1, got {self.sample_index}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A maximal run of tokens with one author. `text` is always what `token_ids` decode to."""

    source: Source
    phase: Phase
    text: str
    token_ids: tuple[int, ...]
    note: str = ""
    """Why an injected segment is there: `Wait 2`, `Wait 2, put in`, or why the thinking was closed."""

    @property
    def at_a_try(self) -> bool:
        """Whether it was forced where the model tried to end."""
        return self.source in FORCED and not self.note.endswith(PUT_IN)

    def as_event(self) -> Tokens:
        """Return it as tokens that were there before the run began."""
        return Tokens(source=self.source, phase=self.phase, text=self.text, token_ids=self.token_ids, note=self.note)


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What was asked, what was spent, and who decided. Every run leaves one."""

    max_thinking_tokens: int | None
    """What was asked for; where a person moved it while the run went on, what it was in the end."""
    min_thinking_tokens: int
    waits: int
    accounting: str
    thinking_tokens: int
    """Tokens between the opening and the closing marker, injected ones included, markers excluded."""
    waits_used: int
    closed_by: ClosedBy
    answer_tokens: int
    answered: bool
    """A final answer could be parsed."""
    answer_rule: str
    """The extraction rule that found it, or why none was found."""
    answer_complete: bool
    """The model ended its answer itself; false when `max_answer_tokens` cut it."""
    prompt_tokens: int
    prefill_computed: int
    """Prompt and injected tokens that were run through the model."""
    prefill_reused: int
    """Prompt and injected tokens taken from the prefix cache."""
    time_to_first_token_s: float | None
    wall_s: float
    tokens_per_s: float | None
    """Sampled tokens per second of wall time after the first one."""
    engine: str
    model: str
    temperature: float
    seed: int
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    answer_probability: float | None = None
    """Probability of the tokens that wrote the answer, not of the words around it; only where it was asked for."""
    unsupported: tuple[str, ...] = ()
    """Asked settings that this engine could not enforce."""
    waits_by_you: int = 0
    """Waits that a person forced while the run went on; they are not among `waits_used`."""
    landing: Landing | None = None
    """None: no soft landing was asked for, or the thinking ended before one began."""
    spill: Spill | None = None
    """How the answer goes on thinking; None: it does not."""
    steered: tuple[Steered, ...] = ()
    """What a person asked while the run went on, in order; steps in a row are one."""

    @property
    def drawn(self) -> str:
        """How the tokens were drawn, in words."""
        filters = {"top_p": (self.top_p, 1.0), "top_k": (self.top_k, 0), "min_p": (self.min_p, 0.0)}
        said = [f"{name} {value:g}" for name, (value, all_kept) in filters.items() if value != all_kept]
        return ", ".join([f"temperature {self.temperature:g}", *said, f"seed {self.seed}"])

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The prompt is rendered and the first request is on its way."""

    prompt_tokens: int
    max_thinking_tokens: int
    """The asked budget, or what the context leaves if that is less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefilled:
    """A request's prompt is through the model: the question at first, then what was injected since."""

    computed: int
    """Prompt and injected tokens that were run through the model."""
    reused: int
    """Prompt and injected tokens taken from the prefix cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """New tokens of one author. `text` may lag behind `token_ids` while a character is incomplete."""

    source: Source
    phase: Phase
    text: str
    token_ids: tuple[int, ...]
    note: str = ""
    at_s: float = 0.0
    """Seconds since the run began."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Under `per_round` accounting: the thinking is cut once, at the end, to its first `keep_tokens` tokens."""

    keep_tokens: int
    segments: tuple[Segment, ...]
    """The thinking as it stands after the cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The last event of every run, also of one that was cancelled from within."""

    answer: str | None
    receipt: Receipt


Event = Started | Prefilled | Tokens | Steered | Cut | Finished


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A finished run: who wrote what, the parsed answer, and the receipt."""

    segments: tuple[Segment, ...]
    answer: str | None
    receipt: Receipt

    @property
    def token_ids(self) -> tuple[int, ...]:
        """All token ids after the prompt, injected ones included."""
        return tuple(i for s in self.segments for i in s.token_ids)

    @property
    def text(self) -> str:
        """All text after the prompt; always what `token_ids` decode to, segment by segment."""
        return "".join(s.text for s in self.segments)

    @property
    def thinking_text(self) -> str:
        """The text inside the thinking block, forced Waits included, markers excluded."""
        return "".join(s.text for s in self.segments if s.phase == "thinking")

    @property
    def answer_text(self) -> str:
        """The model's own text after the closing marker."""
        return "".join(s.text for s in self.segments if s.phase == "answer" and s.source == "model")

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> Trace:
        """Fold the events of one run.

        Raises:
            ValueError: the stream ended without `Finished` (it was interrupted).
        """
        segments = Segments()
        for event in events:
            if isinstance(event, Tokens):
                segments.append(event)
            elif isinstance(event, Cut):
                segments = Segments(event.segments)
            elif isinstance(event, Finished):
                return cls(segments=tuple(segments), answer=event.answer, receipt=event.receipt)
        raise ValueError("the run was interrupted: its events end without a receipt")

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy; `from_dict` reads it back."""
        return {
            "answer": self.answer,
            "segments": [{**asdict(s), "token_ids": list(s.token_ids)} for s in self.segments],
            "receipt": self.receipt.as_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Trace:
        """Read what `as_dict` wrote."""
        rows: list[dict[str, Any]] = [{**row, "token_ids": tuple(row["token_ids"])} for row in data["segments"]]
        receipt: dict[str, Any] = {**data["receipt"], "unsupported": tuple(data["receipt"].get("unsupported", ()))}
        receipt["steered"] = read_steered(receipt.get("steered", ()))
        return cls(segments=tuple(Segment(**row) for row in rows), answer=data["answer"], receipt=Receipt(**receipt))


class Segments:
    """The segments of a text that grows. What one author writes is joined once, when somebody looks.

    So a long text takes time in proportion to its tokens, however few come at a time.
    """

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self._joined = list(segments)
        self._new: list[Tokens] = []
        """Of one author, not joined yet."""

    def __iter__(self) -> Iterator[Segment]:
        self._join()
        return iter(tuple(self._joined))

    @property
    def last(self) -> Segment | Tokens | None:
        """What was added last, or the segment that it belongs to."""
        return self._new[-1] if self._new else self._joined[-1] if self._joined else None

    def append(self, event: Tokens) -> None:
        """Add new tokens."""
        if self._new and _author(self._new[-1]) != _author(event):
            self._join()
        self._new.append(event)

    def _join(self) -> None:
        if not self._new:
            return
        parts: list[Segment | Tokens] = [*self._new]
        if self._joined and _author(self._joined[-1]) == _author(self._new[-1]):
            parts.insert(0, self._joined.pop())
        source, phase, note = _author(self._new[-1])
        text, ids = "".join(part.text for part in parts), tuple(i for part in parts for i in part.token_ids)
        self._joined.append(Segment(source=source, phase=phase, text=text, token_ids=ids, note=note))
        self._new = []


def _author(part: Segment | Tokens) -> tuple[Source, Phase, str]:
    return part.source, part.phase, part.note


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a chat before the one being answered (a system prompt, say)."""

    role: Literal["system", "user", "assistant"]
    content: str
