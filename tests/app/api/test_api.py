"""The examples of docs/api.md are run as they stand, and print what the page says that they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from app.api import openai_schema
from app.tabs.compare.request import FIELDS
from app.tabs.train.runs import ROOT_VARIABLE as RUNS
from tests.browser.playground import Playground

HAS_MCP = find_spec("mcp") is not None
PAGE = (Path(__file__).parents[3] / "docs/api.md").read_text(encoding="utf-8")
SHOWN_AT = "http://127.0.0.1:7860"
_EXAMPLE = re.compile(r"```(python|sh)\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
EXAMPLES = _EXAMPLE.findall(PAGE)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUNS, str(tmp_path_factory.mktemp("runs")))
        with Playground("s1-nano", mcp=HAS_MCP) as server:
            yield server.url


def pattern(shown: str) -> str:
    """`…` stands for anything that differs from run to run, or is too long to be shown."""
    return ".*".join(map(re.escape, shown.strip().split("…")))


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") + PAGE.count("```sh") >= 7


@pytest.mark.parametrize(("language", "code", "shown"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_the_page_says(language: str, code: str, shown: str, url: str) -> None:
    if language == "sh" and not shutil.which("curl"):
        pytest.skip("curl is not installed here")
    if "import mcp" in code and not HAS_MCP:
        pytest.skip("the package mcp is not installed here: pip install -r requirements-mcp.txt")
    assert SHOWN_AT in code
    words = [sys.executable, "-c"] if language == "python" else ["bash", "-ec"]
    done = subprocess.run(
        [*words, code.replace(SHOWN_AT, url.rstrip("/"))],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(pattern(shown), done.stdout.strip(), re.DOTALL), done.stdout


def test_every_endpoint_and_every_field_is_named(url: str) -> None:
    endpoints = httpx.get(url + "gradio_api/info").json()["named_endpoints"]
    fields = {field["parameter_name"] for endpoint in endpoints.values() for field in endpoint["parameters"]}
    named = {name.lstrip("/") for name in endpoints} | fields | {*openai_schema._SETTINGS} | {*FIELDS}
    assert sorted(name for name in named if f"`{name}`" not in PAGE) == []
