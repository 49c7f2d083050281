"""What is shown while a long command works."""

import pytest

from evals import progress
from evals.progress import Stages


def test_one_estimate_for_all_that_is_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    stages = Stages({"there already": 500.0, "short": 100.0, "long": 300.0})
    first = stages.stage("there already")
    first(50, 50)
    second = stages.stage("short")
    second(0, 10)
    clock[0] = 100.0
    second(5, 10)  # 50 of 400 in 100 s
    clock[0] = 101.0
    second(6, 10)  # too soon for another line
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "[1/3] there already: 50/50 samples",
        "[2/3] short: 5/10 samples; about 12 min left in all",
    ]
