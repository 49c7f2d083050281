"""Files that a visitor drops on the page -> runs in the store. Nothing a visitor sends becomes a path.

Files are written, under names of which only harmless characters are kept, to a folder of this process that goes when
the import ends. Sizes are counted while the files arrive, whatever their headers claim.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from app.access.limits import is_public
from app.artifacts.curves.store import CurveStore, visitor_views
from app.shell.responses import View
from evals.importers.foreign import ForeignRun
from evals.importers.lines import Notes
from evals.importers.reading import Choice
from evals.importers.rows import Sample
from evals.importers.tokens import CountTokens, TokenizerUnavailable, load_counter
from evals.importers.write import AS_RECORDED, find_all, write_counted
from evals.reports.cached import run_series
from s1core import S1Error
from s1core.models import PRESETS
from s1core.store import read_manifest

CHARACTERS_PER_TOKEN = 4.6
"""English reasoning under Qwen2.5's tokenizer: 5.0 million characters of s1.1-32B's traces are 1.1 million tokens."""
ESTIMATED = f"estimated at {CHARACTERS_PER_TOKEN} characters each"
UNNAMED = "unnamed model"
"""Samples without results beside them are named after their folder."""
MOST_SECONDS = 120.0
_ENDINGS = (".json", ".jsonl", ".eval")
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one import may hold."""

    file_mb: int
    total_mb: int
    files: int = 64


HERE = Limits(file_mb=128, total_mb=512)
IN_PUBLIC = Limits(file_mb=32, total_mb=96)


def limits() -> Limits:
    """Return what is allowed here."""
    return IN_PUBLIC if is_public() else HERE


class UploadRefused(S1Error, ValueError):
    """The files cannot be taken; the message says why and what to do."""


class Importer:
    """Takes uploads one after another, so that memory is bounded by one."""

    def __init__(self, store: CurveStore) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(1)

    async def take(self, request: Request, choice: Choice = AS_RECORDED) -> View:
        """Import the files of a request.

        Args:
            request: with the files.
            choice: which of several recorded verdicts counts.

        Returns:
            Their series, a sentence for everything that could not be used or is not known, and what is asked back.

        Raises:
            UploadRefused: nothing of it can be taken.
        """
        allowed = limits()
        notes = Notes()
        with tempfile.TemporaryDirectory(prefix="s1-upload-") as name:
            paths = await _receive(request, Path(name), allowed, notes)
            async with self._turn:
                views = await asyncio.to_thread(self._import, paths, allowed, choice, notes)
        asked = [
            {"sentence": _without_folders(one.sentence, name), "verdicts": one.verdicts, "regrade": one.regrade}
            for one in notes.questions
        ]
        return {"series": views, "notes": [_without_folders(note, name) for note in notes], "questions": asked}

    def _import(self, paths: list[Path], allowed: Limits, choice: Choice, notes: Notes) -> list[View]:
        views: list[View] = []
        ends_s = time.monotonic() + MOST_SECONDS
        for group in find_all(paths, allowed.file_mb, notes):
            key, folder = self._store.new_folder()
            found: list[View] = []
            try:
                found = self._import_group([_bounded(run, ends_s) for run in group], key, folder, choice, notes)
            except S1Error as error:
                notes.add(str(error).replace(str(folder), "this import"))
            if not found:
                self._store.drop(key)
            views += found
        return views

    def _import_group(self, runs: list[ForeignRun], key: str, folder: Path, choice: Choice, notes: Notes) -> list[View]:
        count, counted_by = counter_for(runs[0].model)
        about = Notes()
        written = write_counted(runs, folder, count, counted_by, about, choice)
        for note in about:
            notes.add(note.replace(str(folder), "this import"))
        for question in about.questions:
            notes.ask(question)
        if written is None:
            notes.add(f"{runs[0].path} gave no sample that can be used")
            return []
        source = _named(runs)
        estimated = read_manifest(written).get("tokenizer") == ESTIMATED
        if estimated:
            notes.add(
                f"The thinking tokens of {runs[0].model} are {ESTIMATED}, since its tokenizer is not on this machine; "
                "python -m evals.import_lm_eval with --tokenizer counts them exactly"
            )
            source += f"; thinking tokens {ESTIMATED}"
        # An estimate cannot show whether a budget was kept.
        known = {"control": None} if estimated else {}
        return visitor_views([replace(one, source=source, **known) for one in run_series(folder)], key)


def _named(runs: list[ForeignRun]) -> str:
    more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    return f"{runs[0].path.name}{more}"


def counter_for(model: str) -> tuple[CountTokens, str]:
    """Return a count of tokens, and who counts: the tokenizer of a known model if it is on this machine.

    What a file calls its model is never looked up on the network, nor among the folders here.
    """
    preset = next((p for p in PRESETS.values() if model in (p.name, p.location)), None)
    if preset is not None and (folder := _cached_tokenizer(preset.location)) is not None:
        try:
            return load_counter(str(folder)), preset.name
        except TokenizerUnavailable:
            pass
    return lambda text: round(len(text) / CHARACTERS_PER_TOKEN), ESTIMATED


def _cached_tokenizer(location: str) -> Path | None:
    # Imported late: the hub's client is of no use before the first import.
    from huggingface_hub import try_to_load_from_cache

    if Path(location).is_dir():
        return Path(location)
    found = try_to_load_from_cache(location, "tokenizer.json")
    return Path(found).parent if isinstance(found, str) else None


async def _receive(request: Request, folder: Path, allowed: Limits, notes: Notes) -> list[Path]:
    """Write the files of a request to `folder`."""
    too_much = UploadRefused(
        f"These files hold more than {allowed.total_mb} MB, the most that is taken at once here; "
        "add fewer of them, or import them with python -m evals.import_lm_eval."
    )
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > allowed.total_mb * 2**20:
        raise too_much

    async def counted() -> AsyncGenerator[bytes, None]:
        left = allowed.total_mb * 2**20
        async for part in request.stream():
            left -= len(part)
            if left < 0:
                raise too_much
            yield part

    try:
        form = await MultiPartParser(request.headers, counted(), max_files=allowed.files, max_fields=0).parse()
    except MultiPartException as error:
        raise UploadRefused(
            f"The files did not arrive as they should ({error.message}); add at most {allowed.files} at a time."
        ) from error
    except UploadRefused:
        raise
    except (KeyError, ValueError, ClientDisconnect) as error:
        raise UploadRefused("The files did not arrive as they should; try again.") from error
    try:
        uploads = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
        saved = await asyncio.to_thread(
            lambda: [_save(upload, number, folder, allowed, notes) for number, upload in enumerate(uploads)]
        )
    finally:
        await form.close()
    if not uploads:
        raise UploadRefused("No file arrived; drop lm-eval's results and samples or inspect's logs on the page.")
    return [path for path in saved if path is not None]


def _save(upload: UploadFile, number: int, folder: Path, allowed: Limits, notes: Notes) -> Path | None:
    name = safe_name(upload.filename or "")
    size = upload.size or 0
    if not name.endswith(_ENDINGS):
        notes.add(
            f"{name} is neither .json nor .jsonl nor .eval and was left out; lm-eval's results and samples and "
            "inspect's logs are read here"
        )
    elif size == 0:
        notes.add(f"{name} is empty (zero bytes) and was left out")
    elif size > allowed.file_mb * 2**20:
        notes.add(
            f"{name} holds {size / 2**20:,.0f} MB, more than the {allowed.file_mb} MB that are taken here; "
            "import it with python -m evals.import_lm_eval"
        )
    else:
        path = folder / UNNAMED / name
        if path.exists():
            path = folder / str(number) / UNNAMED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file)
        return path
    return None


def safe_name(name: str) -> str:
    """Keep the last part of a name, and of it the harmless characters."""
    last = re.split(r"[\\/]", name)[-1]
    kept = _UNSAFE.sub("_", last).lstrip(".")[-160:]
    return kept or "unnamed"


def _bounded(run: ForeignRun, ends_s: float) -> ForeignRun:
    """The same run, whose samples end when the time is up: grading a hostile file may take seconds a line."""

    def samples(notes: Notes) -> Iterator[Sample]:
        for sample in run.samples(notes):
            if time.monotonic() > ends_s:
                notes.add(
                    f"{run.path} took more than {MOST_SECONDS:.0f} s and was imported in part; "
                    "python -m evals.import_lm_eval has no such limit"
                )
                return
            yield sample

    return replace(run, samples=samples)


def _without_folders(note: str, folder: str) -> str:
    """Where files lie on this machine is nobody's business; their names are enough."""
    return re.sub(rf"{re.escape(folder)}/(\d+/)?({re.escape(UNNAMED)}/)?", "", note)
