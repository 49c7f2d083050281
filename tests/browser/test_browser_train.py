"""The Train tab in a real browser: a real small fine-tuning of s1-nano's base, and runs that are hostile or broken."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.jobs.registry import Jobs
from s1core.nano import BASE, WEIGHTS
from tests.app.tabs.train.train_data import write_rows, write_run
from tests.browser.conftest import OpenPage
from tests.browser.playground import HOSTILE, Playground
from tests.browser.visit import ask, finished, region, soon

START_S = 90_000
SMALL = "global_batch=2\nmicro_batch=2\neval_rows=2\neval_every=2\nsave_every=2"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "runs"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "mine.jsonl")


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Playground]:
    with pytest.MonkeyPatch.context() as patch:
        # Slurm is offered where its programs are; with a real one tests/app/tabs/train tests it.
        programs = runs.parent / "programs"
        programs.mkdir()
        for name in ("sbatch", "scontrol", "scancel"):
            (programs / name).touch(0o755)
        patch.setenv("PATH", str(programs), prepend=os.pathsep)
        patch.setenv("S1_RUNS", str(runs))
        patch.setenv("S1_JOBS", str(runs.parent / "jobs"))
        patch.setenv("S1_CURATED", str(runs.parent / "curated"))
        patch.delenv("SPACE_ID", raising=False)
        with Playground("s1-nano") as server:
            yield server


def open_tab(server: Playground, open_page: OpenPage) -> Page:
    page = open_page(server.url)
    page.get_by_role("tab", name="Train").click()
    expect(command(page)).to_contain_text("--recipe=s1-nano")
    return page


@pytest.fixture
def tab(server: Playground, open_page: OpenPage) -> Page:
    return open_tab(server, open_page)


def command(page: Page) -> Locator:
    return region(page, "Command")


def state(page: Page, name: str) -> Locator:
    return page.locator(f".train .board-state[data-state={name}]")


def fill(page: Page, data: Path, settings: str) -> None:
    page.get_by_label("Data", exact=True).fill(str(data))
    page.keyboard.press("Enter")
    page.get_by_label("Settings").fill(settings)
    page.get_by_label("Name of the run").focus()
    expect(command(page)).to_contain_text(settings.splitlines()[-1])


def press(page: Page, name: str) -> None:
    page.locator("#train-actions").get_by_role("button", name=name).click()


def test_a_fresh_clone_shows_a_finished_run_and_preflight_says_whether_it_fits(tab: Page, runs: Path) -> None:
    expect(tab.get_by_label("Run", exact=True).locator("option")).to_have_text(["s1-135m-base, an example"])
    expect(state(tab, "done")).to_be_visible()
    expect(region(tab, "Loss").locator("svg").first).to_be_visible()
    press(tab, "Preflight")
    fits = region(tab, "Preflight")
    expect(fits).to_contain_text("It should fit", timeout=60_000)
    expect(fits).to_contain_text("60 rows of nano-1k")
    fits.get_by_text("One row as it is trained").click()
    expect(fits.locator("mark")).to_contain_text("<|im_end|>")
    tab.get_by_label("Recipe", exact=True).click()
    tab.get_by_role("option", name="s1-32b — ").click()
    tab.get_by_label("Preflight for").fill("8xH100")
    press(tab, "Preflight")
    expect(fits).to_contain_text("It does not fit", timeout=60_000)
    expect(fits.get_by_role("listitem").filter(has_text="16 x H100")).to_be_visible()
    # Not what was planned for, but what is here counts for a launch.
    jobs = len(Jobs(runs.parent / "jobs").all())
    tab.get_by_label("Settings").fill("micro_batch=1024")
    expect(command(tab)).to_contain_text("--set=micro_batch=1024")
    press(tab, "Launch")
    expect(tab.get_by_text("so nothing was launched. Press Launch once more")).to_be_visible(timeout=60_000)
    expect(fits).not_to_contain_text("8 × H100")
    assert len(Jobs(runs.parent / "jobs").all()) == jobs


def test_a_known_key_becomes_a_line_and_an_unknown_one_is_refused(tab: Page) -> None:
    tab.get_by_label("Available settings").click()
    tab.get_by_role("option", name="epochs = 5").click()
    expect(tab.get_by_label("Settings")).to_have_value("epochs=5")
    expect(command(tab)).to_contain_text("--set=epochs=5")
    tab.get_by_label("Settings").fill("speed=9")
    expect(tab.get_by_text("there is no key 'speed'; known: model, format").first).to_be_visible()
    tab.get_by_label("Settings").fill("lr=fast")
    expect(command(tab)).to_contain_text("--set=lr=fast")
    press(tab, "Launch")
    expect(tab.get_by_text("lr takes a number; got 'fast'")).to_be_visible()


def test_slurm_is_asked_for_what_the_form_says(tab: Page) -> None:
    expect(tab.get_by_label("Nodes", exact=True)).to_be_hidden()
    tab.get_by_label("Slurm", exact=True).check(force=True)
    tab.get_by_label("Partition", exact=True).fill("gpu")
    tab.get_by_label("Nodes", exact=True).fill("2")
    tab.get_by_label("Processes of each node").fill("8")
    expect(command(tab)).to_contain_text("--on=slurm --nodes=2 --gpus-per-node=0")
    expect(command(tab)).to_contain_text("--partition=gpu --processes=8 --recipe=s1-nano")
    tab.get_by_label("this machine", exact=True).check(force=True)
    expect(command(tab)).not_to_contain_text("slurm")
    expect(tab.get_by_label("Nodes", exact=True)).to_be_hidden()


def test_a_launched_training_draws_its_curves_and_is_there_after_a_reload(
    tab: Page, rows: Path, runs: Path, open_page: OpenPage
) -> None:
    fill(tab, rows, f"{SMALL}\nmax_steps=4")
    line = command(tab).text_content() or ""
    press(tab, "Launch")
    expect(state(tab, "done")).to_be_visible(timeout=START_S)
    expect(region(tab, "Progress")).to_contain_text("step 4 of 4")
    expect(region(tab, "Progress")).to_contain_text("held-out loss")
    for name in ("Loss", "Learning rate", "Gradient norm", "Speed"):
        expect(region(tab, name).locator(".scatterlayer .js-line").first).to_be_attached()
    expect(region(tab, "Loss").locator(".legendtext").last).to_contain_text("held out")
    expect(region(tab, "Log")).to_contain_text("step 4/4")
    expect(region(tab, "Checkpoints").get_by_role("listitem")).to_have_count(3)
    # What was shown before is what ran.
    job = Jobs(runs.parent / "jobs").all("train")[0]
    assert line == job.command == shlex.join(job.argv)
    expect(region(tab, "Run facts")).to_contain_text(line)
    again = open_page(tab.url)
    expect(state(again, "done")).to_be_visible()
    expect(region(again, "Log")).to_contain_text("step 4/4")
    press(tab, "Launch")
    expect(tab.get_by_text("is done; change a setting")).to_be_visible()
    try_it(tab, again)


def try_it(tab: Page, later: Page) -> None:
    """The trained model answers in Think, and is offered in Compare: here and on pages that are opened later."""
    saved = region(tab, "Checkpoints").get_by_role("listitem")
    saved.filter(has_text="the finished model").get_by_role("button", name="Try it").click()
    name = tried(tab, "^s1-nano-mine-....$")
    ask(tab, "How many r in raspberry?")
    finished(tab)
    later.reload()
    later.get_by_role("tab", name="Compare").click()
    expect(later.get_by_label("Model of lane 1").locator("option", has_text=name)).to_have_count(1)
    tab.get_by_role("tab", name="Compare").click()
    expect(tab.get_by_label("Model of lane 1").locator("option", has_text=name)).to_have_count(1)
    # A checkpoint becomes a model first.
    tab.get_by_role("tab", name="Train").click()
    saved.filter(has_text="step 2").get_by_role("button", name="Try it").click()
    expect(tab.get_by_text("is being made into a model; then it goes on by itself")).to_be_visible()
    assert tried(tab, "-step-2$") == f"{name}-step-2"


def tried(page: Page, name: str) -> str:
    model = page.get_by_label("Model", exact=True)
    expect(model).to_have_value(re.compile(name), timeout=START_S)
    expect(page.locator("#model-note")).to_contain_text(f"{model.input_value()} on ")
    return model.input_value()


def test_a_training_is_stopped_from_another_page(tab: Page, rows: Path, open_page: OpenPage) -> None:
    fill(tab, rows, f"{SMALL}\nepochs=100000")
    press(tab, "Launch")
    expect(region(tab, "Progress")).to_contain_text("of 300,000", timeout=START_S)
    other = open_page(tab.url)
    expect(state(other, "running")).to_be_visible()
    press(other, "Stop job")
    expect(state(tab, "stopped")).to_be_visible(timeout=60_000)
    expect(tab.get_by_text("Launch the same form again to go on from the last checkpoint")).to_be_visible()


def test_past_runs_are_laid_over_each_other(server: Playground, runs: Path, open_page: OpenPage) -> None:
    for name, steps in (("first", 3), ("second", 5)):
        write_run(runs / "sft" / name, steps=steps, total=steps, lr=0.1 * steps)
    page = open_page(server.url + "?tab=train&run=first")
    table = region(page, "Runs")
    expect(table.get_by_role("row").filter(has_text="second")).to_contain_text("lr=0.5")
    table.get_by_label("Lay second over the loss").check()
    legend = region(page, "Loss").locator(".legendtext")
    expect(legend).to_have_text(["first", "first, held out", "second", "second, held out"])
    expect(table.get_by_label("Lay first over the loss")).to_be_disabled()
    again = open_page(page.url)
    expect(region(again, "Loss").locator(".legendtext")).to_have_count(4)
    region(again, "Runs").get_by_role("button", name="second").click()
    expect(region(again, "Progress")).to_contain_text("step 5 of 5")


def test_an_evaluated_model_has_its_curve_beside_its_parents(
    server: Playground, runs: Path, open_page: OpenPage
) -> None:
    folder = write_run(runs / "sft" / "evaluated", model=str(BASE))
    shutil.copytree(WEIGHTS, folder / "final")
    (folder / "final" / "receipt.json").write_text('{"steps": 3}')
    page = open_page(server.url + "?tab=train&run=evaluated")
    saved = region(page, "Checkpoints")
    saved.get_by_label("Questions of the evaluation").select_option("20")
    saved.get_by_role("button", name="Evaluate: evaluated", exact=True).click()
    expect(page.get_by_text("evaluated is being evaluated on 20 questions of nano")).to_be_visible()
    saved.get_by_role("link", name="See its curve beside nano-base's").click(timeout=START_S)
    for name in ("evaluated", "nano-base"):
        expect(page.get_by_label(name, exact=True)).to_be_checked()


def test_states_that_went_wrong_and_hostile_texts(server: Playground, runs: Path, open_page: OpenPage) -> None:
    write_run(runs / "sft" / "killed", state="running")
    write_run(runs / "sft" / "broken", state="failed", reason=f"no space {HOSTILE}", recipe=HOSTILE, model=HOSTILE)
    (runs / "sft" / "broken" / "metrics.jsonl").write_text("not JSON\n")
    page = open_page(server.url + "?tab=train&run=broken")
    expect(page.get_by_text("no space <img")).to_be_visible()
    page.get_by_role("combobox", name="Run", exact=True).select_option("killed")
    expect(page.get_by_text("The process ended without a word")).to_be_visible()
    expect(region(page, "Loss").locator(".scatterlayer .js-line").first).to_be_attached()
    assert not soon(lambda: "pwned" in page.title(), page=page, within_s=0.5)
    assert page.locator(".train img, .train script").count() == 0


def test_a_strangers_page_launches_nothing(
    server: Playground, runs: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    page = open_tab(server, open_page)
    expect(command(page)).to_contain_text("python -m train.launch --processes=1")
    expect(command(page)).not_to_contain_text(str(runs))
    jobs = len(Jobs(runs.parent / "jobs").all())
    expect(
        page.locator("#train-form").get_by_text("Read-only demo. Duplicate this Space to run your own job.")
    ).to_be_visible()
    expect(page.get_by_role("link", name="Duplicate this Space")).to_have_attribute("href", re.compile("someone/s1"))
    expect(page.locator("#train-launch")).to_be_hidden()
    expect(page.locator("#train-stop")).to_be_hidden()
    assert len(Jobs(runs.parent / "jobs").all()) == jobs
