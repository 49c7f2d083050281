"""As a Space and as a container: from a clean copy, with a home folder in which nothing can be written."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from gradio_client import Client

from app.hosting import CACHE, JOBS, SETS, prepare, words
from app.models.registry import EngineRegistry
from s1core.engines.base import Engine
from s1core.errors import ModelUnavailable

ROOT = Path(__file__).parents[2]
NO_HOME = "/dev/null/home"
"""Nobody can write there, the superuser neither."""


PASSWORD = "a-planted-secret"


def front_matter() -> dict[str, Any]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_the_front_matter_says_how_to_start() -> None:
    told = front_matter()
    assert (told["sdk"], told["app_file"], told["license"]) == ("gradio", "space.py", "apache-2.0")
    assert (ROOT / told["app_file"]).is_file()
    assert told["title"] and told["emoji"] and told["suggested_hardware"] == "cpu-basic"
    assert isinstance(told["python_version"], str), "3.10 without quotes would be read as 3.1"
    needed = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert needed and needed[1] == told["python_version"]


def test_the_front_matter_names_the_gradio_of_the_requirements() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert f"gradio=={front_matter()['sdk_version']}" in lines
    # They are installed before the repository is there.
    assert not [line for line in lines if line.startswith(("-e", ".", "/", "file:"))]


def copied(folder: Path) -> Path:
    """Return a copy of what is in the repository now: tracked files and new ones, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    copy = copied(tmp_path_factory.mktemp("space") / "home")
    before = listing(copy)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HF_HUB_OFFLINE", "NO_PROXY") if name in os.environ}
    environment = kept | {
        "HOME": NO_HOME,
        "GRADIO_SERVER_PORT": str(port),
        "SPACE_ID": "someone/s1",
        "S1_AUTH": f"ada:{PASSWORD}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with tempfile.TemporaryFile("w+") as told:
        server = subprocess.Popen(
            [sys.executable, "space.py"], cwd=copy, env=environment, stdout=told, stderr=subprocess.STDOUT
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            ends = time.monotonic() + 120
            while not answers(url):
                told.seek(0)
                assert server.poll() is None and time.monotonic() < ends, told.read()
                time.sleep(0.2)
            yield url, copy
            assert listing(copy) == before, "nothing is written beside the code"
            told.seek(0)
            assert PASSWORD not in told.read()
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=20).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_clean_copy_serves_a_run(space: tuple[str, Path]) -> None:
    url, _ = space
    assert "s1 playground" in httpx.get(url, timeout=20).text
    view = Client(url, verbose=False).predict("How many r in raspberry?", "s1-nano", 128, 1, api_name="/think")
    assert (view["state"], view["answer"]["text"]) == ("done", "3"), view


def test_the_owner_signs_in_to_the_space(space: tuple[str, Path]) -> None:
    answers = [
        httpx.post(space[0] + "owner", data={"user": "ada", "password": word}) for word in (PASSWORD, PASSWORD[1:])
    ]
    assert [answer.status_code for answer in answers] == [303, 403]
    page = httpx.get(space[0]).text + httpx.get(space[0] + "config").text + "".join(one.text for one in answers)
    assert PASSWORD not in page


def test_the_space_offers_only_models_that_are_there(space: tuple[str, Path]) -> None:
    view = Client(space[0], verbose=False).predict("How many r in raspberry?", "s1-32B", 128, 1, api_name="/think")
    assert view["state"] == "error" and "not in the list of models here" in view["note"]


def test_another_model_and_a_server_by_the_environment() -> None:
    assert words({}) == ["--public", "--host=0.0.0.0", "--port=7860"]
    told = words({"S1_MODEL": "s1.1-7B", "S1_ENDPOINT": "http://gpu:8000", "GRADIO_SERVER_PORT": "80"})
    assert told[2:] == ["--port=80", "--model=s1.1-7B", "--endpoint=http://gpu:8000"]


def test_an_unknown_model_is_one_sentence() -> None:
    environment = dict(os.environ) | {"S1_MODEL": "s2-nano", "GRADIO_SERVER_PORT": "0"}
    done = subprocess.run([sys.executable, "space.py"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("unknown model 's2-nano'")
    assert done.stderr.count("\n") == 1


def test_folders_that_cannot_be_written_are_elsewhere(tmp_path: Path) -> None:
    lost = {"HOME": NO_HOME}
    prepare(lost, here=Path("/dev/null"))
    assert {JOBS, SETS, CACHE} <= lost.keys()
    assert all(Path(lost[name]).parent.is_dir() for name in (JOBS, SETS, CACHE))
    fine = {"HOME": str(tmp_path)}
    prepare(fine, here=tmp_path)
    assert fine == {"HOME": str(tmp_path)} and not list(tmp_path.iterdir())
    chosen = {"HOME": NO_HOME, JOBS: "/data/jobs", SETS: "/data/sets", CACHE: "/data/hub"}
    prepare(chosen, here=Path("/dev/null"))
    assert chosen[JOBS] == "/data/jobs" and chosen[CACHE] == "/data/hub"


def steps() -> list[tuple[str, str]]:
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_containers_steps_name_what_is_there() -> None:
    there: set[str] = set()
    packages = False
    for step, rest in steps():
        if step == "COPY":
            *sources, target = shlex.split(rest)
            for source in sources:
                assert (ROOT / source).exists(), source
                assert target in (".", "./", source), "beside each other, as here"
                there.add(source)
        elif step == "RUN":
            for command in rest.split("&&"):
                needed = re.fullmatch(r"pip install [a-z -]*-r (\S+)", command.strip())
                assert needed and needed[1] in there, "installed before the code is copied"
            packages = True
        elif step == "CMD":
            program, script = json.loads(rest)
            assert (program, packages) == ("python", True) and script in there
        elif step == "EXPOSE":
            assert words({})[2] == f"--port={rest}"
        else:
            assert step in ("FROM", "WORKDIR", "USER", "ENV")
    # All that the server imports, and whatever its jobs run.
    assert {"app", "s1core", "evals", "curate", "train", "space.py", "README.md"} <= there


async def loaded(store: EngineRegistry, model: str) -> Engine:
    async for step in store.load(model):
        if not isinstance(step, str):
            return step
    raise AssertionError("a load ends with an engine or an error")


async def test_an_endpoint_runs_its_own_model_alone() -> None:
    store = EngineRegistry("s1-nano", engine="http", url="http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="127.0.0.1:9"):
        await loaded(store, "s1-nano")
    assert (await loaded(store, "weak-1")).name == "transformers"
