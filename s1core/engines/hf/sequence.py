"""One request in the scheduler: its limits, its sampled tokens and its slot in the KV cache."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from s1core.engines.base import Chunk, Request
from s1core.engines.hf.kv_cache import Slot
from s1core.engines.hf.sampler import SamplingParams
from s1core.engines.hf.token_stream import TokenStream

_numbers = itertools.count()


@dataclass(slots=True, eq=False)
class Sequence:
    """A live request."""

    request: Request
    stream: TokenStream
    limit: int
    """Tokens that may be sampled: what was asked or what the context leaves."""
    ids: list[int] = field(default_factory=list[int])
    """Prompt and sampled tokens."""
    slot: Slot | None = None
    computed: int = 0
    reused: int = 0
    begun: bool = False
    """The first chunk is out."""
    cancelled: bool = False
    number: int = field(default_factory=lambda: next(_numbers))
    """Order of arrival."""

    @property
    def sampled(self) -> int:
        """Tokens sampled so far."""
        return len(self.ids) - len(self.request.prompt_ids)

    @property
    def left(self) -> int:
        """Tokens that must go through the model before the next one can be sampled."""
        return len(self.ids) - (len(self.slot.ids) if self.slot else 0)

    def draw(self) -> SamplingParams:
        """How the next token is drawn."""
        request = self.request
        forbidden = request.forbid_first if self.sampled == 0 else frozenset[int]()
        return SamplingParams(request.sampling, request.first_step + self.sampled, forbidden, request.logit_bias)

    def take(self, token_id: int, logprobs: tuple[float, ...]) -> Chunk:
        """Add a sampled token; return its chunk."""
        computed, reused = (0, 0) if self.begun else (self.computed, self.reused)
        self.begun = True
        if token_id in self.request.stop_ids:
            return Chunk(
                token_ids=(), finish="stop", stop_id=token_id, prefill_computed=computed, prefill_reused=reused
            )
        self.ids.append(token_id)
        return Chunk(
            token_ids=(token_id,),
            finish="length" if self.sampled >= self.limit else None,
            logprobs=logprobs,
            prefill_computed=computed,
            prefill_reused=reused,
        )
