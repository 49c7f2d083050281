"""What is killed, and what must be there afterwards."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.jobs.registry import Job, Jobs
from curate.progress import read_events
from evals.evaluate import row_key
from s1core.store import read_manifest, read_rows
from tests.faults.nursery import Nursery

PATIENCE_S = 180.0


class Lost(AssertionError):
    """Something that was whole, or was promised, is so no more."""


class Scene:
    """One kind of process that is killed again and again."""

    name = ""
    kept = ""
    """What is checked after each kill."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        self.nursery, self.folder = nursery, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.kills = self.early = 0

    def prepare(self) -> None:
        """Find out what the unbroken work leaves, where that is compared."""

    def start(self) -> int:
        """Begin or go on; return the process."""
        raise NotImplementedError

    @property
    def longest_s(self) -> float:
        """The latest moment of a kill, after the start."""
        return 0.5

    def check(self) -> None:
        """See that nothing was lost by the kill that just was."""
        raise NotImplementedError

    def finish(self) -> str:
        """Let the work come to its end; return what there is to tell."""
        raise NotImplementedError

    def wait_for(self, there: Callable[[], object], what: str, most_s: float = PATIENCE_S) -> None:
        """Wait, for a while, until something is so."""
        ends_s = time.monotonic() + most_s
        while not there():
            if time.monotonic() > ends_s:
                raise Lost(
                    f"{what} did not come within {most_s:.0f} s; the last command said: {self.nursery.said[-800:]}"
                )
            time.sleep(0.05)


class Command(Scene):
    """A command that goes on where it was killed, and in the end leaves what it leaves undisturbed."""

    module = ""

    def prepare(self) -> None:
        """Run it undisturbed."""
        self._number = self._ended = 0
        began_s = time.monotonic()
        if self.nursery.wait(self.nursery.start(self.module, *self.words(self.folder / "unbroken"))) != 0:
            raise Lost(f"the undisturbed run failed: {self.nursery.said[-800:]}")
        self._took_s = time.monotonic() - began_s
        self._expected = self.result(self.folder / "unbroken")
        self._before: dict[Path, bytes] = {}

    def words(self, out: Path) -> list[str]:
        """Its arguments."""
        raise NotImplementedError

    def result(self, out: Path) -> Any:
        """What it left, but for times."""
        raise NotImplementedError

    def files(self, out: Path) -> Iterable[Path]:
        """Files whose whole lines may never go away."""
        raise NotImplementedError

    @property
    def out(self) -> Path:
        """Its folder; a new one once it came to its end."""
        return self.folder / str(self._number)

    @property
    def longest_s(self) -> float:
        """A third of what it takes: several kills before it ends."""
        return self._took_s / 3

    def start(self) -> int:
        """Go on."""
        self._before = {path: path.read_bytes() for path in self.files(self.out) if path.exists()}
        return self.nursery.start(self.module, *self.words(self.out))

    def check(self) -> None:
        """Whole lines that were there are there."""
        for path, before in self._before.items():
            if not path.exists() or not path.read_bytes().startswith(before[: before.rfind(b"\n") + 1]):
                raise Lost(f"{path} lost lines")

    def ended(self) -> None:
        """It came to its end before its kill: look at all it left, and begin anew."""
        self._compare()
        self._number += 1

    def finish(self) -> str:
        """Undisturbed at last."""
        if self.nursery.wait(self.nursery.start(self.module, *self.words(self.out))) != 0:
            raise Lost(f"it does not go on: {self.nursery.said[-800:]}")
        self._compare()
        return f"{self._number + 1} whole, each as undisturbed"

    def _compare(self) -> None:
        if self.result(self.out) != self._expected:
            raise Lost(f"{self.out} is not what an undisturbed run leaves")


class Sweep(Command):
    """A grid of budgets and Waits of s1-nano."""

    name, kept, module = "a sweep", "its samples", "evals.sweep"

    def words(self, out: Path) -> list[str]:
        """A small one."""
        grid = ["--budgets", "0,32,128,none", "--waits", "0,1,2"]
        return ["--limit", "16", "--concurrency", "12", *grid, "--out", str(out)]

    def files(self, out: Path) -> Iterable[Path]:
        """Its samples."""
        return [out / "samples.jsonl"]

    def result(self, out: Path) -> Any:
        """Every sample once."""
        rows = list(read_rows(out))
        if len({row_key(row) for row in rows}) != len(rows):
            raise Lost(f"{out} holds a sample twice")
        return read_manifest(out)["config"], {row_key(row): row for row in rows}


class Curation(Command):
    """s1-nano's own curation with its weaker models, all stages."""

    name, kept, module = "a curation", "its facts and sets", "curate.run"

    def words(self, out: Path) -> list[str]:
        """A small one, whose facts are kept beside it."""
        asked = ["--recipe", "nano", "--source", "nano:400", "--target", "40"]
        return [*asked, "--out", str(out), "--cache", str(out.with_name(f"{out.name}.cache"))]

    def files(self, out: Path) -> Iterable[Path]:
        """What models wrote."""
        return out.with_name(f"{out.name}.cache").glob("*/samples.jsonl")

    def check(self) -> None:
        """A kill tears no line but the last, and leaves no half of a set."""
        super().check()
        read_events(self.out)
        if (self.out / "manifest.json").exists():
            told = json.loads((self.out / "manifest.json").read_text(encoding="utf-8"))
            if told["state"] == "finished":
                self.result(self.out)

    def result(self, out: Path) -> Any:
        """The rows, and how many each stage let through."""
        import datasets

        told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        rows: Any = datasets.load_from_disk(str(out / "dataset"))
        if told["state"] != "finished" or told["rows"] != len(rows):
            raise Lost(f"{out} is not finished, or its manifest counts other rows")
        return told["rows_hash"], [
            {k: stage[k] for k in ("stage", "rows_in", "rows_out") if k in stage} for stage in told["funnel"]
        ]


class Launches(Scene):
    """Whoever launches jobs, killed while it does."""

    name, kept = "a launcher of jobs", "each job that was promised runs, once"

    def start(self) -> int:
        """Go on launching."""
        (self.folder / "ran").mkdir(exist_ok=True)
        return self.nursery.start("tests.faults.launcher", str(self.folder / "promised"), str(self.folder / "ran"))

    @property
    def promised(self) -> list[str]:
        """Names of jobs whose launch has returned."""
        path = self.folder / "promised"
        return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []

    def jobs(self) -> dict[str, Job]:
        """As a server that starts now finds them."""
        return {job.id: job for job in Jobs(self.folder.parent / "jobs").all("small")}

    def check(self) -> None:
        """All that were promised are known."""
        known = self.jobs()
        if lost := [name for name in self.promised if name not in known]:
            raise Lost(f"jobs that were promised are unknown: {lost}")

    def finish(self) -> str:
        """Every promise is kept."""
        self.wait_for(lambda: all(job.over for job in self.jobs().values()), "the end of all jobs", 600)
        known = self.jobs()
        for name in self.promised:
            job = known[name]
            ran = Path(job.about["out"])
            if job.state != "done" or ran.read_text(encoding="utf-8") != "ran\n":
                raise Lost(f"{name} was promised and is {job.state}: {job.reason}")
        return f"{len(self.promised)} jobs, each done once"


def moment(scene: Scene, draw: random.Random) -> float:
    """When the next kill comes, after the start."""
    return draw.uniform(0, scene.longest_s)
