"""A model without weights or memory: what it writes next depends on the last few tokens alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.scripted import ScriptedEngine, byte_codec

END = "</think>"


class Babbler(ScriptedEngine):
    """Writes letters, some of several bytes, and now and then an end marker of eight tokens, whole or broken off."""

    def __init__(
        self, seed: int = 0, *, per_chunk: int = 1, context_length: int = 400, whole_marker: bool = False
    ) -> None:
        """Make one; with `whole_marker` the end marker is one token, whose logit can be raised."""
        codec = byte_codec("<think>", END) if whole_marker else byte_codec()
        super().__init__(lambda *_: "", format="think_tags", codec=codec, context_length=context_length)
        self.capabilities = Capabilities(logit_bias="enforced")
        self.default_answer_tokens = 24
        self._seed = seed
        self._per_chunk = per_chunk
        self._letters = [self.codec.encode_user(letter) for letter in "ab é漢"]
        self._end = self.codec.encode_template(END)

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        ids, sent = list(request.prompt_ids), list[int]()
        yield Chunk(token_ids=(), prefill_computed=len(ids))
        while len(sent) < request.max_tokens:
            forbidden = request.forbid_first if not sent else frozenset[int]()
            token_id = self._next(ids, forbidden, max((bias for _, bias in request.logit_bias), default=0.0))
            if token_id in request.stop_ids:
                yield from self._part(sent, Chunk(token_ids=(), finish="stop", stop_id=token_id))
                return
            ids.append(token_id)
            sent.append(token_id)
        yield from self._part(sent, Chunk(token_ids=(), finish="length"))

    def _part(self, sent: list[int], last: Chunk) -> Iterator[Chunk]:
        for start in range(0, len(sent), self._per_chunk):
            yield Chunk(token_ids=tuple(sent[start : start + self._per_chunk]))
        yield last

    def _next(self, ids: list[int], forbidden: frozenset[int], bias: float) -> int:
        tail = ids[-12:]
        drawn = hashlib.blake2b(bytes([self._seed, *(i % 256 for i in tail)]), digest_size=4).digest()
        for length in range(len(self._end) - 1, 0, -1):
            if tuple(tail[-length:]) == self._end[:length] and drawn[0] > 8:
                return self._end[length]
        for letter in self._letters:
            for length in range(len(letter) - 1, 0, -1):
                if tuple(tail[-length:]) == letter[:length]:
                    return letter[length]
        if drawn[1] < 20 + bias and self._end[0] not in forbidden:
            return self._end[0]
        if drawn[1] > 250:
            return next(iter(self.codec.eos_ids - forbidden), self._letters[0][0])
        return self._letters[drawn[2] % len(self._letters)][0]
