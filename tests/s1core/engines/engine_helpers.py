"""Shared by the engine's tests."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.scripted import byte_tokenizer
from s1core.models import ModelPreset
from s1core.types import Sampling

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
Load = Callable[..., TransformersEngine]


def preset(folder: Path | str, **settings: Any) -> ModelPreset:
    return ModelPreset(name="random", location=str(folder), format="s1", default_answer_tokens=16, **settings)


def save_tokenizer(folder: Path, *, chat_template: str | None = CHAT_TEMPLATE) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer(), eos_token="<|im_end|>")
    if chat_template is not None:
        tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)


@dataclass(frozen=True)
class Answer:
    ids: tuple[int, ...]
    finish: str | None
    stop_id: int | None
    computed: int
    reused: int


def folded(chunks: Sequence[Chunk]) -> Answer:
    return Answer(
        ids=tuple(i for chunk in chunks for i in chunk.token_ids),
        finish=chunks[-1].finish,
        stop_id=chunks[-1].stop_id,
        computed=sum(chunk.prefill_computed for chunk in chunks),
        reused=sum(chunk.prefill_reused for chunk in chunks),
    )


def run(engine: Engine, request: Request) -> Answer:
    return folded(list(engine.generate(request)))


async def arun(engine: Engine, request: Request) -> Answer:
    return folded([chunk async for chunk in engine.agenerate(request)])


def ask(prompt: Sequence[int], max_tokens: int = 40, **settings: Any) -> Request:
    sampling = Sampling(
        **{k: settings.pop(k) for k in ("temperature", "top_p", "seed", "sample_index") if k in settings}
    )
    return Request(prompt_ids=tuple(prompt), max_tokens=max_tokens, sampling=sampling, **settings)


def prompts(count: int, *, seed: int = 0, lengths: tuple[int, int] = (3, 60)) -> list[tuple[int, ...]]:
    draw = random.Random(seed)
    return [tuple(draw.randrange(256) for _ in range(draw.randint(*lengths))) for _ in range(count)]


@torch.inference_mode()
def reference(model: Any, prompt: Sequence[int], max_tokens: int, known: int) -> tuple[int, ...]:
    """What `transformers.generate` writes, with nothing to stop it and padding rows barred."""
    asked = torch.tensor([list(prompt)])
    ids = model.generate(
        asked,
        attention_mask=torch.ones_like(asked),
        max_new_tokens=max_tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        suppress_tokens=list(range(known, model.config.vocab_size)),
    )
    return tuple(ids[0, len(prompt) :].tolist())


def eventually(condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()
