"""Extraction: the last box, else the last label."""

import pytest

from s1core.grading import extract_answer


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        ("\nFinal Answer: 3", "3", "final_answer_label"),
        ("Answer: 12.", "12", "final_answer_label"),
        ("answer: **B**", "B", "final_answer_label"),
        ("Answer: 1\nFinal Answer: 2\n", "2", "final_answer_label"),
        (r"So \boxed{1}, no \boxed{\frac{1}{2}}.", r"\frac{1}{2}", "boxed"),
        (r"Final Answer: 5 because \boxed{6}", "6", "boxed"),
        (r"\boxed{7} and then \boxed{8", "7", "boxed"),
        ("Final Answer:\n\n  -4 ", "-4", "final_answer_label"),
        ("I think 3", None, "no_answer_marker"),
        ("Final Answer:  ", None, "empty_answer"),
        ("", None, "no_answer_marker"),
    ],
)
def test_extraction(text: str, answer: str | None, rule: str) -> None:
    found = extract_answer(text)
    assert (found.answer, found.rule) == (answer, rule)


def test_a_hundred_thousand_open_braces_are_no_trouble() -> None:
    assert extract_answer("\\boxed{" * 20 + "{" * 100_000).answer is None
