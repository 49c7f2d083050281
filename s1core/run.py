"""One run of budget forcing without input or output of its own: it names the next request and is fed the chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from s1core.budget import Budget, Close, Inject, Limits, Progress, Sample, next_action
from s1core.engines.base import Chunk, Engine, Request, notes_of
from s1core.engines.capabilities import require
from s1core.errors import EngineFailed, InvalidSetting, QuestionTooLong
from s1core.grading.extract import extract_answer
from s1core.meter import Meter, Sureness
from s1core.stops import StopStrings
from s1core.thinking import EndDetector, Fed, TextDecoder
from s1core.types import (
    ClosedBy,
    Cut,
    Event,
    Finished,
    Message,
    Phase,
    Prefilled,
    Receipt,
    Sampling,
    Segment,
    Segments,
    Source,
    Started,
    Tokens,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thought:
    """Thinking that is there already, with where the state machine stands after it."""

    segments: tuple[Segment, ...]
    progress: Progress
    goes_on: bool = False
    """The model writes on in the last segment: what comes is decoded together with it. Its text may lag behind."""


class Run:
    """One run, sans input and output. Pump it: send `request` to an engine, `feed` the chunks, until it is None.

    A new `request` object while chunks of the old one still arrive means that the old one is to be abandoned.
    """

    def __init__(
        self,
        engine: Engine,
        question: str,
        budget: Budget,
        sampling: Sampling,
        *,
        system: str | None = None,
        history: Sequence[Message] = (),
        stop: Sequence[str] = (),
        max_total_tokens: int | None = None,
        answer_logprobs: bool = False,
    ) -> None:
        if not question.strip():
            raise InvalidSetting("the question is empty; type one, for instance: How many r in raspberry?")
        self._engine = engine
        self._budget = budget
        self._sampling = sampling
        self._codec = engine.codec
        fmt = engine.format
        earlier = (replace(m, content=fmt.earlier_turn(m.content)) if m.role == "assistant" else m for m in history)
        messages = [*earlier, Message(role="user", content=question)]
        if system is not None:
            messages.insert(0, Message(role="system", content=system))
        self._prompt = self._codec.render_prompt(messages, fmt)
        self._wait_ids = self._codec.encode_user(budget.wait_text)
        wordless = not self._wait_ids and (budget.waits > 0 or budget.min_thinking_tokens > 0)
        if wordless:
            require(engine, "forbid_first")
        self._max_answer_tokens = budget.max_answer_tokens or engine.default_answer_tokens
        self._max_total_tokens = max_total_tokens
        self._limits = Limits.of(budget, room=self._thinking_room(), wait_tokens=len(self._wait_ids))
        self._progress = Progress()
        self._segments = Segments()
        self._phase: Phase = "thinking"
        self._closed_by: ClosedBy | None = None
        self._answer_tokens = 0
        self._answer_complete = False
        self._sureness = Sureness() if answer_logprobs and engine.capabilities.logprobs != "unsupported" else None
        self._detector = EndDetector(self._codec, engine.format.ends)
        self._decoder = TextDecoder(self._codec)
        self._stops = StopStrings(self._codec, stop)
        self._meter = Meter()
        self.request: Request | None = None

    @property
    def limits(self) -> Limits:
        """The budget in tokens, for this model and this question."""
        return self._limits

    @property
    def closed_by(self) -> ClosedBy | None:
        """Who closed the thinking; None while it goes on."""
        return self._closed_by

    @property
    def done(self) -> bool:
        """The run has ended; its last event was `Finished`."""
        return self.request is None

    def start(self) -> list[Event]:
        """Begin the run; sets the first request."""
        self._meter.start()
        started = Started(prompt_tokens=len(self._prompt), max_thinking_tokens=self._limits.max_thinking_tokens)
        return [started, *self._advance()]

    def resume(self, thought: Thought) -> list[Event]:
        """Begin the run after thinking that an earlier run of the same question did; its tokens are not paid again."""
        self._segments = Segments(thought.segments)
        self._progress = thought.progress
        if thought.goes_on:
            for token_id in thought.segments[-1].token_ids:
                self._decoder.feed((token_id,))
        return self.start()

    def feed(self, chunk: Chunk) -> list[Event]:
        """Take what the engine sampled; return what happened."""
        self._meter.count(chunk)
        if self._sureness:
            self._sureness.add(chunk.logprobs)
        fed = self._detector.feed(chunk.token_ids)
        events: list[Event] = []
        if chunk.prefill_computed or chunk.prefill_reused:
            events.append(Prefilled(computed=chunk.prefill_computed, reused=chunk.prefill_reused))
        if self._phase == "answer":
            return events + self._answer(fed, chunk)
        events += self._wrote(fed.ids)
        ended = fed.ended or chunk.finish == "stop"
        if chunk.finish is None and not ended:
            return events
        events += self._wrote(self._detector.flush())
        if ended:
            self._progress = self._progress.tried_to_end()
        return events + self._advance()

    def _answer(self, fed: Fed, chunk: Chunk) -> list[Event]:
        """Take what belongs to the answer, up to a marker, a stop or the limit."""
        over = fed.ended or chunk.finish is not None
        cut = self._stops.feed((*fed.ids, *self._detector.flush()) if over else fed.ids)
        events = self._wrote(cut.ids)
        if not over and not cut.ended:
            return events
        events += self._wrote(self._stops.flush())
        self._answer_complete = cut.ended or (not fed.reopened and (fed.ended or chunk.finish == "stop"))
        return events + self._finish()

    def stopped_short(self, request: Request) -> None:
        """Take that an engine sends no more chunks.

        Raises:
            EngineFailed: the request has not come to its end, and would be sent again forever.
        """
        if self.request is request:
            raise EngineFailed(
                f"the {self._engine.name} engine stopped in the middle of a text without saying why; ask again"
            )

    def cancel(self) -> list[Event]:
        """Stop here; the receipt says so."""
        events = self._wrote((*self._stops.flush(), *self._detector.flush()))
        if self._phase == "thinking":
            self._closed_by = "cancelled"
        return events + self._finish()

    def _thinking_room(self) -> int:
        fmt, final = self._engine.format, self._budget.final_answer_text
        closings = (
            fmt.closing_text(by_model=True, thinking_text="", final_answer_text=final),
            fmt.closing_text(by_model=False, thinking_text="", final_answer_text=final),
        )
        markers = max(len(self._encode_closing(text, final)) for text in closings)
        left = self._engine.context_length - len(self._prompt) - markers
        # The longest answer is a cap: no more than a usual answer's length is taken from the thinking.
        kept = min(self._max_answer_tokens, self._engine.default_answer_tokens)
        room = left - kept
        if room < 0:
            raise QuestionTooLong(
                f"the question takes {len(self._prompt)} tokens, but {self._engine.model} has a context of "
                f"{self._engine.context_length} and {kept + markers} of it are kept for the answer; "
                f"shorten the question by {-room} tokens or lower max_answer_tokens"
            )
        return room

    def _answer_room(self) -> int:
        """Tokens that the answer may take: its cap, what the context leaves, and what is left of the total."""
        written = sum(len(s.token_ids) for s in self._segments)
        room = min(self._max_answer_tokens, self._engine.context_length - len(self._prompt) - written)
        if self._max_total_tokens is None:
            return room
        thought = sum(len(s.token_ids) for s in self._segments if s.phase == "thinking")
        return min(room, self._max_total_tokens - thought)

    def _encode_closing(self, text: str, final_answer_text: str) -> tuple[int, ...]:
        """Encode the closing; the final-answer text may come from a user and must stay text."""
        if final_answer_text and text.endswith(final_answer_text):
            marker = text[: len(text) - len(final_answer_text)]
            return self._codec.encode_template(marker) + self._codec.encode_user(final_answer_text)
        return self._codec.encode_template(text)

    def _advance(self) -> list[Event]:
        """Ask the state machine until it wants tokens from the model."""
        events: list[Event] = []
        while True:
            match next_action(self._limits, self._progress):
                case Sample(max_tokens, forbid_end_first):
                    forbidden = self._detector.first_ids if forbid_end_first else frozenset[int]()
                    self._ask(max_tokens, forbid_first=forbidden | self._reopening_ids())
                    return events
                case Inject(number):
                    events += self._inject("wait", self._wait_ids, note=f"Wait {number}")
                    self._progress = self._progress.injected(len(self._wait_ids))
                case Close(reason, keep_tokens):
                    return events + self._close(reason, keep_tokens)

    def _reopening_ids(self) -> frozenset[int]:
        """Keep the model from opening again the block that is already open: its marker would be counted as thought."""
        marker_id = self._codec.single_id(self._engine.format.open.strip())
        at_the_start = self._progress.spent == 0
        return frozenset({marker_id}) if marker_id is not None and at_the_start else frozenset()

    def _close(self, reason: ClosedBy, keep_tokens: int) -> list[Event]:
        events = self._end_segment()
        if keep_tokens < self._progress.spent:
            kept = cut(self._codec.decode, self._segments, keep_tokens)
            self._segments = Segments(kept)
            self._progress = replace(self._progress, waits_used=sum(s.source == "wait" for s in kept))
            events.append(Cut(keep_tokens=keep_tokens, segments=tuple(kept)))
        self._closed_by = reason
        final = self._budget.final_answer_text
        thinking = "".join(s.text for s in self._segments)
        text = self._engine.format.closing_text(
            by_model=reason == "model", thinking_text=thinking, final_answer_text=final
        )
        self._phase = "answer"
        events += self._inject("close", self._encode_closing(text, "" if reason == "model" else final), note=reason)
        self._detector = EndDetector(self._codec, self._engine.format.answer_ends, self._engine.format.reopens)
        self._ask(self._answer_room())
        return events

    def _ask(self, max_tokens: int, *, forbid_first: frozenset[int] = frozenset()) -> None:
        written = tuple(i for s in self._segments for i in s.token_ids)
        self.request = Request(
            prompt_ids=self._prompt + written,
            max_tokens=max_tokens,
            stop_ids=self._detector.stop_ids,
            forbid_first=forbid_first,
            sampling=self._sampling,
            logprobs=self._sureness is not None and self._phase == "answer",
            first_step=len(written),
            goes_on=self._phase == "thinking",
        )

    def _wrote(self, ids: tuple[int, ...]) -> list[Event]:
        if not ids:
            return []
        if self._phase == "thinking":
            self._progress = self._progress.sampled(len(ids))
            return self._append("model", self._decoder.feed(ids), ids)
        self._answer_tokens += len(ids)
        text = self._decoder.feed(ids)
        if self._sureness:
            self._sureness.wrote(text, tokens=len(ids))
        return self._append("model", text, ids)

    def _inject(self, source: Source, ids: tuple[int, ...], *, note: str) -> list[Event]:
        events = self._end_segment()
        return events + self._append(source, self._codec.decode(ids), ids, note=note)

    def _end_segment(self) -> list[Event]:
        rest = self._decoder.flush()
        return self._append("model", rest, ()) if rest else []

    def _append(self, source: Source, text: str, ids: tuple[int, ...], *, note: str = "") -> list[Event]:
        # Text that was held back belongs to the model's segment of the phase in which it was written.
        last = self._segments.last
        phase: Phase = self._phase if ids or last is None else last.phase
        if source == "close":
            phase = "answer"
        tokens = Tokens(source=source, phase=phase, text=text, token_ids=ids, note=note, at_s=self._meter.elapsed_s())
        self._segments.append(tokens)
        return [tokens]

    def _finish(self) -> list[Event]:
        events = self._end_segment()
        self.request = None
        answer_part = "".join(s.text for s in self._segments if s.phase == "answer")
        found = extract_answer(answer_part)
        receipt = Receipt(
            max_thinking_tokens=self._budget.max_thinking_tokens,
            min_thinking_tokens=self._budget.min_thinking_tokens,
            waits=self._budget.waits,
            accounting=self._budget.accounting,
            thinking_tokens=sum(len(s.token_ids) for s in self._segments if s.phase == "thinking"),
            waits_used=self._progress.waits_used,
            closed_by=self._closed_by or "cancelled",
            answer_tokens=self._answer_tokens,
            answered=found.answer is not None,
            answer_rule=found.rule,
            answer_complete=self._answer_complete,
            prompt_tokens=len(self._prompt),
            engine=self._engine.name,
            model=self._engine.model,
            temperature=self._sampling.temperature,
            seed=self._sampling.seed,
            top_p=self._sampling.top_p,
            top_k=self._sampling.top_k,
            min_p=self._sampling.min_p,
            answer_probability=self._sureness.of(found.answer) if self._sureness else None,
            unsupported=self._unsupported(),
            **self._meter.summary(),
        )
        return [*events, Finished(answer=found.answer, receipt=receipt)]

    def _unsupported(self) -> tuple[str, ...]:
        has = self._engine.capabilities
        notes: list[str] = []
        if has.token_ids != "enforced":
            notes.append("token counts: estimated by local tokenizer")
        if has.seeded_noise != "enforced" and self._sampling.temperature > 0:
            notes.append("seeded noise: the same seed may give another text")
        if has.filters != "enforced" and self._sampling.filters and self._sampling.temperature > 0:
            kept = "passed on, not checked" if has.filters == "emulated" else "not kept"
            notes.append(f"top_p, top_k, min_p: {kept}")
        return (*notes, *notes_of(self._engine))


def cut(decode: Callable[[tuple[int, ...]], str], segments: Iterable[Segment], keep_tokens: int) -> list[Segment]:
    """Keep the first `keep_tokens` tokens; the text of a shortened segment is decoded anew, so that both agree.

    A Wait without a word has no tokens; it is kept where tokens follow that are.
    """
    kept: list[Segment] = []
    left = keep_tokens
    for segment in segments:
        if left <= 0:
            break
        ids = segment.token_ids[:left]
        left -= len(ids)
        kept.append(segment if ids == segment.token_ids else replace(segment, token_ids=ids, text=decode(ids)))
    return kept
