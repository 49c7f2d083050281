"""The Compare tab in a real browser, around scripted engines."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app.tabs.compare.lm_eval_log import QUESTIONS, log
from tests.browser.playground import HOSTILE, Playground
from tests.browser.visit import ask, region, replay, soon

QUESTION = "How many r in raspberry?"
WAIT, CLOSE, MODEL = '[data-source="wait"]', '[data-source="close"]', '[data-source="model"]'


@pytest.fixture
def tab(page: Page) -> Page:
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Race", exact=True).wait_for()
    return page


def lane(page: Page, number: int) -> Locator:
    return region(page, f"Lane {number}")


def race(page: Page, preset: str | None = None) -> None:
    if preset:
        page.get_by_role("button", name=preset).click()
    page.get_by_role("button", name="Race", exact=True).click()


def finished(page: Page) -> None:
    expect(page.locator(".race[data-state=done]")).to_be_visible()


def pick(page: Page, number: int, field: str, value: str) -> None:
    page.get_by_label(f"{field} of lane {number}", exact=True).select_option(value)


def fill(page: Page, number: int, field: str, value: str) -> None:
    box = page.get_by_label(f"{field} of lane {number}", exact=True)
    box.fill(value)
    box.press("Tab")


def test_a_preset_races_in_one_click_and_marks_right_and_wrong(tab: Page) -> None:
    race(tab, "0/1/2/4 Waits")
    finished(tab)
    expect(tab.get_by_role("button", name="0/1/2/4 Waits")).to_have_attribute("aria-pressed", "true")
    for number, waits in enumerate((0, 1, 2, 4), start=1):
        expect(lane(tab, number).locator(WAIT)).to_have_count(waits)
        expect(lane(tab, number).locator(CLOSE)).to_contain_text("model stopped on its own")
    expect(lane(tab, 4)).to_contain_text("✓ right")
    expect(lane(tab, 3).get_by_role("heading", name="2 × Wait")).to_be_visible()
    expect(tab.get_by_text("tokens of the lanes' prompts were computed once")).to_be_visible()


def test_a_small_budget_is_wrong_and_a_large_one_right(tab: Page) -> None:
    fill(tab, 1, "Budget", "8")
    race(tab)
    finished(tab)
    expect(lane(tab, 1)).to_contain_text("wrong, expected 3")
    expect(lane(tab, 1).locator(CLOSE)).to_contain_text("budget reached · 8 tokens")
    expect(lane(tab, 2)).to_contain_text("✓ right")


def test_lanes_stream_side_by_side(tab: Page) -> None:
    race(tab, "budgets 32/128/512")
    for number in (1, 2, 3):
        expect(lane(tab, number).locator(MODEL).first).to_contain_text("First")
    finished(tab)
    expect(lane(tab, 1).locator(CLOSE)).to_contain_text(re.compile("stopped on its own|budget reached"))


def test_every_lane_has_settings_of_its_own(tab: Page) -> None:
    tab.get_by_role("button", name="Remove lane 3").click()
    pick(tab, 1, "Method", "none")
    pick(tab, 2, "Method", "vote")
    fill(tab, 2, "Samples", "3")
    fill(tab, 2, "Waits", "1")
    fill(tab, 2, "Wait text", "Hmm")
    race(tab)
    finished(tab)
    expect(lane(tab, 1).get_by_role("heading", name="no limit, no Wait")).to_be_visible()
    expect(lane(tab, 2)).to_contain_text("3 of 3 samples said so")
    expect(lane(tab, 2).locator(WAIT).first).to_have_text("Hmm ①")
    tab.get_by_role("button", name="Add a lane").click()
    expect(lane(tab, 3)).to_be_visible()


def test_two_models_race(tab: Page) -> None:
    tab.get_by_role("button", name="paced vs another model").click()
    pick(tab, 2, "Model", "natural")
    race(tab)
    finished(tab)
    expect(lane(tab, 1).get_by_role("heading", name="paced")).to_be_visible()
    expect(lane(tab, 2).locator(MODEL).first).to_contain_text("Wait, no: 3.")


def test_stop_frees_all_lanes(tab: Page, playground: Playground) -> None:
    engine = playground.engines["endless"]
    tab.get_by_role("button", name="budgets 32/128/512").click()
    for number in (1, 2, 3):
        pick(tab, number, "Model", "endless")
        fill(tab, number, "Budget", "4096")
    race(tab)
    assert soon(lambda: engine.running == 3, page=tab)
    tab.get_by_role("button", name="Stop", exact=True).click()
    assert soon(lambda: engine.running == 0, page=tab)
    expect(tab.locator(".race[data-state=cancelled]")).to_be_visible()
    expect(lane(tab, 2).locator(MODEL).first).to_contain_text("Step 0")


def test_a_setting_that_cannot_be_is_one_sentence(tab: Page) -> None:
    fill(tab, 2, "Budget", "-4")
    race(tab)
    expect(tab.get_by_role("alert").filter(has_text="Lane 2: Thinking budget must")).to_be_visible()
    fill(tab, 2, "Budget", "64")
    race(tab)
    finished(tab)


def test_hostile_text_stays_text_in_every_lane(tab: Page) -> None:
    tab.get_by_role("textbox", name="Question").fill(HOSTILE)
    for number in (1, 2, 3):
        pick(tab, number, "Model", "hostile")
    race(tab)
    finished(tab)
    expect(lane(tab, 1)).to_contain_text("onerror=")
    assert "pwned" not in tab.title()
    expect(lane(tab, 1).locator(WAIT)).to_have_count(0)


def test_an_expected_answer_can_be_typed(tab: Page) -> None:
    tab.get_by_role("textbox", name="Question").fill("What is it?")
    tab.get_by_label("Expected answer").fill("2")
    fill(tab, 1, "Budget", "8")
    race(tab)
    finished(tab)
    expect(lane(tab, 1)).to_contain_text("✓ right")
    expect(lane(tab, 2)).to_contain_text("wrong, expected 2")


def test_a_question_without_a_known_answer_is_not_judged(tab: Page) -> None:
    tab.get_by_role("textbox", name="Question").fill("What is it?")
    race(tab)
    finished(tab)
    expect(lane(tab, 1).locator(".answer")).to_have_attribute("data-verdict", "")


def test_the_keyboard_races_and_stops(tab: Page, playground: Playground) -> None:
    pick(tab, 1, "Model", "endless")
    fill(tab, 1, "Budget", "4096")
    tab.keyboard.press("Control+Enter")
    engine = playground.engines["endless"]
    assert soon(lambda: engine.running == 1, page=tab)
    tab.keyboard.press("Escape")
    assert soon(lambda: engine.running == 0, page=tab)


def text_of(page: Page, number: int) -> Locator:
    return page.get_by_role("group", name=f"Text of lane {number}")


def at(page: Page) -> float:
    return float(page.locator(".player-time").inner_text().split()[0])


def test_a_race_plays_again_and_its_text_is_the_same(tab: Page) -> None:
    race(tab, "0/1/2/4 Waits")
    expect(tab.get_by_role("button", name="Save page")).to_be_enabled()
    seen = [text_of(tab, number).inner_text() for number in (1, 2, 3, 4)]
    answers = [lane(tab, number).locator(".answer").inner_text() for number in (1, 2, 3, 4)]
    tab.get_by_label("Speed", exact=True).select_option("8")
    replay(tab)
    assert [text_of(tab, number).inner_text() for number in (1, 2, 3, 4)] == seen
    assert [lane(tab, number).locator(".answer").inner_text() for number in (1, 2, 3, 4)] == answers


def test_the_scrubber_and_the_steps_go_both_ways(tab: Page) -> None:
    race(tab, "0/1/2/4 Waits")
    expect(tab.get_by_role("button", name="Save page")).to_be_enabled()
    for place in range(100, 1000, 50):
        tab.get_by_role("slider", name="Position").fill(str(place))
        if lane(tab, 4).locator(WAIT).count():
            break
    assert 0 < lane(tab, 4).locator(WAIT).count() < 4
    text = text_of(tab, 4)
    before = text.text_content()
    for _ in range(4):  # a step is the next token of any lane
        tab.get_by_role("button", name="Step forward").click()
    assert text.text_content() != before
    for _ in range(4):
        tab.get_by_role("button", name="Step back").click()
    tab.get_by_role("button", name="Step forward").click()
    assert text.text_content() in (before, f"{before}{(text.text_content() or ' ')[-1]}")
    expect(lane(tab, 4)).to_contain_text("Not yet.")
    tab.get_by_role("slider", name="Position").fill("0")
    expect(lane(tab, 4).locator(WAIT)).to_have_count(0)


def test_a_race_can_be_paused_while_it_runs(tab: Page, playground: Playground) -> None:
    race(tab, "0/1/2/4 Waits")
    expect(lane(tab, 4).locator(MODEL).first).to_contain_text("First")
    tab.get_by_role("button", name="Pause", exact=True).click()
    held = at(tab)
    assert soon(lambda: playground.engines["paced"].running == 0, page=tab)
    expect(tab.get_by_role("button", name="Save page")).to_be_enabled()
    assert at(tab) == held
    tab.get_by_role("button", name="Play", exact=True).click()
    expect(lane(tab, 4)).to_contain_text("✓ right")


def test_talk_mode_is_large_and_obeys_the_keyboard_alone(playground: Playground, open_page) -> None:
    page = open_page(f"{playground.url}?tab=compare", viewport={"width": 1920, "height": 1080})
    page.get_by_role("button", name="0/1/2/4 Waits").click()
    page.get_by_role("button", name="Talk mode").click()
    expect(page.locator(".race[data-talk=true]")).to_be_visible()
    page.keyboard.press("Space")
    finished(page)
    small = """() => [...document.querySelectorAll(".race *")].filter((node) => node.checkVisibility() &&
      [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) &&
      parseFloat(getComputedStyle(node).fontSize) < 28).map((node) => node.className)"""
    page.keyboard.press("c")
    assert page.evaluate(small) == []
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Save page")).to_be_hidden()
    expect(page.locator(".compare-share button", has_text="Save page")).to_be_enabled()  # the tape is there
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "✓ right" not in lane(page, 4).inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(lane(page, 4)).to_contain_text("✓ right")
    page.keyboard.press("2")
    expect(lane(page, 2)).to_be_visible()
    expect(lane(page, 1)).to_be_hidden()
    page.keyboard.press("2")
    expect(lane(page, 1)).to_be_visible()
    requests = len(playground.engines["paced"].requests)
    page.keyboard.press("r")
    assert soon(lambda: len(playground.engines["paced"].requests) > requests, page=page)
    finished(page)
    page.keyboard.press("Escape")
    expect(page.locator(".race[data-talk=false]")).to_be_visible()


def test_nothing_moves_while_lanes_stream(playground: Playground, open_page) -> None:
    page = open_page(f"{playground.url}?tab=compare", viewport={"width": 1920, "height": 1080})
    page.get_by_role("button", name="0/1/2/4 Waits").click()
    shifts = """() => {
      globalThis.shifted = 0;
      globalThis.shifts?.disconnect();
      globalThis.shifts = new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) globalThis.shifted += shift.value;
      });
      globalThis.shifts.observe({ type: "layout-shift" });
    }"""
    for talk in (False, True):
        if talk:
            page.get_by_role("button", name="Talk mode").click()
            page.keyboard.press("r")
        else:
            page.get_by_role("button", name="Race", exact=True).click()
        expect(page.locator(".race[data-state=running]")).to_be_visible()
        page.evaluate(shifts)
        finished(page)
        assert page.evaluate("globalThis.shifted") < 0.005


def test_a_link_restores_question_settings_and_view(playground: Playground, open_page) -> None:
    first = open_page(f"{playground.url}?tab=compare")
    first.get_by_role("textbox", name="Question").fill("Wh?t & <b>why</b>")
    first.get_by_label("Expected answer").fill("x=1")
    pick(first, 1, "Method", "vote")
    fill(first, 2, "Wait text", "Hmm & so?")
    first.get_by_label("Speed", exact=True).select_option("4")
    first.get_by_role("button", name="Copy link").click()
    first.wait_for_url("**lane=*")
    other = open_page(playground.url)
    other.goto(first.url + "&view=talk")
    expect(other.locator(".race[data-talk=true]")).to_be_visible()
    other.keyboard.press("Escape")
    expect(other.get_by_role("textbox", name="Question")).to_have_value("Wh?t & <b>why</b>")
    expect(other.get_by_label("Expected answer")).to_have_value("x=1")
    expect(other.get_by_label("Method of lane 1", exact=True)).to_have_value("vote")
    expect(other.get_by_label("Wait text of lane 2", exact=True)).to_have_value("Hmm & so?")
    expect(other.get_by_label("Speed", exact=True)).to_have_value("4")


def test_a_forged_link_asks_for_nothing_that_is_not_offered(playground: Playground, open_page) -> None:
    forged = (
        "?tab=compare&q=%3Cimg%20src%3Dx%20onerror%3Ddocument.title%3D'pwned'%3E&speed=99&view=x&recording=..%2F..%2Fetc"
        "&lane=model%3D..%252F..%26budget%3D-1&lane=method%3D__proto__%26waits%3D900%26constructor%3D1"
    )
    page = open_page(playground.url + forged)
    expect(page.get_by_text("The link asks for what is not here")).to_contain_text("recording")
    expect(page.get_by_label("Waits of lane 2", exact=True)).to_have_value("0")
    expect(page.get_by_label("Model of lane 1", exact=True)).to_have_value("paced")
    race(page)
    finished(page)
    assert "pwned" not in page.title()


def test_an_exported_page_plays_alone(tab: Page, browser, tmp_path) -> None:
    tab.get_by_role("textbox", name="Question").fill("</script><script>document.title='pwned'</script>")
    tab.get_by_label("Expected answer").fill("3")
    pick(tab, 3, "Model", "hostile")
    race(tab)
    expect(tab.get_by_role("button", name="Save page")).to_be_enabled()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save page").click()
    path = tmp_path / "race.html"
    download.value.save_as(path)
    context = browser.new_context(offline=True)
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    expect(lane(page, 2)).to_contain_text("✓ right")
    page.get_by_role("slider", name="Position").fill("0")
    expect(lane(page, 2)).not_to_contain_text("✓ right")
    page.get_by_label("Speed", exact=True).select_option("8")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(lane(page, 2)).to_contain_text("✓ right")
    page.get_by_role("button", name="Talk mode").click()
    page.keyboard.press("1")
    expect(lane(page, 2)).to_be_hidden()
    assert requests == [path.as_uri()] and page.title() != "pwned"
    context.close()


def test_a_race_becomes_a_picture_and_a_table(tab: Page, tmp_path) -> None:
    race(tab, "0/1/2/4 Waits")
    expect(tab.get_by_role("button", name="Save page")).to_be_enabled()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save picture").click()
    download.value.save_as(tmp_path / "race.png")
    assert (tmp_path / "race.png").read_bytes().startswith(b"\x89PNG")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save Markdown").click()
    download.value.save_as(tmp_path / "race.md")
    table = (tmp_path / "race.md").read_text()
    assert f"**{QUESTION}**" in table and "| 4 | 4 × Wait |" in table and "✓ right" in table


def test_the_chart_places_every_lane(tab: Page) -> None:
    race(tab, "0/1/2/4 Waits")
    finished(tab)
    chart = region(tab, "Chart of the lanes").get_by_role("img")
    expect(chart).to_have_attribute("aria-label", re.compile(r"Lane 4: \d+ thinking tokens, answer 3 right"))
    expect(region(tab, "Chart of the lanes")).to_contain_text("No cached curve of paced.")


def test_a_bundled_recording_plays_without_any_model(tab: Page, playground: Playground) -> None:
    requests = len(playground.engines["paced"].requests)
    tab.get_by_label("Recordings", exact=True).select_option(label="No Wait, one, two, four")
    expect(lane(tab, 4).get_by_role("heading", name="4 × Wait")).to_be_visible()
    expect(tab.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    tab.get_by_label("Speed", exact=True).select_option("8")
    expect(lane(tab, 1)).to_contain_text("wrong, expected 3")
    expect(lane(tab, 4)).to_contain_text("✓ right")
    expect(tab.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    expect(region(tab, "Chart of the lanes")).to_contain_text("measured, n = 1,200")
    assert len(playground.engines["paced"].requests) == requests


def test_a_recording_that_was_saved_shows_the_same_on_another_page(tab: Page, playground, open_page, tmp_path) -> None:
    race(tab, "0/1/2/4 Waits")
    expect(tab.get_by_role("button", name="Save recording")).to_be_enabled()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save recording").click()
    path = tmp_path / "race.jsonl"
    download.value.save_as(path)
    other = open_page(f"{playground.url}?tab=compare")
    other.get_by_label("Recording to open").set_input_files(path)
    other.get_by_label("Speed", exact=True).select_option("8")
    expect(lane(other, 4)).to_contain_text("✓ right")
    expect(other.locator(".race[data-playing=false]")).to_be_visible()
    for number in (1, 2, 3, 4):
        assert text_of(other, number).inner_text() == text_of(tab, number).inner_text()
        assert (
            lane(other, number).locator(".numbers").inner_text() == lane(tab, number).locator(".numbers").inner_text()
        )
        assert (
            lane(other, number).locator(".lane-clock").inner_text()
            == lane(tab, number).locator(".lane-clock").inner_text()
        )
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:9]))
    other.get_by_label("Recording to open").set_input_files(path)
    expect(other.get_by_text("The recording breaks off")).to_be_visible()
    path.write_bytes(b"\x89PNG\r\n")
    other.get_by_label("Recording to open").set_input_files(path)
    expect(other.get_by_text("This is not a recording of a race")).to_be_visible()


def test_a_run_of_the_think_tab_is_saved_and_plays_here(playground: Playground, open_page, tmp_path) -> None:
    page = open_page(playground.url)
    ask(page, QUESTION)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save recording").click()
    path = tmp_path / "run.jsonl"
    download.value.save_as(path)
    other = open_page(f"{playground.url}?tab=compare")
    other.get_by_label("Recording to open").set_input_files(path)
    other.get_by_label("Speed", exact=True).select_option("8")
    expect(lane(other, 1).locator(WAIT)).to_have_count(1)
    expect(other.locator(".race[data-playing=false]")).to_be_visible()


def test_lm_evals_samples_play_at_a_chosen_pace(tab: Page, tmp_path) -> None:
    paths = [tmp_path / f"samples_{budget}.jsonl" for budget in (500, 1000)]
    for path, budget in zip(paths, (500, 1000), strict=True):
        path.write_text("\n".join(log(budget)), encoding="utf-8")
    tab.get_by_label("Recording to open").set_input_files(paths)
    expect(tab.locator(".race-question")).to_have_text(QUESTIONS[0])
    pace = tab.get_by_label("Tokens per second")
    pace.fill("2000")
    pace.press("Tab")
    expect(lane(tab, 2)).to_contain_text("✓ right")
    tab.get_by_label("Item of the log").select_option(index=1)
    expect(tab.locator(".race-question")).to_have_text(QUESTIONS[1])
    expect(lane(tab, 1)).to_contain_text("✓ right")
    expect(lane(tab, 1)).to_contain_text("of 500")
    tab.get_by_label("Recordings", exact=True).select_option(label="No Wait, one, two, four")
    expect(tab.get_by_label("Item of the log")).to_be_hidden()


def test_a_link_opens_a_bundled_recording(playground: Playground, open_page) -> None:
    page = open_page(f"{playground.url}?tab=compare&recording=race-words&speed=8")
    expect(lane(page, 3).get_by_role("heading", name="2 × Alternatively")).to_be_visible()
    expect(lane(page, 1)).to_contain_text("✓ right")
