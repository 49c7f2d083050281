r"""Read an answer as what it consists of: lists, tuples, intervals, unions, matrices, named values, relations.

`x=1, y=2` is a list of two named values, `[0, \frac13)` an interval, `1 < x \le 2` a chain of relations. What has no
structure is a part; `matching` compares structures part by part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from s1core.grading.brackets import closing, outside, split_outside
from s1core.grading.literal import parse_number

LIST, SET, MATRIX, ROW, COLUMN, UNION = "list", "set", "matrix", "row", "column", "union"


@dataclass(frozen=True, slots=True)
class Part:
    """What has no structure of its own."""

    source: str


@dataclass(frozen=True, slots=True)
class Named:
    r"""A name and its value: `x = 5`, `f(3) = 5`, `x \in \{1, 2\}`."""

    name: str
    value: Node
    source: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several parts; the kind says how they belong together.

    `list`, `set` and `union` in any order, `matrix`, `row`, `column` and pairs of brackets in order; or the signs that
    stand between them, as `< le` in a chain of relations.
    """

    kind: str
    parts: tuple[Node, ...]
    source: str


Node = Part | Named | Group
_WORD_SEPARATOR = (
    r"(?:,\s*)?(?:\\text\{\s*(?:,\s*)?(?:and|or)\s*\}|(?<![A-Za-z])(?:and|or)(?![A-Za-z])|(?<=[\d)}])or(?=[A-Z(]))"
)
_COMMA = r"(?<!\\),"
RELATION = r"\\le(?![a-zA-Z])|\\ge(?![a-zA-Z])|\\ne(?![a-zA-Z])|<|>"
_TURNED = {"<": ">", ">": "<", "le": "ge", "ge": "le", "ne": "ne"}
EQUALS = r"(?<![<>!\\])=|\\approx(?![a-zA-Z])"
_NAME = re.compile(
    r"(?:\\angle\s*|\\triangle\s*|m\s*\\angle\s*)?"
    r"(?:\\text\{[^{}]*\}|\\(?!frac|sqrt|pi(?![a-zA-Z]))[a-zA-Z]+(?:\{[A-Za-z]+\})?|[A-Za-z]+(?:\s[A-Za-z]{3,})*)"
    r"(?:_\{[^{}]*\}|_[A-Za-z0-9]|'|\s)*(?:\([^()=]*\))?|\\frac\{d\s*[a-zA-Z]?\}\{d\s*[a-z]\}|\|[A-Za-z]+\||\([A-Za-z_0-9{}]+(?:\s*,\s*[A-Za-z_0-9{}]+)+\)"
)
_ABSOLUTE = re.compile(r"\|\s*([a-zA-Z])\s*\|")
_PLAIN_CALL = re.compile(r"\([a-zA-Z]\)$")
_MATRIX = re.compile(
    r"\\begin\s*\{([pbB]?|small)matrix\*?\}(?P<body>(?:(?!\\begin|\\end).)*)\\end\s*\{\1matrix\*?\}", re.DOTALL
)
# The set of all x with a property.
_SET_OF = re.compile(r"\\\{\s*[a-zA-Z](?:\s*\\in\s*\\mathbb\{[A-Z]\})?\s*(?:\\mid|\||:|\\colon)\s*(.*?)\s*\\\}")
_TRAILING = re.compile(r"(?:[\s.,;:]|\\\\|\\text\{\s*[.,;:]?\s*\})+$")
_REMARK = re.compile(r"\\text\{[^{}]*\}$|\([a-z ]+\)$")


def read(source: str) -> Node:
    """The structure of a formula in plain LaTeX."""
    source = _strip(source)
    for reader in (_read_list, _read_named, _read_relations, _read_matrix, _read_union, _read_brackets, _read_signs):
        node = reader(source)
        if node is not None:
            return node
    return Part(source)


def _strip(source: str) -> str:
    source = source.strip()
    source = source if source.endswith("...") else _TRAILING.sub("", source)
    if source.startswith("{") and closing(source, 0) is None:
        source = source[1:].strip()
    # `{5}` is 5; `\{5\}` is a set.
    while source.startswith("{") and closing(source, 0) == len(source) - 1:
        source = source[1:-1].strip()
    return source


def _read_list(source: str) -> Node | None:
    parts = split_outside(source, ";")
    if len(parts) < 2:
        # `p=5, q=2 and p=7, q=2` are two solutions.
        parts = split_outside(source, _WORD_SEPARATOR)
        if len(parts) > 1 and (joined := _join_relations([read(part) for part in parts], source)):
            return joined
        if len(parts) < 2 or not all("=" in part and "," in part for part in parts):
            parts = split_outside(source, f"{_WORD_SEPARATOR}|{_COMMA}")
    if len(parts) < 2:
        return None
    nodes = [read(part) for part in parts]
    return _join_bounds(nodes) or _listed(nodes, source)


def _join_bounds(nodes: list[Node]) -> Node | None:
    """`x > 1, x < 5` as `1 < x < 5`; None where the first number is not below the second, which may mean `or`."""
    joined = _join_relations(nodes, "") if len(nodes) == 2 else None
    if not isinstance(joined, Group) or len(joined.parts) != 3:
        return None
    low, high = (parse_number(joined.parts[i].source) for i in (0, 2))
    return joined if low is not None and high is not None and low.value < high.value else None


def _interval(relation: Group) -> str | None:
    r"""The interval that a relation describes: `(2, \infty)` for `x > 2`; None if it bounds anything but a name."""
    signs, parts = relation.kind.split(), [part.source for part in relation.parts]
    if len(parts) == 2:
        if _NAME.fullmatch(parts[0]):
            parts, signs = [r"-\infty", *parts], ["<", *signs]
        elif _NAME.fullmatch(parts[1]):
            parts, signs = [*parts, r"\infty"], [*signs, "<"]
    if len(parts) != 3 or not _NAME.fullmatch(parts[1]) or not set(signs) <= {"<", "le"}:
        return None
    return f"{'(' if signs[0] == '<' else '['}{parts[0]}, {parts[2]}{')' if signs[1] == '<' else ']'}"


def _join_relations(parts: list[Node], source: str) -> Node | None:
    r"""`x < 1 or x > 2` as a union, `x > 1 and x < 2` as the chain `1 < x < 2`; None for anything else."""
    relations = [part for part in parts if isinstance(part, Group) and set(part.kind.split()) <= set(_TURNED)]
    if len(relations) < len(parts):
        return None
    if re.search(r"(?<![A-Za-z])or(?![A-Za-z])", source):
        intervals = [_interval(relation) for relation in relations]
        if all(intervals):
            return _read_union(r"\cup ".join(filter(None, intervals)))
        return Group(UNION, tuple(relations), source)
    for first, second in (relations[:2], relations[1::-1]):
        if len(relations) == 2 and first.parts[-1] == second.parts[0]:
            chain = (*first.parts, *second.parts[1:])
            kind = f"{first.kind} {second.kind}"
            signs = ["<" if sign == "<" else f"\\{sign} " for sign in kind.split()]
            text = "".join(part.source + sign for part, sign in zip(chain, [*signs, ""], strict=True))
            return Group(kind, chain, text)
    return None


def _listed(parts: list[Node], source: str) -> Node:
    """A list, in which a name holds for what follows it without one: `x = 1, 2`."""
    named: list[Node] = []
    for part in parts:
        name = named[-1].name if named and isinstance(named[-1], Named) else None
        named.append(Named(name, part, part.source) if name and isinstance(part, Part | Group) else part)
    names = {part.name for part in named if isinstance(part, Named)}
    if len(names) == 1 and all(isinstance(part, Named) for part in named):
        values = tuple(part.value for part in named if isinstance(part, Named))
        return Named(names.pop(), _flat(Group(LIST, values, source)), source)
    return _flat(Group(LIST, tuple(named), source))


def _flat(group: Group) -> Group:
    """A list without the lists that plus and minus make within it."""
    if not any(isinstance(part, Group) and part.kind == LIST and r"\pm" in part.source for part in group.parts):
        return group
    parts = tuple(
        inner
        for part in group.parts
        for inner in (part.parts if isinstance(part, Group) and part.kind == LIST else (part,))
    )
    return Group(LIST, parts, group.source)


def _read_named(source: str) -> Node | None:
    equals = outside(source, rf"{EQUALS}|\\in(?![a-zA-Z])")
    if not equals or outside(source, RELATION):
        return None
    # `x = 1/3 \\approx 0.33` says what x is before it rounds.
    last = next((i for i, sign in enumerate(equals) if "approx" in sign[0] and i > 0), len(equals))
    end = equals[last].start() if last < len(equals) else len(source)
    name, value = source[: equals[0].start()].strip(), source[equals[last - 1].end() : end].strip()
    if name in ("", ".") and value:
        return read(value)
    if equals[0][0].startswith(r"\in") and not value.startswith(r"\{"):
        return None
    if _is_numeric(name) and value:
        if _is_numeric(value):
            # `2 + 3 = 5` is 5, but what is rounded is what stands before it.
            return read(name if "approx" in equals[0][0] else value)
        if _NAME.fullmatch(value) and len(equals) == 1 and equals[0][0] == "=":
            name, value = value, name
    if not value or not (_NAME.fullmatch(name) or _is_vector_of_names(name)):
        return None
    inner = read(value)
    if name.startswith("(") and isinstance(inner, Group) and inner.kind == "()":
        names = name[1:-1].split(",")
        if len(names) == len(inner.parts):
            pairs = zip(names, inner.parts, strict=True)
            return Group(LIST, tuple(Named(_plain(key), part, part.source) for key, part in pairs), source)
    return Named(_plain(name), inner, source)


def _is_numeric(source: str) -> bool:
    """Whether a formula is free of letters."""
    return re.search("[A-Za-z]", re.sub(r"\\[a-zA-Z]+(?:\{[a-z]+\})?", "", source)) is None


def _is_vector_of_names(source: str) -> bool:
    matrix = _read_matrix(source)
    return isinstance(matrix, Group) and all(_NAME.fullmatch(part.source) is not None for part in matrix.parts)


def _plain(name: str) -> str:
    name = re.sub(r"\\text|m?\s*\\angle|[\s{}]", "", name)
    name = _PLAIN_CALL.sub("", name)
    return name.casefold()


def _read_relations(source: str) -> Node | None:
    signs = outside(source, RELATION)
    if not signs or outside(source, EQUALS):
        return None
    starts = [0, *(sign.end() for sign in signs)]
    ends = [*(sign.start() for sign in signs), len(source)]
    parts = [source[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    kinds = [sign[0].strip("\\") for sign in signs]
    if not all(parts):
        return None
    if len(parts) == 2 and kinds[0] in ("<", "le") and (absolute := _ABSOLUTE.fullmatch(parts[0])):
        # `|x| < 2` bounds x on both sides.
        return Group(f"{kinds[0]} {kinds[0]}", (Part(f"-({parts[1]})"), Part(absolute[1]), Part(parts[1])), source)
    if all(kind in (">", "ge") for kind in kinds):
        parts, kinds = parts[::-1], [_TURNED[kind] for kind in kinds[::-1]]
    return Group(" ".join(kinds), tuple(map(Part, parts)), source)


def _read_matrix(source: str) -> Node | None:
    found = _MATRIX.match(source)
    if found is None:
        return None
    rest = _strip(source[found.end() :])
    if rest and not _REMARK.fullmatch(rest):
        return None
    rows = [[cell.strip() for cell in row.split("&")] for row in found["body"].split(r"\\") if row.strip()]
    if not rows or len({len(row) for row in rows}) > 1 or not all(map(all, rows)):
        return None
    if len(rows) == 1 or len(rows[0]) == 1:
        kind = COLUMN if len(rows[0]) == 1 else ROW
        return Group(kind, tuple(Part(cell) for row in rows for cell in row), source)
    return Group(MATRIX, tuple(Group(ROW, tuple(map(Part, row)), "&".join(row)) for row in rows), source)


def _read_union(source: str) -> Node | None:
    parts = split_outside(source, r"\\cup(?![a-zA-Z])")
    return Group(UNION, tuple(map(read, parts)), source) if len(parts) > 1 else None


def _read_brackets(source: str) -> Node | None:
    if source.startswith(r"\{") and source.endswith(r"\}") and closing(source, 1) == len(source) - 1:
        if described := _SET_OF.fullmatch(source):
            return read(described[1])
        inner = read(source[2:-2])
        return Group(SET, inner.parts, source) if isinstance(inner, Group) and inner.kind == LIST else inner
    if len(source) > 2 and source[0] == "]" and source[-1] == "[":
        source = f"({source[1:-1]})"
    if not source or source[0] not in "([" or closing(source, 0) != len(source) - 1:
        return None
    parts = split_outside(source[1:-1], r"[,;]")
    if len(parts) > 1:
        # Three numbers in square brackets are no interval: a list, as programs write it.
        kind = source[0] + source[-1]
        return Group(LIST if kind == "[]" and len(parts) > 2 else kind, tuple(map(read, parts)), source)
    inner = read(source[1:-1])
    return inner if isinstance(inner, Group) and inner.kind in (MATRIX, ROW, COLUMN) else None


def _read_signs(source: str) -> Node | None:
    if not re.search(r"\\[pm]{2}(?![a-zA-Z])", source):
        return None
    plus = re.sub(r"\\pm(?![a-zA-Z])", "+", re.sub(r"\\mp(?![a-zA-Z])", "-", source))
    minus = re.sub(r"\\pm(?![a-zA-Z])", "-", re.sub(r"\\mp(?![a-zA-Z])", "+", source))
    return Group(LIST, (Part(plus.strip().removeprefix("+").strip()), Part(minus.strip())), source)
