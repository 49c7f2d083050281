"""Imports point one way, without cycles, and private parts of libraries are used in one file each.

An arrow is an import anywhere in a module: at the top, inside a function (where it only saves time), or, for directions
alone, under `TYPE_CHECKING`. Cycles are looked for over top-level and function-level imports alike, so a function-level
import hides none. That a submodule's import runs its package's `__init__` first is no arrow.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
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
GROUND, MIDDLE, TABS, ROOF = range(4)
FLOORS = {
    "app.shell": GROUND,
    **dict.fromkeys(("app.runs", "app.models", "app.jobs", "app.access", "app.api", "app.artifacts"), MIDDLE),
    **dict.fromkeys(("app.build", "app.hosting", "app.previews", "app.__main__"), ROOF),
}
HEAVY = ("torch", "transformers", "gradio", "vllm", "datasets", "plotly", "peft", "anthropic")
GRADIO = {"gradio", "gradio.components", "gradio.events", "gradio.themes", "gradio.themes.utils"}
PRIVATE_PARTS = {
    "gradio": ("app/shell/gradio_compat.py", GRADIO),
    "vllm": ("s1core/engines/vllm/vllm_compat.py", set[str]()),
    "submitit": ("train/launcher/submitit_compat.py", {"submitit", "submitit.helpers"}),
}
"""The one file that may use anything of a library, and the modules that all others may import."""
GRADIO_INTERNALS = re.compile(
    r"\._queue\b|\bstate_session_capacity\b|\bmax_threads\b|\bmcp_server_obj\b|move_resource_to_block_cache|"
    r"\broot_block\b|\bcomponent_meta\b"
)


def files(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for part in PARTS for path in files(part)}


def imports(tree: ast.Module, *, typing: bool) -> Iterator[str]:
    """Every module that is imported, and every `module.name` of a `from` import."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing:
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


@cache
def arrows(*, typing: bool = True) -> dict[str, set[str]]:
    """Which modules of the repository each of them imports."""
    found: dict[str, set[str]] = {}
    for name, path in modules().items():
        named = imports(ast.parse(path.read_text(encoding="utf-8")), typing=typing)
        targets = (one if one in modules() else one.rpartition(".")[0] for one in named)
        found[name] = {target for target in targets if target in modules() and target != name}
    return found


def package(module: str) -> str:
    """The package that a module counts as in the app: one of the middle floor, or one tab."""
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[:2] == ["app", "tabs"] else 2])


def floor(module: str) -> int:
    return TABS if module.startswith("app.tabs") else FLOORS[package(module)]


def cycle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("part", PARTS)
def test_parts_import_in_one_direction(part: str) -> None:
    for path in files(part):
        named = {one.partition(".")[0] for one in imports(ast.parse(path.read_text(encoding="utf-8")), typing=True)}
        wrong = (named & set(PARTS)) - MAY_IMPORT[part]
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_packages_of_the_app_import_downwards() -> None:
    upwards = [
        f"{module} imports {target}"
        for module, targets in arrows().items()
        for target in targets
        if module.startswith("app.") and target.startswith("app.") and package(module) != package(target)
        if floor(target) > floor(module) or floor(target) == floor(module) == TABS
    ]
    assert upwards == []


def test_no_module_of_the_app_stands_outside_its_packages() -> None:
    outside = [name for name in modules() if name.startswith("app.") and floor(name) == ROOF]
    assert sorted(outside) == ["app.__main__", "app.build", "app.hosting", "app.previews"]


def test_scripts_and_styles_are_taken_from_below() -> None:
    for path in files("app"):
        own = package(name_of(path))
        named = re.findall(r'"(shell|runs|tabs/\w+)/[\w./{}]+\.(?:js|css|html)"', path.read_text(encoding="utf-8"))
        for target in {f"app.{folder.replace('/', '.')}" for folder in named} - {own}:
            below = floor(target) < floor(own) or floor(own) == ROOF
            assert below, f"{path.relative_to(ROOT)} takes files of {target}"


def test_no_imports_go_round_in_a_circle() -> None:
    assert cycle(arrows(typing=False)) == []


def test_no_packages_of_the_app_go_round_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, targets in arrows().items():
        if module.startswith("app."):
            below = {package(target) for target in targets if target.startswith("app.")}
            graph.setdefault(package(module), set()).update(below - {package(module)})
    assert cycle(graph) == []


def test_a_circle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    tree = ast.parse("if TYPE_CHECKING:\n    import a\nelse:\n    import b\ndef f():\n    from c import d\n")
    assert sorted(imports(tree, typing=False)) == ["b", "c.d"] and "a" in set(imports(tree, typing=True))


@pytest.mark.parametrize("library", PRIVATE_PARTS)
def test_private_parts_of_a_library_are_used_in_one_file(library: str) -> None:
    compat, public = PRIVATE_PARTS[library]
    assert (ROOT / compat).exists()
    for path in (path for part in PARTS for path in files(part) if path != ROOT / compat):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        loaded = [
            str(call.args[0].value)
            for call in calls
            if ast.unparse(call.func).endswith("import_module") and call.args and isinstance(call.args[0], ast.Constant)
        ]
        named = {one for one in [*imports(tree, typing=True), *loaded] if one.split(".")[0] == library}
        wrong = {one for one in named if one not in public and one.rpartition(".")[0] not in public}
        assert not wrong, f"{path.relative_to(ROOT)} uses {sorted(wrong)}; that belongs into {compat}"


def test_gradios_internals_are_named_in_one_file() -> None:
    for path in files("app"):
        if name_of(path) != "app.shell.gradio_compat":
            assert not GRADIO_INTERNALS.findall(path.read_text(encoding="utf-8")), path.relative_to(ROOT)


@pytest.mark.parametrize("module", ["s1core", "s1core.nano", "s1core.problems"])
def test_importing_the_core_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []
