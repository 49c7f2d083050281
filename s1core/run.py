"""One run of budget forcing without input or output of its own: it names the next request and is fed the chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from s1core.answer import Answer
from s1core.budget import (
    Budget,
    Close,
    CloseReason,
    Hint,
    Inject,
    Landing,
    Limits,
    Progress,
    Sample,
    landing_of,
    next_action,
)
from s1core.closing import Closing
from s1core.commands import HOLDING, MOST_COMMANDS, Command, CommandLog, Refused, Steered, obey
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.capabilities import require_budget
from s1core.errors import CommandRefused, EngineFailed, InvalidSetting
from s1core.grading.extract import extract_answer
from s1core.loops import LoopDetector
from s1core.meter import Meter
from s1core.receipts import receipt_of
from s1core.room import Room
from s1core.thinking import EndDetector, Fed
from s1core.transcript import Transcript
from s1core.transcript import cut as cut
from s1core.types import (
    PUT_IN,
    ClosedBy,
    Cut,
    Event,
    Finished,
    Message,
    Prefilled,
    Sampling,
    Segment,
    Source,
    Started,
)
from s1core.words import Words


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
        messages = [*history, Message(role="user", content=question)]
        if system is not None:
            messages.insert(0, Message(role="system", content=system))
        self._prompt = self._codec.render_prompt(messages, engine.format)
        require_budget(engine, budget)
        self._words = Words(self._codec, budget)
        self._closing = Closing(self._codec, engine.format, budget.final_answer_text)
        self._room = Room(
            engine=engine,
            prompt=len(self._prompt),
            closing=self._closing.most_tokens,
            most_answer=budget.max_answer_tokens or engine.default_answer_tokens,
            most_total=max_total_tokens,
        )
        limits = Limits.of(
            budget,
            room=self._room.thinking(),
            wait_tokens=len(self._words.wait),
            hint_tokens=len(self._words.hint),
            ceiling=ceiling,
        )
        # What is kept of a total for the answer is not given to the thinking later.
        self._limits = limits if max_total_tokens is None else replace(limits, ceiling=limits.max_thinking_tokens)
        self._progress = Progress()
        self._log = CommandLog()
        self._closed_by: ClosedBy | None = None
        measured = answer_logprobs and engine.capabilities.logprobs != "unsupported"
        self._answer = Answer(self._codec, stop, measured=measured)
        self._landing: Landing | None = None
        self._detector = EndDetector(self._codec, engine.format.ends)
        self._loops = LoopDetector(repeats=budget.loop_repeats, longest=budget.loop_tokens)
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
        held = len(self._detector.held) + len(self._answer.held)
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
        self._loops.add(self._transcript.ids)
        self._progress = thought.progress
        return self.start()

    def feed(self, chunk: Chunk) -> list[Event]:
        """Take what the engine sampled; return what happened."""
        self._meter.count(chunk)
        if self._thinks:
            chunk = self._within_budget(chunk)
        self._answer.add(chunk.logprobs)
        fed = self._detector.feed(chunk.token_ids)
        events: list[Event] = []
        if chunk.prefill_computed or chunk.prefill_reused:
            events.append(Prefilled(computed=chunk.prefill_computed, reused=chunk.prefill_reused))
        if not self._thinks:
            return events + self._take_answer(fed, chunk)
        events += self._wrote(fed.ids)
        if self._progress.looping:
            return events + self._advance()
        ended = fed.ended or chunk.finish == "stop"
        if chunk.finish is None and not ended:
            return events
        goes_on = next_action(self._limits, self._progress.sampled(len(self._detector.held)))
        if not ended and isinstance(goes_on, Sample):  # the budget was raised since the engine was asked
            self._ask_for_thinking(goes_on)
            return events
        events += self._wrote(self._detector.flush())
        if ended and not self._progress.looping:
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
        word = self._words.of(command)
        if command.at_end and not word and self._engine.capabilities.forbid_first == "unsupported":
            raise CommandRefused(f"the {self._engine.name} engine cannot ignore an end without a word; give one")
        held = len(self._detector.held)
        outcome = obey(self._limits, self._progress.sampled(held), command, word_tokens=len(word))
        if isinstance(outcome, Refused):
            raise CommandRefused(outcome.reason)
        event = self._recorded(replace(command, tokens=outcome.moved))
        self._limits = outcome.limits
        self._words.keep(command, word)
        if isinstance(next_action(outcome.limits, outcome.progress), Sample):
            # Nothing changes here and now, and what is held back may still turn out to be a marker.
            self._progress = _told_by(outcome.progress, self._progress)
            return [event]
        events = [event, *self._wrote(self._detector.flush())]
        self._progress = _told_by(outcome.progress, self._progress)
        return events + self._advance()

    def _recorded(self, command: Command) -> Steered:
        waits, tokens = self.position
        return self._log.record(command, at_tokens=tokens, after_waits=waits)

    def _take_answer(self, fed: Fed, chunk: Chunk) -> list[Event]:
        """Take what belongs to the answer, up to a marker, a stop or the limit."""
        over = fed.ended or chunk.finish is not None
        ids = self._answer.take(
            (*fed.ids, *self._detector.flush()) if over else fed.ids,
            over=over,
            complete=not fed.reopened and (fed.ended or chunk.finish == "stop"),
            reopened=fed.reopened,
        )
        events = self._wrote(ids)
        return events + self._finish() if self._answer.over else events

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
        events = self._wrote((*self._answer.flush(), *self._detector.flush()))
        if self._thinks:
            self._closed_by = "cancelled"
        return events + self._finish()

    def _advance(self) -> list[Event]:
        """Ask the state machine until it wants tokens from the model."""
        events: list[Event] = []
        while True:
            match next_action(self._limits, self._progress):
                case Sample() as action:
                    self._ask_for_thinking(action)
                    return events
                case Hint():
                    events += self._inject("hint", self._words.hint, note="landing")
                    self._progress = self._progress.told(len(self._words.hint))
                case Inject(number, by):
                    word, source = self._words.forced(by, self._progress), "you" if by == "you" else "wait"
                    note = f"Wait {number}" + ("" if self._progress.ended else PUT_IN)
                    events += self._inject(source, word, note=note)
                    self._progress = self._progress.injected(len(word), by)
                case Close(reason, keep_tokens):
                    return events + self._close(reason, keep_tokens)

    def _inject(self, source: Source, ids: tuple[int, ...], *, note: str) -> list[Event]:
        self._loops.add(ids)
        return self._transcript.inject(source, ids, note=note)

    def _ask_for_thinking(self, action: Sample) -> None:
        forbidden = self._detector.first_ids if action.forbid_end_first else frozenset[int]()
        raised = tuple((token_id, action.end_bias) for token_id in sorted(self._detector.stop_ids) if action.end_bias)
        self._ask(action.max_tokens, forbid_first=forbidden | self._reopening_ids(), logit_bias=raised)

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
        self._landing = landing_of(self._limits, self._progress, reason)
        closing = self._closing.ids(by_model=reason == "model", thinking_text=self._transcript.text("thinking"))
        self._transcript.phase = "answer"
        events += self._transcript.inject("close", closing, note=reason)
        self._detector = EndDetector(self._codec, self._engine.format.answer_ends, self._engine.format.reopens)
        self._ask(self._room.answer(self._transcript))
        return events

    def _ask(
        self,
        max_tokens: int,
        *,
        forbid_first: frozenset[int] = frozenset(),
        logit_bias: tuple[tuple[int, float], ...] = (),
    ) -> None:
        # What is held back was written too; only what it is has not been decided.
        written = (*self._transcript.ids, *self._detector.held)
        self.request = Request(
            prompt_ids=self._prompt + written,
            max_tokens=max_tokens,
            stop_ids=self._detector.stop_ids,
            forbid_first=forbid_first,
            logit_bias=logit_bias,
            sampling=self._sampling,
            logprobs=self._answer.is_measured and not self._thinks,
            first_step=len(written),
            goes_on=self._thinks,
        )

    def _wrote(self, ids: tuple[int, ...]) -> list[Event]:
        if not ids:
            return []
        if self._thinks:
            until = self._loops.first_loop(ids)
            ids = ids[:until]
            self._progress = replace(self._progress.sampled(len(ids)), looping=until is not None)
            return [self._transcript.wrote(ids)]
        event = self._transcript.wrote(ids)
        self._answer.wrote(event.text, tokens=len(ids))
        return [event]

    def _finish(self) -> list[Event]:
        events = self._transcript.end_segment()
        self.request = None
        found = extract_answer(self._transcript.text("answer"))
        receipt = receipt_of(
            self._engine,
            self._budget,
            self._sampling,
            limits=self._limits,
            progress=self._progress,
            log=self._log,
            closed_by=self._closed_by,
            landing=self._landing,
            transcript=self._transcript,
            answer=self._answer,
            found=found,
            prompt_tokens=len(self._prompt),
            meter=self._meter,
        )
        return [*events, Finished(answer=found.answer, receipt=receipt)]


def _told_by(asked: Progress, progress: Progress) -> Progress:
    """Return the progress with what a command has asked of it."""
    return replace(progress, answer_asked=asked.answer_asked, word_now=asked.word_now, word_at_end=asked.word_at_end)
