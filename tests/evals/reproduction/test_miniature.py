"""The closed loop: its steps are commands, its models keep their names, its tables tell n and intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from evals import miniature
from evals.reports.cached import packed_series
from evals.reproduction.miniature_tables import tables
from s1core.errors import InvalidSetting, S1Error
from s1core.nano import WEIGHTS


def test_a_variant_is_curated_trained_swept_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With commands that leave s1-nano's own weights instead of training for minutes."""
    asked: list[str] = []

    def command(module: str, *words: str) -> None:
        asked.append(" ".join((module, *words)))
        folder = Path(words[words.index("--out") + 1])
        if module == "curate.run":
            (folder / "dataset").mkdir(parents=True)
        else:
            folder.mkdir(parents=True)
            (folder / "final").symlink_to(WEIGHTS)

    monkeypatch.setattr(miniature, "_command", command)
    variants = miniature.chosen("nano-1k")
    out = miniature.make(variants, 6, tmp_path / "runs", tmp_path / "curated")
    assert asked[0] == f"curate.run --recipe nano --select published --out {tmp_path}/curated/nano-1k"
    assert "train.sft --recipe s1-nano --data" in asked[1] and asked[1].endswith("--set max_steps=6 --resume")
    miniature.make(variants, 6, tmp_path / "runs", tmp_path / "curated")
    assert len(asked) == 2  # what is there is not made again
    assert {s.model for f in out.glob("*.gz") for s in packed_series(f)} == {"nano-base", "s1-nano-1k"}
    text = tables(out, miniature.BASE_NAME, variants)
    assert "| nano-base | no fine-tuning |" in text and "n = 6 in every cell" in text
    assert "Against s1-nano-1k, at the natural stop" in text


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(S1Error, match=r"python -m train.sft failed \(exit code 2\)"):
        miniature._command("train.sft", "--recipe", "none")


def test_unknown_variants_list_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="unknown variant 's2'; known: nano-1k, nano-random"):
        miniature.chosen("s2")
