"""Pages are updated less often the more of them are open. No Gradio."""

from __future__ import annotations

from contextlib import ExitStack

from app.runs.poll_rate import MIN_INTERVAL_S, PollRate


def test_many_pages_are_updated_less_often() -> None:
    rate, others = PollRate(), ExitStack()
    with rate.open_page():
        assert rate.every_s == MIN_INTERVAL_S
        with others:
            for _ in range(49):
                others.enter_context(rate.open_page())
            assert 0.2 < rate.every_s < 1
        assert rate.every_s == MIN_INTERVAL_S
