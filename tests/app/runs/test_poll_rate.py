"""Pages are told less often the more of them there are. No Gradio."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib.util import find_spec

from app.runs.poll_rate import OFTEN_S, Refresh, search_matplotlib_once


def test_many_pages_are_told_less_often() -> None:
    refresh, others = Refresh(), ExitStack()
    with refresh.looking():
        assert refresh.every_s == OFTEN_S
        with others:
            for _ in range(49):
                others.enter_context(refresh.looking())
            assert 0.2 < refresh.every_s < 1
        assert refresh.every_s == OFTEN_S


def test_a_missing_matplotlib_is_noted_and_no_more() -> None:
    there = find_spec("matplotlib") is not None
    search_matplotlib_once()
    assert (find_spec("matplotlib") is not None) == there
    assert there or sys.modules["matplotlib"] is None
