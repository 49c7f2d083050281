"""Rejected rows by stage and rule, from a `rejected.jsonl` that may still grow. Only places are held in memory."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from app.shell.responses import View

PAGE = 25
Rule = tuple[str, str]


class RejectedFile:
    """Safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._begin(0)

    def _begin(self, inode: int) -> None:
        self._inode = inode
        self._offset = 0
        self._places: defaultdict[Rule, list[int]] = defaultdict(list)

    def counts(self) -> dict[Rule, int]:
        """How many rows each rule has rejected, in the order of the file."""
        with self._lock:
            self._follow()
            return {rule: len(places) for rule, places in self._places.items()}

    def page(self, stage: str, rule: str, start: int) -> list[dict[str, Any]]:
        """Up to `PAGE` rejections of a rule, from the `start`-th one."""
        with self._lock:
            self._follow()
            places = self._places.get((stage, rule), [])[start : start + PAGE]
            if not places:
                return []
            with self._path.open("rb") as file:
                return [self._read(file, place) for place in places]

    @staticmethod
    def _read(file: Any, place: int) -> dict[str, Any]:
        file.seek(place)
        return json.loads(file.readline())

    def _follow(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._begin(0)
            return
        if found.st_ino != self._inode or found.st_size < self._offset:
            # Every start of the run begins the file anew.
            self._begin(found.st_ino)
        if found.st_size == self._offset:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                place, self._offset = self._offset, self._offset + len(line)
                try:
                    entry = json.loads(line)
                    self._places[(str(entry["stage"]), str(entry["rule"]))].append(place)
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue  # a line that a kill has torn


def rejection_view(entry: dict[str, Any], hidden: bool) -> View:
    """One rejected row for the page; of a question that must not be shown only its place."""
    kept = {name: str(entry.get(name) or "") for name in ("source", "id", "detail", "question")}
    return kept | ({"question": "", "detail": ""} if hidden else {}) | {"hidden": hidden}
