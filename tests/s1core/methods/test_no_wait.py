"""NoWait: no form of the words in the thinking, by any split into tokens, and otherwise what the model would say."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Sampling, Trace, load_engine, solve
from s1core.engines.base import Capabilities, Engine, Request
from s1core.engines.forbidding import ForbiddenWords, ForbiddingEngine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting, Unsupported
from s1core.methods import NoWait
from s1core.nano import make_questions
from s1core.types import Event, Message

QUESTIONS = [question.question for question in make_questions(n=8, seed=21, split="test")]
FORBIDDEN = re.compile(r"(?<![^\W\d_])(wait|hmm|alternatively)", re.IGNORECASE)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


class Says(ScriptedEngine):
    """Says a text as long as nothing is forbidden; in place of a letter that is, a star, and then the rest."""

    def __init__(self, text: str, tokens_per_chunk: int = 1) -> None:
        super().__init__(self._play, tokens_per_chunk=tokens_per_chunk)
        self._said = text

    def _chunks(self, request: Request):  # type: ignore[no-untyped-def]
        self._forbidden = {self.codec.decode([i]) for i in request.forbid_first if i < 256}
        return super()._chunks(request)

    def _play(self, text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in thinking:
            return "Wait.\nFinal Answer: 3<|im_end|>"
        left = self._said[len(thinking) :]
        left = "*" + left[1:] if left[:1] in self._forbidden else left
        return left + "<|im_start|>"


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=5)], ids=["greedy", "hot"])
def test_no_form_of_the_words_is_thought(engine: Engine, sampling: Sampling) -> None:
    taken_back = 0
    for question in QUESTIONS:
        free = solve(engine, question, Budget(max_thinking_tokens=120), sampling)
        outcome = NoWait(budget=Budget(max_thinking_tokens=120)).run(engine, question, sampling)
        assert outcome.trace is not None
        assert FORBIDDEN.search(outcome.trace.thinking_text) is None
        assert outcome.trace.text == "".join(engine.codec.decode(s.token_ids) for s in outcome.trace.segments)
        if outcome.details["taken_back"]:
            at = FORBIDDEN.search(free.thinking_text)
            assert at is not None and outcome.trace.thinking_text[: at.start()] == free.thinking_text[: at.start()]
            assert outcome.spent.discarded_tokens >= 3
        else:
            assert outcome.trace.token_ids == free.token_ids
        taken_back += outcome.details["taken_back"]
    assert taken_back, "the model wanted to say such a word"


async def test_a_word_of_one_token_is_masked_as_on_its_logit(engine: Engine) -> None:
    hot, codec = Sampling(temperature=1.0, seed=2), engine.codec
    banned = frozenset((*codec.encode_user("w"), *codec.encode_user("m")))
    assert len(banned) == 2
    for question in QUESTIONS[:4]:
        prompt = codec.render_prompt([Message(role="user", content=question)], engine.format)
        request = Request(prompt_ids=prompt, max_tokens=40, sampling=hot, goes_on=True)
        masked: list[int] = []
        while len(masked) < 40:  # the mask, one token at a time; s1-nano's tokens are bytes
            text = codec.decode(masked)
            capital = frozenset(i for letter in "wWmM" for i in codec.encode_user(letter))
            first = frozenset() if text[-1:].isalpha() else capital
            step = Request(
                prompt_ids=(*prompt, *masked), max_tokens=1, sampling=hot, forbid_first=first, first_step=len(masked)
            )
            masked += [i async for chunk in engine.agenerate(step) for i in chunk.token_ids]
        quiet = ForbiddingEngine(engine, ("w", "m"))
        said = [i async for chunk in quiet.agenerate(request) for i in chunk.token_ids]
        assert said == masked


@pytest.mark.parametrize("tokens_per_chunk", [1, 3, 50])
def test_a_word_is_taken_back_and_the_rest_goes_on(tokens_per_chunk: int) -> None:
    engine = Says("2? Wait, await hmm so ALTERNATIVELY no.", tokens_per_chunk)
    outcome = NoWait().run(engine, "q")
    assert outcome.trace is not None
    assert outcome.trace.thinking_text == "2? *ait, await *mm so *LTERNATIVELY no."
    assert outcome.answer is not None and "Wait" in outcome.trace.answer_text, "the answer may say it"
    assert (outcome.details["taken_back"], outcome.trace.receipt.discarded_tokens) == (
        3,
        outcome.spent.discarded_tokens,
    )
    assert outcome.spent.discarded_tokens == len("WaithmmALTERNATIVELY"), "whatever the engine had in flight"


def test_nothing_is_held_back_at_the_end_and_budgets_are_kept() -> None:
    for most in range(12):
        forced = NoWait(budget=Budget(max_thinking_tokens=most)).run(Says("so Waiting Wai"), "q").trace
        assert forced is not None and forced.receipt.thinking_tokens == most
        whole = "so Waiting Wai" if most < len("so Wait") else "so *aiting Wai"
        assert forced.thinking_text == whole[:most]
    free = NoWait().run(Says("so Wai"), "q").trace
    assert free is not None and (free.thinking_text, free.receipt.closed_by) == ("so Wai", "model")


async def test_the_events_are_those_of_the_run() -> None:
    events: list[Event] = []
    outcome = await NoWait(words=("so",)).arun(
        Says("2, so 3"), "q", on_event=lambda number, event: events.append(event)
    )
    assert Trace.from_events(events) == outcome.trace


async def test_both_streams_are_the_same() -> None:
    said: list[str] = []
    for sync in (True, False):
        quiet = ForbiddingEngine(Says("2, so 3"), ("so",))
        prompt = quiet.codec.render_prompt([Message(role="user", content="q")], quiet.format)
        request = Request(prompt_ids=prompt, max_tokens=7, goes_on=True)
        chunks = list(quiet.generate(request)) if sync else [chunk async for chunk in quiet.agenerate(request)]
        assert (chunks[-1].finish, quiet.discarded_tokens, quiet.times) == ("length", 2, 1)
        said.append(quiet.codec.decode([i for chunk in chunks for i in chunk.token_ids]))
    assert said == ["2, *o 3"] * 2


@given(st.text(alphabet="waitWAIhm x1\n", max_size=30), st.integers(1, 5))
def test_whatever_is_said_no_word_is_left(text: str, tokens_per_chunk: int) -> None:
    trace = NoWait().run(Says(text, tokens_per_chunk), "q").trace
    assert trace is not None and FORBIDDEN.search(trace.thinking_text) is None
    assert len(trace.thinking_text) == len(text)


@given(st.text(alphabet="waitWAIThm x1等", max_size=14))
def test_what_may_become_a_word_is_held_and_nothing_else(text: str) -> None:
    words = ForbiddenWords(("Wait", "Hmm", "等等"))
    start = words.begins_at(text)
    grown = [rest for word in ("wait", "hmm", "等等") for rest in (word[k:] for k in range(1, len(word)))]
    becomes = [words.find(text + rest, len(text)) for rest in grown if text]
    earliest = min((at for at in becomes if at is not None and at < len(text)), default=len(text))
    assert start == earliest


def test_words_and_engines_that_cannot_be_are_refused() -> None:
    for words in ((), ("Wait", " ")):
        with pytest.raises(InvalidSetting, match="name the words"):
            NoWait(words=words)
    with pytest.raises(InvalidSetting, match="one or the other"):
        NoWait(budget=Budget(waits=1))
    engine = Says("so")
    engine.capabilities = Capabilities(forbid_first="unsupported")
    with pytest.raises(Unsupported, match="cannot forbid words; use engine"):
        NoWait().run(engine, "q")
