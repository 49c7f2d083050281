"""`python -m evals.report`: from run folders to tables and figures."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import get_args

from evals.reports.cached import published_series, run_series
from evals.reports.series import Axis, along
from evals.reports.summary import as_table, by_setting, markdown
from s1core.errors import S1Error
from s1core.store import read_manifest, read_rows, write_atomically


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(
        prog="python -m evals.report",
        description="Tables and figures of runs: Markdown, CSV, JSON, HTML, SVG and PNG.",
        epilog="example: python -m evals.report runs/my-run --published --out report",
    )
    p.add_argument("runs", nargs="+", type=Path, metavar="RUN_FOLDER")
    p.add_argument("--out", type=Path, default=Path("report"), help="folder for the files (default: report)")
    p.add_argument("--published", action="store_true", help="draw the published curves of the same benchmarks too")
    p.add_argument(
        "--axis",
        default="thinking_tokens",
        choices=get_args(Axis),
        help="what accuracy is drawn against (default: %(default)s)",
    )
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
    # Imported here: plotly takes a second.
    from evals.reports.figures import accuracy_figure, metrics_csv, metrics_markdown, write_html, write_image

    series = [along(one, args.axis) for folder in args.runs for one in run_series(folder)]
    benchmarks = list(dict.fromkeys(one.benchmark for one in series))
    series += [one for one in published_series() if one.benchmark in benchmarks] if args.published else []
    parts = [f"## {folder.name}\n\n{_run_tables(folder)}" for folder in args.runs]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "report.md").write_text("\n".join([*parts, "## Metrics\n", metrics_markdown(series)]) + "\n")
    (args.out / "metrics.csv").write_text(metrics_csv(series))
    table = {"made_by": "python -m evals.report", "runs": [as_table(folder) for folder in args.runs]}
    write_atomically(args.out / "table.json", json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    written = [args.out / "report.md", args.out / "metrics.csv", args.out / "table.json"]
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
