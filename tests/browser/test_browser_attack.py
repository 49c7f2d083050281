"""No text of a visitor becomes markup, a script or a template, wherever it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page, expect

from app.tabs.compare import recording_file
from tests.browser.conftest import OpenPage
from tests.browser.playground import Playground
from tests.browser.test_browser_compare import finished, race
from tests.browser.visit import ask, choose_model, region, soon
from tests.browser.visit import finished as receipt

EVIL = (
    "<img src=x onerror=\"document.title='pwned'\"> ${document.title='pwned'} {{value}} "
    "</script><script>pwned()</script>"
)


def untouched(page: Page) -> None:
    assert not soon(lambda: "pwned" in page.title(), page=page, within_s=0.5)
    assert page.locator("img[src=x], img[onerror]").count() == 0
    assert page.evaluate("[...document.scripts].filter((one) => one.textContent === 'pwned()').length") == 0


def test_a_question_a_wait_text_and_what_the_model_says(page: Page) -> None:
    choose_model(page, "hostile")
    box = page.get_by_label("Wait text", exact=True)
    box.fill(EVIL[:200])
    box.press("Tab")
    ask(page, EVIL)
    receipt(page)
    expect(page.locator(".stage")).to_contain_text("<img src=x onerror=")
    untouched(page)


def test_a_link_to_a_comparison_and_its_race(playground: Playground, open_page: OpenPage) -> None:
    lanes = [urlencode({"method": "forcing", "model": "hostile", "budget": 64, "waits": 1, "word": EVIL[:150]})] * 2
    asked = urlencode([("tab", "compare"), ("q", EVIL), ("expected", EVIL[:90]), *(("lane", lane) for lane in lanes)])
    page = open_page(f"{playground.url}?{asked}")
    race(page)
    finished(page)
    expect(region(page, "Lane 1")).to_contain_text("<script>")
    untouched(page)


def test_a_recording_of_a_stranger(playground: Playground, open_page: OpenPage, tmp_path: Path) -> None:
    lines = (recording_file.BUNDLED / "race-waits.jsonl").read_text(encoding="utf-8").splitlines()
    head, told = json.loads(lines[0]), []
    head |= {"title": EVIL, "question": EVIL, "expected": EVIL}
    for lane in head["lanes"]:
        lane["note"] = EVIL
        lane["asked"] |= {"model": EVIL, "question": EVIL}
    for line in lines[1:-1]:
        row = json.loads(line)
        if row[3] == "tokens":
            row[4]["text"] = EVIL[: len(row[4]["text"]) + 40]
        told.append(json.dumps(row))
    file = tmp_path / f"{quote(EVIL[:60], safe=' =')}.jsonl"
    file.write_text("\n".join([json.dumps(head), *told, lines[-1]]) + "\n", encoding="utf-8")
    page = open_page(f"{playground.url}?tab=compare")
    page.get_by_label("Recording to open").set_input_files(file)
    expect(page.get_by_text("<img src=x").first).to_be_visible()
    untouched(page)


@pytest.mark.parametrize("tab", ["think", "compare", "curves", "curate", "learn", EVIL])
def test_a_forged_link_to_every_tab(tab: str, playground: Playground, open_page: OpenPage) -> None:
    names = ("q", "set", "benchmark", "model", "point", "a", "filter", "lane", "recording", "view", "speed", "expected")
    page = open_page(f"{playground.url}?{urlencode({'tab': tab, '__theme': EVIL, **dict.fromkeys(names, EVIL)})}")
    untouched(page)
