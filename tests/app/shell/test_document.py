"""The head of the page, before any script: titles and cards of links, typefaces, footer."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app.artifacts.curves.store import CurveStore
from app.previews import Previews
from app.shell import fonts
from app.shell.card import Side, card, icon
from app.shell.document import CARD_SIZE, address_of, head
from app.shell.footer import footer, router
from app.shell.theme import FAVICON

HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}'


@pytest.fixture(scope="module")
def previews() -> Previews:
    return Previews("s1-nano", CurveStore())


def test_the_page_itself_shows_the_pair_that_it_opens_on(previews: Previews) -> None:
    found = previews.of({})
    assert found.title == "How many r in raspberry? · s1 playground"
    assert found.description == "One word, 40 more tokens, and the answer changed."


@pytest.mark.parametrize(
    ("query", "title", "description"),
    [
        ({"tab": "compare", "recording": "race-waits"}, "How many r in", "No Wait: 2, wrong. One Wait: 3, right"),
        ({"tab": "compare", "q": "What is it?"}, "What is it?", "side by side"),
        ({"tab": "compare", "recording": "../../etc"}, "Compare", "side by side"),
        ({"tab": "curves", "benchmark": "AIME24"}, "Accuracy against thinking: AIME24", "30 competition problems"),
        ({"tab": "curves", "benchmark": "x"}, "Accuracy against thinking ", "thinks longer"),
        ({"tab": "train"}, "Train a model", "Fine-tune"),
        ({"tab": "nothing"}, "How many r", "One word"),
    ],
)  # fmt: skip
def test_a_link_is_described_by_what_it_points_to(
    query: dict[str, str], title: str, description: str, previews: Previews
) -> None:
    found = previews.of(query)
    assert found.title.startswith(title.strip()) and description in found.description


def test_what_a_link_says_is_text_in_the_head(previews: Previews) -> None:
    markup = head(previews.of({"tab": "compare", "q": HOSTILE}), address="http://a/", query="q=%22%3E")
    assert "<script" not in markup and "&lt;script&gt;" in markup and "7*7" in markup
    assert 'property="og:image" content="http://a/card.png?tab=compare' in markup


def test_pictures_have_the_size_that_previews_take(previews: Previews) -> None:
    for query in ({}, {"tab": "compare", "q": "x" * 5000}, {"tab": "compare", "recording": "race-budgets"}):
        picture = Image.open(io.BytesIO(previews.picture(query)))
        assert (picture.size, picture.format) == (CARD_SIZE, "PNG")
    long = card(title="word " * 80, sentence="word " * 80, sides=[Side("a", "9" * 90, "right"), Side("b", "", "")])
    assert len(long) < 200_000


def test_the_favicon_is_the_mark() -> None:
    assert FAVICON.read_bytes() == icon(192)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "a:7860"}, "http://a:7860/"),
        ({"host": "a", "x-forwarded-proto": "https,http", "x-forwarded-host": "b.c"}, "https://b.c/"),
        ({"host": "a", "x-forwarded-prefix": "/s1"}, "http://a/s1/"),
    ],
)
def test_addresses_are_those_that_visitors_use(headers: dict[str, str], address: str) -> None:
    request: Any = SimpleNamespace(headers=headers, url=SimpleNamespace(scheme="http", netloc="a"))
    assert address_of(request) == address


def test_typefaces_come_with_their_license_and_from_here_alone() -> None:
    for name in fonts.names():
        served = fonts.response(name)
        assert bytes(served.body).startswith(b"wOF2") and "immutable" in served.headers["cache-control"]
        assert len(served.body) < 40_000
    assert fonts.response("../theme.py").status_code == 404
    assert "SIL OPEN FONT LICENSE" in (fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert "http" not in fonts.styles() and "base64" in fonts.styles(inline=True)


def test_the_footer_leads_to_paper_code_model_card_and_license(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", 'someone/"s1"')
    shown = footer("s1-nano")
    for part in ("arxiv.org/abs/2501.19393", "simplescaling/s1", "./about/model", "./about/license", "Apache-2.0"):
        assert part in shown
    assert 'someone/"s1"' not in shown and "someone/&quot;s1&quot;" in shown
    assert "huggingface.co/simplescaling/s1-32B" in footer("s1-32B")
    app = FastAPI()
    app.include_router(router("s1-nano"))
    client = TestClient(app)
    assert "s1-nano" in client.get("/about/model").text and "Apache License" in client.get("/about/license").text
