"""Process reward models through transformers: a score for every step of a solution.

Two kinds are known, by the class that the model's configuration names: token classification, which scores the end of
each step (TRL's `PRMTrainer`), and language models that answer a tag after each step with `+` or `-` (Math-Shepherd,
arXiv 2312.08935). Models with code of their own are not loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from s1core.engines.hf import loading
from s1core.engines.hf.loading import library
from s1core.errors import ModelUnavailable, QuestionTooLong
from s1core.methods.scores import Scores
from s1core.models import resolve
from s1core.thinking import Codec
from s1core.weights import located

SEPARATOR = "\n\n"
"""Ends a step for a model of token classification; that of the published ones."""
TAG, GOOD, BAD = " ки", "+", "-"
"""Asks a language model for its verdict of a step; the verdicts."""
BATCH = 8
"""Solutions of one forward pass."""


class TransformersReward:
    """A process reward model. Make one with `load`."""

    def __init__(self, name: str, model: Any, codec: Codec, *, bos: int | None, tagged: bool) -> None:
        self.name = name
        self._model, self._codec = model, codec
        self._bos = () if bos is None else (bos,)
        self._separator = TAG if tagged else SEPARATOR
        # Of a tagged one the verdicts are the first tokens that differ.
        self._verdicts = tuple(codec.encode_user(verdict)[-1] for verdict in (GOOD, BAD)) if tagged else None
        self._context_length: int = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, *, device: str | None = None, dtype: str | None = None) -> TransformersReward:
        """Load a model.

        Args:
            name: hub id or folder.
            device: `cpu` or `cuda`; default: a GPU if there is one.
            dtype: as that of an engine.

        Raises:
            UnknownModel: no such hub id.
            ModelUnavailable: it cannot be loaded here, or is no process reward model of a known kind.
        """
        preset = located(resolve(name))
        place = loading.choose_device(device)
        loading.check_folder(preset)
        with loading.translate_load_errors(preset):
            config: Any = library.AutoConfig.from_pretrained(preset.location)
            tokenizer: Any = library.AutoTokenizer.from_pretrained(preset.location)
            backend = getattr(tokenizer, "backend_tokenizer", None)
            if backend is None:
                raise ModelUnavailable(f"{name} has no fast tokenizer (tokenizer.json); use a model that ships one")
            kind = next(iter(config.architectures or ()), "a model of no kind")
            auto = _auto_class(kind)
            if auto is None:
                raise ModelUnavailable(
                    f"{name} is {kind}, which scores no steps here; use a process reward model of token "
                    "classification, or a language model that was trained to answer a step with + or -"
                )
            number = loading.choose_dtype(dtype, place, stored=config.dtype)
            with loading.quietly():
                model, report = auto.from_pretrained(preset.location, dtype=number, output_loading_info=True)
        if report["missing_keys"]:
            some = ", ".join(sorted(report["missing_keys"])[:3])
            raise ModelUnavailable(f"the weights of {name} lack {some}; it is no trained reward model")
        begins: list[int] = tokenizer("").input_ids
        bos = tokenizer.bos_token_id if begins[:1] == [tokenizer.bos_token_id] else None
        codec = Codec(backend, lambda *_, **__: "")
        return cls(name, model.to(place).eval(), codec, bos=bos, tagged=auto is library.AutoModelForCausalLM)

    def score(self, question: str, solutions: Sequence[Sequence[str]]) -> list[Scores]:
        """Score every step of some solutions of one question; texts stay text, whatever they contain.

        Raises:
            QuestionTooLong: a solution does not fit the model's context.
        """
        texts = [self._encoded(question, steps) for steps in solutions]
        found: list[Scores] = []
        with self._lock:
            for start in range(0, len(texts), BATCH):
                found += self._scored(texts[start : start + BATCH])
        return found

    def _encoded(self, question: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the ids of a solution, and where each step ends."""
        after = " " if self._verdicts else self._separator
        begin = [*self._bos, *self._codec.encode_user(question + after)]
        parts = [self._codec.encode_user(step.strip() + self._separator) for step in steps]
        ends = [len(begin) + total - 1 for total in accumulate(len(part) for part in parts)]
        ids = [*begin, *(i for part in parts for i in part)]
        if len(ids) > self._context_length:
            raise QuestionTooLong(
                f"the solution takes {len(ids):,} tokens, but {self.name} reads {self._context_length:,}; "
                "lower the budget, or use another reward model"
            )
        return ids, ends

    @torch.inference_mode()
    def _scored(self, texts: Sequence[tuple[list[int], list[int]]]) -> list[Scores]:
        longest = max(len(ids) for ids, _ in texts)
        device = self._model.device
        padded = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in texts], device=device)
        lengths = torch.tensor([len(ids) for ids, _ in texts], device=device)
        mask = torch.arange(longest, device=device) < lengths[:, None]
        logits: Tensor = self._model(input_ids=padded, attention_mask=mask.long()).logits
        return [
            Scores(steps=tuple(self._good(logits[row, ends]).tolist()), tokens=len(ids))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            for row, (ids, ends) in enumerate(texts)
        ]

    def _good(self, logits: Tensor) -> Tensor:
        """Return the probability that each step is good.

        Args:
            logits: `[steps, labels]`, or `[steps, vocabulary]` of a language model.
        """
        logits = logits.float()
        if self._verdicts is not None:
            return logits[:, list(self._verdicts)].softmax(dim=-1)[:, 0]
        return logits.sigmoid()[:, 0] if logits.shape[1] == 1 else logits.softmax(dim=-1)[:, 1]


def _auto_class(kind: str) -> Any:
    if kind.endswith("ForTokenClassification"):
        return library.AutoModelForTokenClassification
    return library.AutoModelForCausalLM if kind.endswith("ForCausalLM") else None
