"""`--mcp`: solve, sweep and probe for agents, by the Model Context Protocol, through Gradio's server of it.

Gradio would make a tool of every documented endpoint and call them over HTTP, at an address that the caller's headers
name. Here it has these three, which it calls in this process, and nothing to fetch.
"""

from __future__ import annotations

import gradio as gr
from gradio.events import api

from app.access.admission import Gate
from app.api.fields import read_seed
from app.api.tools import Tools, read_grid
from app.models.registry import EngineRegistry
from app.runs.request import read_settings
from app.shell.gradio_compat import restrict_tools
from s1core.errors import InvalidSetting

NAMES = ("solve", "sweep", "probe")
DRAWN = -1
"""The seed that stands for a drawn one."""
_BUDGETS, _WAITS = [0, 32, 64, 128, 256], [0, 1]


def offer(registry: EngineRegistry, gate: Gate) -> None:
    """Add the three endpoints to the page that is being laid out."""
    tools = Tools(registry, gate)

    async def solve(  # noqa: D417 - an agent gives no request
        request: gr.Request,
        question: str,
        model: str = registry.default,
        thinking_budget: int = 1024,
        waits: int = 0,
        wait_text: str = "Wait",
        temperature: float = 0.0,
        seed: int = DRAWN,
    ) -> str:
        """Have a small reasoning model answer a question, with its thinking bounded and prolonged by budget forcing.

        Args:
            question: what is asked, without instructions on the form of the answer.
            model: one of the server's models; the default one is always there.
            thinking_budget: most thinking tokens; when they are spent, the answer is asked for. 0: no thinking.
            waits: how often the model, when it wants to stop thinking, is made to go on, 0 to 8.
            wait_text: the word that makes it go on.
            temperature: 0 for greedy decoding.
            seed: of the noise, where the temperature is above 0; -1 draws one, which the receipt names.

        Returns:
            JSON with answer, thinking, reply, and a receipt of the tokens asked for and spent
        """
        noise = {"temperature": temperature, "seed": read_seed("seed", seed, drawn=bool(temperature))}
        asked = read_settings(question, model, thinking_budget, waits, wait_text, **noise)
        return await tools.solve(request, asked)

    async def sweep(  # noqa: D417 - an agent gives no request
        request: gr.Request,
        question: str,
        budgets: list[int] = _BUDGETS,  # noqa: B006 - never changed, and shown in the tool's schema
        waits: list[int] = _WAITS,  # noqa: B006
        model: str = registry.default,
        wait_text: str = "Wait",
        temperature: float = 0.0,
        seed: int = DRAWN,
    ) -> str:
        """Compare the answers to one question under every combination of thinking budgets and forced Waits.

        The model thinks once; every smaller setting is a prefix of that, so a grid costs little more than one run.

        Args:
            question: what is asked.
            budgets: the thinking budgets, in tokens; with the waits 64 combinations at most.
            waits: how often the model is made to go on thinking, each 0 to 8.
            model: one of the server's models.
            wait_text: the word that makes it go on.
            temperature: 0 for greedy decoding.
            seed: of the noise; -1 draws one, which is returned.

        Returns:
            JSON with points, each with thinking_budget, waits, answer and thinking_tokens, and what all cost
        """
        noise = {"temperature": temperature, "seed": read_seed("seed", seed, drawn=bool(temperature))}
        grid = read_grid(question, model, budgets, waits, wait_text, **noise)
        return await tools.sweep(request, grid)

    async def probe(  # noqa: D417 - an agent gives no request
        request: gr.Request,
        question: str,
        model: str = registry.default,
        thinking_budget: int = 1024,
        waits: int = 1,
        wait_text: str = "Wait",
        temperature: float = 0.0,
        seed: int = DRAWN,
    ) -> str:
        """Find out when a model knows its answer: let it think once, and ask what it would answer along the way.

        Args:
            question: what is asked.
            model: one of the server's models.
            thinking_budget: most thinking tokens.
            waits: how often the model is made to go on thinking, 0 to 8.
            wait_text: the word that makes it go on.
            temperature: 0 for greedy decoding.
            seed: of the noise; -1 draws one, which is returned.

        Returns:
            JSON with points (thinking_tokens, answer, probability), what each Wait changed, and settled_at: the
            thinking tokens after which the answer stayed the same
        """
        noise = {"temperature": temperature, "seed": read_seed("seed", seed, drawn=bool(temperature))}
        asked = read_settings(question, model, thinking_budget, waits, wait_text, **noise)
        return await tools.probe(request, asked)

    for tool in (solve, sweep, probe):
        # Past Gradio's queue, which would be asked over HTTP: the line that they stand in is the gate's.
        api(tool, api_name=_endpoint(tool.__name__), queue=False, concurrency_limit=None)


def keep_to_the_tools(page: gr.Blocks) -> None:
    """Let the page's server of the protocol, once it is there, have these tools and fetch nothing.

    Raises:
        RuntimeError: Gradio could not start it.
    """
    refusal = InvalidSetting(f"There are only tools here: {', '.join(NAMES)}.")
    restrict_tools(page, {name: f"/{_endpoint(name)}" for name in NAMES}, refusal)


def _endpoint(tool: str) -> str:
    return f"tool_{tool}"
