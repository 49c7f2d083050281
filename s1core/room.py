"""How many tokens thinking and answer may take: what the context leaves beside the prompt, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.engines.base import Engine
from s1core.errors import QuestionTooLong
from s1core.transcript import Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The room of one run, in tokens."""

    engine: Engine
    prompt: int
    closing: int
    """What closes the thinking, at most."""
    most_answer: int
    most_total: int | None = None
    """Of thinking and answer together; None: nobody bounds that."""

    def thinking(self) -> int:
        """Return what the context leaves for the thinking.

        Raises:
            QuestionTooLong: nothing, and not even enough for the answer.
        """
        # The longest answer is a cap: no more than a usual answer's length is taken from the thinking.
        kept = min(self.most_answer, self.engine.default_answer_tokens)
        room = self.engine.context_length - self.prompt - self.closing - kept
        if room < 0:
            raise QuestionTooLong(
                f"the question takes {self.prompt} tokens, but {self.engine.model} has a context of "
                f"{self.engine.context_length} and {kept + self.closing} of it are kept for the answer; "
                f"shorten the question by {-room} tokens or lower max_answer_tokens"
            )
        return room

    def answer(self, transcript: Transcript) -> int:
        """Return what the answer may take: its cap, what the context leaves, and what is left of the total."""
        room = min(self.most_answer, self.engine.context_length - self.prompt - transcript.tokens)
        return room if self.most_total is None else min(room, self.most_total - transcript.thinking_tokens)
