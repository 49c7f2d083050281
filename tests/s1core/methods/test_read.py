"""Methods from one line of text."""

from __future__ import annotations

import pytest

from s1core import Budget
from s1core.errors import InvalidSetting
from s1core.methods import (
    METHODS,
    Asking,
    EarlyExit,
    Forcing,
    MajorityVote,
    RejectionSampling,
    read_method,
    read_methods,
)


def test_a_line_names_a_method_and_its_settings() -> None:
    read = read_method("early-exit:every=16, equal=none, probability=0.95, waits=2", Budget(max_thinking_tokens=64))
    budget = Budget(max_thinking_tokens=64, waits=2)
    assert read == EarlyExit(every=16, equal=None, probability=0.95, budget=budget)
    assert read_method("forcing") == Forcing()
    assert read_method("vote:samples=3,weighted=yes") == MajorityVote(samples=3, weighted=True)
    assert read_method("asking:length=short") == Asking(length="short")
    assert read_method("rejection:budget=8") == RejectionSampling(budget=Budget(max_thinking_tokens=8))


def test_several_values_are_a_method_each() -> None:
    labels = [one.label for one in read_methods("early-exit:every=8+16,equal=1+2,budget=none")]
    assert labels == [
        "1 equal answer, every 8",
        "2 equal answers, every 8",
        "1 equal answer, every 16",
        "2 equal answers, every 16",
    ]


@pytest.mark.parametrize("name", METHODS)
def test_settings_of_every_method_are_json_ready(name: str) -> None:
    import json

    needed = {"rejection": ":budget=8", "asking": ":tokens=8"}
    method = read_method(name + needed.get(name, ""))
    told = json.loads(json.dumps(method.as_dict()))
    assert told["label"] == method.label and told["method"] == method.title
    assert told["waits"] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vot", "there is no method 'vot'"),
        ("vote:sample=3", "no setting of vote"),
        ("vote:samples", "no setting of vote"),
        ("vote:samples=three", "samples of vote cannot be 'three'"),
        ("vote:samples=2.5", "cannot be"),
        ("vote:samples=1,samples=2", "twice"),
        ("vote:weighted=maybe", "cannot be"),
        ("asking:length=medium", "cannot be"),
        ("asking:tokens=4,steps=2", "one thing"),
        ("rejection", "needs a budget"),
        ("forcing:budget=-1", "0 or more"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        read_methods(line)


def test_one_method_is_wanted() -> None:
    with pytest.raises(InvalidSetting, match="2 methods"):
        read_method("vote:samples=1+2")
