"""Domains: what a question is about, by Claude in the classes of MSC2020, or by what its source says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from curate.claude.classes import class_title
from curate.claude.client import Claude
from curate.claude.tasks import DOMAIN, Ask, domain_text
from curate.rows import OnProgress, Outcome, Rejection, Row
from curate.sources import PROBLEMS
from s1core.nano import detect_family


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The domain of a question; None where none was found, and `why` says the reason."""

    domain: str | None
    why: str = ""


class Labeller(Protocol):
    """Assigns domains."""

    @property
    def config(self) -> dict[str, Any]:
        """All that decides them."""
        ...

    def label(self, rows: Sequence[Row], on_progress: Callable[[int], None]) -> list[Found]:
        """The domain of each row, in order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalLabeller:
    """s1-nano's families by their form; of other questions the subject that the source gives, else the source.

    An English problem may have the form of one of s1-nano's questions; its own family counts.
    """

    @property
    def config(self) -> dict[str, Any]:
        """Its rule is fixed."""
        return {"domains": "local"}

    def label(self, rows: Sequence[Row], on_progress: Callable[[int], None]) -> list[Found]:
        """Tell domains without asking anybody."""
        return [
            Found(domain=(row.source != PROBLEMS.name and detect_family(row.question)) or row.subject or row.source)
            for row in rows
        ]


@dataclass(frozen=True, kw_only=True)
class ClaudeLabeller:
    """Asks Claude for one of the classes."""

    claude: Claude

    @property
    def config(self) -> dict[str, Any]:
        """Model and prompt."""
        return {"domains": self.claude.model_name, "prompt": DOMAIN.hash}

    def label(self, rows: Sequence[Row], on_progress: Callable[[int], None]) -> list[Found]:
        """Ask about each question."""
        asks = [Ask(key=row.key, text=domain_text(row.question)) for row in rows]
        answers = self.claude.ask(DOMAIN, asks, on_progress)

        def found(row: Row) -> Found:
            answer = answers[row.key]
            if answer.value is None:
                return Found(domain=None, why=answer.outcome)
            return Found(domain=f"{answer.value} {class_title(answer.value)}")

        return [found(row) for row in rows]


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Adds the domain; a row without one is rejected by the reason."""

    labeller: Labeller
    name: str = "domain"
    pure: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        return self.labeller.config

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Label every row."""
        kept: list[Row] = []
        rejections: list[Rejection] = []
        counts: Counter[str] = Counter()
        for row, found in zip(rows, self.labeller.label(rows, lambda done: on_progress(done, counts)), strict=True):
            if found.domain is None:
                rejections.append(Rejection.of(row, self.name, f"domain:{found.why}"))
            else:
                kept.append(replace(row, domain=found.domain))
        return Outcome(rows=kept, rejections=rejections)
