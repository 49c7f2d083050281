"""Servers that already run: vLLM, SGLang, llama.cpp, Ollama, LM Studio, and whatever has `/v1/completions`.

Several servers of one model form a pool. Token ids go in and come out where the server allows it (vLLM, SGLang and
llama.cpp do). Otherwise text does, and every receipt says that the counts are a local tokenizer's estimate.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from s1core.engines import gguf_codec
from s1core.engines.base import Capabilities, Request
from s1core.engines.hf import loading
from s1core.engines.http.completions import Completion
from s1core.engines.http.continuation import Continuation
from s1core.engines.http.introduction import introduce
from s1core.engines.http.kinds import NoJson, look_at
from s1core.engines.http.llamacpp import LlamaCompletion, tokenizer_of
from s1core.engines.http.ollama import OllamaGeneration
from s1core.engines.http.pool import Pool
from s1core.engines.http.sglang import SglangGeneration
from s1core.engines.http.transport import ServedEngine, patience_s
from s1core.gguf import read_header
from s1core.models import ModelPreset
from s1core.thinking import Codec

BY_IDS = Capabilities(
    max_tokens="enforced",
    forbid_first="emulated",
    seeded_noise="emulated",
    filters="emulated",
    exact_sweeps="emulated",
    logprobs="enforced",
    prefix_cache="emulated",
    token_ids="enforced",
    steering="emulated",
)
BY_TEXT = Capabilities(
    max_tokens="enforced",
    forbid_first="emulated",
    seeded_noise="emulated",
    filters="emulated",
    exact_sweeps="emulated",
    logprobs="unsupported",
    prefix_cache="emulated",
    token_ids="emulated",
    steering="emulated",
)


BY_RAW_TEXT = replace(BY_TEXT, forbid_first="unsupported")
"""Ollama takes no bias."""


class HttpEngine(ServedEngine):
    """`Engine` over one or more servers of the same model."""

    name = "http"

    def __init__(
        self,
        preset: ModelPreset,
        pool: Pool,
        *,
        served_model: str | None = None,
        api_key: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        timeout_s = patience_s() if timeout_s is None else timeout_s
        super().__init__(pool, api_key=api_key or os.environ.get("S1_API_KEY"), timeout_s=timeout_s)
        codec, own_length = self._load_codec(preset)
        found = introduce(self._client, pool, codec, preset, served_model)
        self._kind, self._takes_ids = found.kind, found.takes_ids
        self.notes = found.notes
        self.capabilities = BY_RAW_TEXT if found.kind == "ollama" else BY_IDS if found.takes_ids else BY_TEXT
        known = [n for n in (found.context_length, preset.context_length, own_length) if n]
        length = min(known) if known else loading.DEFAULT_CONTEXT
        self._describe(preset, codec, served_model=found.model, context_length=length)

    def _load_codec(self, preset: ModelPreset) -> tuple[Codec, int | None]:
        """The model's own tokenizer; for a GGUF file on a llama.cpp server the server's, which is exact."""
        if preset.location.endswith(".gguf"):
            for server in self.pool.servers:
                with contextlib.suppress(httpx.HTTPError, NoJson):
                    if look_at(self._client, server.url).kind == "llamacpp":
                        header = read_header(Path(preset.location))
                        return gguf_codec.load_codec(
                            header, tokenizer_of(self._client, server.url)
                        ), header.context_length
        return loading.load_codec(preset)

    @classmethod
    def load(
        cls,
        preset: ModelPreset,
        *,
        url: str | Sequence[str],
        served_model: str | None = None,
        api_key: str | None = None,
        timeout_s: float | None = None,
    ) -> HttpEngine:
        """Connect.

        Args:
            preset: which tokenizer and thinking format the served model has.
            url: address, or several (a list, or separated by commas), of servers of the same model.
            served_model: its name there; default: the only one, or the one that is called like the preset.
            api_key: default: the environment's S1_API_KEY. It is sent as a bearer token and shown nowhere.
            timeout_s: seconds of silence after which a server counts as failed; default: the environment's
                S1_TIMEOUT_S, or 60. A comment line in a stream is a sign of life.

        Raises:
            InvalidSetting: an address cannot be read, or the server has no such model.
            ModelUnavailable: none of the servers answers, or the tokenizer cannot be loaded.
        """
        urls = url.split(",") if isinstance(url, str) else list(url)
        return cls(preset, Pool(urls), served_model=served_model, api_key=api_key, timeout_s=timeout_s)

    def _continuation(self, request: Request) -> Continuation:
        if self._kind == "llamacpp":
            return LlamaCompletion(request, self.codec, self._served)
        if self._kind == "sglang":
            return SglangGeneration(request, self.codec, self._served)
        if self._kind == "ollama":
            return OllamaGeneration(request, self.codec, self._served, context_length=self.context_length)
        return Completion(request, self.codec, self._served, takes_ids=self._takes_ids)
