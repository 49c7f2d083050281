"""The fast path of adapters on a CPU computes what peft and transformers compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from peft import get_peft_model_state_dict  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from s1core.errors import InvalidSetting  # noqa: E402
from train.finetune import cpu  # noqa: E402
from train.finetune.batches import collate  # noqa: E402
from train.finetune.data import load_data  # noqa: E402
from train.finetune.model import Placement, attention, build, load_tokenizer  # noqa: E402
from train.finetune.recipes import recipe  # noqa: E402

CPU = torch.device("cpu")


@pytest.mark.parametrize("bias", [False, True])
def test_a_fused_adapter_has_pefts_values_and_gradients(bias: bool) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model: Any = get_peft_model(
        torch.nn.Sequential(torch.nn.Linear(6, 5, bias=bias)), LoraConfig(r=3, lora_alpha=6, target_modules=["0"])
    )
    torch.nn.init.normal_(next(p for n, p in model.named_parameters() if "lora_B" in n))
    x = torch.randn(2, 4, 6)

    def results() -> list[Any]:
        model.zero_grad()
        mine = x.clone().requires_grad_()
        out = model(mine)
        out.square().sum().backward()
        return [out.detach(), mine.grad, *(p.grad.clone() for p in model.parameters() if p.grad is not None)]

    stock = results()
    cpu.fuse_adapters(model)
    fused = results()
    assert len(stock) == len(fused) == 4
    for left, right in zip(stock, fused, strict=True):
        assert torch.allclose(left, right, atol=1e-4)


@pytest.mark.parametrize("mask", [None, "bool", "added"])
@pytest.mark.parametrize("heads", [(4, 4), (6, 2)])
def test_short_attention_is_torchs_attention(mask: str | None, heads: tuple[int, int]) -> None:
    torch.manual_seed(1)
    query, key, value = (torch.randn(2, n, 7, 8) for n in (heads[0], heads[1], heads[1]))
    seen = torch.ones(7, 7, dtype=torch.bool).tril().expand(2, 1, 7, 7)
    given = {"bool": seen, "added": torch.zeros(seen.shape).masked_fill(~seen, float("-inf")), None: None}[mask]
    out, _ = cpu.short_attention(torch.nn.Identity(), query, key, value, given)
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    assert torch.allclose(out, expected.transpose(1, 2), atol=1e-5)


def test_the_fast_path_has_the_loss_of_the_stock_one(tiny: Path, rows: Path) -> None:
    config = replace(recipe("s1-135m"), model=str(tiny), chat_template="", data=str(rows), max_length=1_024)
    data = load_data(config, load_tokenizer(str(tiny))).rows[:4]
    batch = collate(config, data, (0, 1, 2, 3), pad=259)
    assert attention(config, CPU) == cpu.SHORT_ROWS
    fast = build(config, Placement(device=CPU))(batch).item()
    stock = build(replace(config, compute="float32"), Placement(device=CPU))(batch).item()
    assert fast == pytest.approx(stock, rel=0.01)


def test_what_the_fast_path_cannot_do_goes_the_usual_way() -> None:
    config = recipe("s1-135m")
    assert cpu.applies(config, CPU, sharded=False)
    for other in ({"lora_rank": 0}, {"lora_dropout": 0.1}, {"compute": "float32"}, {"activation_checkpointing": True}):
        assert not cpu.applies(replace(config, **other), CPU, sharded=False)
    assert not cpu.applies(config, CPU, sharded=True)
    assert attention(replace(config, max_length=4_096), CPU) == "sdpa"
    assert attention(replace(config, packing=True), CPU) == "sdpa"


def test_an_adapter_is_trained_further(adapter_run: Path, tiny: Path, rows: Path, tmp_path: Path) -> None:
    folder = adapter_run / "final" / "adapter"
    config = replace(recipe("s1-135m"), model=str(tiny), chat_template="", data=str(rows), max_length=1_024)
    config = replace(config, adapter=str(folder), lora_rank=2)
    begun = get_peft_model_state_dict(build(config, Placement(device=CPU)).model)
    saved = load_file(folder / "adapter_model.safetensors")
    assert set(begun) == set(saved) and any(value.any() for name, value in saved.items() if "lora_B" in name)
    assert all(torch.equal(begun[name].to(value.dtype), value) for name, value in saved.items())
    with pytest.raises(InvalidSetting, match="add --set lora_rank=2 --set lora_alpha=32"):
        build(replace(config, lora_rank=4), Placement(device=CPU))
    with pytest.raises(InvalidSetting, match="does not fit"):
        build(replace(config, lora_targets="q_proj"), Placement(device=CPU))
    with pytest.raises(InvalidSetting, match="holds no adapter_config.json"):
        build(replace(config, adapter=str(tmp_path)), Placement(device=CPU))
