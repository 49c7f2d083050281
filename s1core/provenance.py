"""What something was made with: code, versions and hardware. Recorded in every run, compared by none."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_HERE = Path(__file__)


def run_facts(*code: str) -> dict[str, Any]:
    """What a run is made with.

    Args:
        code: the parts of the project that decide its outcome, as git names paths (`s1core`, `evals/*.py`).
    """
    return {
        "commit": code_commit(*code),
        "versions": {name: _version(name) for name in ("torch", "transformers", "tokenizers")},
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


@cache
def code_commit(*code: str) -> str | None:
    """The commit of this code, with a `+` when these parts of it were changed since; None outside a checkout."""
    root = _HERE.parents[1]

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()

    try:
        # A package that was installed inside someone else's checkout is not of that checkout's commit.
        if not git("ls-files", "--", str(_HERE.relative_to(root))):
            return None
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", *code) else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
