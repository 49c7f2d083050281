"""Which failures of torch mean that memory is short, and which that a device is lost to this process."""

from __future__ import annotations

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed; on a CPU torch raises a plain RuntimeError for it."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("can't allocate memory", "out of memory", "not enough memory")
    )


def is_lost(device: torch.device) -> bool:
    """Whether the GPU is lost to this process: an illegal access, for example, destroys its CUDA context.

    Synchronises with the GPU, which reports errors late; call it only after a failure.
    """
    if device.type != "cuda":
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False
