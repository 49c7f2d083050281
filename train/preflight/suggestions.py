"""Which change would make a run fit: settings to add, other machines, a smaller recipe. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from train.finetune.config import TrainConfig
from train.finetune.recipes import RECIPES
from train.preflight.hardware import GIB, Machine, planned
from train.preflight.model_shapes import Shape, shape_of

Needs = Callable[[TrainConfig, Shape, Machine, int], float]
"""GiB on each GPU, for rows of so many tokens."""
_LENGTHS = (24_576, 20_000, 16_384, 12_288, 8_192, 4_096, 2_048)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
_ADAPTERS: dict[str, Any] = {"lora_rank": 32, "lr": 1e-4}
_OFFLOAD: dict[str, Any] = {"cpu_offload": True}
_LARGER = ("H100", "H200", "B200")
_SMALLER = ("qwen2.5-7b", "qwen2.5-1.5b-lora", "s1-nano")


def suggestions(config: TrainConfig, shape: Shape, machine: Machine, longest: int, needs: Needs) -> list[str]:
    """Changes each of which would fit, the gentlest first.

    Args:
        config: what does not fit.
        shape: of its model.
        machine: where.
        longest: tokens of the longest row.
        needs: tells the memory.
    """
    return list(_Search(config, shape, machine, longest, needs).found())


class _Search:
    def __init__(self, config: TrainConfig, shape: Shape, machine: Machine, longest: int, needs: Needs) -> None:
        self.config, self.shape, self.machine, self.longest, self.needs = config, shape, machine, longest, needs
        # What costs a little time and changes no result; every larger change has them too where they are wanted.
        least: dict[str, Any] = {"activation_checkpointing": True, "kept_layers": 0, "micro_batch": 1}
        least["sync_each_batch"] = True
        least["loss_chunk"] = min(config.loss_chunk, 1_024)
        self.gentle = {key: value for key, value in least.items() if getattr(config, key) != value}
        # With nobody to share, shards of frozen weights are copied in vain.
        alone = machine.gpu and machine.count == 1 and config.sharding != "none" and not config.cpu_offload
        self.alone: dict[str, Any] = {"sharding": "none"} if alone else {}

    def found(self) -> Iterator[str]:
        machine, gentle, lora = self.machine, self.gentle, self.config.lora
        single = [{key: value} for key, value in gentle.items() if self.fits({key: value})]
        yield from (_settings(changed) for changed in single or [gentle] if changed and self.fits(changed))
        alone = self.alone if lora else {}
        if alone and self.fits(alone):
            yield _settings(gentle | alone)
        yield from self.shorter(alone)
        if machine.gpu:
            yield from self.hardware()
            yield from self.offloaded({}, "")
        if not lora:
            found = next((changed for changed in (_ADAPTERS, _ADAPTERS | self.alone) if self.fits(changed)), None)
            if found:
                known = ", as the recipe s1-32b-lora" if self.config.recipe in ("s1-32b", "s1.1-32b") else ""
                yield f"{_settings(gentle | found)}: adapters only{known}"
                return
            yield from self.shorter(_ADAPTERS | self.alone, "adapters only, ")
            if machine.gpu:
                yield from self.offloaded(_ADAPTERS, "adapters only, ")
        if machine.gpu:
            yield from self.smaller()

    def fits(self, changed: dict[str, Any], machine: Machine | None = None, longest: int | None = None) -> bool:
        """Whether it fits with these settings and the gentle ones."""
        there = machine or self.machine
        # A single gentle change stands alone.
        whole = changed if changed.keys() <= self.gentle.keys() and changed else self.gentle | changed
        return self.needs(replace(self.config, **whole), self.shape, there, longest or self.longest) <= there.memory_gib

    def length(self, changed: dict[str, Any]) -> int | None:
        """The longest rows that fit."""
        known = (n for n in _LENGTHS if n < self.longest)
        return next((n for n in known if self.fits(changed | {"max_length": n}, longest=n)), None)

    def cut(self, changed: dict[str, Any]) -> dict[str, Any] | None:
        """The settings for the longest rows that fit; None where none do."""
        known = (n for n in _LENGTHS if n < self.longest)
        length = next((n for n in known if self.fits(changed | {"max_length": n}, longest=n)), None)
        rule = {"too_long": "drop"} if self.config.too_long == "refuse" else {}
        return None if length is None else {"max_length": length, **rule}

    def shorter(self, changed: dict[str, Any], why: str = "") -> Iterator[str]:
        rows = self.cut(changed)
        if rows is not None:
            cut = " (too_long=truncate keeps longer ones, without their answers)" if "too_long" in rows else ""
            yield f"{_settings(self.gentle | changed | rows)}: {why}shorter rows{cut}"

    def hardware(self) -> Iterator[str]:
        """More of the same GPU, or fewer of larger ones."""
        machine = self.machine
        also = f", with {_settings(self.gentle)}" if self.gentle else ""
        more = next((n for n in _COUNTS if n > machine.count and self.fits({}, replace(machine, count=n))), None)
        if more is not None:
            yield f"{more} x {machine.name}{also}"
        fewest = more or _COUNTS[-1]
        for name in _LARGER:
            if planned(f"1x{name}").memory_gib <= machine.memory_gib:
                continue
            count = next((n for n in _COUNTS if n < fewest and self.fits({}, planned(f"{n}x{name}"))), None)
            if count is not None:
                fewest = count
                yield f"{count} x {name}{also}"

    def offloaded(self, changed: dict[str, Any], why: str) -> Iterator[str]:
        """Weights, gradients and optimizer in the host's memory, with shorter rows where that takes both."""
        if self.config.cpu_offload:
            return
        host = (
            f"{self.host_gib(changed):.0f} GiB of the host's memory hold weights, gradients and optimizer; far slower"
        )
        rows = {} if self.fits(changed | _OFFLOAD) else self.cut(changed | _OFFLOAD)
        if rows is not None:
            also = "shorter rows, " if rows else ""
            yield f"{_settings(self.gentle | changed | _OFFLOAD | rows)}: {why}{also}{host}"

    def host_gib(self, changed: dict[str, Any]) -> float:
        """What the hosts hold instead of all GPUs together."""
        config, all_of_it = replace(self.config, **changed), self.shape.parameters
        trained = self.shape.adapter_parameters(config.lora_rank) if config.lora else all_of_it
        frozen = (2 if config.compute == "bfloat16" else 4) * all_of_it if config.lora else 0
        return (16 * trained + frozen) / GIB

    def smaller(self) -> Iterator[str]:
        """The largest model of a recipe that fits as it is."""
        for name in _SMALLER:
            config = RECIPES[name]()
            shape = shape_of(config.model)
            if shape.parameters >= self.shape.parameters:
                continue
            needed = self.needs(config, shape, self.machine, min(self.longest, config.max_length))
            if needed <= self.machine.memory_gib:
                yield f"--recipe {name}: a smaller model"
                return


def _settings(changed: dict[str, Any]) -> str:
    """As words of the command line."""
    return " ".join(f"--set {key}={_written(value)}" for key, value in changed.items())


def _written(value: Any) -> str:
    return f"{value:.0e}".replace("e-0", "e-") if isinstance(value, float) else str(value).lower()
