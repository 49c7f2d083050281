"""What was asked on the Curate tab, checked, as words for `curate.run`. Pure but for a look at local files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.jobs.commands import FormError, OneAtATime, absolute, answer, is_there, lines, number

RECIPES = {
    "s1-135m": "s1-135M's own thousand",
    "nano": "s1-nano's own thousand",
    "s1k": "s1K, the paper's sources",
    "files": "first stages only",
}
MADE_HERE = ("problems", "nano")
"""Sources that make as many questions as are asked for."""
MOST_MADE, MOST_TARGET, MOST_USD = 200_000, 100_000, 10_000.0
_estimates = OneAtATime("estimate", 120.0)


@dataclass(frozen=True, kw_only=True)
class CurationRequest:
    """A curation as it was asked for."""

    recipe: str
    sources: tuple[str, ...]
    files: tuple[str, ...]
    """`FILE` or `NAME=FILE`, with absolute paths."""
    evaluation: tuple[str, ...]
    selection: str
    target: int
    models: Mapping[str, Sequence[str]]
    """Options of `curate.run` about models, with their values."""
    max_usd: float
    may_spend: bool

    @property
    def deciding(self) -> list[str]:
        """The words that decide the set. Values are joined to their options, so that none can be taken for one."""
        words = [] if self.recipe == "files" else [f"--recipe={self.recipe}"]
        words += [f"--source={source}" for source in (*self.sources, *self.files)]
        words += [f"--eval={one}" for one in self.evaluation]
        words += [f"--select={self.selection}", f"--target={self.target}"]
        words += [f"--{option}={value}" for option, values in self.models.items() for value in values]
        return words + (["--until=decontaminate"] if self.recipe == "files" else [])

    @property
    def name(self) -> str:
        """Of the run folder: the same form goes on where it was stopped, another one has another folder."""
        stamps = [[path.stat().st_size, path.stat().st_mtime_ns] for path in map(_path, self.files) if is_there(path)]
        deciding_json = json.dumps([self.deciding, stamps])
        return f"{self.recipe}-{self.target}-{hashlib.sha256(deciding_json.encode()).hexdigest()[:6]}"

    def launch_words(self, root: Path) -> list[str]:
        """All words of the job, without the interpreter."""
        root = root.resolve()
        spend = ["--yes"] if self.may_spend else []
        where = [f"--out={root / self.name}", f"--cache={root / '.cache'}"]
        return ["-m", "curate.run", *self.deciding, f"--max-usd={self.max_usd:g}", *spend, *where]


def is_personal(form: Mapping[str, Any]) -> bool:
    """Whether a form names files, models or servers, at which only the owner may make this machine look."""
    return any(str(form[field] or "").strip() for field in ("files", "evaluation", "teacher", "weak", "url"))


def read_form(form: Mapping[str, Any]) -> CurationRequest:
    """Check what the page sent.

    Raises:
        FormError: a field is out of range, or nothing is chosen.
    """
    recipe = str(form["recipe"])
    if recipe not in RECIPES:
        raise FormError("Choose one of the recipes.")
    known = {source["name"] for source in catalogue()["sources"]}
    ticked = form["sources"] or []
    chosen = [str(name) for name in ticked] if isinstance(ticked, list) else [str(ticked)]
    if unknown := [name for name in chosen if name not in known]:
        raise FormError(f"There is no source called {unknown[0][:40]!r}; reload the page.")
    made = int(number(form["made"], "Questions of each source that is made here", 100, MOST_MADE))
    sources = tuple(f"{name}:{made}" if name in MADE_HERE else name for name in chosen)
    files = tuple(_absolute(line) for line in lines(form["files"], "Local files"))
    if not sources and not files:
        raise FormError("Choose at least one source, or name a local file.")
    judge, domains = str(form["judge"]), str(form["domains"])
    if not {judge, domains} <= {"local", "claude"}:
        raise FormError("Judge and domains are either local or Claude.")
    models: dict[str, Sequence[str]] = {
        "teacher": lines(form["teacher"], "Teacher", most=1),
        "weak": lines(form["weak"], "Weaker models"),
        "url": lines(form["url"], "Server", most=1),
        "judge": [judge],
        "domains": [domains],
    }
    if models["url"]:
        models["engine"] = ["http"]
    selections = catalogue()["selections"]
    if form["selection"] not in selections:
        raise FormError(f"The selection is one of {', '.join(selections)}.")
    return CurationRequest(
        recipe=recipe,
        sources=sources,
        files=files,
        evaluation=tuple(_absolute(line) for line in lines(form["evaluation"], "Not to be trained on")),
        selection=str(form["selection"]),
        target=int(number(form["target"], "Target size", 1, MOST_TARGET)),
        models={option: values for option, values in models.items() if values},
        max_usd=number(form["max_usd"], "Spending cap", 0, MOST_USD),
        may_spend=bool(form["may_spend"]),
    )


@cache
def catalogue() -> dict[str, Any]:
    """Sources, recipes and selections, as reported by `curate`.

    Raises:
        FormError: it does not run.
    """
    return json.loads(answer(["-m", "curate.catalogue"], 60.0))


def sources_of(recipe: str) -> list[str]:
    """The sources that a recipe takes, by name."""
    pairs = catalogue()["recipes"].get(recipe, [])
    return [value.partition(":")[0] for option, value in pairs if option == "source"]


def estimate(asked: CurationRequest) -> dict[str, Any]:
    """What it would ask and cost, by published counts: no network, nothing written.

    Raises:
        FormError: there is no estimate; the message says why.
    """
    words = ["-m", "curate.run", *asked.deciding, f"--max-usd={asked.max_usd:g}", "--estimate=counts", "--json"]
    return json.loads(_estimates.answer(words))


def _path(line: str) -> Path:
    return Path(line.rpartition("=")[2])


def _absolute(line: str) -> str:
    """A line that may begin with a name."""
    name, sign, place = line.rpartition("=")
    return f"{name}{sign}{absolute(place)}"
