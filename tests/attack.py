"""`make attack`: 10,000 rapid requests of one visitor to a public page, through each of its endpoints.

Each must be answered, or told to wait in one sentence, and the server's memory must stay bounded. Prints what came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import Counter
from typing import Any

import httpx

from tests.load import memory_mb, served, wait_until_ready

AT_ONCE = 64
MOST_GROWTH_MB = 400.0
CLEAN = {200, 429, 503}
"""Answered; too many of this visitor's; Gradio's own queue is full."""
ASKED: list[Any] = [64, 0, "Wait", "forcing", 1, False, 0.0, 0, 0, "total", 0, False]


async def flood(url: str, requests: int, *, model: str = "s1-nano") -> Counter[int]:
    """Send so many requests, a few kinds in turn; return how many came back with which status."""
    seen: Counter[int] = Counter()
    free = asyncio.Semaphore(AT_ONCE)
    # A connection for each: one that the server ends early is no fault of the next request.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as client:
        events = (await client.get("config")).json()["dependencies"]
        think = next(event["id"] for event in events if event["api_name"] == "think")

        async def one(number: int) -> None:
            async with free:
                match number % 4:
                    case 0:
                        answer = await client.post("gradio_api/call/think", json={"data": ["?", model, *ASKED]})
                    case 1:
                        page = {"fn_index": think, "data": ["?", model, *ASKED], "session_hash": f"flood-{number}"}
                        answer = await client.post("gradio_api/queue/join", json=page)
                    case 2:
                        chat = {"model": model, "messages": [{"role": "user", "content": "?"}]}
                        answer = await client.post("v1/chat/completions", json=chat | {"thinking_budget": 8})
                    case _:
                        answer = await client.get("curves/catalogue")
                if answer.status_code == 429 and "\n" in answer.json().get("error", {"message": ""}):
                    raise AssertionError(f"not one sentence: {answer.text}")
                seen[answer.status_code] += 1

        await asyncio.gather(*(one(number) for number in range(requests)))
    return seen


def main() -> int:
    """Run what the command line asks for; return 0 where every answer was clean and memory bounded."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    asked = parser.parse_args()
    os.environ["S1_PUBLIC"] = "1"
    with served() as (url, pid):
        wait_until_ready(url)
        before_mb = memory_mb(pid)
        seen = asyncio.run(asyncio.wait_for(flood(url, asked.requests), 1_200))
        grown_mb = memory_mb(pid) - before_mb
        wait_until_ready(url)
    print(f"{sum(seen.values()):,} requests: {dict(sorted(seen.items()))}; memory {grown_mb:+.0f} MB")
    clean = set(seen) <= CLEAN and grown_mb <= MOST_GROWTH_MB
    print("met" if clean else f"missed: only {sorted(CLEAN)} and at most {MOST_GROWTH_MB:+g} MB are clean")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
