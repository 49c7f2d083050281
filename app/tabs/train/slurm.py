"""Where a fine-tuning runs: on this machine, or on Slurm's, as words for `train.launch`. Pure but for `is_here`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.jobs.commands import FormError, number

HERE, SLURM = "this machine", "Slurm"
MOST_NODES, MOST_GPUS = 1_024, 64
A_DAY = "24:00:00"
_PARTITION = re.compile(r"[A-Za-z0-9_][\w.,-]{0,79}")
_TIME = re.compile(r"[\d:-]{1,20}")


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """What is asked of it."""

    nodes: int
    gpus: int
    """Of each node; 0 asks for none."""
    partition: str = ""
    """Empty takes the cluster's own choice."""
    time: str = A_DAY
    """As Slurm writes it; the launcher reads it."""

    @property
    def words(self) -> list[str]:
        """For `train.launch`, each joined to its option."""
        where = [f"--partition={self.partition}"] if self.partition else []
        return ["--on=slurm", f"--nodes={self.nodes}", f"--gpus-per-node={self.gpus}", f"--time={self.time}", *where]


def is_here() -> bool:
    """Whether jobs can be submitted from this machine."""
    return all(shutil.which(program) for program in ("sbatch", "scontrol", "scancel"))


def read_slurm(form: Mapping[str, Any]) -> Slurm | None:
    """Check what the page sent; None for this machine.

    Raises:
        FormError: a field is out of range.
    """
    if form["where"] != SLURM:
        return None
    partition, time = (str(form[name] or "").strip() for name in ("partition", "time"))
    if partition and not _PARTITION.fullmatch(partition):
        raise FormError("Partition: a name as sinfo shows it, or nothing for the cluster's own choice.")
    if not _TIME.fullmatch(time):
        raise FormError("Time: minutes, HH:MM:SS or D-HH:MM:SS.")
    return Slurm(
        nodes=int(number(form["nodes"], "Nodes", 1, MOST_NODES)),
        gpus=int(number(form["gpus"], "GPUs of each node", 0, MOST_GPUS)),
        partition=partition,
        time=time,
    )
