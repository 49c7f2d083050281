"""Do two engines write the same? `python -m evals.parity --engine vllm`, or `--url` for servers that already run.

The same questions under the same settings, greedy, in float32, on the transformers engine and on another. Where two
traces differ, the margin between the model's two likeliest tokens at the first difference is printed: sums in another
order move a logit by about 1e-5, so only a near-tie may fall either way.

llama.cpp multiplies packed weights by activations of 8 bits, which moves a logit by tenths, while transformers gets the
same weights unpacked. So there the next tokens of the same texts are compared as well, position by position.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from s1core import Budget, S1Error, Trace, astream, load_engine
from s1core.engines.base import Engine, Request
from s1core.nano import make_questions
from s1core.types import Message

SETTINGS = (
    Budget(),
    Budget(max_thinking_tokens=0),
    Budget(max_thinking_tokens=32),
    Budget(waits=1),
    Budget(max_thinking_tokens=128, waits=2),
    Budget(waits=1, wait_text=""),
)
"""No forcing, none at all, a cut, a Wait, both with an end ignored, and an end that is ignored without a word."""
NEAR_TIE, NEAR_TIE_PACKED = 1e-3, 0.5
"""Log probabilities that are closer than this may change places: in float32, and with packed weights."""
AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Two traces that part."""

    question: str
    budget: Budget
    at: int
    """Tokens after the prompt that both have in common."""
    ours: int | None
    theirs: int | None
    margin: float | None
    """Log probability of our token less that of theirs; None where one text goes on and the other does not."""

    def near_tie(self, within: float) -> bool:
        """Whether the difference is one of rounding."""
        return self.margin is not None and abs(self.margin) <= within


async def traces(engine: Engine, questions: list[str], settings: Sequence[Budget] = SETTINGS) -> list[Trace]:
    """Run every question under every setting, many at once, in order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(question: str, budget: Budget) -> Trace:
        async with places:
            return Trace.from_events([event async for event in astream(engine, question, budget)])

    return await asyncio.gather(*(one(q, b) for q in questions for b in settings))


def difference(engine: Engine, question: str, budget: Budget, ours: Trace, theirs: Trace) -> Difference | None:
    """Find where the traces part, and how near the model was to the other token."""
    a, b = ours.token_ids, theirs.token_ids
    if a == b:
        return None
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    ids = (a[at] if at < len(a) else None, b[at] if at < len(b) else None)
    prompt = engine.codec.render_prompt([Message(role="user", content=question)], engine.format) + a[:at]
    first, logprob = likeliest(engine, prompt, frozenset())
    second, other = likeliest(engine, prompt, frozenset({first}))
    # A stop id is no token of the trace, so what matters is that the two likeliest tokens are nearly equal.
    known = None in ids or set(ids) <= {first, second}
    return Difference(
        question=question,
        budget=budget,
        at=at,
        ours=ids[0],
        theirs=ids[1],
        margin=logprob - other if known else None,
    )


def likeliest(engine: Engine, prompt: tuple[int, ...], barred: frozenset[int]) -> tuple[int, float]:
    """Return the likeliest next token but those barred, and its log probability under the model."""
    request = Request(prompt_ids=prompt, max_tokens=1, logprobs=True, forbid_first=barred)
    chunk = next(c for c in engine.generate(request) if c.token_ids)
    return chunk.token_ids[0], chunk.logprobs[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How alike two engines go on after every beginning of the same texts."""

    positions: int
    same: int
    """Positions at which both find the same token likeliest."""
    gaps: tuple[float, ...]
    """Differences of its log probability there."""


def agreement(engine: Engine, other: Engine, texts: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> Agreement:
    """Compare the likeliest next token at every position of texts.

    Args:
        engine: one of the two.
        other: the other one.
        texts: each a prompt, and the tokens after it.
    """
    beginnings = [prompt + written[:n] for prompt, written in texts for n in range(len(written))]
    pairs = [(likeliest(engine, text, frozenset()), likeliest(other, text, frozenset())) for text in beginnings]
    gaps = [abs(p - q) for (a, p), (b, q) in pairs if a == b]
    # llama.cpp names no probability of a token that leaves a character incomplete.
    return Agreement(positions=len(pairs), same=len(gaps), gaps=tuple(g for g in gaps if not math.isnan(g)))


def capped(settings: Sequence[Budget], thinking: int | None, answer: int | None) -> tuple[Budget, ...]:
    """Return settings with no more thinking and answer tokens than these."""
    if thinking is None and answer is None:
        return tuple(settings)
    longest = [budget.max_thinking_tokens for budget in settings]
    return tuple(
        replace(
            budget,
            max_thinking_tokens=min((n for n in (most, thinking) if n is not None), default=None),
            max_answer_tokens=answer,
        )
        for budget, most in zip(settings, longest, strict=True)
    )


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(
        prog="python -m evals.parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  python -m evals.parity --engine vllm\n"
        "  python -m evals.parity --engine llamacpp --model SmolLM2-135M-Instruct --questions 10 --max-thinking 48\n"
        "  python -m evals.parity --url http://127.0.0.1:8000",
    )
    p.add_argument("--model", default="s1-nano", help="preset, folder or hub id (s1-nano)")
    p.add_argument(
        "--engine", choices=("vllm", "llamacpp", "transformers"), default="vllm", help="the other engine (vllm)"
    )
    p.add_argument("--url", default=None, help="servers to compare with instead, separated by commas")
    p.add_argument("--questions", type=int, default=200, help="questions of s1-nano's test split (200)")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--max-thinking", type=int, default=None, metavar="N", help="at most N thinking tokens anywhere")
    p.add_argument("--max-answer", type=int, default=None, metavar="N", help="at most N answer tokens")
    p.add_argument("--texts", type=int, default=4, help="texts that are compared token by token, with llama.cpp (4)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Print the comparison; exit with 1 if traces differ other than by a near-tie, or more than 1 % differ."""
    args = parser().parse_args(argv)
    packed = args.engine == "llamacpp" and not args.url
    options: dict[str, Any] = {"url": args.url} if args.url else {} if packed else {"dtype": "float32"}
    settings = capped(SETTINGS, args.max_thinking, args.max_answer)
    questions = [q.question for q in make_questions(n=args.questions, seed=args.seed, split="test")]
    try:
        local = load_engine(args.model, engine="transformers", dtype="float32")
        other = load_engine(args.model, engine="http" if args.url else args.engine, **options)
        try:
            ours = asyncio.run(traces(local, questions, settings))
            theirs = asyncio.run(traces(other, questions, settings))
            asked = [(q, b) for q in questions for b in settings]
            found = [
                d
                for (q, b), x, y in zip(asked, ours, theirs, strict=True)
                if (d := difference(local, q, b, x, y)) is not None
            ]
            forced = agreement(local, other, _texts(local, asked, ours)[: args.texts]) if packed else None
        finally:
            other.close()
            local.close()
    except S1Error as error:
        print(f"python -m evals.parity: {error}", file=sys.stderr)
        return 2
    for d in found:
        margin = "unlike the two likeliest tokens" if d.margin is None else f"margin {d.margin:.2e}"
        print(f"{d.question!r}, {d.budget}: token {d.at}, {d.ours} against {d.theirs}, {margin}")
    same, within = len(ours) - len(found), NEAR_TIE_PACKED if packed else NEAR_TIE
    near = sum(d.near_tie(within) for d in found)
    print(
        f"transformers and {args.url or args.engine}: {same} of {len(ours)} traces equal "
        f"({100 * same / len(ours):.2f} %), {near} near-ties (within {within:g}) among the others"
    )
    if forced is not None:
        print(
            f"the same next token at {forced.same} of {forced.positions} positions "
            f"({100 * forced.same / max(1, forced.positions):.1f} %); its log probability differs by "
            f"{median(forced.gaps or (0.0,)):.3f} (median), at most {max(forced.gaps, default=0.0):.3f}"
        )
        return 0 if near == len(found) else 1
    return 0 if same >= 0.99 * len(ours) and near == len(found) else 1


def _texts(
    engine: Engine, asked: Sequence[tuple[str, Budget]], traces: Sequence[Trace]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return each question's prompt, and what its longest trace has after it."""
    longest: dict[str, tuple[int, ...]] = {}
    for (question, _), trace in zip(asked, traces, strict=True):
        longest[question] = max(longest.get(question, ()), trace.token_ids, key=len)
    render = engine.codec.render_prompt
    return [(render([Message(role="user", content=q)], engine.format), ids) for q, ids in longest.items()]


if __name__ == "__main__":
    sys.exit(main())
