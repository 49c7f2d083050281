"""What lanes have in common stands in their trunk, once and whole."""

from __future__ import annotations

import pytest

from app.runs.render import CLOSE_BY_MODEL, LABEL_END, MODEL, WAIT
from tests.scripts import evaluate

SCRIPTS = ["runs/tape.js", "tabs/compare/race.trunk.js"]
LOOK = f"{MODEL}First look: 2.\n"
STOPPED = f"{LOOK}{CLOSE_BY_MODEL}stopped{LABEL_END}{MODEL} 2"
WAITED = f"{LOOK}{WAIT}1{LABEL_END}Wait{MODEL}, r1 a1"
HMMED = f"{LOOK}{WAIT}1{LABEL_END}Hmm{MODEL}, r1 a1"


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        ([STOPPED, WAITED], LOOK),
        ([WAITED, HMMED], LOOK),  # a forced Wait is not divided
        ([WAITED, WAITED], WAITED),
        ([WAITED + " s1 p1", WAITED + " s1 p2"], WAITED + " s1 "),
        ([f"{MODEL}one two", f"{MODEL}one three", f"{MODEL}one"], f"{MODEL}one"),
        ([f"{MODEL}so", f"{MODEL}no"], ""),
        ([WAITED], ""),
    ],
)
def test_lanes_share_whole_words(texts: list[str], shared: str) -> None:
    assert texts[0][: evaluate(SCRIPTS, "sharedLength(texts)", texts=texts)] == shared
