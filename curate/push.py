"""Publish a finished curated set on the hub. Nothing but this command and `train.push` uploads anything."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from curate.output import DATASET
from curate.rows import CurateError
from s1core.errors import S1Error
from s1core.hub import check_name, hub_errors, prepare, upload

PROG = "python -m curate.push"


def check(folder: Path) -> dict[str, Any]:
    """The manifest of a set that may be published.

    Raises:
        CurateError: the set is not finished, or holds questions that must not be published.
    """
    path = folder / "manifest.json"
    if not path.exists():
        raise CurateError(f"{folder} is no curated set: it has no manifest.json")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if manifest.get("state") != "finished" or not (folder / DATASET).is_dir():
        raise CurateError(f"{folder} is not finished; run the same `python -m curate.run` command again")
    private = [source["name"] for source in manifest["sources"] if source["private"] and source["selected"]]
    if private:
        raise CurateError(
            f"{folder} holds questions of {', '.join(private)}, whose authors ask that they never be published in "
            "plain text; curate again without that source to publish"
        )
    return manifest


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Upload dataset and card; returns the page's address.

    Raises:
        CurateError: see `check`.
        HubRefused: the hub says no, or a private set would lie in a public repository.
    """
    check(folder)
    # Imported here: checking needs it not.
    from datasets import load_from_disk

    prepare(check_name(repository), "dataset", private=private)
    with hub_errors(repository):
        load_from_disk(str(folder / DATASET)).push_to_hub(repository, private=private)
    upload(repository, {"README.md": folder / "README.md"}, "dataset", "Describe the set")
    return f"https://huggingface.co/datasets/{repository}"


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(prog=PROG, description="Publish a finished curated set on the hub.")
    p.add_argument("folder", type=Path, help="curated/<id>")
    p.add_argument("--to", required=True, metavar="USER/NAME", help="repository on the hub")
    p.add_argument("--private", action="store_true", help="only for you")
    args = p.parse_args(argv)
    try:
        print(push(args.folder, args.to, private=args.private))
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
