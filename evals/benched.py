"""What every measurement of speed comes to: a number beside its bar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measurement and its bar."""

    what: str
    measured: float
    bar: str
    passed: bool
    detail: str
