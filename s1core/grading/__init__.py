r"""Grading: find the final answer of a text, compare it with the expected one, and say which rule decided.

>>> from s1core.grading import grade
>>> grade(r"So it is \boxed{023}.", "23", kind="integer")
Verdict(correct=True, answer='023', rule='integer', found='boxed')

Reading order: `extract` (text to answer), `literal` and `choice` (cheap comparisons), `notation`, `structure`,
`matching`, `units`, `exact`, `formulas` (comparison as mathematics), `worker`, `process`, `pool` (where that runs,
bounded in time and memory), `equal`, `grade`. `rejected` takes out options that a text denies. `labels`, `denials`,
`symbols` and `words` hold facts about languages and signs.
"""

from s1core.grading.equal import canonical
from s1core.grading.extract import Extracted, extract_answer
from s1core.grading.grade import Kind, Verdict, grade
from s1core.grading.process import GraderUnavailable

__all__ = ["Extracted", "GraderUnavailable", "Kind", "Verdict", "canonical", "extract_answer", "grade"]
