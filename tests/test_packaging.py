"""An installed playground has every package and every file that a clone has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from setuptools import find_packages

from s1core.engines import llamacpp

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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of the wheel, as pip unpacks them."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(site)], cwd=source, check=True, capture_output=True)
    (wheel,) = site.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_holds_every_file_of_a_clone(installed: Path) -> None:
    assert [str(path.relative_to(ROOT)) for path in files() if not (installed / path.relative_to(ROOT)).is_file()] == []


def test_the_wheel_names_its_command_and_requirements(installed: Path) -> None:
    (about,) = installed.glob("*.dist-info")
    assert "s1 = s1core.command:main" in (about / "entry_points.txt").read_text(encoding="utf-8")
    metadata = (about / "METADATA").read_text(encoding="utf-8")
    pins = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line[:1].isalnum()]
    assert [pin for pin in pins if f"Requires-Dist: {pin}\n" not in metadata] == []


@pytest.mark.parametrize("extra", ["mcp", "llamacpp"])
def test_an_extra_and_its_requirements_pin_one_version(extra: str) -> None:
    (pinned,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][extra]
    assert f"\n{pinned}\n" in (ROOT / f"requirements-{extra}.txt").read_text(encoding="utf-8")
    if extra == "llamacpp":
        assert pinned == llamacpp.PACKAGE


def test_the_wheel_answers_from_another_folder(installed: Path, tmp_path: Path) -> None:
    program = (
        "import s1core.command as c; print(c.__file__); c.main(['ask', 'How many r in raspberry?', '--waits', '1'])"
    )
    answered = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert answered.startswith(str(installed)) and "1 of 1 forced" in answered
    assert list(tmp_path.iterdir()) == []
