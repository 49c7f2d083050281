"""Pages are told less often the more of them there are. No Gradio."""

from __future__ import annotations

from contextlib import ExitStack

from app.runs.poll_rate import OFTEN_S, Refresh


def test_many_pages_are_told_less_often() -> None:
    refresh, others = Refresh(), ExitStack()
    with refresh.looking():
        assert refresh.every_s == OFTEN_S
        with others:
            for _ in range(49):
                others.enter_context(refresh.looking())
            assert 0.2 < refresh.every_s < 1
        assert refresh.every_s == OFTEN_S
