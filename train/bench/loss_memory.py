"""Measure the memory of the loss: scores over the vocabulary, all at once and chunk by chunk.

The peak is counted storage by storage on tensors without data, so that the full size of s1's rows (32,768 tokens x
152,064) can be counted on any machine; with --real a smaller size is computed and the process's peak memory read.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from train.finetune.config import TrainConfig
from train.finetune.loss import plain_loss, summed

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
BAR = 16
"""The plain loss must need at least this many times the memory of the chunked one."""


class _Scores(TorchDispatchMode):
    """Adds up the live storages whose last side is the vocabulary: the scores, and what derives from them."""

    def __init__(self, vocab: int, head: Tensor) -> None:
        super().__init__()
        self._vocab = vocab
        self._known: set[int] = {head.untyped_storage()._cdata}
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_flatten(result)[0]:
            if isinstance(tensor, Tensor) and tensor.ndim and tensor.shape[-1] == self._vocab:
                self._add(tensor)
        return result

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def losses(chunk: int) -> dict[str, Loss]:
    """The two ways."""
    return {"all at once": plain_loss, "chunked": lambda h, w, t, s: summed(h[0], w, t[0], s[0], chunk)}


def peak_scores(loss: Loss, tokens: int, vocab: int, width: int = 64) -> int:
    """Bytes of scores that are alive at the same time, forward and backward; nothing is computed."""
    with FakeTensorMode():
        hidden = torch.empty(1, tokens, width, dtype=torch.bfloat16, requires_grad=True)
        head = torch.empty(vocab, width, dtype=torch.bfloat16, requires_grad=True)
        targets, weights = torch.zeros(1, tokens, dtype=torch.long), torch.ones(1, tokens)
        with _Scores(vocab, head) as counted:
            # Which positions are learned is data; here all are.
            loss(hidden, head, targets, weights).backward()
    return counted.peak


def real_peak(name: str, tokens: int, vocab: int, chunk: int) -> dict[str, float]:
    """Compute one loss and its gradients; the growth of this process's peak memory, and the results."""
    torch.manual_seed(0)
    hidden = torch.randn(1, tokens, 64, requires_grad=True)
    head = torch.randn(vocab, 64, requires_grad=True)
    targets, weights = torch.randint(0, vocab, (1, tokens)), torch.ones(1, tokens)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loss = losses(chunk)[name](hidden, head, targets, weights)
    loss.backward()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert hidden.grad is not None
    return {"gib": grown, "loss": float(loss.detach()) / tokens, "gradient": float(hidden.grad.norm())}


def table(tokens: int, vocab: int, chunk: int) -> tuple[str, float]:
    """The measured memory as Markdown, and how many times the plain loss needs more."""
    peaks = {name: peak_scores(loss, tokens, vocab) for name, loss in losses(chunk).items()}
    ratio = peaks["all at once"] / peaks["chunked"]
    rows = [f"| {name} | {peak / 2**30:.2f} |" for name, peak in peaks.items()]
    head = f"| scores of {tokens:,} tokens x {vocab:,} | peak GiB, forward and backward |"
    met = "met" if ratio >= BAR else "not met"
    return "\n".join([head, "|---|---|", *rows, f"| ratio (bar {BAR}: {met}) | {ratio:.1f} |"]), ratio


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 1 when the bar is not met."""
    p = argparse.ArgumentParser(
        prog="python -m train.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--tokens", type=int, default=32_768, help="of one row (default %(default)s)")
    p.add_argument("--vocab", type=int, default=152_064, help="scores of each token (default %(default)s)")
    p.add_argument("--chunk", type=int, default=TrainConfig(recipe="", model="").loss_chunk, help="default %(default)s")
    p.add_argument("--real", type=int, metavar="N", help="compute N tokens too; about N x vocabulary x 14 bytes")
    p.add_argument("--only", choices=list(losses(1)), help=argparse.SUPPRESS)
    args = p.parse_args(argv)
    if args.only:
        print(real_peak(args.only, args.real, args.vocab, args.chunk))
        return 0
    text, ratio = table(args.tokens, args.vocab, args.chunk)
    print(text)
    if args.real:
        for name in losses(args.chunk):
            words = ["--only", name, "--real", str(args.real), "--vocab", str(args.vocab), "--chunk", str(args.chunk)]
            # A process each: a peak is never given back.
            subprocess.run([sys.executable, "-m", "train.bench", *words], check=True)
    return 0 if ratio >= BAR else 1
