"""What is published of a model, and that nothing is without being asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.stand_in_hub import stand_in  # noqa: E402
from train.push import gather, main  # noqa: E402


def read(held: Path | bytes) -> dict[str, Any]:
    return json.loads(held if isinstance(held, bytes) else held.read_bytes())


PARTS = {"README.md", "receipt.json", "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"}


def test_a_run_is_pushed_with_card_table_and_receipt(
    adapter_run: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = stand_in(monkeypatch)
    assert main([str(adapter_run), "--to", "me/mine", "--private", "--table", str(table)]) == 0
    assert hub.private == {"me/mine": True}
    files = hub.files["me/mine"]
    assert PARTS | {"table.json", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"} <= set(files)
    assert files["model.safetensors"] == (adapter_run / "final" / "model.safetensors").read_bytes()
    card = files["README.md"].decode()
    assert "library_name: transformers" in card and "# mine" in card
    assert "`python -m train.sft --recipe s1-135m --model tiny" in card and "--set max_steps=3" in card
    assert "| natural | 50.0 [15.0, 85.0] | 60.0 |" in card
    assert "| 1 x Wait against natural | 1 of 2 | 0 of 2 |" in card
    said = capsys.readouterr().out
    assert "me/mine, for only you" in said and said.endswith("https://huggingface.co/me/mine\n")


def test_nothing_published_names_a_folder_of_this_machine(adapter_run: Path, table: Path) -> None:
    for folder in (adapter_run, adapter_run / "final" / "adapter"):
        for name, held in gather(folder, table, "mine").items():
            content = held if isinstance(held, bytes) else held.read_bytes()
            assert b"/pytest-of-" not in content and str(Path(__file__).parents[2]).encode() not in content, name
    receipt = read(gather(adapter_run)["receipt.json"])
    assert receipt["config"]["chat_template"] == "s1core/s1_135m/chat_template.jinja"


def test_a_dry_run_uploads_nothing(
    adapter_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = stand_in(monkeypatch)
    assert main([str(adapter_run / "final" / "adapter"), "--to", "me/lora", "--dry-run"]) == 0
    assert not hub.private and not hub.files
    said = capsys.readouterr().out
    assert "me/lora, for everybody: 6 files" in said
    assert "MB  adapter_model.safetensors" in said and said.endswith("nothing was uploaded\n")


def test_files_that_do_not_belong_stay(adapter_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    for path in (adapter_run / "final" / "adapter").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for name in ("token.txt", ".env", "notes.md", "optimizer.pt", "keys.json"):
        (folder / name).write_text("secret")
    (folder / "receipt.json").write_bytes((adapter_run / "final" / "receipt.json").read_bytes())
    (folder / "README.md").write_text("my own card")
    files = gather(folder)
    assert set(files) == {
        *("adapter_model.safetensors", "adapter_config.json", "chat_template.jinja", "generation_config.json"),
        *("receipt.json", "README.md"),
    }
    assert files["README.md"] == folder / "README.md"


def test_an_adapter_names_its_base_as_the_hub_does(adapter_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    for path in (adapter_run / "final" / "adapter").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "receipt.json").write_text(json.dumps({"parent": "SmolLM2-135M-Instruct"}))
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(
        json.dumps({**settings, "base_model_name_or_path": "SmolLM2-135M-Instruct"})
    )
    files = gather(folder, name="mine")
    named = read(files["adapter_config.json"])["base_model_name_or_path"]
    assert named == "HuggingFaceTB/SmolLM2-135M-Instruct"
    card = files["README.md"]
    assert isinstance(card, bytes) and b"base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in card
    assert b"Not measured" in card


def test_refusals_are_one_sentence(
    adapter_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = stand_in(monkeypatch)

    def refused(*words: str) -> str:
        assert main([*words]) == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "holds no weights" in refused(str(tmp_path), "--to", "me/x")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "has no receipt.json" in refused(str(tmp_path), "--to", "me/x")
    for name in ("mine", "me/", "a/b/c", "../x/y", "me/ x"):
        assert "written as owner/name" in refused(str(adapter_run), "--to", name)
    assert "none.json cannot be read" in refused(str(adapter_run), "--to", "me/x", "--table", "none.json")
    assert main([str(adapter_run), "--to", "me/open"]) == 0
    hub.files.clear()
    assert "is there already, and public" in refused(str(adapter_run), "--to", "me/open", "--private")
    hub.refuses = ConnectionError("no route\nat all")
    assert "the hub did not take me/x (no route); `hf auth login`" in refused(str(adapter_run), "--to", "me/x")
    assert not hub.files
