"""What was asked on the Train tab, checked, as words for `train.launch`. Pure but for a look at the data's files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from app.artifacts.curated.rows import ROWS
from app.artifacts.curated.sets import EXAMPLES, NoSuchSet, SetStore
from app.jobs.commands import CODE, FormError, OneAtATime, absolute, answer, is_there, lines, number
from app.tabs.train.slurm import Slurm, read_slurm

MOST_PROCESSES = 64
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,79}")
_SETTING = re.compile(r"\s*([\w-]+)\s*=\s*(.*)")
_MADE = re.compile(r"(problems|skills):[1-9]\d{0,4}")
"""Rows that `train.sft` makes itself."""
_preflights = OneAtATime("ask", 120.0)


@dataclass(frozen=True, kw_only=True)
class Data:
    """The rows to train on."""

    name: str
    """Of the curated set, or of the file."""
    path: Path
    personal: bool
    """A file of the owner's, which no set holds."""
    made: bool = False
    """No file: `train.sft` makes the rows when it starts."""

    @property
    def shown(self) -> str:
        """Its place, without where this playground lies."""
        if self.made:
            return str(self.path)
        return str(self.path.relative_to(CODE)) if self.path.is_relative_to(CODE) else f"curated/{self.name}"

    @property
    def stamp(self) -> list[int]:
        """Changes when the rows do."""
        stamped = self.path / "dataset" / "state.json" if self.path.is_dir() else self.path
        return [stamped.stat().st_size, stamped.stat().st_mtime_ns] if stamped.exists() else []


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """A fine-tuning as it was asked for."""

    recipe: str
    data: Data | None
    """None to plan without data."""
    settings: tuple[str, ...]
    """`key=value`, changing the recipe."""
    processes: int
    """On this machine, or on each node of Slurm's."""
    slurm: Slurm | None = None
    """None runs on this machine."""
    given_name: str = ""
    on: str = ""
    """GPUs to plan for, as `16xH100`; empty takes those that are here."""

    @property
    def deciding(self) -> list[str]:
        """The words that decide the model. Values are joined to their options, so that none can be taken for one."""
        rows = [f"--data={self.data.path}"] if self.data else []
        return [f"--recipe={self.recipe}", *rows, *(f"--set={setting}" for setting in self.settings)]

    @property
    def name(self) -> str:
        """Of the run's folder: the same form goes on where it was stopped, another one has another folder."""
        if self.given_name:
            return self.given_name
        settings = json.dumps([self.deciding, self.data.stamp if self.data else []])
        rows = f"-{re.sub(r'[^A-Za-z0-9]+', '-', self.data.name).strip('-')[:40]}" if self.data else ""
        return f"{self.recipe}{rows}-{hashlib.sha256(settings.encode()).hexdigest()[:4]}"

    @property
    def device(self) -> str | None:
        """What of this machine it computes on, for the queue of jobs; under Slurm nothing."""
        if self.slurm:
            return None
        devices = [setting.partition("=")[2] for setting in self.settings if setting.startswith("device=")]
        return "cpu" if "cpu" in devices else device_here()

    def launch_words(self, root: Path) -> list[str]:
        """All words of the job, without the interpreter.

        Raises:
            FormError: there is no data.
        """
        return self._words(self.deciding, str(root.resolve() / self.name))

    def command(self, root: Path) -> str:
        """Exactly what runs, as a line for a shell."""
        return shlex.join([sys.executable, *self.launch_words(root)])

    def command_elsewhere(self) -> str:
        """The same in a playground of one's own: it contains no local path."""
        rows = [word if not word.startswith("--data=") else f"--data={_data(self).shown}" for word in self.deciding]
        return shlex.join(["python", *self._words(rows, f"runs/sft/{self.name}")])

    def _words(self, deciding: list[str], out: str) -> list[str]:
        _data(self)
        where = [*(self.slurm.words if self.slurm else ()), f"--processes={self.processes}"]
        return ["-m", "train.launch", *where, *deciding, f"--out={out}", "--resume"]


def _data(asked: TrainingRequest) -> Data:
    if asked.data is None:
        raise FormError("Choose the data: a curated set, or a .jsonl or .parquet file.")
    return asked.data


@cache
def catalogue() -> dict[str, Any]:
    """Recipes with their settings, the known keys, and how many GPUs are here, as reported by `train.sft`.

    Raises:
        FormError: it does not run.
    """
    return json.loads(answer(["-m", "train.sft", "--list", "--json"], 60.0))


def device_here() -> str:
    """What this machine computes on where nobody says."""
    return "cuda" if catalogue()["gpus"] else "cpu"


def keys_of(recipe: str) -> list[tuple[str, str]]:
    """The keys that a setting may change, each with what the recipe has for it."""
    config = catalogue()["recipes"][recipe]["config"]
    return [(key, _written(config[key])) for key in catalogue()["keys"] if key not in ("data", "model")]


def _written(value: Any) -> str:
    return {True: "true", False: "false", None: "none"}[value] if isinstance(value, bool | None) else str(value)


def is_personal(form: Mapping[str, Any], sets: SetStore) -> bool:
    """Whether a form names files or models, at which only the owner may make this machine look."""
    named = str(form["data"] or "").strip()
    keys = {line.partition("=")[0].strip() for line in str(form["settings"] or "").splitlines()}
    known = not named or _MADE.fullmatch(named) or _set_of(named, sets, owner=False) is not None
    return bool(keys & {"model", "data"}) or not known


def read_form(form: Mapping[str, Any], sets: SetStore, *, owner: bool) -> TrainingRequest:
    """Check what the page sent.

    Raises:
        FormError: a field is out of range, or nothing is chosen.
    """
    recipe = str(form["recipe"])
    known = catalogue()
    if recipe not in known["recipes"]:
        raise FormError(f"There is no recipe called {recipe[:40]!r}; known: {', '.join(known['recipes'])}.")
    name = str(form["name"] or "").strip()
    if name and not _NAME.fullmatch(name):
        raise FormError("Name: letters, digits, dots and dashes, at most 80 of them.")
    return TrainingRequest(
        recipe=recipe,
        data=_read_data(form["data"], sets, owner),
        settings=tuple(_setting(line, known["keys"]) for line in lines(form["settings"], "Settings", most=60)),
        processes=int(number(form["processes"], "Processes", 1, MOST_PROCESSES)),
        slurm=read_slurm(form),
        given_name=name,
        on=next(iter(lines(form["on"], "Plan for", most=1)), ""),
    )


def _setting(line: str, known: list[str]) -> str:
    found = _SETTING.fullmatch(line)
    if not found:
        raise FormError(f"Settings: one key=value a line; {line[:60]!r} is none.")
    key, value = found[1].replace("-", "_"), found[2].strip()
    if key == "data":
        raise FormError("Settings: choose the data in its own field.")
    if key not in known:
        raise FormError(f"Settings: there is no key {key[:40]!r}; known: {', '.join(k for k in known if k != 'data')}.")
    return f"{key}={absolute(value) if key == 'model' else value}"


def _read_data(value: Any, sets: SetStore, owner: bool) -> Data | None:
    named = next(iter(lines(value, "Data", most=1)), "")
    if not named:
        return None
    if _MADE.fullmatch(named):
        return Data(name=named, path=Path(named), personal=False, made=True)
    found = _set_of(named, sets, owner)
    if found is not None:
        return found
    path = Path(absolute(named))
    if not owner or not is_there(path):
        raise FormError("There is no such data; choose a curated set, or name a .jsonl or .parquet file that is there.")
    return Data(name=path.stem, path=path, personal=True)


def _set_of(name: str, sets: SetStore, owner: bool) -> Data | None:
    """The rows of a curated set; None where there is no set of this name that this visitor may see."""
    try:
        one = sets.find(name, owner=owner)
    except NoSuchSet:
        return None
    bare = one.folder.name
    if one.example:
        return Data(name=bare, path=EXAMPLES.resolve() / bare / ROWS, personal=False)
    return Data(name=bare, path=one.folder.resolve(), personal=False)


def preflight(asked: TrainingRequest) -> dict[str, Any]:
    """What it would need and how long it would take; nothing is trained.

    Raises:
        FormError: there is no estimate; the message says why.
    """
    if asked.slurm and asked.slurm.gpus and not asked.on:
        count = asked.slurm.nodes * asked.slurm.gpus
        raise FormError(
            f"Slurm's GPUs are not looked at from here: say what they are in Preflight for, as {count}xH100."
        )
    on = [f"--on={asked.on}"] if asked.on else []
    world = asked.processes * (asked.slurm.nodes if asked.slurm else 1)
    # Local files only: the form must not wait for a tokenizer's download, and no visitor may start one.
    environment = {**os.environ, "WORLD_SIZE": str(world), "HF_HUB_OFFLINE": "1"}
    words = ["-m", "train.sft", *asked.deciding, "--preflight", *on, "--json"]
    try:
        report = json.loads(_preflights.answer(words, environment))
    except FormError as error:
        raise FormError(_without_place(str(error), asked)) from None
    for key in ("model", "data"):
        report[key] = _without_place(report[key], asked)
    return report


def shortfall(asked: TrainingRequest) -> dict[str, Any] | None:
    """The preflight of a run that does not fit on its device; None where it fits, or where there is no estimate."""
    try:
        report = preflight(replace(asked, on=asked.on if asked.slurm else ""))
    except FormError:
        return None
    return None if report["fits"] else report


def _without_place(text: str, asked: TrainingRequest) -> str:
    """The sentence without where this playground lies."""
    if asked.data:
        text = text.replace(str(asked.data.path), asked.data.name)
    return text.replace(f"{CODE}/", "")


def check(asked: TrainingRequest, root: Path) -> None:
    """Have the launcher look at the words without starting anything.

    Raises:
        FormError: it would refuse them, and why.
    """
    answer([*asked.launch_words(root), "--print"], 60.0)
