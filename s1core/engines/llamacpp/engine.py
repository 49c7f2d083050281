"""llama.cpp for GGUF files: the quantised models of laptops, Macs and single cards.

`process.py` runs llama.cpp's own server in a process of this engine, on loopback and behind a key; `child.py` is that
process. `memory.py` divides the cache, `slots.py` sends each text to the slot that has read most of it, `gguf_codec.py`
reads the vocabulary and the chat template of the file. What is said to the server is `s1core/engines/http/llamacpp.py`.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any, Self

import httpx

from s1core.engines.base import Capabilities, Request
from s1core.engines.gguf_codec import load_codec
from s1core.engines.http.continuation import Continuation
from s1core.engines.http.llamacpp import LlamaCompletion
from s1core.engines.http.pool import Pool
from s1core.engines.http.transport import ServedEngine
from s1core.engines.llamacpp import PACKAGE, has_llamacpp, memory
from s1core.engines.llamacpp.adapters import as_gguf, chain_of, template_of
from s1core.engines.llamacpp.process import LlamaProcess, Settings
from s1core.engines.llamacpp.slots import Slots
from s1core.errors import EngineFailed, InvalidSetting, ModelUnavailable
from s1core.gguf import AGAIN, GgufHeader, read_header
from s1core.hardware import free_memory_bytes
from s1core.models import ModelPreset
from s1core.weights import gguf_of

CAPABILITIES = Capabilities(
    forbid_first="enforced",
    seeded_noise="emulated",
    # Sums in another batch are rounded otherwise, and the weights are quantised.
    exact_sweeps="emulated",
    logprobs="enforced",
    # A text that is continued costs its new tokens alone; branches that run at once each read what they share.
    prefix_cache="emulated",
    steering="emulated",
)
MOST_LIVE = 64
ENDS_WITHIN_S = 0.5


class LlamaCppEngine(ServedEngine):
    """`Engine` on llama.cpp. Make one with `load`."""

    name = "llamacpp"
    capabilities = CAPABILITIES

    def __init__(
        self,
        preset: ModelPreset,
        header: GgufHeader,
        process: LlamaProcess,
        *,
        context_length: int,
        template: str | None = None,
    ) -> None:
        self._process = process
        # Also at exit, so that no process is left.
        self._finalizer = weakref.finalize(self, process.stop)
        # Whoever waits for a slot hears nothing meanwhile; when the process ends, so do its connections.
        super().__init__(Pool([process.url]), api_key=process.key, timeout_s=None)
        properties = self._ask("GET", "/props")
        codec = load_codec(header, self._tokenize, template)
        length = min(context_length, properties["default_generation_settings"]["n_ctx"])
        self._slots = Slots(properties["total_slots"])
        self._describe(preset, codec, served_model=str(properties.get("model_alias", "")), context_length=length)

    @classmethod
    def load(
        cls,
        preset: ModelPreset,
        *,
        lora: str | None = None,
        context_length: int | None = None,
        max_live: int = 8,
        cache_gib: float | None = None,
        threads: int | None = None,
        gpu_layers: int | None = None,
    ) -> Self:
        """Load a model.

        Args:
            preset: a GGUF file, or a preset that has one, adapters on top of it included.
            lora: a LoRA adapter, in a GGUF file or a folder as peft writes it.
            context_length: tokens of prompt, thinking and answer together; default: what the model reads, or less
                where the memory for all slots does not suffice.
            max_live: requests that run at once; the others are queued.
            cache_gib: memory for keys and values; default: a quarter of the free memory.
            threads: CPU threads of one operation; default: one a core.
            gpu_layers: layers on a GPU; default: all that fit, where the package was built for one.

        Raises:
            InvalidSetting: a number is out of range.
            ModelUnavailable: the package is missing, or the file cannot be loaded; the message says what to do.
        """
        if not has_llamacpp():
            raise ModelUnavailable(
                f"llama.cpp is not installed; run: pip install {PACKAGE}, or use engine='transformers'"
            )
        whole, chain = chain_of(preset)
        header = read_header(gguf_of(whole))
        if header.kind != "model":
            raise ModelUnavailable(
                f"{header.path} is a LoRA adapter; name the model it was made for, and this with lora="
            )
        chain = chain if lora is None else [Path(lora), *chain]
        adapters = tuple(str(as_gguf(adapter, header)) for adapter in chain)
        if not 1 <= max_live <= MOST_LIVE:
            raise InvalidSetting(f"max_live must be from 1 to {MOST_LIVE}, got {max_live}")
        most = preset.context_length or header.context_length or memory.DEFAULT_CONTEXT
        if context_length is not None and not 1 <= context_length <= most:
            raise InvalidSetting(f"context_length must be from 1 to the {most:,} that {preset.name} can read")
        share = free_memory_bytes() * memory.CACHE_SHARE if cache_gib is None else cache_gib * 2**30
        plan = memory.plan(
            bytes_per_token=header.cache_bytes_per_token,
            cache_bytes=int(share),
            context_length=context_length or most,
            max_live=max_live,
        )
        settings = Settings(
            model=str(header.path),
            adapters=adapters,
            context_length=plan.context_length,
            slots=plan.slots,
            threads=threads or -1,
            gpu_layers=-1 if gpu_layers is None else gpu_layers,
        )
        return cls(
            preset,
            header,
            _started(settings, preset),
            context_length=plan.context_length,
            template=template_of(chain),
        )

    @property
    def dead(self) -> bool:
        """Whether llama.cpp ended without `close`."""
        return not self._closed and not self._process.alive

    @property
    def server(self) -> LlamaProcess:
        """llama.cpp's own server, for measurements."""
        return self._process

    @property
    def live(self) -> int:
        """Slots that are taken."""
        return self._slots.live

    def close(self) -> None:
        """Free the model. Running and later requests fail with `EngineFailed`."""
        super().close()
        self._finalizer()

    def _check_open(self, error: Exception | None = None) -> None:
        super()._check_open(error)
        if self.dead or (error is not None and self._process.ends(within_s=ENDS_WITHIN_S)):
            reason = self._process.reason or "it gave no reason"
            raise EngineFailed(f"llama.cpp failed ({reason}); load the engine again to go on (on the page: press Run)")

    def _continuation(self, request: Request) -> Continuation:
        slot = self._slots.take(request.prompt_ids)
        return LlamaCompletion(request, self.codec, self._served, slot=slot)

    def _left(self, job: Continuation) -> None:
        assert isinstance(job, LlamaCompletion)
        self._slots.give_back(job.slot, job.ids)

    def _tokenize(self, text: str, special: bool) -> list[int]:
        return self._ask("POST", "/tokenize", {"content": text, "parse_special": special})["tokens"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            response = self._client.request(method, self._process.url + path, json=body)
            response.raise_for_status()
        except (httpx.HTTPError, RuntimeError) as error:
            self._check_open(error)
            raise EngineFailed(f"llama.cpp does not answer ({error}); load the engine again to go on") from error
        return response.json()


def _started(settings: Settings, preset: ModelPreset) -> LlamaProcess:
    try:
        return LlamaProcess(settings)
    except ModelUnavailable as error:
        raise ModelUnavailable(
            f"llama.cpp cannot load {preset.name} ({error}); {AGAIN}, ask for less with context_length or max_live, "
            "or use engine='transformers'"
        ) from None
