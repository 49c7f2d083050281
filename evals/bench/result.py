"""What every measurement of speed comes to: a number beside its bar, taken on some machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measurement and its bar."""

    what: str
    measured: float
    bar: str
    passed: bool
    detail: str


def machine() -> str:
    """Name the machine and how busy it is."""
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {os.cpu_count()} cores{busy}"


def report(results: Iterable[Result]) -> int:
    """Print each measurement as it comes; return how many missed their bar."""
    print(f"{'':32}{'measured':>9}  {'bar':>8}")
    missed = 0
    for result in results:
        missed += not result.passed
        verdict = "pass" if result.passed else "FAIL"
        print(f"{result.what:32}{result.measured:9.2f}  {result.bar:>8}  {verdict}  {result.detail}", flush=True)
    return missed
