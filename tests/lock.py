"""`make lock`: write every package that requirements.txt needs, with its hashes, for each Python that is named.

What torch brings along for CUDA goes to a file of its own, since a torch for CPUs needs none of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK, CUDA_LOCK = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
HEAD = """\
# Made by `make lock`: all that requirements.txt needs, by hash, on Python {pythons} under Linux (x86-64).
#   pip install --require-hashes -r {name}
"""
OF_CUDA = ("cuda-", "nvidia-", "triton")
Found = dict[tuple[str, str], "Pin"]
"""By name and version."""


class Pin:
    """A package in one version."""

    def __init__(self) -> None:
        self.pythons: set[str] = set()
        self.hashes: set[str] = set()


def resolve(python: str) -> tuple[str, list[Any]]:
    """Let an interpreter's pip say what it would install; return its version, such as `3.11`, and what pip reports."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-q", "-U", "pip"], check=True)
        report = f"{folder}/report.json"
        asked = ["install", "-q", "--dry-run", "--ignore-installed", "--report", report, "-r", "requirements.txt"]
        subprocess.run([*pip, *asked], check=True, cwd=ROOT)
        told = json.loads(Path(report).read_text(encoding="utf-8"))
    return told["environment"]["python_version"], told["install"]


def merged(reports: Mapping[str, Sequence[Any]]) -> Found:
    """Put together what each Python needs."""
    found: Found = defaultdict(Pin)
    for python, packages in reports.items():
        for package in packages:
            told = package["metadata"]
            pin = found[normal(told["name"]), told["version"].partition("+")[0]]
            pin.pythons.add(python)
            pin.hashes.add(package["download_info"]["archive_info"]["hashes"]["sha256"])
    return found


def add_wheel(found: Found, wheel: Path) -> None:
    """Accept another file of a package that is there, such as a torch for CPUs."""
    name, version = wheel.name.split("-")[:2]
    found[normal(name), version.partition("+")[0]].hashes.add(hashlib.sha256(wheel.read_bytes()).hexdigest())


def normal(name: str) -> str:
    """Return a package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(found: Found, pythons: Sequence[str]) -> list[str]:
    """Return the packages as pip reads them."""
    written: list[str] = []
    for (name, version), pin in sorted(found.items()):
        only = " or ".join(f'python_version == "{python}"' for python in sorted(pin.pythons))
        marker = f" ; {only}" if pin.pythons < set(pythons) else ""
        hashes = [f"    --hash=sha256:{value}" for value in sorted(pin.hashes)]
        written.append(" \\\n".join([f"{name}=={version}{marker}", *hashes]))
    return written


def write(found: Found, pythons: Sequence[str]) -> None:
    """Write both files."""
    of_cuda = {key: pin for key, pin in found.items() if key[0].startswith(OF_CUDA)}
    others = {key: pin for key, pin in found.items() if key not in of_cuda}
    told = " and ".join(pythons)
    alone = "# beside a torch for CPUs that is installed already; otherwise "
    alone += f"{CUDA_LOCK.name}, which adds what PyPI's torch needs\n"
    content = [HEAD.format(pythons=told, name=LOCK.name) + alone, *lines(others, pythons)]
    LOCK.write_text("\n".join(content).replace("\n\n", "\n") + "\n", encoding="utf-8")
    content = [HEAD.format(pythons=told, name=CUDA_LOCK.name) + f"-r {LOCK.name}", *lines(of_cuda, pythons)]
    CUDA_LOCK.write_text("\n".join(content) + "\n", encoding="utf-8")


def main() -> int:
    """Lock; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lock", description=__doc__)
    parser.add_argument("pythons", nargs="+", help="interpreters, such as python3.11")
    parser.add_argument("--wheel", type=Path, action="append", default=[], help="another file to accept")
    asked = parser.parse_args()
    try:
        reports = dict(map(resolve, asked.pythons))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Not locked ({error}); name interpreters with: make lock PYTHONS='python3.11 python3.12'")
        return 1
    found = merged(reports)
    for wheel in asked.wheel:
        add_wheel(found, wheel)
    write(found, sorted(reports))
    print(f"{len(found)} packages for Python {', '.join(sorted(reports))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
