"""One run of budget forcing without input or output of its own: it names the next request and is fed the chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from s1core.budget import Budget, Close, CloseReason, Forcer, Inject, Limits, Progress, Sample, next_action
from s1core.closing import Closing
from s1core.commands import HOLDING, MOST_COMMANDS, Command, CommandLog, Refused, Steered, obey
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.capabilities import not_kept, require
from s1core.errors import CommandRefused, EngineFailed, InvalidSetting, QuestionTooLong
from s1core.grading.extract import extract_answer
from s1core.meter import Meter, Sureness
from s1core.stops import StopStrings
from s1core.thinking import EndDetector, Fed
from s1core.transcript import Transcript
from s1core.transcript import cut as cut
from s1core.types import PUT_IN, ClosedBy, Cut, Event, Finished, Message, Prefilled, Receipt, Sampling, Segment, Started


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
        ceiling: int | None = None,
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
        self._closing = Closing(self._codec, engine.format, budget.final_answer_text)
        limits = Limits.of(budget, room=self._thinking_room(), wait_tokens=len(self._wait_ids), ceiling=ceiling)
        # What is kept of a total for the answer is not given to the thinking later.
        self._limits = limits if max_total_tokens is None else replace(limits, ceiling=limits.max_thinking_tokens)
        self._progress = Progress()
        self._word_now: tuple[int, ...] = ()
        self._word_at_end: tuple[int, ...] = ()
        self._log = CommandLog()
        self._closed_by: ClosedBy | None = None
        self._answer_tokens = 0
        self._answer_complete = False
        self._sureness = Sureness() if answer_logprobs and engine.capabilities.logprobs != "unsupported" else None
        self._detector = EndDetector(self._codec, engine.format.ends)
        self._stops = StopStrings(self._codec, stop)
        self._meter = Meter()
        self._transcript = Transcript(self._codec, self._meter.elapsed_s)
        self.request: Request | None = None
        self._begun = False

    @property
    def limits(self) -> Limits:
        """The budget in tokens, for this model and this question."""
        return self._limits

    @property
    def closed_by(self) -> ClosedBy | None:
        """Who closed the thinking; None while it goes on."""
        return self._closed_by

    @property
    def _thinks(self) -> bool:
        return self._transcript.phase == "thinking"

    @property
    def done(self) -> bool:
        """The run has ended; its last event was `Finished`."""
        return self.request is None

    @property
    def position(self) -> tuple[int, int]:
        """Where the run is: forced Waits so far, and tokens after the prompt, those that are held back included."""
        held = len(self._detector.held) + len(self._stops.held)
        return self._progress.forced, self._transcript.tokens + held

    def start(self) -> list[Event]:
        """Begin the run; sets the first request."""
        self._meter.start()
        self._begun = True
        started = Started(prompt_tokens=len(self._prompt), max_thinking_tokens=self._limits.max_thinking_tokens)
        return [started, *self._advance()]

    def resume(self, thought: Thought) -> list[Event]:
        """Begin the run after thinking that an earlier run of the same question did; its tokens are not paid again."""
        self._transcript.restore(thought.segments, goes_on=thought.goes_on)
        self._progress = thought.progress
        return self.start()

    def feed(self, chunk: Chunk) -> list[Event]:
        """Take what the engine sampled; return what happened."""
        self._meter.count(chunk)
        if self._thinks:
            chunk = self._within_budget(chunk)
        if self._sureness:
            self._sureness.add(chunk.logprobs)
        fed = self._detector.feed(chunk.token_ids)
        events: list[Event] = []
        if chunk.prefill_computed or chunk.prefill_reused:
            events.append(Prefilled(computed=chunk.prefill_computed, reused=chunk.prefill_reused))
        if not self._thinks:
            return events + self._answer(fed, chunk)
        events += self._wrote(fed.ids)
        ended = fed.ended or chunk.finish == "stop"
        if chunk.finish is None and not ended:
            return events
        goes_on = next_action(self._limits, self._progress.sampled(len(self._detector.held)))
        if not ended and isinstance(goes_on, Sample):  # the budget was raised since the engine was asked
            self._ask_for_thinking(goes_on)
            return events
        events += self._wrote(self._detector.flush())
        if ended:
            self._progress = self._progress.tried_to_end()
        return events + self._advance()

    def _within_budget(self, chunk: Chunk) -> Chunk:
        """Cut what goes beyond the budget, which may have been lowered since the engine was asked."""
        action = next_action(self._limits, self._progress.sampled(len(self._detector.held)))
        left = action.max_tokens if isinstance(action, Sample) else 0
        if len(chunk.token_ids) < left or not chunk.token_ids:
            return chunk
        return replace(chunk, token_ids=chunk.token_ids[:left], finish="length", stop_id=None)

    def steer(self, command: Command, *, recorded: bool = False) -> list[Event]:
        """Obey a command here, between two tokens; the first event says that and where it was done.

        Args:
            command: what is asked.
            recorded: it was obeyed at this place before, so that an engine of recorded runs knows what follows.

        Raises:
            CommandRefused: it changes nothing; the message says why.
        """
        if self._begun and self.done:
            raise CommandRefused("the run is over; start another one")
        if self._log.is_full:
            raise CommandRefused(f"a run obeys at most {MOST_COMMANDS:,} commands, and this one has")
        if command.kind in HOLDING:
            return [self._recorded(command)]
        if not self._thinks:
            raise CommandRefused("the thinking is over and the answer is being written; ask again to steer another run")
        if self._engine.capabilities.steering == "unsupported" and not recorded:
            raise CommandRefused(f"the {self._engine.name} engine plays what was recorded; ask a model to steer it")
        return self._obey(command)

    def _obey(self, command: Command) -> list[Event]:
        word = self._wait_ids if command.word is None else self._codec.encode_user(command.word)
        if command.at_end and not word and self._engine.capabilities.forbid_first == "unsupported":
            raise CommandRefused(f"the {self._engine.name} engine cannot ignore an end without a word; give one")
        held = len(self._detector.held)
        outcome = obey(self._limits, self._progress.sampled(held), command, word_tokens=len(word))
        if isinstance(outcome, Refused):
            raise CommandRefused(outcome.reason)
        event = self._recorded(replace(command, tokens=outcome.moved))
        self._limits = outcome.limits
        if command.kind == "wait" and command.at_end:
            self._word_at_end = word
        elif command.kind == "wait":
            self._word_now = word
        if isinstance(next_action(outcome.limits, outcome.progress), Sample):
            # Nothing changes here and now, and what is held back may still turn out to be a marker.
            self._progress = replace(self._progress, word_at_end=outcome.progress.word_at_end)
            return [event]
        events = [event, *self._wrote(self._detector.flush())]
        self._progress = outcome.progress
        return events + self._advance()

    def _recorded(self, command: Command) -> Steered:
        waits, tokens = self.position
        return self._log.record(command, at_tokens=tokens, after_waits=waits)

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
        if self._thinks:
            self._closed_by = "cancelled"
        return events + self._finish()

    def _thinking_room(self) -> int:
        markers = self._closing.most_tokens
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
        left = self._engine.context_length - len(self._prompt) - self._transcript.tokens
        room = min(self._max_answer_tokens, left)
        if self._max_total_tokens is None:
            return room
        return min(room, self._max_total_tokens - self._transcript.thinking_tokens)

    def _advance(self) -> list[Event]:
        """Ask the state machine until it wants tokens from the model."""
        events: list[Event] = []
        while True:
            match next_action(self._limits, self._progress):
                case Sample() as action:
                    self._ask_for_thinking(action)
                    return events
                case Inject(number, by):
                    word, source = self._word(by), "you" if by == "you" else "wait"
                    note = f"Wait {number}" + ("" if self._progress.ended else PUT_IN)
                    events += self._transcript.inject(source, word, note=note)
                    self._progress = self._progress.injected(len(word), by)
                case Close(reason, keep_tokens):
                    return events + self._close(reason, keep_tokens)

    def _word(self, by: Forcer) -> tuple[int, ...]:
        """Return what is injected now."""
        if by == "budget":
            return self._wait_ids
        return self._word_at_end if self._progress.word_now is None else self._word_now

    def _ask_for_thinking(self, action: Sample) -> None:
        forbidden = self._detector.first_ids if action.forbid_end_first else frozenset[int]()
        self._ask(action.max_tokens, forbid_first=forbidden | self._reopening_ids())

    def _reopening_ids(self) -> frozenset[int]:
        """Keep the model from opening again the block that is already open: its marker would be counted as thought."""
        marker_id = self._codec.single_id(self._engine.format.open.strip())
        at_the_start = self._progress.spent == 0
        return frozenset({marker_id}) if marker_id is not None and at_the_start else frozenset()

    def _close(self, reason: CloseReason, keep_tokens: int) -> list[Event]:
        events = self._transcript.end_segment()
        if keep_tokens < self._progress.spent:
            kept = self._transcript.cut(keep_tokens)
            used, by_you = (sum(s.source == source for s in kept) for source in ("wait", "you"))
            self._progress = replace(self._progress, waits_used=used, waits_by_you=by_you)
            events.append(Cut(keep_tokens=keep_tokens, segments=kept))
        self._closed_by = reason
        closing = self._closing.ids(by_model=reason == "model", thinking_text=self._transcript.text("thinking"))
        self._transcript.phase = "answer"
        events += self._transcript.inject("close", closing, note=reason)
        self._detector = EndDetector(self._codec, self._engine.format.answer_ends, self._engine.format.reopens)
        self._ask(self._answer_room())
        return events

    def _ask(self, max_tokens: int, *, forbid_first: frozenset[int] = frozenset()) -> None:
        # What is held back was written too; only what it is has not been decided.
        written = (*self._transcript.ids, *self._detector.held)
        self.request = Request(
            prompt_ids=self._prompt + written,
            max_tokens=max_tokens,
            stop_ids=self._detector.stop_ids,
            forbid_first=forbid_first,
            sampling=self._sampling,
            logprobs=self._sureness is not None and not self._thinks,
            first_step=len(written),
            goes_on=self._thinks,
        )

    def _wrote(self, ids: tuple[int, ...]) -> list[Event]:
        if not ids:
            return []
        if self._thinks:
            self._progress = self._progress.sampled(len(ids))
            return [self._transcript.wrote(ids)]
        self._answer_tokens += len(ids)
        event = self._transcript.wrote(ids)
        if self._sureness:
            self._sureness.wrote(event.text, tokens=len(ids))
        return [event]

    def _finish(self) -> list[Event]:
        events = self._transcript.end_segment()
        self.request = None
        found = extract_answer(self._transcript.text("answer"))
        receipt = Receipt(
            max_thinking_tokens=self._asked_for(),
            min_thinking_tokens=self._budget.min_thinking_tokens,
            waits=self._budget.waits,
            accounting=self._budget.accounting,
            thinking_tokens=self._transcript.thinking_tokens,
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
            unsupported=not_kept(self._engine, self._sampling, steered=self._log.changed_text),
            waits_by_you=self._progress.waits_by_you,
            steered=tuple(self._log),
            **self._meter.summary(),
        )
        return [*events, Finished(answer=found.answer, receipt=receipt)]

    def _asked_for(self) -> int | None:
        """Return the thinking tokens that were asked for, as they were moved on the way."""
        return self._limits.max_thinking_tokens if self._log.moved_budget else self._budget.max_thinking_tokens
