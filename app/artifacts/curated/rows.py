"""The rows of a curated set: found by words, one by one with its trace. The table stays on disk, mapped into memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from app.shell.responses import View
from s1core import S1Error

pc: Any = pyarrow.compute  # its functions are made at run time and known to no type checker
PAGE = 30
TITLE = 160
"""Characters of a question in a list."""
_SEARCHED = ("question", "attempt", "domain", "source", "id")
ROWS = "rows.jsonl"
EXAMPLE = "example.json"


class NoSuchRow(S1Error, LookupError):
    """The set has no such question, or it may not be shown."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows at hand, and what is known of all of them."""

    table: pa.Table
    total: int
    """Rows of the set; an example brings only some of them."""
    lengths: Sequence[int]
    keys: frozenset[str]

    def search(self, words: str, start: int, hidden: frozenset[str]) -> View:
        """Rows that hold these words, in whatever case, `PAGE` at a time.

        Args:
            words: looked for as they stand in question, answer, domain, source and id.
            start: how many are passed over.
            hidden: sources whose texts must not be shown; they are not searched either.
        """
        table = self.table
        if hidden:
            table = table.filter(pc.invert(pc.is_in(table["source"], pa.array(sorted(hidden)))))
        if words.strip():
            hits = [pc.match_substring(pc.fill_null(table[c], ""), words.strip(), ignore_case=True) for c in _SEARCHED]
            found = hits[0]
            for other in hits[1:]:
                found = pc.or_(found, other)
            table = table.filter(found)
        shown = table.slice(start, PAGE).to_pylist()
        return {
            "found": table.num_rows,
            "here": self.table.num_rows,
            "total": self.total,
            "rows": [_line(row) for row in shown],
        }

    def one(self, key: str, hidden: frozenset[str]) -> View:
        """One question with its trace.

        Raises:
            NoSuchRow: see there.
        """
        found = self.table.filter(pc.equal(self.table["key"], key)).slice(0, 1).to_pylist()
        if not found:
            raise NoSuchRow("This question is not in the set any more; reload the page.")
        row = found[0]
        if row["source"] in hidden:
            raise NoSuchRow("The authors of this question ask that no public page shows it.")
        return {
            "question": row["question"],
            "thinking": row["thinking"],
            "attempt": row["attempt"],
            "expected": row["answer"] or "",
            "solution": row["solution"] if row["solution"] != row["answer"] else "",
            "correct": row["correct"],
            "facts": [[name, str(value)] for name, value in _facts(row) if value not in (None, "")],
        }

    def domains(self) -> dict[str, int]:
        """Rows of each domain, of the rows at hand."""
        return dict(Counter(d for d in self.table["domain"].to_pylist() if d).most_common())


def _line(row: dict[str, Any]) -> View:
    title = " ".join(str(row["question"]).split())
    return {
        "key": row["key"],
        "title": title[:TITLE] + ("…" if len(title) > TITLE else ""),
        "domain": row["domain"] or "",
        "source": row["source"],
        "tokens": row["thinking_tokens"] or 0,
        "correct": row["correct"],
    }


def _facts(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("source", row["source"]),
        ("id", row["id"]),
        ("domain", row["domain"]),
        ("thinking tokens", f"{row['thinking_tokens'] or 0:,}"),
        ("drawn by", (row["drawn"] or "").replace("_", " ")),
    ]


def read_rows(folder: Path) -> Rows | None:
    """The rows of a set on disk; None while there are none.

    Raises:
        S1Error: they are damaged.
    """
    example = folder / EXAMPLE
    if example.exists():
        return _of_example(folder, example.stat().st_mtime_ns)
    state = folder / "dataset" / "state.json"
    return _of_dataset(folder, state.stat().st_mtime_ns) if state.exists() else None


@lru_cache(maxsize=8)
def _of_dataset(folder: Path, changed_ns: int) -> Rows:
    del changed_ns  # part of the key alone: a set that was made anew is read anew
    dataset = folder / "dataset"
    try:
        names = [part["filename"] for part in json.loads((dataset / "state.json").read_text("utf-8"))["_data_files"]]
        table = pa.concat_tables(_stream(dataset / Path(name).name) for name in names)
        return Rows(
            table=table,
            total=table.num_rows,
            lengths=[length or 0 for length in table["thinking_tokens"].to_pylist()],
            keys=frozenset(table["key"].to_pylist()),
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise S1Error(f"The dataset of {folder.name} is damaged; run its command again to write it anew.") from error


def _stream(path: Path) -> pa.Table:
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


@lru_cache(maxsize=8)
def _of_example(folder: Path, changed_ns: int) -> Rows:
    del changed_ns
    noted = json.loads((folder / EXAMPLE).read_text("utf-8"))
    rows = [json.loads(line) for line in (folder / ROWS).read_text("utf-8").splitlines()]
    return Rows(
        table=pa.Table.from_pylist(rows), total=noted["rows"], lengths=noted["lengths"], keys=frozenset(noted["keys"])
    )
