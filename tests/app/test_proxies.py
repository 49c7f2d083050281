"""Behind proxies: under a path with or without its last slash, taken off or left on; the documented examples."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gradio_client import Client

from app.access.limits import PUBLIC_VARIABLE
from app.access.prefix import VARIABLE, Prefix, root_path
from app.access.sign_in import COOKIE, Credentials
from tests.app.nginx import PROGRAM, Nginx, documented
from tests.browser.playground import Playground, scripted_engines

OWNER = Credentials(user="ada", password="correct horse: battery")
KEEPS = "location /kept { proxy_pass http://127.0.0.1:7860; proxy_set_header X-Forwarded-Prefix /kept; }"
"""The other way: the path is left on."""


async def seen(path: str, **headers: str) -> httpx.Response:
    """What a server behind `Prefix` is asked for, as its answer."""

    async def tells(scope: Any, receive: Any, send: Any) -> None:
        told = f"{scope['path']} {scope['raw_path'].decode()}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": told})

    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.ASGITransport(Prefix(tells))
    async with httpx.AsyncClient(transport=transport, base_url="http://playground.test") as client:
        return await client.get(path, headers=sent)


@pytest.mark.parametrize("told", ["/s1", "/s1/", "s1", "https://public.test/s1", " /s1 "])
async def test_a_path_that_is_left_on_is_taken_off(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, told)
    away = await seen("/s1?tab=think&q=%C3%A9")
    assert (away.status_code, away.headers["location"]) == (308, "/s1/?tab=think&q=%C3%A9")
    assert (await seen("/s1/")).text == "/ /"
    assert (await seen("/s1/v1/m%C3%A9")).text == "/v1/mé /v1/m%C3%A9"
    for elsewhere in ("/", "/s11", "/v1/s1/x"):
        assert (await seen(elsewhere)).text == f"{elsewhere} {elsewhere}", "one that was taken off already"


@pytest.mark.parametrize("told", ["/s1", "/s1/", "/s1, /inner"])
async def test_a_proxy_may_tell_the_path(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert (await seen("/s1", x_forwarded_prefix=told)).headers["location"] == "/s1/"
    assert (await seen("/s1/config", x_forwarded_prefix=told)).text == "/config /config"


@pytest.mark.parametrize("told", ["", "/", "//evil.test", "https://evil.test", "/a b", "/" + "x" * 300, "x\\y"])
async def test_a_forged_path_leads_nowhere(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    for path in ("/", "/evil.test", "/config"):
        answer = await seen(path, x_forwarded_prefix=told)
        assert answer.status_code == 200 and answer.text == f"{path} {path}"


def test_the_root_path_is_read_as_people_write_it() -> None:
    read = {"": "", "/": "", "/s1/": "/s1", "s1": "/s1", "https://a.test/s1/": "https://a.test/s1"}
    assert {told: root_path({VARIABLE: told}) for told in read} == read


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPACE_ID", "S1_OWNER", "SPACE_AUTHOR_NAME", VARIABLE):
            patch.delenv(name, raising=False)
        patch.setenv(PUBLIC_VARIABLE, "1")
        with Playground("paced", scripted_engines(), owner=OWNER) as playground:
            yield playground


@pytest.fixture(scope="module")
def proxy(server: Playground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    if PROGRAM is None:
        pytest.skip("nginx is not installed")
    with Nginx(tmp_path_factory.mktemp("nginx"), urlsplit(server.url).netloc, KEEPS) as nginx:
        yield nginx


def test_the_page_leaves_an_address_without_its_slash(server: Playground) -> None:
    page = httpx.get(server.url).text
    slash, assets = page.index('location.pathname.endsWith("/")'), page.index("./assets/")
    assert page.index("<head>") < slash < page.index("window.gradio_config.root = new URL") < assets
    assert 'href="/' not in page, "everything lies beside the page"


@pytest.mark.parametrize("prefix", ["/s1", "/kept"])
def test_the_documented_proxy_serves_a_run(prefix: str, proxy: Nginx) -> None:
    away = httpx.get(f"{proxy.url}{prefix}?tab=think")
    assert away.status_code == 308 and away.headers["location"].endswith(f"{prefix}/?tab=think")
    page = httpx.get(f"{proxy.url}{prefix}/")
    asset = re.search(r'src="\./(assets/[^"]+)"', page.text)
    assert asset and httpx.get(f"{proxy.url}{prefix}/{asset[1]}").status_code == 200
    view = Client(f"{proxy.url}{prefix}/", verbose=False).predict(
        "How many r in raspberry?", "paced", 128, 1, api_name="/think"
    )
    assert (view["state"], view["answer"]["text"]) == ("done", "3")


def test_the_documented_proxy_passes_on_streams_as_they_come(proxy: Nginx) -> None:
    body = {"model": "paced", "messages": [{"role": "user", "content": "?"}], "thinking_budget": 64, "stream": True}
    with httpx.stream("POST", f"{proxy.url}/s1/v1/chat/completions", json=body, timeout=60) as answer:
        parts = [line for line in answer.iter_lines() if line.startswith("data: ")]
        assert answer.status_code == 200 and "content-length" not in answer.headers
    assert len(parts) > 10 and parts[-1] == "data: [DONE]"


def test_the_owner_signs_in_through_the_documented_proxy(proxy: Nginx) -> None:
    with httpx.Client(base_url=f"{proxy.url}/s1/", headers={"origin": proxy.url}) as browser:
        answer = browser.post("owner", data={"user": OWNER.user, "password": OWNER.password})
        assert answer.status_code == 303 and COOKIE in answer.cookies
        landed = browser.get(answer.next_request.url if answer.next_request else "")
        assert landed.next_request and str(landed.next_request.url) == f"{proxy.url}/s1/"
        assert "You are signed in" in browser.get("owner").text


def test_caddy_understands_the_documented_example(tmp_path: Path) -> None:
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("caddy is not installed")
    (tmp_path / "Caddyfile").write_text(f":0 {{\n{documented('caddy')}}}\n")
    words = [program, "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
