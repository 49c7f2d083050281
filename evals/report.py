"""From the rows of a run to tables, by pure functions; as a command, from run folders to a report with figures."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.settings import NATURAL
from s1core.errors import S1Error
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
    pairs = [(name, without) for name in settings if (without := without_waits(name)) in groups]
    changes = [compare(name, groups[name], without, groups[without]) for name, without in pairs if without]
    parts += [_change_table(changes)] if changes else []
    parts.append(_group_table(groups, settings))
    return "\n\n".join(parts) + "\n"


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


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(
        prog="python -m evals.report",
        description="Tables and figures of runs: Markdown, CSV, HTML, SVG and PNG.",
        epilog="example: python -m evals.report runs/my-run --published --out report",
    )
    p.add_argument("runs", nargs="+", type=Path, metavar="RUN_FOLDER")
    p.add_argument("--out", type=Path, default=Path("report"), help="folder for the files (default: report)")
    p.add_argument("--published", action="store_true", help="draw the published curves of the same benchmarks too")
    p.add_argument("--no-images", action="store_true", help="HTML figures alone; SVG and PNG need Chromium")
    args = p.parse_args(argv)
    try:
        written = _write_report(args)
    except (S1Error, OSError) as error:
        print(f"{p.prog}: {error}", file=sys.stderr)
        return 2
    print("\n".join(str(path) for path in written))
    return 0


def _write_report(args: argparse.Namespace) -> list[Path]:
    """Write every file of a report; returns where they are."""
    # Imported here: these build on the tables above, and plotly takes a second that no other command needs.
    from evals.cached import published_series, run_series
    from evals.figures import accuracy_figure, metrics_csv, metrics_markdown, write_html, write_image

    series = [one for folder in args.runs for one in run_series(folder)]
    benchmarks = list(dict.fromkeys(one.benchmark for one in series))
    series += [one for one in published_series() if one.benchmark in benchmarks] if args.published else []
    parts = [f"## {folder.name}\n\n{_run_tables(folder)}" for folder in args.runs]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "report.md").write_text("\n".join([*parts, "## Metrics\n", metrics_markdown(series)]) + "\n")
    (args.out / "metrics.csv").write_text(metrics_csv(series))
    written = [args.out / "report.md", args.out / "metrics.csv"]
    for benchmark in benchmarks:
        figure = accuracy_figure([one for one in series if one.benchmark == benchmark], benchmark)
        path = args.out / f"accuracy-{re.sub(r'[^A-Za-z0-9]+', '-', benchmark).lower()}.html"
        write_html(figure, path)
        images = [] if args.no_images else [path.with_suffix(".svg"), path.with_suffix(".png")]
        for image in images:
            write_image(figure, image)
        written += [path, *images]
    return written


def _run_tables(folder: Path) -> str:
    read_manifest(folder)  # says so when this is no run
    rows = [{key: value for key, value in row.items() if key != "segments"} for row in read_rows(folder)]
    return markdown(rows, list(by_setting(rows))) if rows else "No samples yet.\n"


if __name__ == "__main__":
    sys.exit(main())
