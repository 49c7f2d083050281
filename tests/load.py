"""`make load`: 50 visitors of a served app, with s1-nano, each asking 3 questions of 256 tokens over loopback.

Prints what was measured beside the bar for it. Bounded: so many questions, and never more than `--most-s` seconds.
`--minutes` goes on with further rounds and watches the server's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from app.access.gradio_limits import MOST_SESSIONS
from s1core.nano import make_questions

ROOT = Path(__file__).parents[1]
TOKENS = 256
MOST_UNFAIR, MOST_WAIT_S, MOST_GROWTH_MB = 2.0, 2.0, 64.0
_SPELLED = re.compile(r"([a-z])\d+")


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """A question about the letters of a word; its trace spells the word, which tells whose trace it is."""

    text: str
    word: str


@dataclass(slots=True)
class Visitor:
    """What one visitor saw."""

    first_s: list[float] = field(default_factory=list)
    """To the first token, by question."""
    took_s: float = 0.0
    """To the end of the last answer."""
    errors: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """Answers of somebody else's questions."""


def questions(n: int) -> list[LoadRequest]:
    """Return `n` different ones."""
    found: dict[str, LoadRequest] = {}
    for one in make_questions(20 * n, seed=1, family="letters"):
        word = one.question.rstrip("?").split()[-1]
        if len(word) > 4 and word not in found:
            found[word] = LoadRequest(one.question, word)
    return list(found.values())[:n]


def belongs(trace: str, own: LoadRequest, everyone: list[LoadRequest]) -> bool:
    """Whether no other question's word is spelled by this trace better than its own."""
    spelled = "".join(_SPELLED.findall(trace))
    return _alike(spelled, own.word) >= max(_alike(spelled, other.word) for other in everyone)


def _alike(spelled: str, word: str) -> int:
    return max((n for n in range(len(word) + 1) if word[:n] in spelled), default=0)


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Serve the app as its command does; yield its address and the id of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "app", "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


async def open_page(client: httpx.AsyncClient, session: str) -> None:
    """Do what the page does when it is opened: fetch it, and ask for what it fills itself with."""
    (await client.get("")).raise_for_status()
    config = (await client.get("config")).raise_for_status().json()
    filling = [d["id"] for d in config["dependencies"] if d["backend_fn"] and any(t[1] == "load" for t in d["targets"])]
    data = {d["id"]: [next(c["props"].get("value") for c in config["components"] if c["id"] == i) for i in d["inputs"]]
            for d in config["dependencies"] if d["id"] in filling}  # fmt: skip
    for number in filling:
        body = {"fn_index": number, "data": data[number], "session_hash": session}
        (await client.post("gradio_api/queue/join", json=body)).raise_for_status()
    async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as told:
        left = len(filling)
        async for line in told.aiter_lines():
            left -= line.startswith("data: ") and json.loads(line[6:])["msg"] == "process_completed"
            if not left:
                return


async def by_page(client: httpx.AsyncClient, asked: LoadRequest, session: str) -> AsyncGenerator[tuple[str, str], None]:
    """Ask as a visitor of the page does; yield (question, trace so far)."""
    data = [asked.text, "s1-nano", TOKENS, 0, "Wait", "forcing", 1, False, 0.0, 0, TOKENS, "total", 0, False]
    event = await client.post("gradio_api/call/think", json={"data": data, "session_hash": session})
    event = event.raise_for_status().json()["event_id"]
    async with client.stream("GET", f"gradio_api/call/think/{event}") as answer:
        async for line in answer.aiter_lines():
            if line == "event: error":
                raise RuntimeError("the page was told of an error")
            if not line.startswith("data: ") or not isinstance(said := json.loads(line[6:]), list):
                continue
            view: dict[str, Any] = said[0]
            if view["state"] == "error":
                raise RuntimeError(view["note"])
            yield view["question"], view["text"]


async def by_v1(client: httpx.AsyncClient, asked: LoadRequest, _: str) -> AsyncGenerator[tuple[str, str], None]:
    """Ask as a client of OpenAI's protocol does; yield (question, trace so far)."""
    body = {"thinking_budget": TOKENS, "min_thinking_tokens": TOKENS, "stream": True, "model": "s1-nano"}
    body |= {"messages": [{"role": "user", "content": asked.text}]}
    trace = ""
    async with client.stream("POST", "v1/chat/completions", json=body) as answer:
        if answer.status_code != 200:
            raise RuntimeError((await answer.aread()).decode())
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            if "error" in chunk:
                raise RuntimeError(chunk["error"]["message"])
            trace += chunk["choices"][0]["delta"].get("reasoning_content", "")
            yield asked.text, trace


WAYS = {"page": by_page, "v1": by_v1}


async def visit(
    way: str, client: httpx.AsyncClient, session: str, own: list[LoadRequest], everyone: list[LoadRequest]
) -> Visitor:
    """Ask one question after the other."""
    seen = Visitor()
    began_s = time.monotonic()
    for asked in own:
        asked_s, first, question, trace = time.monotonic(), True, asked.text, ""
        try:
            async for told in WAYS[way](client, asked, session):
                question, trace = told
                if first and trace:
                    seen.first_s.append(time.monotonic() - asked_s)
                    first = False
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            seen.errors.append(f"{type(error).__name__}: {error}")
            continue
        if not trace:
            seen.errors.append("an answer without a trace")
        elif question != asked.text or not belongs(trace, asked, everyone):
            seen.strange.append(f"{asked.text} -> {trace[:80]!r}")
    seen.took_s = time.monotonic() - began_s
    return seen


async def crowd(way: str, url: str, visitors: int, each: int) -> list[Visitor]:
    """Let all visitors open the page, and then ask at the same moment."""
    everyone = questions(visitors * each)
    limits = httpx.Limits(max_connections=4 * visitors, max_keepalive_connections=visitors)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as client:
        sessions = [secrets.token_hex(5) for _ in range(visitors)]
        if way == "page":
            await asyncio.gather(*(open_page(client, session) for session in sessions))
        shares = [everyone[n * each : (n + 1) * each] for n in range(visitors)]
        return await asyncio.gather(*(visit(way, client, *one, everyone) for one in zip(sessions, shares, strict=True)))


def memory_mb(pid: int) -> float:
    """Return what the process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def wait_until_ready(url: str) -> None:
    """Return once the model has answered; its loading is no part of what is measured."""
    body = {
        "model": "s1-nano",
        "messages": [{"role": "user", "content": "How many a in banana?"}],
        "thinking_budget": 8,
    }
    for _ in range(240):
        try:
            if httpx.post(f"{url}v1/chat/completions", json=body, timeout=60, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError("the server did not answer within two minutes")


def report(way: str, seen: list[Visitor], grown_mb: list[float]) -> bool:
    """Print each measure and its bar; return whether all were met."""
    errors = [error for visitor in seen for error in visitor.errors]
    strange = [text for visitor in seen for text in visitor.strange]
    took = [visitor.took_s for visitor in seen]
    first = [s for visitor in seen for s in visitor.first_s] or [float("inf")] * 2
    p95 = quantiles(first, n=20)[-1]
    unfair = max(took) / median(took)
    # Gradio remembers so many pages, and only then has all that it keeps.
    full = ceil(MOST_SESSIONS / len(seen)) + 1
    rows = [
        ("errors", f"{len(errors)}", "0", not errors),
        ("answers of others", f"{len(strange)}", "0", not strange),
        ("slowest / median visitor", f"{unfair:.2f}", f"at most {MOST_UNFAIR:g}", unfair <= MOST_UNFAIR),
        ("p95 time to first token", f"{p95:.2f} s", f"at most {MOST_WAIT_S:g} s", p95 <= MOST_WAIT_S),
    ]
    if len(grown_mb) > full + 1:
        growth = grown_mb[-1] - grown_mb[full]
        steady = growth <= MOST_GROWTH_MB
        rows.append((f"memory after round {full}", f"{growth:+.0f} MB", f"at most {MOST_GROWTH_MB:+g} MB", steady))
    print(f"{way}: {len(seen)} visitors, {len(first)} answers begun, median visitor {median(took):.1f} s")
    for name, value, bar, met in rows:
        print(f"  {name:<28}{value:>10}   {bar:<18}{'met' if met else 'missed'}")
    print(f"  memory by round, MB: {', '.join(f'{mb:.0f}' for mb in grown_mb)}")
    for said in [*errors, *strange][:5]:
        print(f"  {said}")
    return all(met for *_, met in rows)


async def run(way: str, url: str, pid: int, asked: argparse.Namespace) -> bool:
    """Send one crowd, and others after it until the minutes are over."""
    ends_s = time.monotonic() + 60 * asked.minutes
    memory = [memory_mb(pid)]
    seen = await crowd(way, url, asked.visitors, asked.questions)
    memory.append(memory_mb(pid))
    while time.monotonic() < ends_s:
        later = await crowd(way, url, asked.visitors, asked.questions)
        for visitor, more in zip(seen, later, strict=True):
            visitor.errors += more.errors
            visitor.strange += more.strange
        memory.append(memory_mb(pid))
    return report(way, seen, memory)


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--questions", type=int, default=3, help="of each visitor")
    parser.add_argument("--minutes", type=float, default=0.5, help="to go on for, of each way (the issue's bar: 10)")
    parser.add_argument("--most-s", type=float, default=1800, help="then it is given up")
    parser.add_argument("--way", choices=WAYS, action="append", help="through which endpoint; default: each in turn")
    asked = parser.parse_args()
    with served() as (url, pid):
        wait_until_ready(url)

        async def all_ways() -> list[bool]:
            return [await run(way, url, pid, asked) for way in asked.way or WAYS]

        met = asyncio.run(asyncio.wait_for(all_ways(), asked.most_s))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
