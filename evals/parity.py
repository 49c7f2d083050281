"""Do two engines write the same? `python -m evals.parity --engine vllm`, or `--url` for servers that already run.

The same questions under the same settings, greedy, in float32, on the transformers engine and on another. Where two
traces differ, the margin between the model's two likeliest tokens at the first difference is printed: sums in another
order move a logit by about 1e-5, so only a near-tie may fall either way.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
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
NEAR_TIE = 1e-3
"""Log probabilities that are closer than this may change places."""
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

    @property
    def near_tie(self) -> bool:
        """The difference is one of rounding."""
        return self.margin is not None and abs(self.margin) <= NEAR_TIE


async def traces(engine: Engine, questions: list[str]) -> list[Trace]:
    """Run every question under every setting, many at once, in order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(question: str, budget: Budget) -> Trace:
        async with places:
            return Trace.from_events([event async for event in astream(engine, question, budget)])

    return await asyncio.gather(*(one(q, b) for q in questions for b in SETTINGS))


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


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(
        prog="python -m evals.parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  python -m evals.parity --engine vllm\n  python -m evals.parity --url http://127.0.0.1:8000",
    )
    p.add_argument("--model", default="s1-nano", help="preset, folder or hub id (s1-nano)")
    p.add_argument("--engine", choices=("vllm", "transformers"), default="vllm", help="the other engine (vllm)")
    p.add_argument("--url", default=None, help="servers to compare with instead, separated by commas")
    p.add_argument("--questions", type=int, default=200, help="questions of s1-nano's test split (200)")
    p.add_argument("--seed", type=int, default=7)
    return p


def main(argv: list[str] | None = None) -> int:
    """Print the comparison; exit with 1 if traces differ other than by a near-tie, or more than 1 % differ."""
    args = parser().parse_args(argv)
    options: dict[str, Any] = {"url": args.url} if args.url else {"dtype": "float32"}
    questions = [q.question for q in make_questions(n=args.questions, seed=args.seed, split="test")]
    try:
        local = load_engine(args.model, engine="transformers", dtype="float32")
        other = load_engine(args.model, engine="http" if args.url else args.engine, **options)
        try:
            ours = asyncio.run(traces(local, questions))
            theirs = asyncio.run(traces(other, questions))
            asked = [(q, b) for q in questions for b in SETTINGS]
            found = [
                d
                for (q, b), x, y in zip(asked, ours, theirs, strict=True)
                if (d := difference(local, q, b, x, y)) is not None
            ]
        finally:
            other.close()
            local.close()
    except S1Error as error:
        print(f"python -m evals.parity: {error}", file=sys.stderr)
        return 2
    for d in found:
        margin = "unlike the two likeliest tokens" if d.margin is None else f"margin {d.margin:.2e}"
        print(f"{d.question!r}, {d.budget}: token {d.at}, {d.ours} against {d.theirs}, {margin}")
    same = len(ours) - len(found)
    name = args.url or args.engine
    print(
        f"transformers and {name}: {same} of {len(ours)} traces equal ({100 * same / len(ours):.2f} %), "
        f"{sum(d.near_tie for d in found)} near-ties among the others"
    )
    return 0 if same >= 0.99 * len(ours) and all(d.near_tie for d in found) else 1


if __name__ == "__main__":
    sys.exit(main())
