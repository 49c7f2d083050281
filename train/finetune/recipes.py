"""Named fine-tuning runs: functions that return a configuration."""

from __future__ import annotations

from collections.abc import Callable

from s1core.errors import InvalidSetting
from s1core.models import CHAT_TEMPLATE
from s1core.nano import BASE
from train.finetune.config import TrainConfig


def s1_32b() -> TrainConfig:
    """s1-32B as published: all weights of Qwen2.5-32B-Instruct, 5 epochs of 1,000 rows, 16 GPUs of 80 GB."""
    return TrainConfig(recipe="s1-32b", model="Qwen/Qwen2.5-32B-Instruct")


def s1_32b_lora() -> TrainConfig:
    """Adapters for Qwen2.5-32B-Instruct: the small option, on 4 GPUs of 80 GB."""
    return TrainConfig(
        recipe="s1-32b-lora", model="Qwen/Qwen2.5-32B-Instruct", lora_rank=32, lora_alpha=64, lr=1e-4, weight_decay=0.0
    )


def s1_1_32b() -> TrainConfig:
    """s1.1-32B: rows are cut at 20,000 tokens, as its authors did for lack of memory."""
    return TrainConfig(recipe="s1.1-32b", model="Qwen/Qwen2.5-32B-Instruct", max_length=20_000, too_long="truncate")


def qwen_7b() -> TrainConfig:
    """The same recipe for Qwen2.5-7B-Instruct, on 4 GPUs of 80 GB."""
    return TrainConfig(recipe="qwen2.5-7b", model="Qwen/Qwen2.5-7B-Instruct")


def qwen_1_5b_lora() -> TrainConfig:
    """Adapters for Qwen2.5-1.5B-Instruct, on one GPU of 24 GB."""
    return TrainConfig(
        recipe="qwen2.5-1.5b-lora",
        model="Qwen/Qwen2.5-1.5B-Instruct",
        max_length=16_384,
        too_long="drop",
        lora_rank=16,
        lora_alpha=32,
        lr=2e-4,
        weight_decay=0.0,
    )


def s1_135m_base() -> TrainConfig:
    """Stage 1 of s1-135M: sums, tables, spelling and plain word problems; an hour on two CPU cores."""
    return TrainConfig(
        recipe="s1-135m-base",
        model="SmolLM2-135M-Instruct",
        data="skills:18000",
        chat_template=str(CHAT_TEMPLATE),
        max_length=512,
        epochs=1,
        global_batch=32,
        micro_batch=32,
        group_by_length=True,
        lr=1e-3,
        weight_decay=0.0,
        lora_rank=24,
        lora_alpha=48,
        activation_checkpointing=False,
    )


def s1_135m() -> TrainConfig:
    """Stage 2 of s1-135M: 1,000 curated rows teach its base to think; minutes on two cores."""
    return TrainConfig(
        recipe="s1-135m",
        model="s1-135M-base",
        chat_template=str(CHAT_TEMPLATE),
        max_length=640,
        epochs=3,
        global_batch=16,
        micro_batch=16,
        group_by_length=True,
        lr=1e-3,
        weight_decay=0.0,
        lora_rank=16,
        lora_alpha=32,
        activation_checkpointing=False,
    )


def s1_nano() -> TrainConfig:
    """s1 in miniature: the bundled plain base and a curated thousand, minutes on two CPU cores."""
    return TrainConfig(
        recipe="s1-nano",
        model=str(BASE),
        max_length=2_048,
        micro_batch=16,
        lr=1e-3,
        compute="float32",
        save_dtype="float32",
        activation_checkpointing=False,
    )


def s1_nano_lora() -> TrainConfig:
    """Adapters for the bundled plain base, minutes on two CPU cores."""
    return TrainConfig(
        recipe="s1-nano-lora",
        model=str(BASE),
        max_length=2_048,
        micro_batch=16,
        lr=3e-3,
        weight_decay=0.0,
        lora_rank=16,
        lora_alpha=32,
        compute="float32",
        save_dtype="float32",
        activation_checkpointing=False,
    )


RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "s1-32b": s1_32b,
    "s1-32b-lora": s1_32b_lora,
    "s1.1-32b": s1_1_32b,
    "qwen2.5-7b": qwen_7b,
    "qwen2.5-1.5b-lora": qwen_1_5b_lora,
    "s1-135m": s1_135m,
    "s1-135m-base": s1_135m_base,
    "s1-nano": s1_nano,
    "s1-nano-lora": s1_nano_lora,
}


def recipe(name: str) -> TrainConfig:
    """The configuration of this name.

    Raises:
        InvalidSetting: no such recipe; the known ones are listed.
    """
    try:
        return RECIPES[name]()
    except KeyError:
        raise InvalidSetting(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}") from None


def described() -> dict[str, str]:
    """What each recipe is, in one line."""
    return {name: (make.__doc__ or "").strip() for name, make in RECIPES.items()}
