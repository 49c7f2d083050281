"""Libraries that ask OpenAI's protocol, on a real server, with the settings that their users have."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

QUESTION = "How many r in raspberry?"
FORCED = {"thinking_budget": 128, "waits": 1}
ASKED = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module", autouse=True)
def _offline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        patch.setenv("OPENAI_API_KEY", "none")
        yield


def openai(url: str) -> Any:
    return pytest.importorskip("openai").OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def test_openai_gets_several_answers_that_differ(url: str) -> None:
    reply = openai(url).chat.completions.create(model="s1-nano", messages=ASKED, n=8, temperature=2.0)
    assert [choice.index for choice in reply.choices] == list(range(8))
    assert len({choice.message.reasoning_content for choice in reply.choices}) > 1
    receipts = [choice.receipt for choice in reply.choices]
    assert len({receipt["seed"] for receipt in receipts}) == 1


def test_openai_draws_a_seed_that_can_be_sent_back(url: str) -> None:
    client, asked = openai(url), {"model": "s1-nano", "messages": ASKED, "temperature": 2.0}
    first, second = (client.chat.completions.create(**asked) for _ in range(2))
    assert first.receipt["seed"] != second.receipt["seed"]
    again = client.chat.completions.create(**asked, seed=first.receipt["seed"])
    assert again.choices[0].message == first.choices[0].message


def test_openai_is_told_that_it_lacks_v1(url: str) -> None:
    openai_package = pytest.importorskip("openai")
    client = openai_package.OpenAI(base_url=url, api_key="none", max_retries=0)
    with pytest.raises(openai_package.NotFoundError, match="give the client the base URL"):
        client.chat.completions.create(model="s1-nano", messages=ASKED)


def langchain(url: str, **more: Any) -> Any:
    chat = pytest.importorskip("langchain_openai").ChatOpenAI
    return chat(model="s1-nano", base_url=f"{url}/v1", api_key="none", **more)


def test_langchain_answers_and_streams(url: str) -> None:
    model = langchain(url, max_tokens=200, stop=["\n\n"], temperature=0, top_p=0.95, extra_body=FORCED)
    reply = model.invoke(QUESTION)
    assert reply.content == "\nFinal Answer: 3" and reply.response_metadata["finish_reason"] == "stop"
    assert "".join(chunk.content for chunk in model.stream(QUESTION)) == reply.content
    assert [answer.content for answer in model.batch([QUESTION] * 16)] == [reply.content] * 16


def test_langchain_asks_by_effort(url: str) -> None:
    assert langchain(url, reasoning_effort="none").invoke(QUESTION).usage_metadata["output_token_details"] == {
        "reasoning": 0
    }


def test_langchain_completes_several_texts(url: str) -> None:
    model = pytest.importorskip("langchain_openai").OpenAI(
        model="s1-nano", base_url=f"{url}/v1", api_key="none", n=2, best_of=2, max_tokens=64, extra_body=FORCED
    )
    first, second = model.generate([QUESTION, "How many a in banana?"]).generations
    assert len(first) == len(second) == 2 and all("Answer" in answer.text for answer in (*first, *second))


def test_langchain_is_refused_a_conversation_in_words(url: str) -> None:
    with pytest.raises(pytest.importorskip("openai").BadRequestError, match="trained on single questions"):
        langchain(url).invoke([("user", QUESTION), ("assistant", "3"), ("user", "Sure?")])


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
def test_litellm_answers(url: str, provider: str) -> None:
    litellm = pytest.importorskip("litellm")
    asked = {"model": f"{provider}/s1-nano", "api_base": f"{url}/v1", "api_key": "none", "messages": ASKED}
    reply = litellm.completion(**asked, max_tokens=100, stop=["\n\n"], **FORCED)
    message = reply.choices[0].message
    assert message.content == "\nFinal Answer: 3" and "Wait" in message.reasoning_content
    chunks = list(litellm.completion(**asked, reasoning_effort="low", stream=True, drop_params=True))
    assert "Answer" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_pydantic_ai_answers(url: str) -> None:
    ai = pytest.importorskip("pydantic_ai")
    models, providers = (pytest.importorskip(f"pydantic_ai.{name}.openai") for name in ("models", "providers"))
    model = models.OpenAIChatModel("s1-nano", provider=providers.OpenAIProvider(base_url=f"{url}/v1", api_key="none"))
    settings = {"max_tokens": 200, "temperature": 0.0, "stop_sequences": ["\n\n"], "extra_body": FORCED}
    assert ai.Agent(model, model_settings=settings).run_sync(QUESTION).output.strip() == "Final Answer: 3"


def test_openai_agents_answer(url: str) -> None:
    agents, client = pytest.importorskip("agents"), pytest.importorskip("openai").AsyncOpenAI
    agents.set_tracing_disabled(True)
    model = agents.OpenAIChatCompletionsModel("s1-nano", client(base_url=f"{url}/v1", api_key="none"))
    agent = agents.Agent(name="nano", model=model, model_settings=agents.ModelSettings(extra_body=FORCED))
    assert agents.Runner.run_sync(agent, QUESTION).final_output.strip() == "Final Answer: 3"


def test_llm_answers_and_is_refused_a_conversation(url: str, tmp_path: Path) -> None:
    pytest.importorskip("llm")
    models = f'- model_id: nano\n  model_name: s1-nano\n  api_base: "{url}/v1"\n'
    (tmp_path / "extra-openai-models.yaml").write_text(models, "utf-8")

    def llm(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm", *words],
            env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    options = ("-o", "temperature", "0.3", "-o", "seed", "7", "-o", "max_tokens", "100")
    assert "Final Answer:" in llm("-m", "nano", QUESTION, *options).stdout
    again = llm("-c", "Sure?")
    assert again.returncode != 0 and "trained on single questions" in again.stderr


def test_sixteen_at_once_are_all_answered(url: str) -> None:
    async def ask(client: httpx.AsyncClient) -> str:
        reply = await client.post("/v1/chat/completions", json={"model": "s1-nano", "messages": ASKED, **FORCED})
        return reply.json()["answer"]

    async def all_of_them() -> list[str]:
        async with httpx.AsyncClient(base_url=url, timeout=120) as client:
            return await asyncio.gather(*(ask(client) for _ in range(16)))

    assert asyncio.run(all_of_them()) == ["3"] * 16
