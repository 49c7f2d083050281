"""submitit's private parts are where the launcher expects them; each failure names the part and what it breaks."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import submitit

from train.launcher.submitit_compat import ENTRY_POINT, sbatch_file, submission_errors


def test_the_sbatch_file_is_submitits_own(tmp_path: Path) -> None:
    text = sbatch_file(tmp_path, {"job_name": "s1-run", "nodes": 2})
    assert text.startswith("#!/bin/bash") and "#SBATCH --nodes=2" in text and ENTRY_POINT in text


def test_the_entry_point_of_jobs_is_there() -> None:
    assert importlib.util.find_spec(ENTRY_POINT), f"submitit {submitit.__version__} has no {ENTRY_POINT} any more"


@pytest.mark.parametrize(
    ("module", "name", "use"),
    [
        ("submitit.slurm.slurm", "_make_sbatch_string", lambda folder: sbatch_file(folder, {})),
        ("submitit.core.utils", "FailedJobError", lambda folder: submission_errors()),
        ("submitit.core.utils", "FailedSubmissionError", lambda folder: submission_errors()),
    ],
)
def test_a_missing_private_name_is_named(
    module: str, name: str, use: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(use)
    monkeypatch.delattr(f"{module}.{name}")
    with pytest.raises(RuntimeError, match=rf"submitit has no {module}.{name}, which is needed to"):
        use(tmp_path)
