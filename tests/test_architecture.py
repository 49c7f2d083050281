"""The imports point one way, and the core loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("s1core", "evals", "curate", "train", "app")
MAY_IMPORT = {
    "s1core": {"s1core"},
    "evals": {"s1core", "evals"},
    "curate": {"s1core", "curate"},
    "train": {"s1core", "train"},
    "app": {"s1core", "evals", "app"},  # of curate and train it reads the files alone
}
HEAVY = ("torch", "transformers", "gradio", "vllm", "datasets", "plotly", "peft", "anthropic")


def imported_parts(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names & set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_imports_point_one_way(part: str) -> None:
    for path in (ROOT / part).rglob("*.py"):
        wrong = imported_parts(path) - MAY_IMPORT[part]
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize("module", ["s1core", "s1core.nano"])
def test_importing_the_core_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []
