"""An engine that reads from a script: for tests, and for examples of the state machine. No model, no randomness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from s1core.engines.base import Capabilities, Chunk, Request
from s1core.thinking import Codec, thinking_format

Script = Callable[[str, int], str]
"""Given the text so far (prompt included) and the number of the request, the text that the model would write next.

Special tokens are written by name; a script that ends without one has nothing more to say and stops there.
"""


def byte_codec(*special: str) -> Codec:
    """Return a codec with one token a byte, the given special tokens, and Qwen's chat layout."""
    tokenizer = byte_tokenizer(*special)
    ids = tokenizer.get_vocab(with_added_tokens=True)
    return Codec(tokenizer, render_chatml, eos_ids=(ids["<|endoftext|>"], ids["<|im_end|>"]))


def byte_tokenizer(*special: str) -> Tokenizer:
    """Return a tokenizer with one token a byte, and the given special tokens after Qwen's."""
    alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    names = dict.fromkeys(("<|endoftext|>", "<|im_start|>", "<|im_end|>", *special))
    tokens = [AddedToken(name, special=True, normalized=False) for name in names]
    tokenizer.add_special_tokens(tokens)  # type: ignore[reportUnknownMemberType]
    return tokenizer


def render_chatml(messages: list[dict[str, str]], *, ask: bool = True, think: bool = True) -> str:
    """Render messages in the ChatML layout of the Qwen family, which knows nothing of thinking."""
    turns = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return turns + ("<|im_start|>assistant\n" if ask else "")


class ScriptedEngine:
    """Plays what its script says, one token a chunk."""

    name = "scripted"
    capabilities = Capabilities()

    def __init__(
        self,
        script: Script,
        *,
        format: str = "s1",
        codec: Codec | None = None,
        context_length: int = 4096,
        default_answer_tokens: int = 64,
        tokens_per_chunk: int = 1,
    ) -> None:
        self.model = "script"
        self.codec = codec or byte_codec()
        self.format = self.codec.fit(thinking_format(format))
        self.context_length = context_length
        self.default_answer_tokens = default_answer_tokens
        self.requests: list[Request] = []
        """Every request so far, for tests to look at."""
        self.running = 0
        """Requests that have begun and not yet ended or been closed."""
        self._script = script
        self._tokens_per_chunk = tokens_per_chunk
        self._cached: tuple[int, ...] = ()

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the scripted continuation."""
        self.requests.append(request)
        self.running += 1
        try:
            yield from self._chunks(request)
        finally:
            self.running -= 1

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the scripted continuation, giving way to the event loop after every chunk."""
        self.requests.append(request)
        self.running += 1
        try:
            for chunk in self._chunks(request):
                yield chunk
                await asyncio.sleep(0)
        finally:
            self.running -= 1

    def close(self) -> None:
        """Nothing to free."""

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        text = self._script(self.codec.decode(request.prompt_ids), len(self.requests))
        ids = self.codec.encode_template(text)
        if ids and ids[0] in request.forbid_first:
            ids = self.codec.encode_user(" ") + ids
        stop = next((n for n, i in enumerate(ids) if i in request.stop_ids), None)
        wanted = ids if stop is None else ids[:stop]
        sent = wanted[: request.max_tokens]
        reused = _common_prefix(self._cached, request.prompt_ids)
        self._cached = request.prompt_ids + sent
        yield Chunk(token_ids=(), prefill_computed=len(request.prompt_ids) - reused, prefill_reused=reused)
        for start in range(0, len(sent), self._tokens_per_chunk):
            yield Chunk(token_ids=sent[start : start + self._tokens_per_chunk])
        if len(wanted) < request.max_tokens:
            yield Chunk(token_ids=(), finish="stop", stop_id=None if stop is None else ids[stop])
        else:
            yield Chunk(token_ids=(), finish="length")


def _common_prefix(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
