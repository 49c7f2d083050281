"""What OpenAI's protocol says of a run: events -> chunks, traces -> a reply. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from s1core.budget import DEFAULT_FINAL_ANSWER_TEXT
from s1core.types import Event, Finished, Receipt, Segment, Tokens, Trace

Json = dict[str, Any]
OPEN, CLOSE = "<think>", "</think>\n"
"""Around thinking that is part of the text, whatever the model's own markers are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What all parts of one reply have in common."""

    kind: Literal["chat", "text"]
    id: str
    model: str
    created_s: int
    samples: int = 1
    """Choices of one prompt, which counts once."""
    receipt_fields: Json = field(default_factory=dict[str, Any])
    """What every receipt says beside what was spent."""
    raw: bool = False
    """Thinking is part of the text, between tags, for clients that keep nothing else."""
    final_answer_text: str = DEFAULT_FINAL_ANSWER_TEXT
    """What a forced answer begins with."""

    def whole(self, traces: Sequence[Trace]) -> Json:
        """Return the reply to a request that does not stream; with one choice its receipt stands on top."""
        choices = [self._choice(index, trace) for index, trace in enumerate(traces)]
        receipts = [self._receipt(trace.answer, trace.receipt) for trace in traces]
        if len(traces) > 1:
            choices = [choice | receipt for choice, receipt in zip(choices, receipts, strict=True)]
            receipts = [{}]
        spent = self.usage([trace.receipt for trace in traces])
        return self._head(streamed=False) | {"choices": choices, "usage": spent, **receipts[0]}

    def first(self, index: int) -> list[Json]:
        """Return the chunks before the model has written anything."""
        begun = [self._chunk(index, {"role": "assistant", "content": ""})] if self.kind == "chat" else []
        return [*begun, self._chunk(index, {"content": OPEN})] if self.raw else begun

    def chunks(self, index: int, event: Event) -> list[Json]:
        """Return the chunks of one event; the marker that closes the thinking belongs to neither text."""
        if isinstance(event, Tokens) and event.text:
            if event.phase == "thinking":
                return [self._chunk(index, {"content" if self.raw else "reasoning_content": event.text})]
            if event.source == "model":
                return [self._chunk(index, {"content": event.text})]
            return [self._chunk(index, {"content": self._closing(event)})] if self.raw else []
        if isinstance(event, Finished):
            last = self._chunk(index, {}, finish_reason=_finish_reason(event.receipt))
            return [last | self._receipt(event.answer, event.receipt)]
        return []

    def spent(self, receipts: Sequence[Receipt]) -> Json:
        """Return the chunk that ends a stream whose client wants to know what was spent."""
        return self._head(streamed=True) | {"choices": [], "usage": self.usage(receipts)}

    def usage(self, receipts: Sequence[Receipt]) -> Json:
        """Return what was spent: thinking counts as reasoning, and forced Waits count as thinking."""
        thinking = sum(receipt.thinking_tokens for receipt in receipts)
        completion = thinking + sum(receipt.answer_tokens for receipt in receipts)
        prompt = sum(receipt.prompt_tokens for receipt in receipts[:: self.samples])
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "completion_tokens_details": {"reasoning_tokens": thinking},
        }

    def _choice(self, index: int, trace: Trace) -> Json:
        choice: Json = {"index": index, "finish_reason": _finish_reason(trace.receipt), "logprobs": None}
        said = {"content": trace.answer_text, "reasoning_content": trace.thinking_text}
        if self.raw:
            closing = "".join(self._closing(part) for part in trace.segments if part.source == "close")
            said = {"content": OPEN + trace.thinking_text + closing + trace.answer_text}
        if self.kind == "chat":
            return choice | {"message": {"role": "assistant", **said}}
        return choice | {"text": said.pop("content"), **said}

    def _closing(self, part: Tokens | Segment) -> str:
        """Return what stands for the model's own marker, and the words that a forced answer begins with."""
        return CLOSE if part.note == "model" else CLOSE + self.final_answer_text

    def _head(self, *, streamed: bool) -> Json:
        chat = "chat.completion.chunk" if streamed else "chat.completion"
        kind = chat if self.kind == "chat" else "text_completion"
        return {"id": self.id, "object": kind, "created": self.created_s, "model": self.model}

    def _chunk(self, index: int, delta: Json, *, finish_reason: str | None = None) -> Json:
        choice: Json = {"index": index, "finish_reason": finish_reason, "logprobs": None}
        if self.kind == "chat":
            choice |= {"delta": delta}
        else:
            choice |= {"text": delta.pop("content", ""), **delta}
        return self._head(streamed=True) | {"choices": [choice]}

    def _receipt(self, answer: str | None, receipt: Receipt) -> Json:
        return {"answer": answer, "receipt": receipt.as_dict() | self.receipt_fields}


def _finish_reason(receipt: Receipt) -> str:
    return "stop" if receipt.answer_complete else "length"
