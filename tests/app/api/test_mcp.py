"""`--mcp` as an agent meets it: the protocol's own client, on a served app."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.access.admission import Gate, Room
from app.access.limits import PUBLIC_VARIABLE
from app.api import tools
from app.api.tools import Tools, read_grid, require_mcp
from app.models.registry import EngineRegistry
from s1core import Budget, solve
from s1core.errors import EngineFailed, InvalidSetting
from tests.app.jobs.test_jobs import request
from tests.browser.playground import PacedEngine, Playground, scripted_engines, think

QUESTION = "How many r in raspberry?"
NEEDS = "the package mcp is not installed here: pip install -r requirements-mcp.txt"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    pytest.importorskip("mcp", reason=NEEDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PUBLIC_VARIABLE, "1")
        with Playground("paced", scripted_engines(), mcp=True) as server:
            yield server


@asynccontextmanager
async def session(server: Playground) -> AsyncGenerator[Any, None]:
    mcp = pytest.importorskip("mcp", reason=NEEDS)
    transport = pytest.importorskip("mcp.client.streamable_http", reason=NEEDS)
    async with (
        transport.streamable_http_client(server.url + "gradio_api/mcp/") as (read, write, _),
        mcp.ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


async def told(session: Any, name: str, **asked: Any) -> Json:
    result = await session.call_tool(name, {"question": QUESTION, **asked})
    (part,) = result.content
    assert not result.isError, part.text
    return json.loads(part.text)


async def refused(session: Any, name: str, **asked: Any) -> str:
    result = await session.call_tool(name, {"question": QUESTION, **asked})
    assert result.isError
    return result.content[0].text


async def test_there_are_three_tools_that_say_what_they_do(server: Playground) -> None:
    async with session(server) as agent:
        found = {tool.name: tool for tool in (await agent.list_tools()).tools}
        assert list(found) == ["solve", "sweep", "probe"]
        for tool in found.values():
            fields = tool.inputSchema["properties"]
            assert len(tool.description) > 80 and tool.inputSchema["required"] == ["question"]
            assert all(len(field["description"]) > 10 for field in fields.values()), fields
        assert found["sweep"].inputSchema["properties"]["budgets"]["items"] == {"type": "integer"}
        assert not (await agent.list_resources()).resources and not (await agent.list_prompts()).prompts


async def test_a_question_is_solved(server: Playground) -> None:
    async with session(server) as agent:
        found = await told(agent, "solve", thinking_budget=256, waits=1)
    here = solve(PacedEngine(think), QUESTION, Budget(max_thinking_tokens=256, waits=1))
    assert (found["answer"], found["thinking"], found["reply"]) == ("3", here.thinking_text, here.answer_text)
    assert found["receipt"]["waits_used"] == 1 and found["receipt"]["model"] == "paced"


async def test_schemas_show_every_default_and_no_other_argument(server: Playground) -> None:
    async with session(server) as agent:
        for tool in (await agent.list_tools()).tools:
            fields = tool.inputSchema["properties"]
            assert [name for name, field in fields.items() if "default" not in field] == ["question"]
            assert (fields["temperature"]["default"], fields["seed"]["default"]) == (0, -1)
            said = await refused(agent, tool.name, budget=3)
            assert said == f"{tool.name} has no argument 'budget'; it takes {', '.join(fields)}."


async def test_each_call_draws_a_seed_of_its_own(server: Playground) -> None:
    async with session(server) as agent:
        drawn = [(await told(agent, "sweep", temperature=1.0, budgets=[8]))["seed"] for _ in range(3)]
        solved = await told(agent, "solve", temperature=1.0, seed=7)
        assert len(set(drawn)) == 3 and solved["receipt"]["seed"] == 7
        assert (await told(agent, "probe", thinking_budget=16))["seed"] == 0


async def test_a_grid_is_swept(server: Playground) -> None:
    async with session(server) as agent:
        found = await told(agent, "sweep", budgets=[0, 256], waits=[0, 1])
    points = [(point["thinking_budget"], point["waits"], point["answer"]) for point in found["points"]]
    assert points == [(0, 0, "2"), (0, 1, "2"), (256, 0, "3"), (256, 1, "3")]
    assert found["cost"]["sampled_tokens"] < found["cost"]["of_independent_runs"]


async def test_a_trace_is_probed(server: Playground) -> None:
    async with session(server) as agent:
        found = await told(agent, "probe", thinking_budget=256)
    assert found["answer"] == found["points"][-1]["answer"] == "3" and found["points"][0]["answer"] == "2"
    assert found["waits"] == [{"number": 1, "before": "2", "after": "3"}]
    assert 0 < found["settled_at"] <= found["points"][-1]["thinking_tokens"]


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("solve", {"thinking_budget": 5_000}, "4,096 are the most on a public page"),
        ("solve", {"question": "x" * 4_001}, "4,000 are the most"),
        ("solve", {"model": "/etc/passwd"}, "not in the list of models here"),
        ("solve", {"waits": 9}, "Waits must lie between"),
        ("sweep", {"budgets": [5_000]}, "4,096 are the most on a public page"),
        ("sweep", {"budgets": list(range(65)), "waits": [0]}, "64 are the most"),
        ("sweep", {"budgets": list(range(17)), "waits": [0]}, "One visitor may have 16 runs at once here"),
        ("sweep", {"budgets": []}, "budgets must be a list"),
        ("probe", {"question": " "}, "Type a question"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(server: Playground, name: str, asked: Json, words: str) -> None:
    async with session(server) as agent:
        said = await refused(agent, name, **asked)
    assert words in said and "\n" not in said


async def test_no_other_endpoint_is_a_tool(server: Playground) -> None:
    async with session(server) as agent:
        for name in ("think", "compare", "tool_solve", "curate-launch", "launch"):
            result = await agent.call_tool(name, {"question": QUESTION})
            assert result.isError and "Unknown tool" in result.content[0].text


def test_no_header_makes_the_server_fetch(server: Playground) -> None:
    headers = {
        "host": "127.0.0.1:9",
        "x-forwarded-host": "127.0.0.1:9",
        "accept": "application/json, text/event-stream",
    }
    for method, asked in (("resources/read", {"uri": "file:///etc/passwd"}), ("prompts/get", {"name": "solve"})):
        sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": asked}
        answer = httpx.post(server.url + "gradio_api/mcp/", json=sent, headers=headers)
        assert "There are only tools here" in answer.text and "root:" not in answer.text


def test_other_endpoints_of_the_protocol_are_blocked(server: Playground) -> None:
    for method, path, status in (
        ("GET", "mcp/sse", 403),
        ("POST", "mcp/messages/", 403),
        ("GET", "mcp", 405),
        ("DELETE", "mcp/", 405),
        ("GET", "mcp/schema", 200),
    ):
        assert httpx.request(method, f"{server.url}gradio_api/{path}").status_code == status
    evil = httpx.post(server.url + "gradio_api/mcp/", json={}, headers={"origin": "https://evil.example"})
    assert evil.status_code == 403


async def test_an_agent_that_goes_away_frees_the_engine(server: Playground) -> None:
    engine = server.engines["endless"]
    asked = {"question": QUESTION, "model": "endless", "thinking_budget": 4_000}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "solve", "arguments": asked}}
    headers = {"accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.TimeoutException):
            await client.post(server.url + "gradio_api/mcp/", json=call, headers=headers, timeout=1)
    assert engine.requests
    for _ in range(200):
        if not engine.running:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the engine still runs for an agent that has gone")


async def test_tools_stand_in_the_line_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    engine = PacedEngine(think)
    gate = Gate(Room(at_once=1, per_visitor=1, waiting=1))
    offered = Tools(EngineRegistry("paced", engines={"paced": engine}), gate)
    (asked,) = read_grid(QUESTION, "paced", [64], [0], "Wait")
    with gate.place("somebody else"):
        waiting = asyncio.create_task(offered.solve(request(host="10.0.0.1"), asked))
        await asyncio.sleep(0)
        assert not engine.requests
    assert json.loads(await waiting)["answer"] == "3"


async def test_an_engine_that_breaks_is_one_sentence() -> None:
    engine = PacedEngine(think, breaks_after=2)
    offered = Tools(
        EngineRegistry("breaks", engines={"breaks": engine}), Gate(Room(at_once=1, per_visitor=1, waiting=1))
    )
    (asked,) = read_grid(QUESTION, "breaks", [64], [0], "Wait")
    with pytest.raises(EngineFailed, match="RuntimeError"):
        await offered.solve(request(host="10.0.0.1"), asked)


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    with pytest.raises(InvalidSetting, match="pip install -r requirements-mcp.txt"):
        require_mcp()


def test_the_command_line_names_it_too() -> None:
    code = "import sys; sys.modules['mcp'] = None; from app.api import tools; tools.find_spec = lambda name: None; "
    code += "from app.__main__ import main; sys.exit(main(['--mcp', '--port', '0']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "requirements-mcp.txt" in done.stderr
