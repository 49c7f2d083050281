"""Recipes and what `--set` does to them."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from s1core.errors import InvalidSetting
from train.finetune.batches import total_steps
from train.finetune.config import TrainConfig, known_keys, with_settings
from train.finetune.recipes import RECIPES, recipe
from train.finetune.schedule import rate
from train.sft import main


def test_s1_32b_is_the_published_recipe() -> None:
    c = recipe("s1-32b")
    assert (c.epochs, c.global_batch, c.lr, c.warmup_share, c.weight_decay) == (5, 16, 1e-5, 0.05, 1e-4)
    assert (c.beta1, c.beta2, c.max_length, c.compute, c.lora) == (0.9, 0.95, 32_768, "bfloat16", False)
    assert total_steps(c, 1_000) == 315
    assert recipe("s1.1-32b").max_length == 20_000


def test_every_recipe_is_valid_and_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed["recipes"]) == set(RECIPES)
    assert all(one["what"].endswith(".") for one in listed["recipes"].values())
    assert listed["keys"] == known_keys()


def test_settings_are_parsed_by_their_type() -> None:
    words = ["lr=2e-4", "epochs=3", "packing=true", "max_steps=7", "too_long=drop", "lora-rank=8"]
    c = with_settings(recipe("s1-nano"), words)
    assert (c.lr, c.epochs, c.packing, c.max_steps, c.too_long, c.lora_rank) == (2e-4, 3, True, 7, "drop", 8)
    assert with_settings(c, ["max_steps=none"]).max_steps is None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("learning_rate=1", "unknown key 'learning_rate'; known: model, data"),
        ("lr", "takes key=value"),
        ("lr=fast", "lr takes a number"),
        ("epochs=1.5", "epochs takes a whole number"),
        ("packing=maybe", "packing takes true or false"),
        ("too_long=shorten", "one of refuse, truncate, drop"),
        ("epochs=0", "epochs must be at least 1"),
        ("lr=nan", "lr must be above 0"),
        ("recipe=s1-nano", "unknown key"),
        ("format=xml", "unknown format 'xml'; known: s1"),
    ],
)
def test_bad_settings_say_what_is_possible(word: str, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said.replace("(", r"\(")):
        with_settings(recipe("s1-nano"), [word])


def test_an_unknown_recipe_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recipe", "s2", "--data", "x", "--out", "y"]) == 2
    assert "known: s1-32b, s1-32b-lora" in capsys.readouterr().err


def test_the_rate_rises_and_falls_as_in_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    c = TrainConfig(recipe="x", model="x", lr=0.5)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=c.lr)
    theirs = transformers.get_cosine_schedule_with_warmup(optimizer, 16, 315)
    for step in range(315):
        assert rate(c, step, 315) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
