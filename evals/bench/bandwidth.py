"""How near decoding comes to what memory allows: one text reads all weights once a token, so bandwidth is the limit."""

from __future__ import annotations

import time
from typing import Any

import torch

GIB = 2**30


def weights_bytes(model: Any) -> int:
    """Size of a model's weights, each counted once."""
    return model.num_parameters() * model.dtype.itemsize


def bandwidth(device: torch.device, *, gib: float = 2.0, repeats: int = 10) -> float:
    """Bytes per second that the device's memory moves, measured by copying; a copy reads and writes."""
    source = torch.zeros(int(gib * GIB), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    _wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        target.copy_(source)
    _wait(device)
    return 2 * source.numel() * repeats / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
