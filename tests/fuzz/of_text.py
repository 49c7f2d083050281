"""Texts and words: answers that are graded, thinking that is decoded, traces, and what a command line takes."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, get_args

from hypothesis import strategies as st
from tokenizers import Tokenizer

from curate.config import check_shard
from evals.settings import parse_counts
from s1core.__main__ import _read_trace
from s1core.grading import Kind, grade
from s1core.grading.choice import choice_in_prose, choice_of
from s1core.grading.equal import canonical, equal_text
from s1core.grading.extract import extract_answer
from s1core.grading.literal import parse_number, plain
from s1core.models import NANO_WEIGHTS, resolve
from s1core.thinking import FORMATS, Codec, EndDetector, TextDecoder
from s1core.types import Receipt, Segment, Trace
from tests.fuzz.inputs import ODD, documents
from tests.fuzz.target import Target, in_file

_BITS = [
    *(
        "\\boxed{",
        "}",
        "{",
        "\\fbox {",
        "Final Answer:",
        "Answer：",
        "the answer is",
        "答案:",
        "**",
        "$",
        "\\(",
        "\\]",
        "\\",
    ),
    *(
        "1",
        "23",
        "0.5",
        "1/2",
        "\\frac{1}{2}",
        "\\frac12",
        "1,000",
        "-",
        "−",
        "(B)",
        "Option C",
        "B.",
        "A",
        ".",
        "\n",
        " ",
    ),
    *(
        "\\text{",
        "x^2",
        "\\sqrt{2}",
        "I hope it is correct",
        "<|im_start|>answer",
        "</think>",
        "é",
        "\ud800",
        "9" * 400,
    ),
]
_ANSWERS = st.lists(st.sampled_from(_BITS) | st.text(max_size=5), max_size=12).map("".join)
_MARKS = [
    *(
        "<|im_start|>",
        "<|im_end|>",
        "think",
        "answer",
        "\n",
        "</think>",
        "</th",
        "<think>",
        "ink>",
        "Wait",
        "é",
        "𝔸",
        "\ud83d",
    )
]
_TEXTS = st.lists(st.sampled_from(_MARKS) | st.text(max_size=6), max_size=12).map("".join)
_RECEIPT = Receipt(
    max_thinking_tokens=64,
    min_thinking_tokens=0,
    waits=1,
    accounting="total",
    thinking_tokens=2,
    waits_used=0,
    closed_by="model",
    answer_tokens=1,
    answered=True,
    answer_rule="boxed",
    answer_complete=True,
    prompt_tokens=3,
    prefill_computed=3,
    prefill_reused=0,
    time_to_first_token_s=0.1,
    wall_s=0.2,
    tokens_per_s=9.0,
    engine="scripted",
    model="m",
    temperature=0.0,
    seed=0,
)
_TRACE = Trace(
    segments=(
        Segment(source="model", phase="thinking", text="a", token_ids=(5, 6)),
        Segment(source="model", phase="answer", text="5", token_ids=(7,)),
    ),
    answer="5",
    receipt=_RECEIPT,
)


@cache
def codec() -> Codec:
    """Of s1-nano."""
    tokenizer = Tokenizer.from_file(str(NANO_WEIGHTS / "tokenizer.json"))
    return Codec(tokenizer, lambda chat, **_: "".join(turn["content"] for turn in chat), eos_ids=[0])


def _extracted(text: str) -> None:
    """Everything but the comparison by computer algebra, which has a process and a deadline of its own."""
    answer = extract_answer(text).answer or ""
    number = parse_number(answer)
    for rule in (canonical, plain, choice_of):
        rule(answer)
    choice_in_prose(text, answer)
    grade(text, "B", kind="choice")
    grade(text, "5", kind="text")
    if not equal_text(answer, answer).equal and len(answer) < 2_000:
        raise AssertionError("a text is not the same as itself")
    if number is not None and parse_number(canonical(answer)) is None:
        raise AssertionError("the spelling of a number is none")


def _graded(pair: tuple[str, str, Any]) -> None:
    text, gold, kind = pair
    verdict = grade(text, gold, kind=kind)
    if verdict.correct and verdict.answer is None:
        raise AssertionError("right without an answer")


def _encoded(text: str) -> None:
    """Text stays text, and comes back as it was, but for halves of characters and in the tokenizer's normal form."""
    ids = codec().encode_user(text)
    if codec().control_ids.intersection(ids):
        raise AssertionError("a special token came of text")
    if codec().decode(ids) != unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()):
        raise AssertionError("text and ids disagree")


def _streamed(given: tuple[str, list[int], str]) -> None:
    """Whatever the pieces, the text that comes out is the text of the ids that come out."""
    text, cuts, name = given
    ids = codec().encode_template(text.encode("utf-8", "replace").decode())
    ends, told = EndDetector(codec(), FORMATS[name].ends), TextDecoder(codec())
    kept: list[int] = []
    shown, at = "", 0
    for cut in [*cuts, len(ids)]:
        fed = ends.feed(ids[at : at + cut])
        at += cut
        kept += fed.ids
        shown += told.feed(fed.ids)
        if fed.ended:
            break
    rest = ends.flush()
    shown += told.feed(rest) + told.flush()
    if shown != codec().decode([*kept, *rest]):
        raise AssertionError("text and ids disagree")


def _decoded(ids: list[int]) -> None:
    decoder = TextDecoder(codec())
    if "".join(decoder.feed([i]) for i in ids) + decoder.flush() != codec().decode(ids):
        raise AssertionError("one by one they decode to something else")


def _time(text: str) -> None:
    from train.launcher.slurm import minutes

    if minutes(text) < 1:
        raise AssertionError("no time at all")


def _overrides(words: list[str]) -> None:
    from train.finetune.config import TrainConfig, with_settings

    with_settings(TrainConfig(recipe="fuzz", model="m"), words)


def _keys() -> list[str]:
    from train.finetune.config import known_keys

    return known_keys()


_WORDS = st.lists(
    st.tuples(
        st.deferred(lambda: st.sampled_from(_keys())) | st.text(max_size=4), ODD | st.integers() | st.floats()
    ).map(lambda pair: f"{pair[0]}={pair[1]}")
    | st.text(max_size=8),
    max_size=3,
)
_SLURM = st.from_regex(r"(\d{1,3}-)?\d{1,4}(:\d{1,3}){0,3}", fullmatch=True) | st.text(max_size=8) | ODD.map(str)

TARGETS = (
    Target(name="answers, extracted", fed=_ANSWERS, read=_extracted, refuses=(), share=2),
    Target(
        name="answers, graded",
        fed=st.tuples(
            _ANSWERS, st.sampled_from(["5", "\\frac{1}{2}", "(B)", "x^2"]) | _ANSWERS, st.sampled_from(get_args(Kind))
        ),
        read=_graded,
        refuses=(),
        share=0.3,
    ),
    Target(name="text to tokens", fed=_TEXTS, read=_encoded, refuses=(), share=2),
    Target(
        name="ends of thinking",
        fed=st.tuples(_TEXTS, st.lists(st.integers(0, 4), max_size=8), st.sampled_from(list(FORMATS))),
        read=_streamed,
        refuses=(),
        share=2,
    ),
    Target(
        name="tokens to text",
        fed=st.deferred(lambda: st.lists(st.sampled_from(sorted(codec().known_ids)), max_size=12)),
        read=_decoded,
        refuses=(),
    ),
    Target(
        name="traces and receipts",
        fed=documents(_TRACE.as_dict()),
        read=in_file("t.json", lambda path: _trace(path)),
        share=2,
    ),
    Target(name="names of models", fed=st.text(max_size=12) | ODD.map(str), read=resolve),
    Target(name="budgets of a grid", fed=st.text("0123456789,- ²٣a", max_size=9) | ODD.map(str), read=parse_counts),
    Target(name="shards", fed=st.text("0123456789/²٣-", max_size=5), read=check_shard),
    Target(name="times for Slurm", fed=_SLURM, read=_time),
    Target(name="--set of train", fed=_WORDS, read=_overrides),
)


def _trace(path: Path) -> None:
    trace = _read_trace(str(path))
    if Trace.from_dict(trace.as_dict()) != trace:
        raise AssertionError("written and read again it is another one")
