"""The chunked loss computes what the plain one does, in a fraction of its memory; packing changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from train.bench.loss_memory import BAR, table  # noqa: E402
from train.finetune.batches import collate  # noqa: E402
from train.finetune.data import IGNORED, load_data  # noqa: E402
from train.finetune.loss import chunked_loss, plain_loss  # noqa: E402
from train.finetune.model import Placement, build, load_tokenizer, trainable  # noqa: E402
from train.finetune.recipes import recipe  # noqa: E402


def test_loss_and_gradients_are_those_of_all_scores_at_once() -> None:
    torch.manual_seed(0)
    targets = torch.randint(0, 40, (2, 9))
    targets[0, :4] = IGNORED
    weights = torch.rand(2, 9)
    results = []
    for chunk in (None, 4):
        hidden = torch.arange(2 * 9 * 6).float().reshape(2, 9, 6).sin().requires_grad_()
        head = torch.arange(240).float().reshape(40, 6).cos().requires_grad_()
        arguments = (hidden, head, targets, weights)
        loss = plain_loss(*arguments) if chunk is None else chunked_loss(*arguments, chunk)
        loss.backward()
        results.append((loss, hidden.grad, head.grad))
    for left, right in zip(*results, strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_a_filler_uses_the_head_and_teaches_nothing() -> None:
    hidden, head = torch.randn(1, 3, 6, requires_grad=True), torch.randn(40, 6, requires_grad=True)
    loss = chunked_loss(hidden, head, torch.full((1, 3), IGNORED), torch.zeros(1, 3), 2)
    loss.backward()
    assert loss == 0 and head.grad is not None and not head.grad.any()


def test_the_memory_of_the_scores_is_a_sixteenth_at_s1s_size() -> None:
    text, ratio = table(tokens=32_768, vocab=152_064, chunk=recipe("s1-32b").loss_chunk)
    assert ratio >= BAR, text


def test_packed_rows_have_the_losses_and_gradients_of_single_ones(tiny: Path, rows: Path) -> None:
    config = replace(recipe("s1-nano"), model=str(tiny), data=str(rows), max_length=1_024)
    trained = build(config, Placement(device=torch.device("cpu")))
    data = load_data(config, load_tokenizer(str(tiny))).rows[:3]

    def results(packing: bool) -> list[Any]:
        trained.zero_grad()
        loss = trained(collate(replace(config, packing=packing), data, (0, 1, 2), pad=259))
        loss.backward()
        return [loss.detach(), *(p.grad.clone() for p in trainable(trained) if p.grad is not None)]

    for packed, single in zip(results(True), results(False), strict=True):
        assert torch.allclose(packed, single, atol=1e-3, rtol=1e-4)
