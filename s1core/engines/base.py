"""What every engine offers: stream token ids after a prompt of token ids, with a prefix cache.

Forcing, sweeping and probing are written once, above this. An engine knows nothing of budgets, thinking or waits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

from s1core.thinking import Codec, ThinkingFormat
from s1core.types import Sampling

Support = Literal["enforced", "emulated", "unsupported"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an engine keeps of a request, feature by feature."""

    max_tokens: Support = "enforced"
    forbid_first: Support = "enforced"
    """Can keep given ids from being the first sampled token."""
    seeded_noise: Support = "enforced"
    """The noise of step t depends on (seed, question, sample index, t) alone."""
    filters: Support = "enforced"
    """Draws from the tokens that top_p, top_k and min_p keep; emulated: they are passed on, and nobody checks."""
    exact_sweeps: Support = "enforced"
    """Every point of a sweep is token for token what a run of its own gives, on one machine.

    Half precision only emulates that: what is computed in another batch is rounded otherwise, and where two tokens are
    about as probable, another one may be taken.
    """
    logprobs: Support = "unsupported"
    logit_bias: Support = "unsupported"
    """Can raise the logits of given ids."""
    prefix_cache: Support = "enforced"
    token_ids: Support = "enforced"
    """Takes and returns token ids; otherwise counts are estimated by a local tokenizer."""
    steering: Support = "enforced"
    """A command to a running run takes effect within one decoding step; emulated: the request is closed, and one that
    goes on from there is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Continue `prompt_ids` by at most `max_tokens` tokens, until a stop id."""

    prompt_ids: tuple[int, ...]
    max_tokens: int
    stop_ids: frozenset[int] = frozenset()
    """Sampling one of these ends the request; it is reported as `stop_id`, not among `token_ids`."""
    forbid_first: frozenset[int] = frozenset()
    """Ids that may not be the first sampled token."""
    sampling: Sampling = field(default_factory=Sampling)
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Ids, and what is added to their logits at every token, before the temperature divides them."""
    logprobs: bool = False
    """Report the log probability of each sampled token under the model's own distribution (temperature 1)."""
    first_step: int = 0
    """Step number of the first token to be sampled; noise is a function of (seed, question, sample index, step).

    The driver counts all tokens after the question's prompt, injected ones included, so that a forked or continued
    run sees the same noise at the same place.
    """
    goes_on: bool = False
    """Hint: keep the KV; a continuation follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One or more freshly sampled tokens. The last chunk of a request has a `finish`."""

    token_ids: tuple[int, ...]
    finish: Literal["stop", "length"] | None = None
    stop_id: int | None = None
    logprobs: tuple[float, ...] = ()
    """One per token of `token_ids` if the request asked for them and the engine reports them."""
    prefill_computed: int = 0
    """Prompt tokens that were prefilled; reported once, on the first chunk or as soon as a server reports them."""
    prefill_reused: int = 0
    """Prompt tokens taken from the prefix cache; reported together with `prefill_computed`."""

    def split(self, tokens: int) -> tuple[Chunk, Chunk]:
        """Return its first `tokens` tokens and the rest, which has the end."""
        first = replace(self, token_ids=self.token_ids[:tokens], logprobs=self.logprobs[:tokens], finish=None)
        rest = replace(self, token_ids=self.token_ids[tokens:], logprobs=self.logprobs[tokens:])
        return replace(first, stop_id=None), replace(rest, prefill_computed=0, prefill_reused=0)


@runtime_checkable
class Engine(Protocol):
    """A loaded model. `generate` and `agenerate` are the same stream for synchronous and asynchronous callers.

    Closing the iterator (or cancelling the task that awaits it) frees the request within one decode step.
    """

    name: str
    """Which engine: `transformers`, `vllm`, `http`, `replay`, `scripted`."""
    model: str
    """The preset, folder or hub id that was asked for."""
    codec: Codec
    format: ThinkingFormat
    context_length: int
    default_answer_tokens: int
    capabilities: Capabilities

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request."""
        ...

    def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the continuation of one request on the caller's event loop."""
        ...

    def close(self) -> None:
        """Free the model. Running requests fail with `EngineFailed`."""
        ...


def notes_of(engine: Engine) -> tuple[str, ...]:
    """Remarks of an engine that belong on every receipt."""
    return tuple(getattr(engine, "notes", ()))


def is_dead(engine: Engine) -> bool:
    """Whether an engine ended by itself, as when its process was killed: then only a new one helps."""
    return bool(getattr(engine, "dead", False))
