"""Runs the page's scripts without a browser, in the Node that comes with Playwright."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from app.shell.components import read_assets


def node() -> str:
    """The program; tests are left out where there is none."""
    try:
        from playwright._impl._driver import compute_driver_executable

        found = compute_driver_executable()[0]
    except (ImportError, AttributeError):
        found = shutil.which("node")
    if not found:
        pytest.skip("needs Node, which comes with Playwright")
    return found


def evaluate(paths: list[str], expression: str, **values: Any) -> Any:
    """Return what an expression gives after these scripts, with values under their names; all as JSON."""
    names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    script = f"{read_assets(*paths)}\n{names}console.log(JSON.stringify({expression}));"
    ran = subprocess.run([node(), "--input-type=module", "-"], input=script, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
