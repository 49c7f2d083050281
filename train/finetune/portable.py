"""Receipts without the places of one machine: what is published or shipped names no folder of whoever made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


def portable(value: Any) -> Any:
    """The same JSON-ready value; absolute paths become relative to the project or to here, or lose their folders."""
    if isinstance(value, dict):
        return {key: portable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [portable(each) for each in value]
    return _shortened(value) if isinstance(value, str) and value.startswith(("/", "~")) else value


def _shortened(text: str) -> str:
    path = Path(text)
    for root in (_ROOT, Path.cwd()):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name
