"""`python -m tests.with_clients.keep_logs`: write anew what the harnesses log, for the tests that import it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.with_clients.harnesses import inspect, lm_eval
from tests.with_clients.served import ROOT, served

KEPT = ROOT / "tests/data/client_logs"
FORCED = '{"thinking_budget": 64, "waits": 1}'


def main() -> None:
    """Run each harness under a few settings and keep its logs by name."""
    shutil.rmtree(KEPT, ignore_errors=True)
    with served() as url, tempfile.TemporaryDirectory() as made:
        work = Path(made)
        _lm_eval(url, work / "chat-budget-64", gen_kwargs="thinking_budget=64,waits=0")
        _lm_eval(url, work / "chat-budget-64-wait-1", gen_kwargs="thinking_budget=64,waits=1")
        _lm_eval(url, work / "chat-raw", gen_kwargs="thinking_budget=64,waits=1,reasoning_format=raw")
        _lm_eval(url, work / "text-ids", chat=False, gen_kwargs="thinking_budget=64,waits=1")
        _inspect(url, work / "natural")
        _inspect(url, work / "budget-64-wait-1", "--extra-body", FORCED, "--temperature", "0.7", "--epochs", "2")
        _inspect(url, work / "effort-low", "--extra-body", '{"reasoning_effort": "low"}')


def _lm_eval(url: str, folder: Path, **more: object) -> None:
    lm_eval(url, folder, **more)  # type: ignore[arg-type]
    for kind in ("results", "samples"):
        (log,) = folder.rglob(f"{kind}_*.json*")
        _keep(log, f"lm_eval-{folder.name}/{log.name}")


def _inspect(url: str, folder: Path, *words: str) -> None:
    _keep(inspect(url, folder, *words), f"inspect-{folder.name}.eval")


def _keep(log: Path, name: str) -> None:
    (KEPT / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(log, KEPT / name)


if __name__ == "__main__":
    main()
