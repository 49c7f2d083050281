"""Whether two structures are the same, part by part; the parts, in LaTeX, are left to another comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s1core.grading.brackets import outside
from s1core.grading.structure import COLUMN, EQUALS, LIST, MATRIX, RELATION, ROW, SET, UNION, Group, Named, Node

_SameParts = Callable[[str, str], bool]


def same(gold: Node, answer: Node, parts: _SameParts) -> bool:
    """Whether two structures are the same.

    Args:
        gold: the expected one.
        answer: the other one.
        parts: compares two parts in LaTeX; it is asked for the whole where the structures are of different kinds.
    """
    if isinstance(gold, Named) and isinstance(answer, Named):
        return gold.name == answer.name and same(gold.value, answer.value, parts)
    if isinstance(gold, Named) and _is_value(answer):
        return same(gold.value, answer, parts)
    if isinstance(answer, Named) and _is_value(gold):
        return same(gold, answer.value, parts)
    if isinstance(gold, Group) and isinstance(answer, Group):
        verdict = _same_groups(gold, answer, parts)
        if verdict is not None:
            return verdict
    return parts(gold.source, answer.source)


def _is_value(node: Node) -> bool:
    """Whether a node stands for what a name stands for: no equation, no relation."""
    return not isinstance(node, Named) and not outside(node.source, f"{EQUALS}|{RELATION}")


def _same_groups(gold: Group, answer: Group, parts: _SameParts) -> bool | None:
    """Whether two groups are the same; None if they cannot be compared part by part."""
    if {gold.kind, answer.kind} <= {LIST, SET}:
        if _names(gold) and not _names(answer):
            return _same_values(gold, answer.parts, parts)
        if _names(answer) and not _names(gold):
            return _same_values(answer, gold.parts, parts)
        return _same_in_any_order(gold.parts, answer.parts, parts)
    if gold.kind == answer.kind:
        equal = (
            _same_in_any_order(gold.parts, answer.parts, parts)
            if gold.kind == UNION
            else _same_in_order(gold.parts, answer.parts, parts)
        )
        # Intervals that touch are one; a relation can be solved for something else.
        decided = equal or gold.kind in (SET, MATRIX, ROW, COLUMN) or gold.kind[0] in "(["
        return equal if decided else None
    kinds = {gold.kind, answer.kind}
    if LIST in kinds and "()" in kinds:
        listed, ordered = (gold, answer) if gold.kind == LIST else (answer, gold)
        return _same_values(listed, ordered.parts, parts)
    if kinds <= {"()", ROW, COLUMN}:
        return "()" in kinds and _same_in_order(gold.parts, answer.parts, parts)
    return False if kinds <= {SET, "()", "[]", "[)", "(]", MATRIX, ROW, COLUMN} else None


def _names(group: Group) -> list[str]:
    """The names of a list of named values, each another; none for any other list."""
    names = [part.name for part in group.parts if isinstance(part, Named)]
    return names if len(set(names)) == len(group.parts) else []


def _same_values(listed: Group, values: Sequence[Node], parts: _SameParts) -> bool:
    """Whether values stand in the order of a list, or in the order of its names."""
    in_order = [part.value if isinstance(part, Named) else part for part in listed.parts]
    if _same_in_order(in_order, values, parts):
        return True
    names = _names(listed)
    by_name = (
        [value for _, value in sorted(zip(names, in_order, strict=True), key=lambda pair: pair[0])] if names else []
    )
    return bool(names) and _same_in_order(by_name, values, parts)


def _same_in_order(gold: Sequence[Node], answer: Sequence[Node], parts: _SameParts) -> bool:
    return len(gold) == len(answer) and all(same(g, a, parts) for g, a in zip(gold, answer, strict=True))


def _same_in_any_order(gold: Sequence[Node], answer: Sequence[Node], parts: _SameParts) -> bool:
    """Whether each of the ones is one of the others; what is said twice counts once, as in a set."""
    return all(any(same(g, a, parts) for a in answer) for g in gold) and all(
        any(same(g, a, parts) for g in gold) for a in answer
    )
