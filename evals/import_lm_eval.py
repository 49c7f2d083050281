"""Import runs of lm-eval, as the original's harness writes them, and logs of inspect."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from evals.importers.lines import DEFAULT_MAX_MB, Notes, Question
from evals.importers.reading import Choice
from evals.importers.write import find_all, one_group, write_run
from evals.progress import ending
from evals.reports.summary import by_setting, markdown
from s1core.errors import InvalidSetting
from s1core.store import read_rows

PROG = "python -m evals.import_lm_eval"
EXAMPLES = """\
examples:
  python -m evals.import_lm_eval results/simplescaling__s1.1-32B          all runs in a folder
  python -m evals.import_lm_eval results_a.json --tokenizer ./qwen2.5     samples_*.jsonl is found beside it
  python -m evals.import_lm_eval logs/run.eval logs/run.json              inspect's logs
"""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG,
        description="Turn runs of other programs into run folders with the same rows as runs of ours: settings from "
        "their options, thinking tokens counted with the model's own tokenizer, verdicts as recorded (else graded "
        "here). What cannot be used is named, what the log does not tell is unknown; the rest is imported.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="results, samples, logs, or folders of them")
    p.add_argument("--out", type=Path, default=None, help="run folder (default: runs/ and a name for each model)")
    p.add_argument("--tokenizer", default=None, metavar="FOLDER", help="folder or hub id (default: the model's own)")
    p.add_argument("--regrade", action="store_true", help="grade here also where the log holds a verdict")
    p.add_argument(
        "--verdict",
        default=None,
        metavar="NAME",
        help="which of several recorded verdicts counts, such as exact_match,strict or match (the notes list them)",
    )
    p.add_argument(
        "--max-mb", type=int, default=DEFAULT_MAX_MB, metavar="N", help=f"largest file (default: {DEFAULT_MAX_MB} MB)"
    )
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    notes = Notes()

    def command() -> None:
        try:
            _import(args, notes)
        finally:
            for sentence in notes:
                print(f"note: {sentence}", file=sys.stderr)
            for question in notes.questions:
                print(f"note: {question.sentence} {_remedy(question)}", file=sys.stderr)

    return ending(PROG, command)


def _remedy(question: Question) -> str:
    choose = " or ".join(f"--verdict {shlex.quote(name)}" for name in question.verdicts[1:])
    return f"Say so with {' or '.join(part for part in (choose, '--regrade' if question.regrade else '') if part)}."


def _import(args: argparse.Namespace, notes: Notes) -> None:
    if args.max_mb < 1:
        raise InvalidSetting(f"--max-mb must be 1 or more, got {args.max_mb}")
    groups = find_all(args.paths, args.max_mb, notes)
    choice = Choice(verdict=args.verdict, regrade=args.regrade)
    if args.out is not None:
        one_group(groups, args.out)
    written = 0
    for runs in groups:
        folder = write_run(runs, args.out, args.tokenizer, notes, choice)
        if folder is None:
            continue
        written += 1
        rows = [{**row, "segments": None} for row in read_rows(folder)]
        print(f"## {runs[0].model} on {runs[0].benchmark} (imported)\n")
        print(markdown(rows, list(by_setting(rows))))
        print(f"samples: {folder}\n")
    if not written:
        raise InvalidSetting("nothing could be imported from these files; the notes say why")


if __name__ == "__main__":
    sys.exit(main())
