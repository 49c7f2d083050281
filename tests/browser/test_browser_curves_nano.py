"""The real model on the Curves tab. How well it answers is the business of the evaluations; here the curve is drawn."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.playground import Playground
from tests.browser.visit import region, set_slider


def test_a_live_sweep_of_s1_nano_ends_in_a_curve_that_can_be_clicked(open_page) -> None:
    with Playground("s1-nano") as server:
        page = open_page(server.url)
        page.get_by_role("tab", name="Curves").click()
        expect(page.locator(".chart .main-svg").first).to_be_visible()
        set_slider(page, "Questions", 20)
        page.get_by_role("button", name="Run it now").click()
        expect(region(page, "Live sweep")).to_contain_text("20 questions, 18 points each, in", timeout=60_000)
        metrics = region(page, "Metrics")
        name = metrics.get_by_role("button", name=re.compile("^s1-nano, budget forcing")).last
        if name.get_attribute("aria-expanded") == "false":
            name.click()
        metrics.get_by_role("button", name="1 x Wait", exact=True).last.click()
        expect(region(page, "Samples").get_by_role("listitem")).to_have_count(20)
        expect(region(page, "Sample trace").locator('[data-source="close"]').last).to_be_visible()
        page.close()
