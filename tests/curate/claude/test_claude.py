"""The real client against a local server: nothing asked twice, nothing lost, never over the cap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from claude_helpers import MODEL, MakeClaude
from fake_claude import FakeClaude, error

from curate.claude import live
from curate.claude.journal import ATTEMPTS, Answer, CapReached
from curate.claude.live import Pace, Unavailable
from curate.claude.prices import MODELS, Usage, claude_model
from curate.claude.requests import find_key, parameters, worst_usd
from curate.claude.tasks import DOMAIN, GRADING, Ask, read_class, read_verdict
from curate.rows import CurateError

ASKS = [Ask(key=f"q{n:02d}", text=f"question {n}") for n in range(12)]


def values(answers: dict[str, Answer]) -> list[str | None]:
    return [answers[ask.key].value for ask in ASKS if ask.key in answers]


def silent(done: int) -> None:
    pass


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_every_question_is_asked_once(fake: FakeClaude, make_claude: MakeClaude, mode: str) -> None:
    fake.answer = lambda text: f"Because.\n{'Yes' if int(text.split()[1]) % 2 else 'No'}"
    answers = make_claude(mode=mode).ask(GRADING, ASKS, silent)
    assert values(answers) == ["no", "yes"] * 6
    again = make_claude(mode=mode).ask(GRADING, ASKS, silent)
    assert again == answers
    assert set(fake.asked.values()) == {1}
    assert len(fake.batches) == (mode == "batch")


def test_many_go_by_batches_and_few_by_single_calls(
    fake: FakeClaude, make_claude: MakeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curate.claude.client.FEW", 10)
    make_claude(mode="auto").ask(GRADING, ASKS[:10], silent)
    assert not fake.batches
    fake.answer = lambda text: "11"
    make_claude(mode="auto").ask(DOMAIN, ASKS, silent)
    assert len(fake.batches) == 1


def test_the_rubric_comes_first_and_is_cached(fake: FakeClaude, make_claude: MakeClaude) -> None:
    fake.answer = lambda text: "11"
    claude = make_claude()
    claude.ask(DOMAIN, ASKS, silent)
    for request in fake.requests:
        assert request["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
        assert request["system"][0]["text"] == DOMAIN.system
        assert "temperature" not in request
    usage = claude.journal.spending()["domain"].usage
    assert usage.cache_write_tokens > 0
    # All but the first read it: the others wait until the first has filled the cache.
    assert usage.cache_read_tokens == 11 * usage.cache_write_tokens


def test_a_rate_limit_is_waited_out_as_long_as_it_says(fake: FakeClaude, make_claude: MakeClaude) -> None:
    waits: list[float] = []
    fake.faults = [error(429, "rate_limit_error", {"retry-after": "7"})]
    claude = make_claude(pace=Pace(sleep=waits.append), at_once=1)
    claude.ask(GRADING, ASKS[:1], silent)
    assert waits == [pytest.approx(7, abs=0.5)]
    assert fake.asked["question 0"] == 1
    assert claude.journal.spent_usd == pytest.approx(claude.journal.spending()["grading"].usd)


@pytest.mark.parametrize("fault", [error(529, "overloaded_error"), error(500, "api_error"), "hang", "drop"])
@pytest.mark.parametrize("mode", ["live", "batch"])
def test_passing_faults_are_overcome(fake: FakeClaude, make_claude: MakeClaude, fault: Any, mode: str) -> None:
    fake.faults, fake.hang_s = [fault, fault], 0.6
    claude = make_claude(timeout_s=0.3, mode=mode)
    assert values(claude.ask(GRADING, ASKS, silent)) == ["yes"] * 12
    assert claude.journal.left_usd() > 0


def test_what_may_have_been_charged_counts_at_its_highest_price(fake: FakeClaude, make_claude: MakeClaude) -> None:
    fake.faults, fake.hang_s = ["hang"], 0.6
    claude = make_claude(timeout_s=0.3)
    claude.ask(GRADING, ASKS[:1], silent)
    paid = claude.journal.spending()["grading"].usd
    highest = worst_usd(MODELS[MODEL], GRADING, ASKS[0], batch=False)
    assert claude.journal.spent_usd == pytest.approx(paid + highest)
    assert make_claude().journal.spent_usd == pytest.approx(paid + highest)


def test_patience_ends(fake: FakeClaude, make_claude: MakeClaude) -> None:
    fake.faults = [error(529, "overloaded_error")] * 100
    with pytest.raises(Unavailable, match=f"after {live.PATIENCE} tries .529"):
        make_claude().ask(GRADING, ASKS, silent)
    fake.faults = []
    assert len(make_claude().ask(GRADING, ASKS, silent)) == 12


def test_a_batch_that_was_made_behind_a_lost_reply_is_found_again(fake: FakeClaude, make_claude: MakeClaude) -> None:
    fake.faults = ["made_then_drop"]
    assert values(make_claude(mode="batch").ask(GRADING, ASKS, silent)) == ["yes"] * 12
    assert len(fake.batches) == 1
    assert set(fake.asked.values()) == {1}


def test_a_batch_planned_before_a_kill_is_found_again_or_crossed_out(fake: FakeClaude, make_claude: MakeClaude) -> None:
    claude = make_claude(mode="batch")
    about = f"{MODEL}/{GRADING.name}-{GRADING.hash}"
    made, never = (claude.journal.plan(about, nonce, [a.key for a in ASKS], 0.1) for nonce in ("aaaaaaaa", "bbbbbbbb"))
    request = [
        {"custom_id": f"{made.nonce}-{ask.key}", "params": parameters(MODEL, MODELS[MODEL], GRADING, ask)}
        for ask in ASKS
    ]
    fake.make_batch(request)
    claude = make_claude(mode="live")
    assert values(claude.ask(GRADING, ASKS, silent)) == ["yes"] * 12
    assert set(fake.asked.values()) == {1}
    assert claude.journal.plans(about) == []
    assert never.id is None
    assert claude.journal.spent_usd == pytest.approx(claude.journal.spending()["grading"].usd)


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_answers_that_cannot_be_read_are_asked_for_again_and_then_named(
    fake: FakeClaude, make_claude: MakeClaude, mode: str
) -> None:
    fake.answer = lambda text: "I cannot say." if text == "question 3" else "Yes"
    answers = make_claude(mode=mode).ask(GRADING, ASKS, silent)
    assert answers["q03"] == Answer(outcome="unparseable", value=None, attempts=ATTEMPTS)
    assert fake.asked["question 3"] == ATTEMPTS
    assert sum(fake.asked.values()) == 11 + ATTEMPTS
    make_claude(mode=mode).ask(GRADING, ASKS, silent)
    assert fake.asked["question 3"] == ATTEMPTS


def test_refused_and_truncated_answers_are_told_apart(fake: FakeClaude, make_claude: MakeClaude) -> None:
    replies: dict[str, dict[str, Any]] = {
        "question 0": {"stop_reason": "refusal", "content": []},
        "question 1": {"stop_reason": "max_tokens", "content": [{"type": "text", "text": "First\nYes"}]},
    }
    fake.answer = lambda text: replies.get(text, "Yes")
    answers = make_claude().ask(GRADING, ASKS[:3], silent)
    assert [answers[k].outcome for k in ("q00", "q01", "q02")] == ["refused", "truncated", "ok"]
    assert fake.asked == {"question 0": 1, "question 1": ATTEMPTS, "question 2": 1}


def test_results_of_a_batch_that_are_no_answers(fake: FakeClaude, make_claude: MakeClaude) -> None:
    def errored(kind: str) -> dict[str, Any]:
        return {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": "x"}}}

    fake.batch_faults = [errored("invalid_request_error"), errored("api_error"), {"type": "expired"}]
    answers = make_claude(mode="batch").ask(GRADING, ASKS, silent)
    outcomes = [answers[ask.key].outcome for ask in ASKS]
    assert outcomes.count("invalid") == 1
    assert outcomes.count("ok") == 11
    assert len(fake.batches) == 2
    assert len(fake.batches["msgbatch_0002"]["requests"]) == 2


def test_a_request_that_is_turned_down_is_not_repeated(fake: FakeClaude, make_claude: MakeClaude) -> None:
    fake.faults = [error(400, "invalid_request_error")]
    answers = make_claude().ask(GRADING, ASKS[:1], silent)
    assert answers["q00"].outcome == "invalid"
    assert not fake.asked


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_the_cap_holds_and_a_higher_one_goes_on(fake: FakeClaude, make_claude: MakeClaude, mode: str) -> None:
    one = worst_usd(MODELS[MODEL], GRADING, ASKS[0], batch=mode == "batch")
    fake.output_tokens = GRADING.max_tokens
    with pytest.raises(CapReached, match="raise --max-usd"):
        make_claude(cap_usd=one * 4, mode=mode).ask(GRADING, ASKS, silent)
    assert make_claude(cap_usd=one * 4, mode=mode).journal.spent_usd <= one * 4
    some = dict(fake.asked)
    assert 0 < len(some) < 12
    claude = make_claude(cap_usd=10, mode=mode)
    assert values(claude.ask(GRADING, ASKS, silent)) == ["yes"] * 12
    assert set(fake.asked.values()) == {1}


def test_the_cap_counts_what_earlier_starts_of_the_run_spent(fake: FakeClaude, make_claude: MakeClaude) -> None:
    spent = make_claude()
    spent.ask(GRADING, ASKS[:6], silent)
    usd = spent.journal.spent_usd
    with pytest.raises(CapReached):
        make_claude(cap_usd=usd).ask(GRADING, ASKS, silent)
    make_claude(run="another", cap_usd=1).ask(GRADING, ASKS, silent)
    assert set(fake.asked.values()) == {1}


def test_a_wrong_key_stops_at_once_and_is_never_written_down(
    fake: FakeClaude, make_claude: MakeClaude, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    claude = make_claude()
    fake.key = "another"
    with pytest.raises(CurateError, match="does not accept the key") as caught:
        claude.ask(GRADING, ASKS, silent)
    written = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert "sk-ant-test" not in written + str(caught.value) + repr(claude) + "".join(capfd.readouterr())


def test_the_key_comes_from_the_environment_or_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", " from-env ")
    assert find_key(lambda: "typed") == "from-env"
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert find_key(lambda: "typed") == "typed"
    with pytest.raises(CurateError, match="set ANTHROPIC_API_KEY"):
        find_key(None)


@pytest.mark.parametrize("cap", [float("nan"), -1.0])
def test_a_cap_that_is_none_is_refused(make_claude: MakeClaude, cap: float) -> None:
    with pytest.raises(CurateError, match="spending cap must be 0 dollars or more"):
        make_claude(cap_usd=cap)


def test_a_cap_of_nothing_spends_nothing(fake: FakeClaude, make_claude: MakeClaude) -> None:
    with pytest.raises(CapReached):
        make_claude(cap_usd=0.0).ask(GRADING, ASKS, silent)
    assert not fake.requests


def test_a_price_that_would_undo_the_cap_is_refused() -> None:
    for price in ((-1.0, 2.0), (float("nan"), 1.0), (1.0, float("inf"))):
        with pytest.raises(CurateError, match="a price is 0 dollars or more"):
            claude_model("claude-next", price)


def test_the_highest_price_covers_a_token_for_every_byte() -> None:
    ask = Ask(key="q", text="🧮" * 1000)
    paid = Usage(input_tokens=4000, cache_write_tokens=len(GRADING.system), output_tokens=GRADING.max_tokens)
    assert worst_usd(MODELS[MODEL], GRADING, ask, batch=False) >= paid.usd(MODELS[MODEL], batch=False)


def test_a_key_that_cannot_be_sent_is_told_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-schlüssel")
    with pytest.raises(CurateError, match="characters that no key has") as caught:
        find_key(None)
    assert "schl" not in str(caught.value)


def test_a_model_without_a_known_price_needs_one() -> None:
    with pytest.raises(CurateError, match="--claude-price"):
        claude_model("claude-next")
    assert claude_model("claude-next", (1.0, 2.0)).output_usd == 2.0


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("It is right.\nYes", "yes"),
        ("**No**\n\n", "no"),
        ('So:\n"Yes".', "yes"),
        ("Yes, it is.", None),
        ("Yes\nBut then again", None),
        ("", None),
    ],
)
def test_verdicts_stand_on_the_last_line(text: str, verdict: str | None) -> None:
    assert read_verdict(text) == verdict


@pytest.mark.parametrize(
    ("text", "code"),
    [("11", "11"), ("**05**.", "05"), ("che", "CHE"), ("The class is 51.", "51"), ("05 or 11", None), ("02", None)],
)
def test_classes_are_codes(text: str, code: str | None) -> None:
    assert read_class(text) == code


def test_a_damaged_journal_is_not_overwritten(make_claude: MakeClaude, tmp_path: Path) -> None:
    claude = make_claude()
    claude.ask(GRADING, ASKS[:2], silent)
    with (tmp_path / "claude" / "samples.jsonl").open("a") as file:
        file.write('{"do": "torn')
    assert len(make_claude().ask(GRADING, ASKS[:2], silent)) == 2
    lines = (tmp_path / "claude" / "samples.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in lines)
