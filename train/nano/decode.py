"""Greedy budget forcing for many questions at once, with a key-value cache: the measuring tool of s1-nano.

One trajectory per question is decoded to the largest setting; every smaller one is a prefix of it, so its answer is
read by rewinding the cache to the cut. The serving engines do the same behind a general interface; this one is 150
lines without it, so that pre-training can be measured without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from train.nano.model import NanoModel, NanoShape
from train.nano.text import END, SPECIAL, START, prompt_ids

_TOKENS = len(SPECIAL) + 256
_ANSWER_LIMIT = 8
_NEWLINE = ord("\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One way to spend thinking: a budget in tokens, or a number of forced waits (no budget)."""

    name: str
    budget: int | None = None
    waits: int = 0


@dataclass(kw_only=True, slots=True)
class Thinking:
    """A decoded trajectory: the thinking tokens, and their number at each try to end."""

    ids: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])

    def cut(self, setting: Setting) -> tuple[int, bool]:
        """Where this setting leaves the trajectory, and whether by the model's own choice."""
        end = self.ends[min(setting.waits, len(self.ends) - 1)] if self.ends else len(self.ids)
        reached = len(self.ends) > setting.waits
        if setting.budget is not None and setting.budget <= end:
            return setting.budget, False
        return end, reached


class Cache:
    """Keys and values of all rows, each row at its own position."""

    def __init__(self, shape: NanoShape, rows: int, length: int) -> None:
        depth = shape.width // shape.heads
        self.keys = torch.zeros(shape.layers, rows, shape.kv_heads, length, depth)
        self.values = torch.zeros_like(self.keys)
        self.used = torch.zeros(rows, dtype=torch.long)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    return x * cos[:, None] + torch.cat((-right, left), dim=-1) * sin[:, None]


def feed(model: NanoModel, shape: NanoShape, cache: Cache, rows: Tensor, tokens: Tensor) -> Tensor:
    """Feed one token to each of these rows; returns the next greedy token of each."""
    at, longest = cache.used[rows], int(cache.used[rows].max()) + 1
    depth, groups = shape.width // shape.heads, shape.heads // shape.kv_heads
    cos, sin = model.cos[at], model.sin[at]  # pyright: ignore[reportIndexIssue]
    seen = torch.arange(longest) <= at[:, None]
    x = model.model.embed_tokens(tokens)
    for number, layer in enumerate(model.model.layers):
        h, attention = layer.input_layernorm(x), layer.self_attn  # pyright: ignore
        q = _rotate(attention.q_proj(h).view(len(rows), shape.heads, depth), cos, sin)  # pyright: ignore
        cache.keys[number, rows, :, at] = _rotate(attention.k_proj(h).view(len(rows), shape.kv_heads, depth), cos, sin)  # pyright: ignore
        cache.values[number, rows, :, at] = attention.v_proj(h).view(len(rows), shape.kv_heads, depth)  # pyright: ignore
        keys, values = cache.keys[number, rows, :, :longest], cache.values[number, rows, :, :longest]
        q = q.view(len(rows), shape.kv_heads, groups, depth)
        mixed = F.scaled_dot_product_attention(q, keys, values, attn_mask=seen[:, None, None])
        x = x + attention.o_proj(mixed.reshape(len(rows), shape.width))  # pyright: ignore
        x = x + layer.mlp(layer.post_attention_layernorm(x))  # pyright: ignore
    cache.used[rows] += 1
    return F.linear(model.model.norm(x), model.model.embed_tokens.weight)[:, :_TOKENS].argmax(-1)


class Forcing:
    """Trajectories and answers of one group of questions."""

    def __init__(self, model: NanoModel, shape: NanoShape, questions: Sequence[str], limit: int) -> None:
        self.model, self.shape, self.limit = model, shape, limit
        self.prompts = [prompt_ids(q) for q in questions]
        self.cache = Cache(shape, len(questions), max(len(p) for p in self.prompts) + limit + 40)

    @torch.no_grad()
    def think(self, waits: int, wait_text: str = "Wait") -> list[Thinking]:
        """Decode every trajectory to its end after `waits` forced waits, or to the limit."""
        thinking = [Thinking() for _ in self.prompts]
        queues = [list(p) for p in self.prompts]
        alive = list(range(len(queues)))
        while alive:
            rows = torch.tensor(alive)
            fed = [queues[row].pop(0) for row in alive]
            chosen = feed(self.model, self.shape, self.cache, rows, torch.tensor(fed)).tolist()
            for row, token in zip(list(alive), chosen, strict=True):
                if queues[row]:
                    continue
                if not self._extend(thinking[row], queues[row], token, waits, wait_text):
                    alive.remove(row)
        return thinking

    def _extend(self, t: Thinking, queue: list[int], token: int, waits: int, wait_text: str) -> bool:
        """Take the model's next token, or force the wait; False when the trajectory is over."""
        if token in (START, END):
            t.ends.append(len(t.ids))
            if len(t.ends) > waits:
                return False
            queue.extend(wait_text.encode())
        else:
            queue.append(token)
        t.ids.extend(queue)
        return len(t.ids) < self.limit

    @torch.no_grad()
    def answer(self, thinking: list[Thinking], settings: Sequence[Setting]) -> list[dict[str, str]]:
        """The answer text of every question in every setting; longest cuts first, as each rewind drops what follows."""
        answers: list[dict[str, str]] = [{} for _ in thinking]
        order = [sorted(settings, key=lambda s: -t.cut(s)[0]) for t in thinking]
        for turn in range(len(settings)):
            turn_settings = [row[turn] for row in order]
            for row, text in enumerate(self._answers_at(thinking, turn_settings)):
                answers[row][turn_settings[row].name] = text
        return answers

    def _answers_at(self, thinking: list[Thinking], settings: list[Setting]) -> list[str]:
        queues: list[list[int]] = []
        for row, (t, setting) in enumerate(zip(thinking, settings, strict=True)):
            cut, by_model = t.cut(setting)
            # The last thinking token is fed again: its scores were not kept, and the trajectory may never have fed it.
            full = self.prompts[row] + t.ids[:cut]
            self.cache.used[row] = len(full) - 1
            gap = [] if by_model or full[-1] == _NEWLINE else [_NEWLINE]
            closing = b"answer" if by_model else b"answer\nFinal Answer:"
            queues.append([full[-1], *gap, START, *closing])
        written: list[list[int]] = [[] for _ in queues]
        alive = list(range(len(queues)))
        while alive:
            fed = torch.tensor([queues[row].pop(0) for row in alive])
            chosen = feed(self.model, self.shape, self.cache, torch.tensor(alive), fed).tolist()
            for row, token in zip(list(alive), chosen, strict=True):
                if queues[row]:
                    continue
                written[row].append(token)
                queues[row].append(token)
                if token in (START, END) or len(written[row]) >= _ANSWER_LIMIT + 16:
                    alive.remove(row)
        return ["".join(map(chr, (i for i in ids if i < 256))) for ids in written]
