"""Where thinking ends in a text, in every notation that is known; what cannot be told apart is said to be unclear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.importers.thinking import opens_thinking, split_thinking

NOTATIONS = (
    ("[THINK]", "[/THINK]"),
    ("analysis", "assistantfinal"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<think>", "</think>"),
    ("<think>\n", "\n</think>\n\n"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</Thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<mm:think>", "</mm:think>"),
    ("◁think▷", "◁/think▷"),
    ("【思考】", "【/思考】"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("Here is my thought process:", "Here is my response:"),
    ("## Thinking\n", "\n## Final Response\n"),
    ("[unused16]", "[unused17]"),
    ("```thinking\n", "\n```\n"),
    ("Thinking...\n", "\n...done thinking.\n"),
    ("<생각>", "</생각>"),
    ("<réflexion>", "</réflexion>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    (r"\u003cthink\u003e", r"\u003c/think\u003e"),
    ("<!-- think -->", "<!-- /think -->"),
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|begin▁of▁thinking|>", "<|end▁of▁thinking|>"),
    ("<think>", "</thinking>"),
    ("<thinking>", "</think>"),
)
MENTIONS = (
    "Use `</think>` as the end mark. Final Answer: 3",
    "The tag <think> opens it. Final Answer: 3",
    'Models write "</think>" there. Final Answer: 3',
    "It is «<think>» and «</think>». Final Answer: 3",
    "```\n<think>a</think>\n```\nFinal Answer: 3",
    "Write `<think>a</think>` first. Final Answer: 3",
    "Use `[/THINK]` or `◁/think▷`. Final Answer: 3",
    "Use `<|im_start|>answer` for that. Final Answer: 3",
    "It is a matter of [reasoning] alone. Final Answer: 3",
    "analysis of the sum gives 3",
    "Reasoning is all: 3",
    "I thought for a while. Final Answer: 3",
    "Thinking about it, 3",
)


@pytest.mark.parametrize(("opens", "closes"), NOTATIONS)
def test_thinking_is_told_apart_in_every_notation(opens: str, closes: str) -> None:
    parts = split_thinking(f"{opens}add both{closes}7")
    assert (parts.thinking, parts.answer.strip(), parts.closed_by, parts.unclear) == ("add both", "7", "model", None)


@pytest.mark.parametrize(("opens", "closes"), [pair for pair in NOTATIONS if pair[0] != "analysis"])
def test_thinking_without_an_end_is_all_thinking(opens: str, closes: str) -> None:
    parts = split_thinking(f"{opens}add both")
    assert (parts.thinking, parts.answer, parts.closed_by) == ("add both", "", "context")


@pytest.mark.parametrize("text", MENTIONS)
def test_a_text_that_mentions_a_mark_is_all_answer(text: str) -> None:
    parts = split_thinking(text)
    assert (parts.thinking, parts.answer, parts.closed_by, parts.unclear) == ("", text, "model", None)


@pytest.mark.parametrize("text", ["add both\n</think>\n\n7", "add both</think>7", "add both[/THINK]7"])
def test_an_end_without_a_beginning_ends_the_thinking(text: str) -> None:
    parts = split_thinking(text)
    assert (parts.thinking, parts.answer.strip(), parts.unclear) == ("add both", "7", None)


def test_a_mark_that_is_quoted_within_thinking_does_not_end_it() -> None:
    parts = split_thinking("<think>First `</think>`, or the </think> tag.\n</think>\n\n7")
    assert parts.thinking == "First `</think>`, or the </think> tag."
    assert parts.answer == "\n\n7"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think>b<think>c</think>d", "d"),
        ("Sure! <think>a</think>7", "7"),
        ("Use </think> as the end mark. Final Answer: 3", "Use </think> as the end mark. Final Answer: 3"),
        ("<inner>add both</inner>7", "<inner>add both</inner>7"),
        ("<|deliberate|>add both<|speak|>7", "<|deliberate|>add both<|speak|>7"),
        ("Thinking: add both\n7", "Thinking: add both\n7"),
        ("**Reasoning**\nadd both\n\n7", "**Reasoning**\nadd both\n\n7"),
        ("analysisaassistantcommentarybassistantfinal7", "7"),
        ("<think>add both</reasoning>7", "<think>add both</reasoning>7"),
        ("```thinking\nadd\n```python\nx\n```\nboth\n```\n7", "7"),
        ("<일기>add both</일기>7", "<일기>add both</일기>7"),
        ("### Reasoning\nadd both\n\n### Answer\n7", "### Reasoning\nadd both\n\n### Answer\n7"),
        ("🤔 Thinking\nadd both\n\n7", "🤔 Thinking\nadd both\n\n7"),
        ("Thought for 5s\n\n7", "Thought for 5s\n\n7"),
        ("思考过程：add both\n7", "思考过程：add both\n7"),
        ("Gedankengang:\nadd both\n7", "Gedankengang:\nadd both\n7"),
    ],
)
def test_what_cannot_be_told_apart_says_so(text: str, answer: str) -> None:
    parts = split_thinking(text)
    assert parts.unclear is not None
    assert parts.answer == answer


@pytest.mark.parametrize("text", ["<answer>7</answer> is it", "<b>7</b>", "[1, 2]", "7", r"\boxed{7}"])
def test_an_answer_in_marks_of_its_own_is_clear(text: str) -> None:
    assert split_thinking(text).thinking == ""
    assert split_thinking(text).unclear is None


def test_a_prompt_that_opens_thinking_makes_a_cut_text_thinking() -> None:
    assert opens_thinking("<|Assistant|><think>\n")
    assert not opens_thinking("Explain <think> to me.<|Assistant|>")
    parts = split_thinking("add both", opened=True)
    assert (parts.thinking, parts.answer, parts.closed_by) == ("add both", "", "context")


_PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "`",
        "```",
        "\n",
        " ",
        "a",
        '"',
        "<|im_start|>answer",
        "[/THINK]",
        "<x>",
        "</x>",
        "analysis",
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join), st.booleans())
def test_nothing_of_a_text_is_lost_but_its_opening_mark(text: str, opened: bool) -> None:
    parts = split_thinking(text, opened=opened)
    kept = "".join(part for _, _, part in parts.segments)
    assert len(kept) <= len(text)
    assert text.endswith(parts.answer)
    assert "".join(text.split()).endswith("".join(kept.split()))


@given(st.text(alphabet="ab `\n\"'", max_size=20), st.text(alphabet="ab `\n\"'", max_size=20))
def test_marks_in_code_are_never_taken(before: str, after: str) -> None:
    text = f"{before.replace('`', '')} `</think>` {after.replace('`', '')}"
    assert split_thinking(text).thinking == ""


@pytest.mark.parametrize("piece", ["</think>", "`</think>", " </think> x", "<think>", "```</think>", "<a>", "<think>`"])
def test_many_marks_take_linear_time(piece: str) -> None:
    split_thinking(piece * 50_000)  # a quadratic reading would take minutes, which the limit of a test ends
