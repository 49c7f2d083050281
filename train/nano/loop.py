"""The training loop of s1-nano: state, one step, the schedule, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from s1core.nano.make import FAMILIES
from train.nano.batches import Batch, bucketed, collate
from train.nano.model import NanoModel, NanoShape
from train.nano.text import PlainRecipe, Tag, TraceRecipe, draw_examples

POOL = 2_000
"""Examples drawn at once, sorted by length and cut into batches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainConfig:
    """Everything that decides a training run."""

    tokens: int = 50_000_000
    """Where the schedule ends; may be changed when a run is resumed."""
    tokens_per_batch: int = 8_192
    seed: int = 0
    muon_lr: float = 0.02
    adam_lr: float = 3e-3
    warmup_steps: int = 50
    decay_share: float = 0.25
    """The last share of the tokens, over which both learning rates fall linearly to 0."""
    short_tokens: int = 4_000_000
    """Chains grow from the shortest to full length over this many tokens."""
    shape: NanoShape = field(default_factory=NanoShape)
    recipe: TraceRecipe | PlainRecipe = field(default_factory=TraceRecipe)

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.tokens_per_batch < 1_200:
            raise ValueError(
                f"need tokens >= 1 and tokens_per_batch >= 1200, got {self.tokens}, {self.tokens_per_batch}"
            )
        if not 0 < self.decay_share <= 1:
            raise ValueError(f"decay_share must be in (0, 1], got {self.decay_share}")

    def rate(self, step: int, tokens: int) -> float:
        """The factor on the learning rates: warm-up, constant, linear decay."""
        left = max(0.0, 1 - tokens / self.tokens)
        return min(1.0, (step + 1) / self.warmup_steps, left / self.decay_share)


@dataclass(kw_only=True, slots=True)
class Progress:
    """Where a run is. Together with the weights and optimizer states it is the whole state."""

    step: int = 0
    tokens: int = 0
    pool: int = 0
    batch: int = 0
    """Batches of the current pool that are done."""
    pool_tokens: int = 0
    """Tokens seen when the current pool was drawn: it decides how long its chains are."""
    weights: list[float] = field(default_factory=lambda: [1.0] * len(FAMILIES))
    """How often each family is drawn in the current pool."""
    next_weights: list[float] = field(default_factory=lambda: [1.0] * len(FAMILIES))
    seconds: float = 0.0


def most_steps(config: PretrainConfig, tokens: int) -> int | None:
    """The longest chain drawn after this many tokens; None when there is no limit any more."""
    grown = tokens / max(1, config.short_tokens)
    return None if grown >= 1 else 5 + int(grown * 20)


class Trainer:
    """Weights, optimizers and data position of one run."""

    def __init__(self, config: PretrainConfig) -> None:
        self.config, self.progress = config, Progress()
        torch.manual_seed(config.seed)
        self.model = NanoModel(config.shape)
        named = [(n, p) for n, p in self.model.named_parameters()]
        matrices = [p for n, p in named if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in named if p.ndim != 2 or "embed" in n]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=config.muon_lr, weight_decay=0.05),
            torch.optim.AdamW(others, lr=config.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.base_rates = [config.muon_lr, config.adam_lr]
        self._batches: list[Batch] = []
        self._draw_pool()

    def _draw_pool(self) -> None:
        state, config = self.progress, self.config
        seed = f"{config.seed}/{state.pool}"
        limit = most_steps(config, state.pool_tokens)
        examples = draw_examples(seed, POOL, config.recipe, state.weights, limit)
        self._batches = list(bucketed(examples, config.tokens_per_batch, seed))

    def _next_batch(self) -> Batch:
        state = self.progress
        if state.batch >= len(self._batches):
            state.pool, state.batch, state.pool_tokens = state.pool + 1, 0, state.tokens
            state.weights = list(state.next_weights)
            self._draw_pool()
        state.batch += 1
        return self._batches[state.batch - 1]

    def step(self) -> float:
        """One optimisation step; returns the loss per learned token."""
        batch, state = self._next_batch(), self.progress
        rate = self.config.rate(state.step, state.tokens)
        loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, base in zip(self.optimizers, self.base_rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = base * rate
            optimizer.step()
            optimizer.zero_grad()
        state.step, state.tokens = state.step + 1, state.tokens + batch.tokens
        return loss.item()

    def _scores(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores and targets at the learned positions only."""
        learned = batch.tags[:, 1:] != Tag.NONE
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model.hidden(batch.ids[:, :-1])[learned]
            scores = F.linear(hidden, self.model.model.embed_tokens.weight)
        return scores.float(), batch.ids[:, 1:][learned]

    def _loss(self, batch: Batch) -> Tensor:
        scores, targets = self._scores(batch)
        return F.cross_entropy(scores, targets)

    @torch.no_grad()
    def exact(self, per_family: int = 48) -> dict[str, dict[str, float]]:
        """Share of examples whose tokens of one kind are all predicted, teacher-forced, as greedy decoding would.

        On fresh questions of the train split: the test split steers nothing.
        """
        result: dict[str, dict[str, float]] = {}
        plain = isinstance(self.config.recipe, PlainRecipe)
        recipe = PlainRecipe(direct=0.0) if plain else TraceRecipe(forced_waits=(0.0, 1.0, 0.0), cut=0.0)
        for index, name in enumerate(FAMILIES):
            weights = [float(i == index) for i in range(len(FAMILIES))]
            batch = collate(draw_examples(f"exact/{self.config.seed}", per_family, recipe, weights))
            result[name] = self._exact_kinds(batch)
        return result

    def _exact_kinds(self, batch: Batch) -> dict[str, float]:
        scores, targets = self._scores(batch)
        tags = batch.tags[:, 1:]
        right = torch.ones_like(tags, dtype=torch.bool)
        right[tags != Tag.NONE] = scores.argmax(-1) == targets
        kinds: dict[str, float] = {}
        for tag in (Tag.LOOK, Tag.CHOICE, Tag.CHECK, Tag.ANSWER):
            has = (tags == tag).any(1)
            whole = (right | (tags != tag)).all(1)
            kinds[tag.name.lower()] = round((whole & has).sum().item() / max(1, has.sum().item()), 3)
        kinds["check_tokens"] = round(right[tags == Tag.CHECK].float().mean().item(), 3)
        return kinds

    def reweight(self, exact: dict[str, dict[str, float]]) -> None:
        """From the next pool on, draw more of the families whose checks still fail, most of those that fail early."""
        failing = [(1 - exact[name]["check"]) + 4 * (1 - exact[name]["check_tokens"]) for name in FAMILIES]
        self.progress.next_weights = [round(0.35 + share, 3) for share in failing]

    def state_dict(self) -> dict[str, Any]:
        """The whole state."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "progress": {name: getattr(self.progress, name) for name in Progress.__slots__},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(**state["progress"])
        self._draw_pool()


def save_checkpoint(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint that is either complete or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(trainer.state_dict(), temporary)
    temporary.replace(path)


def load_checkpoint(trainer: Trainer, path: Path) -> None:
    """Load what `save_checkpoint` wrote."""
    trainer.load_state_dict(torch.load(path, weights_only=True))
