"""The Curate tab in a real browser: a real small curation, the examples, and sets that are hostile or broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.playground import HOSTILE, Playground
from tests.browser.visit import region, soon

RUN_S = 150_000


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "curated"


@pytest.fixture(scope="module")
def server(curated: Path) -> Iterator[Playground]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S1_CURATED", str(curated))
        patch.setenv("S1_JOBS", str(curated.parent / "jobs"))
        patch.delenv("SPACE_ID", raising=False)
        patch.delenv("ANTHROPIC_API_KEY", raising=False)
        with Playground("s1-nano") as server:
            yield server


@pytest.fixture
def tab(server: Playground, open_page: OpenPage) -> Page:
    page = open_page(server.url)
    page.get_by_role("tab", name="Curate").click()
    expect(steps(page).first).to_be_visible()
    return page


def steps(page: Page) -> Locator:
    return region(page, "Funnel").get_by_role("listitem")


def state(page: Page, name: str) -> Locator:
    return page.locator(f".curate-state[data-state={name}]")


def write_set(folder: Path, *events: dict[str, Any], rejected: list[dict[str, Any]] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = {"mode": "published", "sources": [{"name": "mine"}]}
    (folder / "manifest.json").write_text(json.dumps({"config": config, "state": "begun"}))
    (folder / "progress.jsonl").write_text("".join(json.dumps({"at": 1.0, **event}) + "\n" for event in events))
    (folder / "rejected.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in rejected or []))


def stage(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"stage": name, "state": state, "in": 10, "done": 10, "out": None, "rejected": {}, "seconds": 1.0, **more}


def test_a_fresh_clone_shows_an_example_that_says_so(tab: Page) -> None:
    expect(tab.get_by_label("Curated set")).to_contain_text("nano-1k (example), 1,000 questions")
    expect(tab.get_by_text("60 of 1,000 selected questions")).to_be_visible()
    expect(steps(tab)).to_have_count(9)
    expect(steps(tab).filter(has_text="decontaminate")).to_contain_text("22,000 → 20,627")
    expect(region(tab, "Domains").locator(".treemaplayer text").first).to_be_visible()
    expect(region(tab, "Lengths")).to_contain_text("s1K, published")
    expect(region(tab, "Lengths")).to_contain_text("nano-1k, measured")


def test_selected_questions_are_searched_and_open_with_their_trace(tab: Page) -> None:
    selected = region(tab, "Selected")
    selected.get_by_label("Search the selected questions").fill("BALL UNDER CUP")
    expect(selected).to_contain_text("hold these words")
    expect(selected.get_by_role("listitem").first).to_contain_text("Ball under cup")
    selected.get_by_role("listitem").nth(1).get_by_role("button").click()
    question = region(tab, "Question")
    expect(question.get_by_role("group", name="Thinking of the teacher")).to_contain_text("Wait")
    expect(question).to_contain_text("drawn by")
    region(tab, "Domains").get_by_role("button", name="clock").click()
    expect(selected.get_by_role("listitem").first).to_contain_text("o'clock")


def test_rejected_questions_are_browsed_by_rule_also_from_the_funnel(tab: Page) -> None:
    rejected = region(tab, "Rejected")
    rejected.get_by_role("button", name="select: not_drawn").click()
    expect(rejected).to_contain_text("8 of 13,109 are here")
    steps(tab).filter(has_text="difficulty").get_by_role("button", name="solved_by:weak-1").click()
    expect(rejected).to_contain_text("8 of 2,082 are here")
    expect(rejected.get_by_role("button", name="difficulty: solved_by:weak-1")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_two_sets_are_compared(tab: Page) -> None:
    tab.get_by_label("Other set").select_option("example.nano-random")
    compare = region(tab, "Compare sets")
    expect(compare).to_contain_text("questions in both")
    expect(compare.get_by_role("row", name="thinking tokens")).to_contain_text("107 on average")
    expect(region(tab, "Lengths")).to_contain_text("nano-random, measured")


def test_the_whole_s1k_is_priced_before_anything_is_read(tab: Page) -> None:
    tab.get_by_label("s1K, the paper's sources").check()
    expect(tab.get_by_label("AIME 1983–2022 · 890")).to_be_checked()
    tab.get_by_role("button", name="Estimate").click()
    estimate = region(tab, "Estimate")
    expect(estimate).to_contain_text("59,029 questions by published counts", timeout=60_000)
    expect(estimate.get_by_role("row", name="domain")).to_contain_text("$")
    expect(estimate).to_contain_text("More than the cap")
    tab.get_by_label("Target size").fill("0")
    tab.get_by_role("button", name="Estimate").click()
    expect(tab.get_by_text("Target size: from 1 to 100,000, not 0.")).to_be_visible()


def test_a_launched_curation_fills_the_funnel_stops_and_goes_on(tab: Page, curated: Path, open_page: OpenPage) -> None:
    tab.get_by_label("Target size").fill("12")
    tab.get_by_label("Questions made here").fill("100")
    tab.get_by_role("button", name="Launch").click()
    expect(state(tab, "running")).to_be_visible(timeout=60_000)
    difficulty = steps(tab).filter(has_text="difficulty")
    expect(difficulty).to_have_attribute("aria-current", "step", timeout=60_000)
    # Another browser with this address shows the same job.
    other = open_page(tab.url)
    expect(state(other, "running")).to_be_visible()
    other.get_by_role("button", name="Stop job").click()
    expect(state(tab, "stopped")).to_be_visible(timeout=60_000)
    expect(tab.get_by_text("launch again to go on from there")).to_be_visible()
    tab.get_by_role("button", name="Launch").click()
    expect(state(tab, "finished")).to_be_visible(timeout=RUN_S)
    expect(region(tab, "Selected").get_by_role("listitem")).to_have_count(12)
    expect(region(tab, "Selected")).to_contain_text("12 questions")
    expect(steps(tab).filter(has_text="select")).to_contain_text("→ 12")
    folder = next(curated.glob("nano-12-*"))
    assert json.loads((folder / "manifest.json").read_text())["rows"] == 12


def test_money_is_asked_for_before_it_is_spent_and_a_missing_key_is_named(tab: Page, curated: Path) -> None:
    tab.get_by_label("Selection").click()
    tab.get_by_role("option", name="diverse").click()
    tab.get_by_role("button", name="Models and cost").click()
    tab.get_by_label("Claude sorts").check()
    tab.get_by_label("Questions made here").fill("100")
    tab.get_by_role("button", name="Launch").click()
    expect(state(tab, "asks")).to_be_visible(timeout=60_000)
    estimate = region(tab, "Estimate")
    expect(estimate).to_contain_text("Nothing was spent yet")
    expect(estimate).to_contain_text("questions that the free stages left")
    tab.get_by_label("Allow spending up to the cap").check()
    tab.get_by_role("button", name="Launch").click()
    expect(tab.get_by_text("Claude needs an API key: set ANTHROPIC_API_KEY").first).to_be_visible(timeout=60_000)
    assert not list(curated.glob("nano-1000-*/dataset"))


def test_a_strangers_page_launches_nothing(
    server: Playground, open_page: OpenPage, curated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    page = open_page(server.url)
    page.get_by_role("tab", name="Curate").click()
    before = set(curated.glob("*"))
    expect(page.locator("#curate-form").get_by_text("Read-only demo. Duplicate this Space")).to_be_visible()
    expect(page.locator("#curate-launch")).to_be_hidden()
    expect(page.locator("#curate-stop")).to_be_hidden()
    page.get_by_label("Local files").fill("/etc/hostname")
    page.get_by_role("button", name="Estimate").click()
    expect(page.locator(".curate").get_by_text("Read-only demo")).to_be_visible()
    assert set(curated.glob("*")) == before


def test_states_that_went_wrong_say_what_to_do(server: Playground, open_page: OpenPage, curated: Path) -> None:
    begun, trouble = (
        {"stage": None, "state": "started", "detail": "", "pid": 2**22 + 1},
        "source mine: no column question",
    )
    write_set(
        curated / "failed",
        begun,
        stage("collect", "failed", detail=trouble),
        {"stage": None, "state": "failed", "detail": trouble},
    )
    write_set(curated / "killed", begun, stage("trace", "running", done=4))
    over = "the spending cap of $5.00 is reached; all answers are kept, raise --max-usd to go on"
    write_set(curated / "over", begun, stage("domain", "running"), {"stage": None, "state": "stopped", "detail": over})
    declined = {"stage": None, "state": "stopped", "detail": "declined"}
    write_set(curated / "asks", begun, stage("decontaminate", "done", out=10), declined)
    cost = {"stage": "domain", "who": "claude", "calls": 10, "input_tokens": 9, "output_tokens": 8, "note": ""}
    estimate = {"basis": "rows", "rows": 10, "costs": [{**cost, "usd": 9.0, "usd_cached": 8.0}], "usd": 9.0}
    money = {"usd_cached": 8.0, "cap_usd": 5.0, "spent_usd": 0.0}
    (curated / "asks" / "estimate.json").write_text(json.dumps(estimate | money))
    page = open_page(server.url)
    page.get_by_role("tab", name="Curate").click()
    expect(page.get_by_label("Curated set")).to_contain_text("failed")
    for name, shown in {
        "failed": trouble,
        "killed": "The process ended without a word",
        "over": "raise --max-usd to go on",
        "asks": "Nothing was spent yet",
    }.items():
        page.get_by_label("Curated set").select_option(name)
        expect(page.get_by_text(shown).first).to_be_visible()


def test_texts_of_a_set_are_never_run(server: Playground, open_page: OpenPage, curated: Path) -> None:
    entry = {"stage": HOSTILE[:80], "rule": HOSTILE, "source": HOSTILE, "id": HOSTILE, "detail": HOSTILE}
    failed = {"stage": None, "state": "failed", "detail": HOSTILE}
    events = [stage("collect", "done", out=9, rejected={HOSTILE: 1}), stage("trace", "failed", detail=HOSTILE), failed]
    write_set(curated / "hostile", *events, rejected=[entry | {"question": HOSTILE}])
    page = open_page(server.url + "?tab=curate&set=hostile")
    expect(region(page, "Rejected").get_by_role("listitem")).to_contain_text("<script>")
    assert not soon(lambda: "pwned" in page.title(), page=page, within_s=0.5)
    assert page.locator(".curate img, .curate script").count() == 0
