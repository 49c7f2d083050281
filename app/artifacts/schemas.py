"""What the files that runs leave hold, as far as the page uses it. One that holds something else counts as damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

# Python's own is not taken by pydantic before 3.12.
from typing_extensions import TypedDict

from s1core.store import read_object

_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Counts = dict[str, _Whole]


class _Status(TypedDict, total=False):
    pid: _Whole
    state: str
    reason: str
    step: _Whole
    total: _Whole
    time: FiniteFloat


class _Exit(TypedDict, total=False):
    code: _Whole | None
    time: FiniteFloat


class _Facts(TypedDict, total=False):
    rows: _Whole
    held_out: _Whole
    too_long: _Whole


class _Training(TypedDict, total=False):
    recipe: str
    model: str
    data: str
    data_facts: _Facts
    parameters_held: list[_Whole]
    lora_rank: _Whole


class _Step(TypedDict, total=False):
    step: _Whole
    loss: FiniteFloat | None
    lr: FiniteFloat | None
    grad_norm: FiniteFloat | None
    tokens_s: FiniteFloat | None
    step_s: FiniteFloat | None
    eta_s: FiniteFloat | None
    eval_loss: FiniteFloat | None


_Event = TypedDict(
    "_Event",
    {
        "at": NotRequired[FiniteFloat],
        "stage": str | None,
        "state": str,
        "in": NotRequired[_Whole],
        "done": NotRequired[_Whole],
        "out": NotRequired[_Whole | None],
        "rejected": NotRequired[_Counts],
        "seconds": NotRequired[FiniteFloat],
        "known": NotRequired[bool],
        "detail": NotRequired[str],
        "pid": NotRequired[_Whole],
    },
)


class _RunRequest(TypedDict):
    name: str
    files: NotRequired[list[Any]]


class _Selection(TypedDict, total=False):
    sources: list[_RunRequest]
    mode: str
    seed: _Whole


class _Source(TypedDict):
    name: str
    private: NotRequired[bool]
    selected: _Whole
    licence: str


class _Cost(TypedDict, total=False):
    usd: FiniteFloat


class _Set(TypedDict, total=False):
    config: _Selection
    state: str
    rows: _Whole
    sources: list[_Source]
    domains: _Counts
    thinking_tokens: dict[str, FiniteFloat]
    teacher_right: _Counts
    cost: _Cost


_KINDS = (_Status, _Training, _Step, _Exit, _Event, _Set)
STATUS, TRAINING, STEP, EXIT, EVENT, SET = (TypeAdapter[Any](kind) for kind in _KINDS)
"""A fine-tuning's status, settings and log; how a job ended; a curation's progress and manifest."""


def fits(value: Any, shape: TypeAdapter[Any]) -> bool:
    """Whether a value has this shape; what else it holds does not matter."""
    try:
        shape.validate_python(value, strict=True)
    except (ValidationError, OverflowError, RecursionError):
        return False
    return True


def read_shaped(path: Path, shape: TypeAdapter[Any]) -> dict[str, Any]:
    """Read a JSON object of this shape; empty where the file is missing, torn or something else."""
    found = read_object(path)
    return found if fits(found, shape) else {}
