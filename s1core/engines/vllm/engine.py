"""vLLM in this process, on its asynchronous engine: token ids in and out, its own batching and prefix cache."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import weakref
from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

import torch

from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.hf import loading
from s1core.engines.hf.token_stream import AsyncTokenStream, SyncTokenStream, TokenStream
from s1core.engines.http.continuation import NEVER, noise_seed
from s1core.engines.vllm import vllm_compat
from s1core.engines.vllm.open_texts import OpenTexts
from s1core.errors import EngineFailed, InvalidSetting, ModelUnavailable, QuestionTooLong
from s1core.models import ModelPreset
from s1core.thinking import thinking_format

CPU_BLOCK_TOKENS = 32
OPTIONS = (
    "dtype",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "max_model_len",
    "gpu_memory_utilization",
    "max_num_seqs",
    "enforce_eager",
    "block_size",
    "distributed_executor_backend",
    "max_lora_rank",
)
"""Settings of vLLM's that pass through by their own names."""


class VllmEngine:
    """`Engine` on vLLM's `AsyncLLM`, which runs on an event loop in a thread of its own."""

    name = "vllm"
    capabilities = Capabilities(
        forbid_first="emulated", seeded_noise="emulated", logprobs="enforced", exact_sweeps="emulated"
    )

    def __init__(self, preset: ModelPreset, *, lora: str | None = None, **options: Any) -> None:
        params: Any = vllm_compat.load("SamplingParams")
        self.model = preset.name
        self.codec, _ = loading.load_codec(preset)
        self.format = self.codec.fit(thinking_format(preset.format))
        self._params: Any = params
        self._delta: Any = vllm_compat.load("RequestOutputKind").DELTA
        self._lora: Any = None
        if lora is not None:
            self._lora = vllm_compat.load("LoRARequest")("adapter", 1, lora)
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="s1-vllm", daemon=True)
        self._thread.start()
        on_gpu = torch.cuda.is_available()
        # On a CPU vLLM wants nearly all memory that there is, and does not start where somebody else has some of it.
        own_share = on_gpu or "gpu_memory_utilization" in options
        arguments: dict[str, Any] = {
            "model": preset.location,
            "enable_prefix_caching": True,
            "enable_log_requests": False,
            "enable_lora": lora is not None,
            "max_model_len": preset.context_length,
            # As the transformers engine has it; vLLM itself would take bfloat16.
            "dtype": None if on_gpu else "float32",
            # vLLM reuses whole blocks of its cache only, and on a CPU its own are longer than most questions.
            "block_size": None if on_gpu else CPU_BLOCK_TOKENS,
            "kv_cache_memory_bytes": None if own_share else loading.free_bytes(torch.device("cpu")) // 4,
            **options,
        }
        try:
            self._llm: Any = asyncio.run_coroutine_threadsafe(_start(arguments), self._loop).result()
        except Exception as error:
            self._loop.call_soon_threadsafe(self._loop.stop)
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelUnavailable(
                f"vLLM cannot load {preset.name} ({first}); try a lower gpu_memory_utilization or max_model_len, "
                "more GPUs (tensor_parallel_size), or engine='transformers'"
            ) from error
        # Copies of the model share nothing, and what comes later may be sent to another one than what came first.
        self._texts = None if int(options.get("data_parallel_size") or 1) > 1 else OpenTexts(self._llm, self._lora)
        config: Any = self._llm.model_config
        self.context_length: int = config.max_model_len
        self.default_answer_tokens = preset.answer_tokens(self.context_length)
        padded = config.get_vocab_size() > len(self.codec.known_ids)
        self._allowed = sorted(self.codec.known_ids) if padded else None
        self._finalizer = weakref.finalize(self, _stop, self._llm, self._texts, self._loop, self._thread)

    @classmethod
    def load(cls, preset: ModelPreset, *, lora: str | None = None, **options: Any) -> VllmEngine:
        """Load a model.

        Args:
            preset: what to load.
            lora: folder of a LoRA adapter.
            **options: see `OPTIONS`; passed to vLLM as they are.

        Raises:
            InvalidSetting: no such option.
            ModelUnavailable: vLLM is not installed, or cannot load the model here.
        """
        if unknown := sorted(set(options) - set(OPTIONS)):
            raise InvalidSetting(f"unknown option {unknown[0]!r}; the vllm engine takes {', '.join(OPTIONS)}, lora")
        return cls(preset, lora=lora, **options)

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request."""
        self._check(request)
        stream = SyncTokenStream()
        task = asyncio.run_coroutine_threadsafe(self._serve(request, stream), self._loop)
        try:
            while (chunk := stream.get()).finish is None:
                yield chunk
            yield chunk
        finally:
            task.cancel()

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the continuation of one request on the caller's event loop."""
        self._check(request)
        stream = AsyncTokenStream()
        task = asyncio.run_coroutine_threadsafe(self._serve(request, stream), self._loop)
        try:
            while (chunk := await stream.get()).finish is None:
                yield chunk
            yield chunk
        finally:
            task.cancel()

    @property
    def dead(self) -> bool:
        """Whether vLLM's own process ended, without `close`."""
        return self._llm is not None and bool(self._llm.errored)

    def forget(self) -> None:
        """Empty the prefix cache, so that a measurement begins with nothing in it."""
        asyncio.run_coroutine_threadsafe(self._llm.reset_prefix_cache(), self._loop).result()

    def close(self) -> None:
        """Free the model. Running and later requests fail with `EngineFailed`."""
        self._finalizer()
        # Its destructor needs modules that are gone when the interpreter ends.
        self._llm = self._texts = None

    def _check(self, request: Request) -> None:
        if not self._finalizer.alive:
            raise EngineFailed("the engine was closed; load it again with load_engine to go on")
        room = self.context_length - len(request.prompt_ids)
        if room <= 0:
            raise QuestionTooLong(
                f"the text takes {len(request.prompt_ids)} tokens, but {self.model} has a context of "
                f"{self.context_length}; shorten it by {1 - room}"
            )

    async def _serve(self, request: Request, stream: TokenStream) -> None:
        """Run on vLLM's loop; cancelling aborts the request."""
        try:
            await self._answer(request, stream)
        except asyncio.CancelledError:
            stream.put(EngineFailed("the engine was closed in the middle of a run"))
            raise
        except Exception as error:
            first = next(iter(str(error).strip().splitlines()), "")
            failed = f"vLLM failed ({type(error).__name__}: {first})"
            stream.put(EngineFailed(f"{failed}; load the engine again to go on (on the page: press Run)"))

    async def _answer(self, request: Request, stream: TokenStream) -> None:
        written: list[int] = []
        limit = min(request.max_tokens, self.context_length - len(request.prompt_ids))
        barred: frozenset[int] = request.forbid_first
        reported = False
        while len(written) < limit:
            finished: tuple[str, int | None] | None = None
            params = self._sampling(request, len(written), 1 if barred else limit - len(written), barred)
            prompt = [*request.prompt_ids, *written]
            async for output, known in self._written(request, prompt, params, barred=bool(barred)):
                part = output.outputs[0]
                ids = list(part.token_ids)
                finished = (part.finish_reason, None) if part.finish_reason else None
                if ids and ids[-1] in request.stop_ids:
                    finished = ("stop", ids.pop())
                elif part.finish_reason == "stop":
                    finished = ("stop", part.stop_reason if isinstance(part.stop_reason, int) else None)
                written += ids
                reused = 0 if reported else known or int(output.num_cached_tokens or 0)
                computed = 0 if reported else len(request.prompt_ids) - reused
                reported = True
                ended = finished is not None and (finished[0] == "stop" or len(written) >= limit)
                chunk = Chunk(
                    token_ids=tuple(ids),
                    finish=None if not ended else "stop" if finished and finished[0] == "stop" else "length",
                    stop_id=finished[1] if finished and ended else None,
                    logprobs=_logprobs(part, len(ids)) if request.logprobs else (),
                    prefill_computed=computed,
                    prefill_reused=reused,
                )
                stream.put(chunk)
                if ended:
                    return
            if finished is None or finished[0] not in ("length", "stop"):
                raise EngineFailed(f"the request ended early ({finished and finished[0]})")
            barred = frozenset[int]()
        stream.put(Chunk(token_ids=(), finish="length"))

    async def _written(
        self, request: Request, prompt: list[int], params: Any, *, barred: bool
    ) -> AsyncGenerator[tuple[Any, int], None]:
        """Yield vLLM's outputs, and how many tokens of the prompt an open text of it has."""
        # An open text keeps the noise and the probabilities of its beginning.
        plain = barred or request.logprobs or request.sampling.temperature > 0
        texts = None if plain else self._texts
        if texts is not None and (request.goes_on or texts.knows(prompt)):
            async for output in texts.write(prompt, params, goes_on=request.goes_on):
                yield output
            return
        number, tokens = f"s1-{next(self._numbers)}", {"prompt_token_ids": prompt}
        async for output in self._llm.generate(tokens, params, number, lora_request=self._lora):
            yield output, 0

    def _sampling(self, request: Request, written: int, max_tokens: int, barred: frozenset[int]) -> Any:
        allowed = self._allowed
        if barred and allowed is not None:
            allowed = [i for i in allowed if i not in barred]
        return self._params(
            max_tokens=max_tokens,
            temperature=request.sampling.temperature,
            top_p=request.sampling.top_p,
            top_k=request.sampling.top_k,
            min_p=request.sampling.min_p,
            seed=noise_seed(request, written) if request.sampling.temperature > 0 else None,
            stop_token_ids=sorted(request.stop_ids),
            ignore_eos=True,
            detokenize=False,
            logprobs=0 if request.logprobs else None,
            logit_bias={i: float(NEVER) for i in barred} or None,
            allowed_token_ids=allowed,
            output_kind=self._delta,
        )


async def _start(arguments: dict[str, Any]) -> Any:
    arguments = {key: value for key, value in arguments.items() if value is not None}
    return vllm_compat.load("AsyncLLM").from_engine_args(vllm_compat.load("AsyncEngineArgs")(**arguments))


def _stop(llm: Any, texts: OpenTexts | None, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    # Consumers of vLLM's output first, or they report its end as a failure.
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(_cancel_the_rest(texts), loop).result(timeout=10)
    llm.shutdown()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)


async def _cancel_the_rest(texts: OpenTexts | None) -> None:
    if texts is not None:
        texts.forget()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _logprobs(part: Any, count: int) -> tuple[float, ...]:
    rows = cast("list[dict[int, Any]]", list(part.logprobs or ()))[:count]
    return tuple(row[i].logprob for row, i in zip(rows, part.token_ids, strict=False))
