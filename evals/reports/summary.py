"""From the rows of a run to accuracy tables, by pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.reports.ends import Ends, ends_of, ends_table
from evals.settings import NATURAL
from s1core.metrics import Proportion, mcnemar, wilson
from s1core.store import Row, read_manifest, read_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One setting, measured."""

    setting: str
    accuracy: Proportion
    thinking_tokens: float | None
    """Average per question, forced ones included; None where those of some question are unknown."""
    answered: Proportion
    ends: Ends | None = None
    """How the thinking ended; None where rows do not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A setting against another one on the same questions."""

    setting: str
    baseline: str
    fixed: int
    wrong: int
    """Questions that the baseline got wrong; `fixed` of them are right now."""
    broken: int
    right: int
    p_value: float
    """McNemar's exact test."""


def by_setting(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by setting, in order of first appearance."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["setting"], []).append(row)
    return groups


def sample_key(row: Row) -> tuple[str, int]:
    """What the same sample has in common under all settings: its question, and which sample of it."""
    return str(row["id"]), int(row.get("sample_index", 0))


def summarise(setting: str, rows: Sequence[Row]) -> Line:
    """Average over the questions of one setting."""
    return Line(
        setting=setting,
        accuracy=wilson(sum(row["correct"] for row in rows), len(rows)),
        thinking_tokens=mean_thinking([row["thinking_tokens"] for row in rows]),
        answered=wilson(sum(row["answered"] for row in rows), len(rows)),
        ends=ends_of(rows),
    )


def mean_thinking(tokens: Sequence[int | None]) -> float | None:
    """Average thinking tokens; None if any is unknown, since those that are known may be unlike the others."""
    known = [count for count in tokens if count is not None]
    return sum(known) / len(known) if known and len(known) == len(tokens) else None


def compare(setting: str, rows: Sequence[Row], baseline: str, baseline_rows: Sequence[Row]) -> Change:
    """Pair two settings question by question, and sample by sample where a question has several."""
    before = {sample_key(row): bool(row["correct"]) for row in baseline_rows}
    pairs = [(before[sample_key(row)], bool(row["correct"])) for row in rows if sample_key(row) in before]
    fixed, broken = pairs.count((False, True)), pairs.count((True, False))
    right = sum(was for was, _ in pairs)
    return Change(
        setting=setting,
        baseline=baseline,
        fixed=fixed,
        wrong=len(pairs) - right,
        broken=broken,
        right=right,
        p_value=mcnemar(broken, fixed),
    )


def without_waits(setting: str) -> str | None:
    """Name the same setting without its forced Waits, `natural` if that is all it is; None if it forces none."""
    found = re.fullmatch(r"(?:(?P<rest>.+), )?\d+ x .+", setting, re.DOTALL)
    return None if found is None else found["rest"] or NATURAL


def markdown(rows: Sequence[Row], order: Sequence[str]) -> str:
    """Render the whole report: accuracy by setting, what Waits changed, accuracy by group."""
    groups = by_setting(rows)
    settings = [name for name in order if name in groups]
    parts = [_accuracy_table([summarise(name, groups[name]) for name in settings])]
    ended = {name: ends for name in settings if (ends := ends_of(groups[name])) is not None}
    parts += [ends_table(ended)] if ended else []
    changes = _changes(groups, settings)
    parts += [_change_table(changes)] if changes else []
    parts.append(_group_table(groups, settings))
    return "\n\n".join(parts) + "\n"


def _changes(groups: dict[str, list[Row]], settings: Sequence[str]) -> list[Change]:
    """Every setting with Waits against the same one without them."""
    pairs = [(name, without) for name in settings if (without := without_waits(name)) in groups]
    return [compare(name, groups[name], without, groups[without]) for name, without in pairs if without]


def as_table(folder: Path) -> dict[str, Any]:
    """The figures of a run for other programs, such as model cards: JSON-ready.

    Raises:
        StoreError: the folder holds no run, or a damaged one.
    """
    manifest = read_manifest(folder)
    config = manifest.get("config", {})
    groups = by_setting({key: value for key, value in row.items() if key != "segments"} for row in read_rows(folder))
    sampling = config.get("sampling") or {}
    hot = sampling.get("temperature")
    return {
        "benchmark": config.get("benchmark", "?"),
        "model": config.get("model", "?"),
        "questions": max((len(rows) for rows in groups.values()), default=0),
        "sampling": f"temperature {hot}, seed {sampling.get('seed')}" if hot else "greedy",
        "commit": manifest.get("commit"),
        "machine": manifest.get("machine", ""),
        "versions": manifest.get("versions", {}),
        "settings": [_as_figures(summarise(name, rows)) for name, rows in groups.items()],
        "changes": [asdict(change) for change in _changes(groups, list(groups))],
        "groups": _by_group(groups),
    }


def _as_figures(line: Line) -> dict[str, Any]:
    share = line.accuracy
    return {
        "setting": line.setting,
        "n": share.n,
        "accuracy": round(share.percent, 2),
        "low": round(share.low, 2),
        "high": round(share.high, 2),
        "thinking_tokens": None if line.thinking_tokens is None else round(line.thinking_tokens, 2),
        "answered": round(line.answered.percent, 2),
    }


def _by_group(groups: dict[str, list[Row]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys(row["group"] for rows in groups.values() for row in rows):
        parts = {setting: [row for row in rows if row["group"] == name] for setting, rows in groups.items()}
        shares = {s: round(100 * sum(r["correct"] for r in part) / len(part), 2) for s, part in parts.items() if part}
        found.append({"group": name, "n": max(len(part) for part in parts.values()), "accuracy": shares})
    return found


def said_tokens(tokens: float | None) -> str:
    """An average of tokens in words."""
    return "unknown" if tokens is None else f"{tokens:.1f}"


def _accuracy_table(lines: Sequence[Line]) -> str:
    body = [
        f"| {x.setting} | {x.accuracy.percent:.1f} | {x.accuracy.low:.1f} – {x.accuracy.high:.1f} "
        f"| {x.accuracy.n} | {said_tokens(x.thinking_tokens)} | {x.answered.percent:.1f} |"
        for x in lines
    ]
    head = "| setting | accuracy % | 95 % interval | n | thinking tokens | answered % |"
    return "\n".join([head, "|---|---|---|---|---|---|", *body])


def _change_table(changes: Sequence[Change]) -> str:
    body = [
        f"| {c.setting} against {c.baseline} | {_of(c.fixed, c.wrong)} | {_of(c.broken, c.right)} | {c.p_value:.2g} |"
        for c in changes
    ]
    head = "| what the Waits changed | wrong answers fixed | right answers broken | p (McNemar) |"
    return "\n".join([head, "|---|---|---|---|", *body])


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")


def _group_table(groups: dict[str, list[Row]], settings: Sequence[str]) -> str:
    names = list(dict.fromkeys(row["group"] for rows in groups.values() for row in rows))
    head = f"| accuracy % by group | n | {' | '.join(settings)} |"
    body: list[str] = []
    for name in names:
        parts = [[row for row in groups[s] if row["group"] == name] for s in settings]
        shares = [f"{100 * sum(r['correct'] for r in part) / len(part):.0f}" if part else "–" for part in parts]
        body.append(f"| {name} | {len(parts[0])} | {' | '.join(shares)} |")
    return "\n".join([head, "|---" * (len(settings) + 2) + "|", *body])
