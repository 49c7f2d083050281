"""The closed loop: its steps are commands, its models keep their names, its tables tell n and intervals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from evals import miniature
from evals.reports.cached import packed_series
from evals.reports.packed_run import read_packed
from evals.reproduction.miniature_tables import tables
from evals.reproduction.miniatures import MINIATURES, Miniature, chosen
from s1core.errors import InvalidSetting, S1Error
from s1core.nano import BASE, WEIGHTS
from s1core.problems import FAMILIES


def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands that leave s1-nano's own weights instead of training for minutes; returns what was asked."""
    asked: list[str] = []

    def command(module: str, *words: str) -> None:
        asked.append(" ".join((module, *words)))
        folder = Path(words[words.index("--out") + 1])
        if module == "curate.run":
            (folder / "dataset").mkdir(parents=True)
        else:
            folder.mkdir(parents=True)
            (folder / "final").symlink_to(WEIGHTS)

    def report(module: str, *words: str) -> dict[str, float]:
        asked.append(" ".join((module, *words)))
        return {"seconds": 60.0}

    monkeypatch.setattr(miniature, "_command", command)
    monkeypatch.setattr(miniature, "_report", report)
    return asked


def work(tmp_path: Path, one: Miniature, only: str, curation: tuple[str, ...] = ()) -> miniature.Work:
    return miniature.Work(
        one=one,
        variants=chosen(one, only),
        limit=6,
        runs=tmp_path / "runs",
        curated=tmp_path / "curated",
        curation=curation,
    )


def test_a_variant_is_curated_trained_swept_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, nano = commands(monkeypatch), MINIATURES["s1-nano"]
    out = miniature.make(work(tmp_path, nano, "nano-1k"))
    said = capsys.readouterr().err
    assert "curating nano-1k first" in said
    assert "fine-tuning s1-nano-1k: not known yet" in said  # there are no rows like its own to try
    assert "asking 2 models 6 questions, at most: about" in said
    assert asked[0] == f"curate.run --recipe nano --select published --out {tmp_path}/curated/nano-1k"
    assert "train.sft --recipe s1-nano --data" in asked[1] and asked[1].endswith("--set max_steps=6 --resume")
    miniature.make(work(tmp_path, nano, "nano-1k"))
    assert len(asked) == 2  # what is there is not made again
    assert "everything was made before" in capsys.readouterr().err
    assert {s.model for f in out.glob("*.gz") for s in packed_series(f)} == {"nano-base", "s1-nano-1k"}
    text = tables(out, nano.base_name, nano.variants)
    assert "| nano-base | no fine-tuning |" in text and "n = 6 in every cell" in text
    assert "Against s1-nano-1k, at the natural stop" in text


def test_s1_135m_is_curated_with_gsm8k_and_its_time_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its recipe, with s1-nano's weights in the place of the base that is being trained."""
    asked = commands(monkeypatch)
    one = replace(MINIATURES["s1-135m"], base=str(BASE), base_name="base")
    out = miniature.make(work(tmp_path, one, "135m-random,135m-all", ("--local", "gsm8k=train.jsonl")))
    estimates = [line for line in asked if "--preflight" in line]
    assert [line.partition("--set")[0] for line in estimates] == [
        "train.sft --recipe s1-135m --data problems:1000 "
    ] * 2
    said = capsys.readouterr().err
    assert "fine-tuning s1-135m-random: about 60 s" in said
    assert "in all: about" in said
    curated = [line for line in asked if line.startswith("curate.run")]
    assert curated[0] == (
        f"curate.run --recipe s1-135m --select random --local gsm8k=train.jsonl --out {tmp_path}/curated/135m-random"
    )
    header, rows = read_packed(out / "miniature-135m-all.jsonl.gz")
    assert (header["config"]["benchmark"], header["config"]["context_length"]) == ("problems", 640)
    assert {row["group"] for row in rows} <= set(FAMILIES)
    assert "| base | no fine-tuning |" in tables(out, "base", one.variants)


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(S1Error, match=r"python -m train.sft failed \(exit code 2\)"):
        miniature._command("train.sft", "--recipe", "none")


def test_unknown_variants_list_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="unknown variant 's2'; known: nano-1k, nano-random"):
        chosen(MINIATURES["s1-nano"], "s2")
    with pytest.raises(InvalidSetting, match="unknown variant 'nano-1k'; known: 135m-1k, 135m-random"):
        chosen(MINIATURES["s1-135m"], "nano-1k")
