"""The default engine: any causal model that transformers loads, on a CPU or one GPU.

Reading order: `scheduler.py` (the loop), `sequence.py` (one request), `kv_cache.py`, `batch.py` (the input of one
forward pass), `forward/` (`fused.py` and `generic.py` run it, `cuda_graphs.py` records it on a GPU), `sampler.py`,
`token_stream.py`. `device_errors.py` decides which failures end one run and which end the engine.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace

import torch

from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.hf import loading
from s1core.engines.hf.forward.select import choose_step
from s1core.engines.hf.kv_cache import SlotCache
from s1core.engines.hf.sampler import Sampler
from s1core.engines.hf.scheduler import EngineStats, Worker
from s1core.engines.hf.sequence import Sequence
from s1core.engines.hf.token_stream import AsyncTokenStream, SyncTokenStream, TokenStream
from s1core.errors import InvalidSetting, QuestionTooLong
from s1core.models import ModelPreset
from s1core.thinking import thinking_format

SMALL_MODEL = 50_000_000
"""Below this many parameters a second CPU thread costs more in synchronisation than it saves."""

DEFAULT_THREADS = torch.get_num_threads()
"""Torch's own choice; asked for here because an engine that is loaded later may find it changed by an earlier one."""

FULL_PRECISION = Capabilities(logprobs="enforced", logit_bias="enforced")
HALF_PRECISION = Capabilities(logprobs="enforced", logit_bias="enforced", exact_sweeps="emulated")
CPU_PREFILL_TOKENS = 512
GPU_PREFILL_TOKENS = 2048


class TransformersEngine:
    """Continuous batching over a slot-based KV cache. Make one with `load`."""

    name = "transformers"
    capabilities = FULL_PRECISION

    def __init__(
        self,
        preset: ModelPreset,
        loaded: loading.Loaded,
        *,
        max_live: int = 64,
        cache_gib: float | None = None,
        prefill_tokens: int | None = None,
        threads: int | None = None,
        fused_step: bool = True,
        graphs: bool = True,
    ) -> None:
        self.model = preset.name
        self.codec = loaded.codec
        self.format = self.codec.fit(thinking_format(preset.format))
        self.context_length = loaded.context_length
        self.default_answer_tokens = preset.answer_tokens(loaded.context_length)
        self.device, self.dtype = loaded.device, loaded.dtype
        if loaded.dtype != torch.float32:
            self.capabilities = HALF_PRECISION
        on_cpu = loaded.device.type == "cpu"
        small = on_cpu and loaded.model.num_parameters() < SMALL_MODEL
        self.threads = threads or (1 if small else DEFAULT_THREADS)
        """CPU threads of one operation."""
        step = choose_step(
            loaded.model,
            vocab_size=self.codec.vocab_size,
            max_length=self.context_length,
            fused_step=fused_step,
            graphs=graphs,
        )
        self.step = type(step).__name__
        """Which forward pass was chosen: `FusedStep`, `CudaGraphStep` (the same, captured) or `GenericStep`."""
        share = 0.25 if on_cpu else 0.85
        cache = SlotCache(
            step.shapes,
            dtype=loaded.dtype,
            device=loaded.device,
            max_slots=2 * max_live,
            max_length=self.context_length,
            max_bytes=int(loading.free_bytes(loaded.device) * share if cache_gib is None else cache_gib * 2**30),
        )
        self._worker = Worker(
            step,
            cache,
            Sampler(self.codec.known_ids, loaded.device),
            max_live=max_live,
            prefill_tokens=prefill_tokens or (CPU_PREFILL_TOKENS if on_cpu else GPU_PREFILL_TOKENS),
            threads=self.threads,
        )
        # Also at exit: a thread inside torch must not outlive the interpreter.
        self._finalizer = weakref.finalize(self, self._worker.stop)

    @classmethod
    def load(
        cls,
        preset: ModelPreset,
        *,
        dtype: str | None = None,
        device: str | None = None,
        max_live: int = 64,
        cache_gib: float | None = None,
        prefill_tokens: int | None = None,
        threads: int | None = None,
        context_length: int | None = None,
        fused_step: bool = True,
        graphs: bool = True,
    ) -> TransformersEngine:
        """Load a model.

        Args:
            preset: what to load; `s1core.models.resolve` makes one of a name, a folder or a hub id.
            dtype: `float32`, `bfloat16` or `float16`; default: bfloat16 on a GPU, and on a CPU that multiplies it where
                the weights are stored in it, as those of s1-135M are; else float32.
            device: `cpu`, `cuda` or `cuda:N`; default: a GPU if there is one.
            max_live: requests that run at once; the others are queued.
            cache_gib: memory for keys and values; default: a quarter of a CPU's free memory, 85 % of a GPU's. When it
                does not suffice, finished sequences are evicted first; then the newest request is preempted.
            prefill_tokens: prompt tokens of one prefill chunk; with smaller ones other requests stream more evenly.
            threads: CPU threads of one operation; default: 1 for small models, torch's choice for others.
            context_length: tokens of prompt, thinking and answer together, at most; default: what the model can read.
            fused_step: use the fused forward pass where it applies and agrees with transformers' own.
            graphs: on a GPU, capture the decode steps of the fused forward pass as CUDA graphs.

        Raises:
            InvalidSetting: no such dtype or device, `max_live` below 1, or a context that the model cannot read.
            UnknownModel: no such hub id.
            ModelUnavailable: it cannot be loaded here; the message says what to do.
        """
        if max_live < 1:
            raise InvalidSetting(f"max_live must be at least 1, got {max_live}")
        loaded = loading.load(preset, dtype=dtype, device=device)
        if context_length is not None:
            if not 1 <= context_length <= loaded.context_length:
                most = loaded.context_length
                raise InvalidSetting(f"context_length must be from 1 to the {most:,} that {preset.name} can read")
            loaded = replace(loaded, context_length=context_length)
        return cls(
            preset,
            loaded,
            max_live=max_live,
            cache_gib=cache_gib,
            prefill_tokens=prefill_tokens,
            threads=threads,
            fused_step=fused_step,
            graphs=graphs,
        )

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request."""
        stream = SyncTokenStream()
        seq = self._begin(request, stream)
        try:
            while seq is not None:
                chunk = stream.get()
                yield chunk
                if chunk.finish is not None:
                    return
            yield Chunk(token_ids=(), finish="length")
        finally:
            if seq is not None:
                seq.cancelled = True

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the continuation of one request on the caller's event loop."""
        stream = AsyncTokenStream()
        seq = self._begin(request, stream)
        try:
            while seq is not None:
                chunk = await stream.get()
                yield chunk
                if chunk.finish is not None:
                    return
            yield Chunk(token_ids=(), finish="length")
        finally:
            if seq is not None:
                seq.cancelled = True

    @property
    def dead(self) -> bool:
        """Whether the engine ended without `close`, as when its GPU was lost."""
        return self._worker.dead

    def stats(self) -> EngineStats:
        """A snapshot of the scheduler."""
        return self._worker.stats

    def close(self) -> None:
        """Free the model. Running and later requests fail with `EngineFailed`."""
        self._finalizer()

    def _begin(self, request: Request, stream: TokenStream) -> Sequence | None:
        """Check and queue the request; None if there is nothing to sample."""
        prompt = request.prompt_ids
        if not prompt:
            raise InvalidSetting("the prompt is empty; give at least one token")
        if not self.codec.known_ids.issuperset(prompt):
            wrong = next(i for i in prompt if i not in self.codec.known_ids)
            raise InvalidSetting(f"prompt token {wrong} is not in the vocabulary of {self.model}")
        room = self.context_length - len(prompt)
        if room <= 0:
            raise QuestionTooLong(
                f"the text takes {len(prompt)} tokens, but {self.model} has a context of {self.context_length}; "
                f"shorten it by {1 - room}"
            )
        if request.max_tokens < 1:
            return None
        seq = Sequence(request, stream, limit=min(request.max_tokens, room), ids=list(prompt))
        self._worker.submit(seq)
        return seq
