"""Estimates before a run, against what users of the original met."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from s1core.errors import InvalidSetting  # noqa: E402
from train.finetune.config import TrainConfig, with_settings  # noqa: E402
from train.finetune.recipes import recipe  # noqa: E402
from train.preflight import probe  # noqa: E402
from train.preflight.estimate import preflight  # noqa: E402
from train.preflight.model_shapes import shape_of  # noqa: E402
from train.sft import main  # noqa: E402


def test_parameters_are_those_of_the_model(tiny: Path) -> None:
    import transformers

    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(tiny))
    assert shape_of(str(tiny)).parameters == sum(p.numel() for p in model.parameters())
    assert round(shape_of("Qwen/Qwen2.5-32B-Instruct").parameters / 1e9, 2) == 32.76


def test_32b_fits_on_sixteen_gpus_and_not_on_eight() -> None:
    assert preflight(recipe("s1-32b"), on="16xH100").fits
    assert preflight(recipe("s1.1-32b"), on="16xH100").fits
    eight = preflight(recipe("s1-32b"), on="8xH100")
    assert not eight.fits
    assert any("16 x H100" in change for change in eight.would_fit)
    assert any("lora_rank" in change for change in eight.would_fit)


def test_scores_all_at_once_are_what_spent_the_memory_of_small_models() -> None:
    small = with_settings(recipe("qwen2.5-7b"), ["model=Qwen/Qwen2.5-0.5B-Instruct"])
    assert preflight(small, on="4x4090").fits
    naive = preflight(with_settings(small, ["loss_chunk=32768"]), on="4x4090")
    assert not naive.fits and naive.would_fit[0] == "--set loss_chunk=1024"


def test_more_memory_is_asked_for_without_checkpointing_or_with_larger_passes() -> None:
    config = recipe("qwen2.5-7b")
    least = preflight(config, on="8xH100").total_gib
    for word in ("activation_checkpointing=false", "kept_layers=4", "micro_batch=2", "sync_each_batch=false"):
        assert preflight(with_settings(config, [word]), on="8xH100").total_gib > least


CRAMPED = [
    ("s1-32b", "1xH100"),
    ("s1-32b", "8xH100"),
    ("s1.1-32b", "8xH100"),
    ("s1-32b", "1x4090"),
    ("s1-32b", "8xA100-40"),
    ("s1-32b-lora", "1xH100"),
    ("qwen2.5-7b", "1x4090"),
    ("qwen2.5-7b", "4x4090"),
    ("qwen2.5-7b activation_checkpointing=false micro_batch=2", "4xH100"),
]


@pytest.mark.parametrize(("asked", "on"), CRAMPED)
def test_every_change_that_would_fit_fits(asked: str, on: str) -> None:
    name, *words = asked.split()
    config = with_settings(recipe(name), words)
    report = preflight(config, on=on)
    assert not report.fits and len(report.would_fit) == len(set(report.would_fit)) >= 3
    for change in report.would_fit:
        machine = re.match(r"(\d+) x ([\w-]+)", change)
        other = re.search(r"--recipe ([\w.-]+)", change)
        changed = with_settings(recipe(other[1]) if other else config, re.findall(r"--set ([^\s:]+)", change))
        assert preflight(changed, on=f"{machine[1]}x{machine[2]}" if machine else on).fits, change


def test_what_users_of_the_original_asked_for_is_answered() -> None:
    def told(name: str, on: str) -> str:
        return preflight(recipe(name), on=on).text()

    # One card of 24 GB, and 7B: adapters over shorter rows, or a smaller model.
    small = told("qwen2.5-7b", "1x4090")
    assert "--set lora_rank=32 --set lr=1e-4 --set sharding=none --set max_length=4096 --set too_long=drop" in small
    assert "--recipe qwen2.5-1.5b-lora: a smaller model" in small
    # 32B on one: what the host's memory would have to hold is said.
    assert "--set cpu_offload=true: 488 GiB of the host's memory" in told("s1-32b", "1xH100")
    # On eight: sixteen, or eight larger ones, or adapters.
    eight = told("s1.1-32b", "8xH100")
    assert "- 16 x H100\n" in eight and "- 8 x H200\n" in eight and "adapters only, as the recipe s1-32b-lora" in eight
    assert "It should fit." in told("s1.1-32b", "16xH100") and "It should fit." in told("s1-32b-lora", "4xH100")


def test_the_command_reads_the_data_and_this_machine(
    tiny: Path, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--recipe", "s1-nano", "--model", str(tiny), "--data", str(rows), "--set", "max_length=1024"]
    assert main([*words, "--preflight", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == 18 and report["fits"] and report["seconds"] > 0 and report["steps"] == 10
    assert main([*words, "--preflight"]) == 0
    assert "It should fit." in capsys.readouterr().out


def test_an_unknown_gpu_lists_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="such as 16xH100; got '8xZ9'; known GPUs: B200"):
        preflight(recipe("s1-32b"), on="8xZ9")


@pytest.mark.parametrize("model", ["s1-135M", "s1-135M-base", "SmolLM2-135M-Instruct"])
def test_the_presets_of_s1_135m_are_known_before_their_adapters(model: str) -> None:
    shape = shape_of(model)
    assert round(shape.parameters / 1e6) == 135
    config = with_settings(recipe("s1-135m"), [f"model={model}"])
    report = preflight(config, on="1x4090")
    assert report.fits and report.seconds is not None
    assert 4.5e6 < report.trained_parameters < 5.5e6


def test_a_cpu_is_timed_by_trying(tiny: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that counts the work instead of the time: passes of the rows that would be trained on, and updates."""
    tried: list[tuple[int, ...]] = []

    def timed(config: TrainConfig, plan: object, rows: int, length: int) -> probe.Speed:
        tried.append((rows, length))
        return probe.Speed(pass_s=2.0 * rows, update_s=0.25)

    monkeypatch.setattr(probe, "_timed", timed)
    words = [f"model={tiny}", f"data={rows}", "max_length=1024", "global_batch=4", "micro_batch=2", "epochs=3"]
    config = with_settings(recipe("s1-nano"), words)
    report = preflight(config)
    # 18 rows: five steps an epoch, of which four pass two pairs and the last one a pair.
    assert tried[0][0] == 2
    assert report.seconds == 3 * (9 * 2.0 * 2 + 5 * 0.25 * 2)
    packed = preflight(with_settings(config, ["packing=true"]))
    assert tried[1][0] == 1 and tried[1][1] > tried[0][1]
    assert packed.seconds is not None


def test_a_probe_passes_every_layer(tiny: Path, rows: Path) -> None:
    config = with_settings(recipe("s1-135m"), [f"model={tiny}", "lora_rank=2"])
    speed = probe.measure(config, shape_of(str(tiny)), 4, 64)
    assert speed is not None and 0 < speed.pass_s < 60 and 0 < speed.update_s < 60
    huge = shape_of("Qwen/Qwen2.5-32B-Instruct")
    assert probe.measure(recipe("s1-32b"), huge, 1, 8_192) is None


def test_one_row_is_shown_with_its_learned_part(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "rows.jsonl"
    rows = [
        {"user": "3+4?", "assistant": "7", "reasoning_content": "add both"},
        {"user": "?" * 900, "assistant": "7"},
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["--recipe", "s1-nano", "--model", str(tiny), "--data", str(data), "--preflight"]
    assert main(words) == 0
    shown = capsys.readouterr().out.partition("One row, what is learned between")[2]
    assert "user\n  3+4?<|im_end|>" in shown
    assert "⟦<|im_start|>think\n  add both\n  <|im_start|>answer\n  7<|im_end|>\n  ⟧" in shown
    assert main([*words, "--json"]) == 0
    sample = json.loads(capsys.readouterr().out)["sample"]
    assert [part["learned"] for part in sample] == [False, True] and "add both" in sample[1]["text"]


def test_rows_whose_thinking_would_be_dropped_are_refused(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps({"user": "3+4?", "assistant": "7", "deepseek_reasoning": "first add both"}) + "\n")
    assert main(["--recipe", "s1-nano", "--model", str(tiny), "--data", str(data), "--preflight"]) == 2
    assert "its field deepseek_reasoning would not be trained" in capsys.readouterr().err


def test_a_template_without_an_end_is_told_before(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, template = tmp_path / "rows.jsonl", tmp_path / "plain.jinja"
    data.write_text(json.dumps({"user": "3+4?", "assistant": "7"}) + "\n")
    template.write_text("{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}")
    words = ["--recipe", "s1-nano", "--model", str(tiny), "--data", str(data), "--set", f"chat_template={template}"]
    assert main([*words, "--preflight"]) == 0
    assert "The chat template writes no token that ends an assistant's turn" in capsys.readouterr().out
