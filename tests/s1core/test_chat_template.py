"""What is read off a chat template, and prompts that no template can spoil."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.budget import Budget  # noqa: E402
from s1core.chat_template import ChatTemplate  # noqa: E402
from s1core.engines.scripted import ScriptedEngine, byte_codec  # noqa: E402
from s1core.errors import InvalidSetting  # noqa: E402
from s1core.solve import solve  # noqa: E402
from s1core.thinking import FORMATS, Codec, EndDetector, ThinkingFormat  # noqa: E402
from s1core.types import Message  # noqa: E402
from tests.s1core.engines import templates  # noqa: E402

TAGS = FORMATS["think_tags"]


def codec_of(template: str) -> Codec:
    tokenizer: Any = templates.tokenizer(template)
    return Codec(tokenizer.backend_tokenizer, ChatTemplate(tokenizer), eos_ids=[tokenizer.eos_token_id])


@pytest.mark.parametrize(
    ("thinking", "by_model", "closing"),
    [
        ("Two and two.\n", True, "</think>\n\n"),
        ("Two and two.\n", False, "</think>\n\nFinal Answer:"),
        ("Two and two.", True, "\n</think>\n\n"),
        ("Two and two.", False, "\n</think>\n\nFinal Answer:"),
        ("", False, "\n</think>\n\nFinal Answer:"),
    ],
)
def test_a_closing_has_one_newline_before_it(thinking: str, by_model: bool, closing: str) -> None:
    assert TAGS.closing_text(by_model=by_model, thinking_text=thinking, final_answer_text="Final Answer:") == closing


@pytest.mark.parametrize(
    ("template", "opening", "closing", "keeps"),
    [
        (templates.QWEN3, "<think>\n", "\n</think>\n\n", False),
        (templates.R1, "<think>\n", "\n</think>\n\n", False),
        (templates.PLAIN, "<think>\n", "\n</think>\n\n", True),
        (templates.CLOSE_AT_ONCE, "<think>", "</think>\n", True),
        (templates.REFUSES_SYSTEM, "<think>\n", "\n</think>\n\n", True),
        (templates.BREAKS, "<think>\n", "\n</think>\n\n", True),
    ],
)
def test_markers_are_those_that_the_template_writes(template: str, opening: str, closing: str, keeps: bool) -> None:
    fmt = codec_of(template).fit(TAGS)
    assert (fmt.open, fmt.close_by_model, fmt.close_by_budget, fmt.keeps_thoughts) == (opening, closing, closing, keeps)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_tags_of_another_family_are_read_off_the_template(field: str) -> None:
    codec = codec_of(templates.SEED.replace("reasoning_content", field))
    fmt = codec.fit(TAGS)
    assert (fmt.open, fmt.ends, fmt.close_by_model) == ("<seed:think>", ("</seed:think>",), "</seed:think>\n")
    prompt = codec.decode(codec.render_prompt([Message(role="user", content="q")], fmt))
    assert prompt.endswith("assistant\n<seed:think>")


@pytest.mark.parametrize(
    ("mark", "name", "words"),
    [
        ("<thinking>\\n", "think_tags", "opens its thinking with <thinking>, not with <think>"),
        ("[THINK]", "think_tags", "opens its thinking with [THINK]"),
        ("<|START_THINKING|>", "think_tags", "opens its thinking with"),
        ("<|im_start|>think", "think_tags", "opens its thinking with <|im_start|>think"),
        ("<think>\\n", "s1", "opens its thinking with <think>, not with <|im_start|>think"),
        ("<thinking></thinking>", "think_tags", "after which there is no thinking"),
        ("[THINK][/THINK]\\n", "think_tags", "after which there is no thinking"),
    ],
)
def test_a_mark_of_another_family_is_refused_in_words(mark: str, name: str, words: str) -> None:
    codec = codec_of(templates.OPENS.replace("<think>\\n", mark))
    with pytest.raises(InvalidSetting, match=re.escape(words)):
        codec.render_prompt([Message(role="user", content="q")], codec.fit(FORMATS[name]))


@pytest.mark.parametrize(
    ("turn", "answer"),
    [
        ("<think>\nHm\n</think>\n\nb", "b"),
        ("x</think>b", "b"),
        ("x\n</think>\n\nb", "b"),
        ("x </think> y</think>b", "b"),
        ("Use `</think>` there.", "Use `</think>` there."),
        ("b", "b"),
    ],
)
@pytest.mark.parametrize("template", [templates.QWEN3, templates.PLAIN])
def test_thinking_of_earlier_turns_is_dropped_where_the_template_drops_it(
    turn: str, answer: str, template: str
) -> None:
    codec = codec_of(template)
    engine = ScriptedEngine(lambda *_: "c</think>d<|im_end|>", format="think_tags", codec=codec)
    engine.format = codec.fit(TAGS)
    history = [Message(role="user", content="a"), Message(role="assistant", content=turn)]
    solve(engine, "q", Budget(max_thinking_tokens=4), history=history)
    prompt = codec.decode(engine.requests[0].prompt_ids)
    assert f"assistant\n{answer if template == templates.QWEN3 else turn}<|im_end|>" in prompt


@pytest.mark.parametrize("template", [templates.QWEN3, templates.R1, templates.PLAIN, templates.CLOSE_AT_ONCE])
def test_the_s1_format_is_its_own_in_every_template(template: str) -> None:
    fmt = codec_of(template).fit(FORMATS["s1"])
    assert (fmt.open, fmt.close_by_model) == ("<|im_start|>think", "<|im_start|>answer")


PLAIN_FORMAT = ThinkingFormat(
    name="plain",
    open="",
    ends=(),
    close_by_model="",
    close_by_budget="",
    drop_newline_after_newline=False,
    answer_ends=(),
)


@pytest.mark.parametrize("template", [templates.QWEN3, templates.HYBRID_OFF, templates.ALWAYS_CLOSED])
def test_a_plain_answer_switches_the_thinking_off(template: str) -> None:
    codec = codec_of(template)
    text = codec.decode(codec.render_prompt([Message(role="user", content="q")], PLAIN_FORMAT))
    assert text.endswith("assistant\n<think>\n\n</think>\n\n")


@given(
    text=st.text(alphabet="<>/think⟦⟧{}% \n|im_endstart", max_size=40),
    template=st.sampled_from([templates.QWEN3, templates.R1, templates.OPENS, templates.HYBRID_OFF, templates.PLAIN]),
)
def test_no_question_opens_or_closes_the_block(text: str, template: str) -> None:
    codec = codec_of(template)
    ids = codec.render_prompt([Message(role="user", content=text)], codec.fit(TAGS))
    opening, closing = codec.single_id("<think>"), codec.single_id("</think>")
    assert (ids.count(opening), ids.count(closing)) == (1, 0)
    assert text in codec.decode(ids)
    assert codec.decode(ids).endswith("<think>\n")


def test_a_turn_that_is_shown_twice_or_earlier_keeps_its_text() -> None:
    codec = codec_of(
        "{{- 'Title: ' + messages[-1].content + '\\n' + messages[0].content + ' ' + messages[-1].content }}"
    )
    messages = [
        Message(role="user", content="a⟦"),
        Message(role="assistant", content="b"),
        Message(role="user", content="c"),
    ]
    with pytest.raises(InvalidSetting, match="leaves out a turn of the role assistant"):
        codec.render_prompt(messages, TAGS)
    text = codec.decode(codec.render_prompt([messages[0], messages[2]], TAGS))
    assert text == "Title: c\na⟦ c<think>\n"


@pytest.mark.parametrize("markers", [("<think>", "</think>"), ()])
@pytest.mark.parametrize(
    ("answer", "kept", "complete"),
    [
        ("Write <think> first.", "Write <think> first.", True),
        ("Use `<think>`, then `</think>`.", "Use `<think>`, then `</think>`.", True),
        ("It ends with <think>", "It ends with <think>", True),
        ("7\n<think>\nOr 8?", "7\n", False),
        ("<think>\nOnce more.", "", False),
        (" 1<think>more", " 1", False),
        ("7 <think>\nOnce more.", "7 ", False),
        ("Say <think> and\n<think>\nno", "Say <think> and\n", False),
    ],
)
@pytest.mark.parametrize("per_chunk", [1, 3, 100])
def test_an_answer_may_speak_of_the_marker(
    markers: tuple[str, ...], answer: str, kept: str, complete: bool, per_chunk: int
) -> None:
    def script(text: str, _request: int) -> str:
        return "x" * 50 if "</think>" not in text else answer + "<|im_end|>"

    engine = ScriptedEngine(script, format="think_tags", codec=byte_codec(*markers), tokens_per_chunk=per_chunk)
    trace = solve(engine, "q", Budget(max_thinking_tokens=10))
    assert (trace.answer_text, trace.receipt.answer_complete) == (kept, complete)
    assert engine.codec.decode(trace.token_ids) == trace.text


@given(data=st.data(), text=st.text(alphabet="<think>/ \n`a.", max_size=40))
def test_a_reopening_is_found_wherever_the_chunks_are_cut(data: st.DataObject, text: str) -> None:
    codec = byte_codec(*data.draw(st.sampled_from([("<think>",), ()])))
    ids = codec.encode_template(text)

    def read(pieces: list[tuple[int, ...]]) -> tuple[list[int], bool]:
        detector, got = EndDetector(codec, (), ("<think>",)), list[int]()
        for piece in pieces:
            fed = detector.feed(piece)
            got += fed.ids
            if fed.ended:
                return got, True
        return got + list(detector.flush()), False

    cuts = sorted(data.draw(st.lists(st.integers(0, len(ids)), max_size=5)))
    parts = [ids[a:b] for a, b in zip([0, *cuts], [*cuts, len(ids)], strict=True)]
    whole = read([ids])
    assert read(parts) == read([(i,) for i in ids]) == whole
    assert text.startswith(codec.decode(whole[0]))
    assert whole[1] or codec.decode(whole[0]) == text


@pytest.mark.parametrize(
    ("turn", "parts"),
    [
        ("<think>\nadd\n</think>\n\n7", ("\nadd\n", "\n\n7")),
        ("add\n</think>\n\n7", ("add\n", "\n\n7")),
        ("<think>say </think> at the end</think>7", ("say </think> at the end", "7")),
        ("<think>never closed", ("never closed", None)),
        ("Use `</think>` as the end mark. Final Answer: 3", (None, "Use `</think>` as the end mark. Final Answer: 3")),
        ("The tag <think> opens it. Final Answer: 3", (None, "The tag <think> opens it. Final Answer: 3")),
        ("<think>\nadd\n</think>\n\nUse `</think>` there.", ("\nadd\n", "\n\nUse `</think>` there.")),
        ("7", (None, "7")),
        ("", (None, "")),
    ],
)
def test_a_turn_is_divided_at_its_own_markers(turn: str, parts: tuple[str | None, str | None]) -> None:
    block = TAGS.block(turn)
    if block is None:
        assert parts == (None, turn)
        return
    answer = turn[block.after :] if block.after > block.end else None
    assert (turn[block.start : block.end], answer) == parts
    assert TAGS.answer_of(turn) == (answer or "").lstrip()
