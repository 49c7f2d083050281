"""Which failures of torch mean that memory is short, and which that a device is lost to this process."""

from __future__ import annotations

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an allocation failed; on a CPU torch raises a plain RuntimeError for it."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("can't allocate memory", "out of memory", "not enough memory")
    )


def is_lost(device: torch.device) -> bool:
    """Tell whether a GPU fails at everything from now on: an illegal access, say, destroys the process's context.

    Waits for the GPU, for its errors are reported late; to be asked only after a failure.
    """
    if device.type != "cuda":
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False
