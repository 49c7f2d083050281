"""The tools for agents, asked by the version of the protocol's package that is installed here, as docs/api.md does."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.with_clients.served import ROOT

QUESTION = "How many r in raspberry?"
PAGE = (ROOT / "docs/api.md").read_text("utf-8")


def test_the_example_of_the_docs_runs(url: str) -> None:
    pytest.importorskip("mcp")
    examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    code, shown = next(found for found in examples if "import mcp" in found[0])
    code = code.replace("http://127.0.0.1:7860", url)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == shown, done.stderr


async def called(url: str, **asked: Any) -> Any:
    mcp = pytest.importorskip("mcp")
    http = pytest.importorskip("mcp.client.streamable_http")
    async with (
        http.streamable_http_client(f"{url}/gradio_api/mcp/") as (read, write, *_),
        mcp.ClientSession(read, write) as agent,
    ):
        await agent.initialize()
        return await agent.call_tool("solve", {"question": QUESTION, **asked})


def test_an_agent_samples_anew_each_time(url: str) -> None:
    async def seeds() -> set[int]:
        replies = [await called(url, temperature=1.0, thinking_budget=32) for _ in range(3)]
        return {json.loads(reply.content[0].text)["receipt"]["seed"] for reply in replies}

    assert len(asyncio.run(seeds())) == 3


def test_an_unknown_argument_is_named(url: str) -> None:
    reply = asyncio.run(called(url, budget=3))
    assert "solve has no argument 'budget'; it takes question, model, thinking_budget" in reply.content[0].text
