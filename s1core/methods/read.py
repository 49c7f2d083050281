"""Methods from one line of text: `early-exit:every=16,equal=2+3,budget=256`.

A name, then settings. Values that are joined by `+` make a method each, and together a curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import product
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from s1core.budget import Budget
from s1core.errors import InvalidSetting
from s1core.methods.adaptive_vote import AdaptiveVote
from s1core.methods.base import Method
from s1core.methods.best_of_n import BestOfN
from s1core.methods.control import Asking
from s1core.methods.early_exit import EarlyExit
from s1core.methods.forcing import Forcing
from s1core.methods.no_wait import NoWait
from s1core.methods.rebase import Rebase
from s1core.methods.rejection import RejectionSampling
from s1core.methods.vote import MajorityVote

_KINDS = (Forcing, Asking, RejectionSampling, MajorityVote, AdaptiveVote, EarlyExit, NoWait, BestOfN, Rebase)
METHODS: Mapping[str, type[Method]] = {kind.name: kind for kind in _KINDS}
"""Every method by its name in specifications."""

_BUDGET = {"budget": "max_thinking_tokens", "min_thinking": "min_thinking_tokens", "waits": "waits"}
"""Settings of any method that belong to its budget."""
_SWITCHES = {"yes": True, "true": True, "no": False, "false": False}


def read_methods(line: str, budget: Budget | None = None) -> list[Method]:
    """Read one line: a name and settings; one method for each combination of values.

    >>> [one.label for one in read_methods("vote:samples=1+4")]
    ['majority of 1', 'majority of 4']

    Args:
        line: `NAME` or `NAME:SETTING=VALUE,...`; `budget`, `min_thinking` and `waits` are settings of every method.
        budget: what the line does not say of the budget.

    Raises:
        InvalidSetting: no such method, setting or value.
    """
    name, _, rest = line.strip().partition(":")
    kind = METHODS.get(name.strip())
    if kind is None:
        raise InvalidSetting(f"there is no method {name.strip()[:40]!r}; there are {', '.join(METHODS)}")
    kinds = _settings(kind)
    found: dict[str, list[Any]] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in kinds or not equals:
            raise InvalidSetting(f"{part[:40]!r} is no setting of {kind.name}; it has {', '.join(kinds)}")
        if key in found:
            raise InvalidSetting(f"{kind.name} has {key} twice; join its values with +, as in {key}=1+2")
        try:
            found[key] = _values(kinds[key], value)
        except ValueError:
            raise InvalidSetting(f"{key} of {kind.name} cannot be {value[:40]!r}; see docs/methods.md") from None
    chosen = (dict(zip(found, values, strict=True)) for values in product(*found.values()))
    return [_made(kind, budget or Budget(), settings) for settings in chosen]


def read_method(line: str, budget: Budget | None = None) -> Method:
    """Read a line that names one method alone.

    Raises:
        InvalidSetting: it names none, or several.
    """
    methods = read_methods(line, budget)
    if len(methods) != 1:
        raise InvalidSetting(f"{line[:60]!r} is {len(methods)} methods; give each setting one value here")
    return methods[0]


def _made(kind: type[Method], budget: Budget, settings: dict[str, Any]) -> Method:
    forced = {_BUDGET[key]: settings.pop(key) for key in tuple(settings) if key in _BUDGET}
    return kind(budget=replace(budget, **forced), **settings)


def _settings(kind: type[Method]) -> dict[str, Any]:
    """Return the type of each setting."""
    own, forced = get_type_hints(kind), get_type_hints(Budget)
    kinds = {each.name: own[each.name] for each in fields(kind) if each.name != "budget"}
    return kinds | {name: forced[field] for name, field in _BUDGET.items()}


def _values(kind: Any, text: str) -> list[Any]:
    """Read the values of a setting; texts and lists of words have one."""
    if get_origin(kind) is tuple:
        return [tuple(word for word in text.split("+") if word)]
    if str in _alternatives(kind):
        return [text]
    return [_value(kind, part.strip()) for part in text.split("+")]


def _value(kind: Any, text: str) -> Any:
    for one in _alternatives(kind):
        if one is NoneType and text == "none":
            return None
        if one is bool and text in _SWITCHES:
            return _SWITCHES[text]
        if get_origin(one) is Literal and text in get_args(one):
            return text
        if one in (int, float):
            try:
                return one(text)
            except ValueError:
                continue
    raise ValueError(text)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
