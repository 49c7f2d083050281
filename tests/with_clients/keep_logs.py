"""`python -m tests.with_clients.keep_logs [NAME ...]`: write anew what the harnesses log, which other tests import."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.with_clients.harnesses import inspect, lm_eval
from tests.with_clients.served import ROOT, served

KEPT = ROOT / "tests/data/client_logs"
FORCED = '{"thinking_budget": 64, "waits": 1}'
BY_LM_EVAL: dict[str, dict[str, object]] = {
    "lm_eval-chat-budget-64": {"gen_kwargs": "thinking_budget=64,waits=0"},
    "lm_eval-chat-budget-64-wait-1": {"gen_kwargs": "thinking_budget=64,waits=1"},
    "lm_eval-chat-raw": {"gen_kwargs": "thinking_budget=64,waits=1,reasoning_format=raw"},
    "lm_eval-text-ids": {"chat": False, "gen_kwargs": "thinking_budget=64,waits=1"},
}
BY_INSPECT: dict[str, tuple[str, ...]] = {
    "inspect-natural": (),
    "inspect-budget-64-wait-1": ("--extra-body", FORCED, "--temperature", "0.7", "--epochs", "2"),
    "inspect-effort-low": ("--extra-body", '{"reasoning_effort": "low"}'),
}


def main(names: list[str]) -> None:
    """Run each harness under its settings, all or those that are named, and keep the logs."""
    with served() as url, tempfile.TemporaryDirectory() as made:
        for name in names or (*BY_LM_EVAL, *BY_INSPECT):
            folder, kept = Path(made) / name, KEPT / name
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            if name in BY_LM_EVAL:
                lm_eval(url, folder, **BY_LM_EVAL[name])  # type: ignore[arg-type]
                logs = [*folder.rglob("results_*.json"), *folder.rglob("samples_*.jsonl")]
            else:
                logs = [inspect(url, folder, *BY_INSPECT[name])]
            for log in logs:
                shutil.copy(log, kept)


if __name__ == "__main__":
    main(sys.argv[1:])
