"""A disk that is really full: a small file system in memory, which takes root to mount."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from train_helpers import SETTINGS, Trained, assert_same, sft  # noqa: E402

from train.launch import main as launch  # noqa: E402


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path, None, None]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, 64):
        pytest.skip("no file system can be mounted here: that takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=30)


def mount(folder: Path, kib: int, *, anew: bool = True) -> bool:
    how = f"size={kib}k" if anew else f"remount,size={kib}k"
    try:
        return (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], capture_output=True, timeout=30
            ).returncode
            == 0
        )
    except OSError:
        return False


def test_every_full_disk_is_one_sentence_and_the_run_goes_on_where_it_was(
    disk: Path, unbroken: Trained, tiny: Path, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = disk / "run"

    def ends(said: str) -> None:
        assert sft(folder, tiny, rows, *SETTINGS, resume=True) == 1
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("python -m train.sft: ") and said in error, error
        assert Trained(folder).status["reason"] in error

    kib = sum(path.stat().st_size for path in (unbroken.folder / "checkpoints" / "step-5").iterdir()) // 1024
    assert mount(disk, kib + 100, anew=False)
    ends("the checkpoint of step 10 cannot be saved: the disk is full; the checkpoint of step 5 is whole")
    assert Trained(folder).checkpoints == ["step-5"]
    # Room for every checkpoint, not for the model.
    assert mount(disk, 4 * kib + 120, anew=False)
    ends("final cannot be written: the disk is full; the checkpoint is whole")
    assert not (folder / "final").exists() and not list(folder.glob(".*"))
    assert mount(disk, 8 * kib, anew=False)
    assert sft(folder, tiny, rows, *SETTINGS, resume=True) == 0
    assert_same(Trained(folder).losses, unbroken.losses, within=0.0)
    assert (folder / "final" / "model.safetensors").is_file()


@pytest.mark.parametrize("left", [0, 12])
def test_where_not_even_the_state_can_be_written_the_last_line_says_so(
    disk: Path, left: int, tiny: Path, rows: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (disk / "other").write_bytes(bytes((64 - left) * 1024))
    words = ["--recipe", "s1-nano", "--model", str(tiny), "--data", str(rows), "--out", str(disk / "run")]
    assert launch(["--processes", "1", *words, *(word for one in SETTINGS for word in ("--set", one))]) == 1
    said = capfd.readouterr().err.strip().splitlines()
    assert any("cannot be written: the disk is full; free space, and start" in line for line in said), said
    assert said[-1].startswith("python -m train.launch: ") and "Traceback" not in "".join(said)
