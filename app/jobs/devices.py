"""What a job computes on, and which jobs get in each other's way."""

from __future__ import annotations

import os
import re

from s1core.errors import InvalidSetting

_ALL = "cuda:*"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def claims(device: str | None) -> frozenset[str]:
    """What a device's name takes: `cpu`, `cuda` (every GPU), `cuda:0` or `cuda:0,1`; None takes nothing.

    Raises:
        InvalidSetting: it is none of these.
    """
    if device is None:
        return frozenset()
    if device == "cpu":
        return frozenset({"cpu"})
    if device == "cuda":
        return frozenset({_ALL})
    if not re.fullmatch(r"cuda:\d+(,\d+)*", device):
        raise InvalidSetting(f"a device is cpu, cuda, cuda:0 or cuda:0,1 and so on; got {device!r}")
    return frozenset(f"cuda:{number}" for number in device.removeprefix("cuda:").split(","))


def clash(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two jobs cannot run at the same time."""
    if one & other:
        return True
    gpus = [any(name.startswith("cuda") for name in claim) for claim in (one, other)]
    return all(gpus) and _ALL in one | other


def environment(device: str | None) -> dict[str, str]:
    """What lets a job see its own GPUs alone."""
    if device is None or not device.startswith("cuda:"):
        return {}
    numbers = device.removeprefix("cuda:").split(",")
    # A server that sees some of the machine's GPUs counts them from 0, as torch does.
    seen = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
    return {_VISIBLE: ",".join(seen[int(n)] if int(n) < len(seen) else n for n in numbers)}
