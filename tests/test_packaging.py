"""An installed playground has every package and every file that a clone has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from setuptools import find_packages

ROOT = Path(__file__).parents[1]
PARTS = ("s1core", "evals", "curate", "train", "app")


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def files() -> list[Path]:
    found = (path for part in PARTS for path in (ROOT / part).rglob("*") if path.is_file())
    return [path for path in found if "__pycache__" not in path.parts and path.suffix != ".pyc"]


def test_every_folder_of_python_is_an_installed_package() -> None:
    installed = find_packages(str(ROOT), include=settings()["packages"]["find"]["include"])
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in files() if path.suffix == ".py"}
    assert set(installed) == folders


def test_every_other_file_is_package_data() -> None:
    patterns: dict[str, list[str]] = settings()["package-data"]
    everywhere = patterns.pop("*")
    installed = {
        path
        for package, kinds in patterns.items()
        for kind in kinds
        for path in ROOT.joinpath(*package.split(".")).glob(kind)
    }
    missing = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.suffix != ".py" and path not in installed
        if not ((path.parent / "__init__.py").exists() and any(path.match(kind) for kind in everywhere))
    ]
    assert missing == []
