"""The card of s1-135M: every figure is from a file, and what ships names no folder of this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

from s1core.problems import FAMILIES  # noqa: E402
from train.s1_135m.card import main, render  # noqa: E402

PAGE = "# s1-135M\n\n<!-- s1-135M -->\nNot measured yet.\n<!-- /s1-135M -->\n\nend\n"
MANIFEST = {
    "rows": 1000,
    "config": {"mode": "published", "weak": [{"model": "SmolLM2-135M-Instruct"}, {"model": "s1-135M-base@12 on x"}]},
    "sources": [{"name": "problems", "selected": 930}, {"name": "gsm8k", "selected": 70}],
    "funnel": [
        {"stage": "collect", "rows_in": 29473, "rows_out": 29473},
        {"stage": "difficulty", "rows_in": 24000, "rows_out": 3500},
    ],
}


def test_an_adapter_ships_with_receipt_table_and_card(adapter_run: Path, table: Path, tmp_path: Path) -> None:
    adapter, docs, curated = tmp_path / "s1", tmp_path / "page.md", tmp_path / "set"
    docs.write_text(PAGE)
    curated.mkdir()
    (curated / "manifest.json").write_text(json.dumps(MANIFEST))
    words = ["--adapter", str(adapter), "--docs", str(docs)]
    assert main([*words, "--run", str(adapter_run), "--table", str(table), "--curated", str(curated)]) == 0
    names = {"adapter_model.safetensors", "adapter_config.json", "chat_template.jinja", "README.md"}
    assert {path.name for path in adapter.iterdir()} == names | {"receipt.json", "table.json", "curated.json"}
    whole = "".join(path.read_text() for path in adapter.iterdir() if path.suffix != ".safetensors")
    assert "/pytest-of-" not in whole and str(Path(__file__).parents[3]) not in whole
    card = (adapter / "README.md").read_text()
    assert "license: apache-2.0" in card and "Q4_1 weights, dequantised to bfloat16" in card
    assert "could not be\nmeasured here" in card
    assert "GSM8K (openai/gsm8k, MIT)" in card and "1,000 of 29,473 (problems 930, gsm8k 70)" in card
    assert "difficulty by SmolLM2-135M-Instruct, s1-135M-base" in card
    assert "difficulty: 24,000 to 3,500 rows" in card
    assert all(f"- **{name}**: " in card for name in FAMILIES)
    assert "| natural | 50.0 [15.0, 85.0] | 60.0 |" in card
    page = docs.read_text()
    assert "| natural | 50.0 [15.0, 85.0] | 60.0 |" in page and "### How it was made" in page
    assert page.endswith("<!-- /s1-135M -->\n\nend\n") and "## Use" not in page
    # Once more from what lies beside it: the same.
    assert main(words) == 0
    assert (adapter / "README.md").read_text() == card


def test_without_a_table_no_figure_is_told(adapter_run: Path) -> None:
    receipt = json.loads((adapter_run / "final" / "receipt.json").read_text())
    card = render(receipt, None, None)
    assert "Not measured: there was no table" in card
    assert not re.search(r"\d %|\[\d+\.\d, \d+\.\d\]", card)
    assert "GSM8K" not in card


def test_the_bases_card_tells_its_own_story(adapter_run: Path) -> None:
    receipt = json.loads((adapter_run / "final" / "receipt.json").read_text())
    receipt["config"] |= {"recipe": "s1-135m-base", "model": "SmolLM2-135M-Instruct", "data": "skills:30000"}
    card = render(receipt, None, None)
    assert "# s1-135M-base" in card and "has never seen a thinking block" in card
    assert "--recipe s1-135m-base " in card and "\n\n\n" not in card
    assert not any(f"**{name}**" in card for name in FAMILIES)


def test_other_recipes_are_refused(unbroken: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder: Path = unbroken.folder  # type: ignore[attr-defined]
    assert main(["--adapter", str(tmp_path / "a"), "--run", str(folder), "--docs", str(tmp_path / "x")]) == 2
    assert "the receipt is of the recipe 's1-nano'" in capsys.readouterr().err
    assert main(["--adapter", str(tmp_path / "a"), "--run", str(tmp_path)]) == 2
    assert "receipt.json cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
