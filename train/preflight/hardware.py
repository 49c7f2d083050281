"""What a run could train on: the GPUs or the CPU of this machine, or GPUs that are only named."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

from s1core.errors import InvalidSetting
from train.finetune.config import TrainConfig

GIB = 2**30
GPUS = {
    "B200": (180, 2250), "H200": (141, 989), "H100": (80, 989), "A100": (80, 312), "A100-40": (40, 312),
    "L40S": (48, 362), "A6000": (48, 155), "4090": (24, 165), "3090": (24, 71), "L4": (24, 121),
}  # fmt: skip
"""GB as sold, and dense bfloat16 TFLOP/s, from the maker's data sheets."""
_SEEN_GIB = 0.988
"""GiB that a program sees of a GB as sold: an H100 of 80 GB has 79.1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What trains."""

    name: str
    count: int
    """GPUs, or processes on a CPU."""
    memory_gib: float
    """Of each."""
    tflops: float
    """Of each, in the dtype that is computed in; 0 when unknown."""
    gpu: bool


def planned(on: str) -> Machine:
    """The GPUs that `on` names, as `16xH100`.

    Raises:
        InvalidSetting: no such GPU is known.
    """
    found = re.fullmatch(r"(\d+)\s*[x×*]\s*(.+)", on.strip())
    names = {name.lower(): name for name in GPUS}
    name = names.get(found[2].strip().lower().removesuffix("-80").removesuffix("gb")) if found else None
    if not found or name is None or int(found[1]) < 1:
        raise InvalidSetting(f"--on takes NxGPU, such as 16xH100; got {on!r}; known GPUs: {', '.join(GPUS)}")
    gigabytes, tflops = GPUS[name]
    return Machine(name=name, count=int(found[1]), memory_gib=gigabytes * _SEEN_GIB, tflops=tflops, gpu=True)


def machine_here(config: TrainConfig) -> Machine:
    """The GPUs, or the CPU, of this machine; torchrun's number of processes counts."""
    import torch

    world = int(os.environ.get("WORLD_SIZE", "0"))
    if torch.cuda.is_available() and config.device != "cpu":
        free, total = torch.cuda.mem_get_info(0)
        name = torch.cuda.get_device_name(0)
        tflops = next((t for n, (_, t) in GPUS.items() if n.lower() in name.lower()), 0.0)
        return Machine(
            name=name,
            count=world or torch.cuda.device_count(),
            memory_gib=min(free, total) / GIB,
            tflops=tflops,
            gpu=True,
        )
    count = world or 1
    memory_gib = _free_memory() / GIB / count
    return Machine(name="CPU", count=count, memory_gib=memory_gib, tflops=_cpu_tflops() / count, gpu=False)


def _free_memory() -> int:
    """Bytes that can be taken without swapping."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cpu_tflops() -> float:
    """Measured in a quarter of a second, the best of many: products of the size that a small model has."""
    import torch

    a, b = torch.randn(1024, 192), torch.randn(192, 512)
    torch.mm(a, b)
    begun, best = time.perf_counter(), float("inf")
    while (now := time.perf_counter()) - begun < 0.25:
        torch.mm(a, b)
        best = min(best, time.perf_counter() - now)
    return 2 * 1024 * 192 * 512 / best / 1e12
