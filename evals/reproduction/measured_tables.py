"""The tables of the measured cached evals, in Markdown, from their packed runs: pure but for reading the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evals.reports.packed_run import read_packed
from evals.reports.summary import by_setting, compare, summarise
from evals.reproduction.measured import BUDGETS, CONTROLLED, DRAWN, EVALS, FORCED, REJECTED, VOTED, WAITS, WORDS, Eval
from evals.reproduction.measured_135m import EVALS_135M
from evals.reproduction.measured_135m import FORCED as FORCED_135M
from evals.settings import NATURAL, grid_label
from s1core.metrics import Proportion, wilson
from s1core.store import Row

Groups = dict[str, list[Row]]


def tables(folder: Path) -> str:
    """Return every table whose packed runs are in `folder`, with what made them."""
    runs = {one.name: _read(one, folder) for one in EVALS if one is not DRAWN}
    parts = [_claims(runs), _forced(runs[FORCED.name]), _words(runs), _voted(runs[VOTED.name])]
    parts += [_rejected(runs[REJECTED.name]), _controlled(runs), _origin(folder)]
    return "\n\n".join(part for part in parts if part)


def tables_135m(folder: Path) -> str:
    """Return the tables of s1-135M, with what made them."""
    parts: list[str] = []
    for one in EVALS_135M:
        groups, grid = _read(one, folder), one.settings[0]
        title = f"{one.model}: {one.what}"
        parts += [_forced(groups, title, grid["budgets"], grid["waits"]), _waits_against_none(groups, grid["waits"])]
        if groups and one is FORCED_135M:
            parts.append(_by_group(groups))
    return "\n\n".join(part for part in (*parts, _origin(folder, EVALS_135M)) if part)


def _waits_against_none(groups: Groups, waits: Sequence[int]) -> str:
    """What each Wait fixed and broke, where no budget bounds it."""
    natural = groups.get(NATURAL)
    later = [grid_label(None, count, "Wait") for count in waits if count]
    if not natural or not all(label in groups for label in later):
        return ""
    body: list[tuple[str, ...]] = []
    for before, label in zip([NATURAL, *later], later, strict=False):
        for against in dict.fromkeys((NATURAL, before)):
            change = compare(label, groups[label], against, groups[against])
            fixed, broken = f"{change.fixed} of {change.wrong}", f"{change.broken} of {change.right}"
            body.append((label, against, fixed, broken, f"{change.p_value:.2g}"))
    return _table(("", "against", "fixed", "broken", "p (McNemar)"), body)


def _by_group(groups: Groups) -> str:
    """Accuracy of every family at the settings that tell the story."""
    labels = [label for label in (grid_label(0, 0, "Wait"), NATURAL, grid_label(None, 1, "Wait")) if label in groups]
    families = dict.fromkeys(row["group"] for row in groups[labels[0]])
    body = [
        (family, *(_accuracy([row for row in groups[label] if row["group"] == family]) for label in labels))
        for family in families
    ]
    return "By family, accuracy % [95 % interval]:\n\n" + _table(("", *labels), body)


def _read(one: Eval, folder: Path) -> Groups:
    """The rows of an eval by setting, in the order in which its settings are defined; none if it was not made."""
    path = folder / f"{one.name}.jsonl.gz"
    if not path.exists():
        return {}
    groups = by_setting({k: v for k, v in row.items() if k != "segments"} for row in read_packed(path)[1])
    defined = [entry["label"] for entry in one.settings if "label" in entry]
    return {label: groups[label] for label in defined} if defined else groups


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(share: Proportion) -> str:
    return f"{share.percent:.1f} [{share.low:.1f}, {share.high:.1f}]"


def _accuracy(rows: Sequence[Row]) -> str:
    return _share(wilson(sum(row["correct"] for row in rows), len(rows)))


def _mean(rows: Sequence[Row], key: str) -> str:
    return f"{sum(row[key] for row in rows) / len(rows):.1f}"


def _claims(runs: dict[str, Groups]) -> str:
    """One line for each eval: what was asked, how to make it again, the ends of its curve."""
    head = (
        "measured",
        "command: `python -m evals.reproduce --only`",
        "accuracy % [95 % interval] at thinking tokens",
        "n",
    )
    body: list[tuple[str, ...]] = []
    for one in EVALS:
        groups = runs.get(one.name)
        if groups:
            shown = "; ".join(
                f"{label}: {_accuracy(rows)} at {_mean(rows, 'thinking_tokens')}" for label, rows in _ends(one, groups)
            )
            body.append((one.what, f"`{one.name}`", shown, _counts(groups)))
    return _table(head, body) if body else ""


def _ends(one: Eval, groups: Groups) -> list[tuple[str, list[Row]]]:
    if one is FORCED:
        names = ["budget 0", "budget 64", NATURAL, "1 x Wait", "8 x Wait"]
    else:
        names = [list(groups)[0], list(groups)[-1]]
    return [(name, groups[name]) for name in names if name in groups]


def _counts(groups: Groups) -> str:
    return ", ".join(sorted({f"{len(rows):,}" for rows in groups.values()}))


def _forced(
    groups: Groups,
    title: str = "Budgets and Waits",
    budgets: Sequence[int | None] = BUDGETS,
    waits: Sequence[int] = WAITS,
) -> str:
    if not groups:
        return ""

    def cells(text: Callable[[list[Row]], str], count: int) -> list[str]:
        return [text(groups[grid_label(b, count, "Wait")]) for b in budgets]

    names = ["no limit" if b is None else f"budget {b}" for b in budgets]
    accuracy = [[f"{w}", *cells(_accuracy, w)] for w in waits]
    tokens = [[f"{w}", *cells(lambda rows: _mean(rows, "thinking_tokens"), w)] for w in waits]
    return "\n\n".join(
        (
            f"### {title}\n\nAccuracy % [95 % Wilson interval], n = {_counts(groups)} in every cell:",
            _table(("Waits", *names), accuracy),
            "Thinking tokens on average:",
            _table(("Waits", *names), tokens),
        )
    )


def _words(runs: dict[str, Groups]) -> str:
    forced = runs[FORCED.name]
    if not forced or not all(runs[one.name] for one in WORDS):
        return ""
    words = {"nothing": runs[WORDS[0].name], "“Hmm”": runs[WORDS[1].name], "“Alternatively”": runs[WORDS[2].name]}
    words["“Wait”"] = forced
    texts = {"nothing": "", "“Hmm”": "Hmm", "“Alternatively”": "Alternatively", "“Wait”": "Wait"}
    natural = forced[NATURAL]
    body = [("the end is taken", "–", _accuracy(natural), "–", "–", "–", _mean(natural, "thinking_tokens"))]
    for name, groups in words.items():
        for count in (1, 2):
            rows = groups[grid_label(None, count, texts[name])]
            change = compare(name, rows, NATURAL, natural)
            fixed, broken = f"{change.fixed} of {change.wrong}", f"{change.broken} of {change.right}"
            p = f"{change.p_value:.2g}"
            body.append((name, str(count), _accuracy(rows), fixed, broken, p, _mean(rows, "thinking_tokens")))
    head = ("in its place", "ends ignored", "accuracy %", "fixed", "broken", "p (McNemar)", "thinking tokens")
    return (
        f"### What replaces an ignored end\n\nn = {len(natural):,}; against taking the end, on the same questions.\n\n"
        + _table(head, body)
    )


def _voted(groups: Groups) -> str:
    if not groups:
        return ""
    body = [
        (label, _accuracy(rows), _mean(rows, "thinking_tokens"), _mean(rows, "votes")) for label, rows in groups.items()
    ]
    head = ("", "accuracy %", "thinking tokens of all samples", "votes for the winner")
    return f"### Majority vote\n\nTemperature 1, n = {_counts(groups)} questions.\n\n" + _table(head, body)


def _rejected(groups: Groups) -> str:
    if not groups:
        return ""
    body = [
        (
            label,
            _accuracy(rows),
            _share(wilson(sum(row["rule"] != "no_attempt_fits" for row in rows), len(rows))),
            _mean(rows, "attempts"),
            _mean(rows, "thinking_tokens"),
            _mean(rows, "sampled_tokens"),
        )
        for label, rows in groups.items()
    ]
    head = ("", "accuracy %", "accepted %", "attempts", "thinking tokens", "sampled tokens, all attempts")
    return (
        f"### Rejection sampling\n\nTemperature 1, at most 16 attempts, n = {_counts(groups)} questions.\n\n"
        + _table(head, body)
    )


def _controlled(runs: dict[str, Groups]) -> str:
    body: list[tuple[str, ...]] = []
    for one in CONTROLLED:
        for label, rows in runs[one.name].items():
            kept = [row["kept"] for row in rows if row["kept"] is not None]
            control = _share(wilson(sum(kept), len(kept))) if kept else "–"
            line = summarise(label, rows)
            body.append((label, _share(line.accuracy), control, _mean(rows, "measured"), f"{line.thinking_tokens:.1f}"))
    if not body:
        return ""
    head = ("", "accuracy %", "control %: kept what was asked", "tokens or steps", "thinking tokens")
    n = _counts(runs[CONTROLLED[0].name])
    return f"### Conditional control\n\n{CONTROLLED[0].note} n = {n}.\n\n" + _table(head, body)


def _origin(folder: Path, evals: Sequence[Eval] = EVALS) -> str:
    """What made the runs; they may be of different commits when they were resumed."""
    made: dict[str, None] = {}
    for one in evals:
        path = folder / f"{one.name}.jsonl.gz"
        if path.exists():
            header, _ = read_packed(path)
            versions = ", ".join(f"{name} {version}" for name, version in header["versions"].items())
            made[f"commit {header['commit']}, {versions}, Python {header['python']}, {header['machine']}"] = None
    return "Made with: " + "; ".join(made) + "." if made else ""
