"""The original's known faults, each as tests that fail where it returns; the numbers are those of its issues."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from completions_server import CompletionsServer
from engine_helpers import Load, preset

from s1core import Budget, Trace, load_engine, solve, sweep
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.http.engine import HttpEngine
from s1core.engines.scripted import Script, ScriptedEngine, byte_codec
from s1core.nano import make_questions

QUESTIONS = [q.question for q in make_questions(n=3, seed=17, split="test")]


@dataclass
class Overheard:
    """An engine whose requests are kept."""

    engine: Engine
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        e = self.engine
        self.name, self.model, self.codec, self.format = e.name, e.model, e.codec, e.format
        self.context_length, self.default_answer_tokens = e.context_length, e.default_answer_tokens
        self.capabilities, self.agenerate, self.close = e.capabilities, e.agenerate, e.close

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        self.requests.append(request)
        yield from self.engine.generate(request)


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()


def script(think: Callable[[str], str], end: str = "<|im_start|>", close: str = "<|im_start|>answer") -> Script:
    """Write `think` of the thinking so far and try to end; answer 7 once the thinking is closed."""

    def write(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>assistant\n")[2]
        if close in thinking:
            return (" " if thinking.endswith(":") else "\nFinal Answer: ") + "7<|im_end|>"
        return think(thinking) + end

    return write


def assert_conditioned(trace: Trace, requests: list[Request]) -> None:
    """Every request fed exactly the ids that the trace shows, and they decode to the text that it shows."""
    prompt, ids = requests[0].prompt_ids, trace.token_ids
    for request in requests:
        written = request.prompt_ids[len(prompt) :]
        assert request.prompt_ids == prompt + ids[: len(written)]
    answer = next(s for s in reversed(trace.segments) if (s.phase, s.source) == ("answer", "model"))
    assert len(requests[-1].prompt_ids) == len(prompt) + len(ids) - len(answer.token_ids)


@pytest.mark.parametrize("budget", [0, 1, 7, 24])
def test_127_a_cut_is_followed_by_a_final_answer(nano: Engine, budget: int) -> None:
    endless = ScriptedEngine(script(lambda _: "\n" + "x" * 500))
    trace = solve(endless, "q", Budget(max_thinking_tokens=budget))
    assert (trace.answer, trace.receipt.closed_by, trace.receipt.thinking_tokens) == ("7", "budget", budget)
    assert endless.codec.decode(endless.requests[-1].prompt_ids).endswith("<|im_start|>answer\nFinal Answer:")
    for question in QUESTIONS:
        cut = solve(nano, question, Budget(max_thinking_tokens=budget))
        assert cut.receipt.thinking_tokens <= budget and cut.answer_text.strip()


def test_134_forcing_has_the_effect_that_the_receipt_says(nano: Engine) -> None:
    for question in QUESTIONS:
        heard = Overheard(nano)
        traces = [solve(heard, question, Budget(waits=waits)) for waits in range(3)]
        spent = [trace.receipt.thinking_tokens for trace in traces]
        assert spent == sorted(set(spent))
        for waits, trace in enumerate(traces):
            assert trace.receipt.waits_used == waits
            assert [s.text for s in trace.segments if s.source == "wait"] == ["Wait"] * waits
            assert trace.thinking_text.count("Wait") >= waits
        # The model went on after the Wait, from a prompt that ends with it.
        wait = nano.codec.encode_user("Wait")
        assert sum(r.prompt_ids[-len(wait) :] == wait for r in heard.requests) == 3
        assert all(
            after.source == "model" and after.token_ids
            for trace in traces
            for before, after in zip(trace.segments, trace.segments[1:], strict=False)
            if before.source == "wait"
        )


@pytest.mark.parametrize("thought", ["", "\nab", "\nabc", "\nabcd"])
@pytest.mark.parametrize("budget", range(9))
def test_95_nothing_remains_to_extend(thought: str, budget: int) -> None:
    """However the Waits and the budget meet, no request is empty, and the question is answered."""
    engine = ScriptedEngine(script(lambda _: thought))
    asked = Budget(max_thinking_tokens=budget, waits=5)
    trace = solve(engine, "q", asked)
    assert trace.answer == "7" and trace.receipt.thinking_tokens <= budget
    assert all(request.prompt_ids and request.max_tokens >= 1 for request in engine.requests)
    points = sweep(engine, "q", [budget], [0, 5]).points
    assert [point.trace.answer for point in points] == ["7", "7"]


@pytest.mark.parametrize("per_chunk", range(1, 10))
def test_113_an_end_marker_of_several_tokens_is_found_across_chunks(per_chunk: int) -> None:
    codec = byte_codec()
    assert codec.single_id("</think>") is None and len(codec.encode_template("</think>")) == 8
    near = "a</thin b</think"
    engine = ScriptedEngine(
        script(lambda thinking: near if "Wait" in thinking else "c<", "</think>d", "\n</think>\n\n"),
        format="think_tags",
        codec=codec,
        tokens_per_chunk=per_chunk,
    )
    trace = solve(engine, "q", Budget(waits=1))
    # What only looks like a marker stays text; the marker and what was written after it do not.
    assert trace.thinking_text == f"c<Wait{near}"
    assert (trace.receipt.closed_by, trace.receipt.waits_used, trace.answer) == ("model", 1, "7")
    assert trace.receipt.thinking_tokens == len(codec.encode_user(trace.thinking_text))
    assert_conditioned(trace, engine.requests)


def test_ids_outside_the_vocabulary_are_never_fed_again(padded_folder: Path, load: Load) -> None:
    heard = Overheard(load(padded_folder))
    trace = solve(heard, "abc", Budget(max_thinking_tokens=24, waits=2))
    assert set(trace.token_ids) <= heard.codec.known_ids
    assert all(set(request.prompt_ids) <= heard.codec.known_ids for request in heard.requests)


def test_ids_outside_the_vocabulary_of_a_server_are_never_fed_again(qwen2_folder: Path) -> None:
    class Padded(ScriptedEngine):
        """Draws a padding row of the vocabulary unless that is forbidden."""

        def _chunks(self, request: Request) -> Iterator[Chunk]:
            if 300 not in request.forbid_first and request.max_tokens > 2:
                yield Chunk(token_ids=(*self.codec.encode_user("ab"), 300))
                yield Chunk(token_ids=self.codec.encode_user("zz"), finish="length")
            else:
                yield from super()._chunks(request)

    served = Padded(script(lambda _: "c"))
    with CompletionsServer(served) as server:
        heard = Overheard(HttpEngine.load(preset(qwen2_folder), url=server.url))
        trace = solve(heard, "abc", Budget(max_thinking_tokens=12, waits=1))
    assert any(300 in request.forbid_first for request in served.requests)
    assert "ab" in trace.thinking_text and "z" not in trace.text
    for request in (*heard.requests, *served.requests):
        assert set(request.prompt_ids) <= heard.codec.known_ids


@pytest.mark.parametrize("accounting", ["total", "per_round"])
@pytest.mark.parametrize("budget", [*range(4, 12), None])
def test_the_text_is_that_of_the_ids_that_conditioned_the_answer(budget: int | None, accounting: str) -> None:
    """Also where a cut splits a character, which text that is tokenised again would lose."""
    engine = ScriptedEngine(script(lambda _: "\né漢é"))
    asked = Budget(max_thinking_tokens=budget, waits=2, accounting=accounting)  # type: ignore[arg-type]
    trace = solve(engine, "q", asked)
    answer = next(s for s in trace.segments if (s.phase, s.source) == ("answer", "model"))
    before = trace.token_ids[: len(trace.token_ids) - len(answer.token_ids)]
    assert engine.requests[-1].prompt_ids == engine.requests[0].prompt_ids + before
    assert all(engine.codec.decode(s.token_ids) == s.text for s in trace.segments)
    assert engine.codec.decode(trace.token_ids) == trace.text


def test_the_model_continues_from_its_own_ids_and_not_from_their_text(nano: Engine) -> None:
    for question in QUESTIONS:
        heard = Overheard(nano)
        assert_conditioned(solve(heard, question, Budget(max_thinking_tokens=200, waits=2)), heard.requests)
