"""Everything that reaches into submitit's private parts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ENTRY_POINT = "submitit.core._submit"
"""The module that a Slurm job runs; submitit names it in the file that it hands to sbatch."""


def sbatch_file(folder: Path, parameters: dict[str, Any]) -> str:
    """Return the file that sbatch gets, as submitit writes it.

    Args:
        folder: of submitit's files.
        parameters: as `SlurmExecutor.update_parameters` takes them.
    """
    slurm = importlib.import_module("submitit.slurm.slurm")
    make = _need(slurm, "_make_sbatch_string", "show the sbatch file (--print)")
    return make(command=f"{sys.executable} -u -m {ENTRY_POINT} {folder}", folder=folder, **parameters)


def submission_errors() -> tuple[type[Exception], ...]:
    """Return what submitit raises when Slurm refuses a job."""
    utils = importlib.import_module("submitit.core.utils")
    names = ("FailedJobError", "FailedSubmissionError")
    return tuple(_need(utils, name, "report why Slurm refuses a job") for name in names)


def _need(module: Any, name: str, use: str) -> Any:
    if not hasattr(module, name):
        raise RuntimeError(
            f"submitit has no {module.__name__}.{name}, which is needed to {use}; install the version that "
            "requirements.txt names, or mend train/launcher/submitit_compat.py"
        )
    return getattr(module, name)
