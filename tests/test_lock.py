"""The lock files hold what requirements.txt asks for, and an audit says what it found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.audit import told
from tests.lock import CUDA_LOCK, LOCK, OF_CUDA, ROOT, add_wheel, lines, merged, normal

_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)


def pins(lock: Path) -> dict[str, list[tuple[str, str]]]:
    """By name: each version with its hashes."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, version, _, hashes in _PIN.findall(lock.read_text(encoding="utf-8")):
        found.setdefault(name, []).append((version, hashes))
    return found


def test_every_requirement_is_locked_in_its_version() -> None:
    locked = pins(LOCK)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert [found for found, _ in locked[normal(name)]] == [version], f"{line}: run make lock"


@pytest.mark.parametrize("lock", [LOCK, CUDA_LOCK], ids=lambda lock: lock.name)
def test_everything_that_is_locked_has_a_hash_and_no_place(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if line and line[0] not in " #-"]
    found = pins(lock)
    assert len(entries) == sum(map(len, found.values())) > 10
    assert all("sha256:" in hashes for versions in found.values() for _, hashes in versions)
    assert "://" not in text and "index" not in text and "find-links" not in text


def test_what_cuda_needs_is_apart() -> None:
    assert not [name for name in pins(LOCK) if name.startswith(OF_CUDA)]
    assert all(name.startswith(OF_CUDA) for name in pins(CUDA_LOCK))
    assert f"\n-r {LOCK.name}\n" in CUDA_LOCK.read_text(encoding="utf-8")


def reported(name: str, version: str, digest: str) -> Any:
    archive = {"archive_info": {"hashes": {"sha256": digest}}}
    return {"metadata": {"name": name, "version": version}, "download_info": archive}


def test_pythons_that_differ_are_told_apart(tmp_path: Path) -> None:
    reports = {
        "3.11": [reported("Torch_X", "2.0+cpu", "aa"), reported("net", "1", "bb")],
        "3.12": [reported("torch.x", "2.0", "cc"), reported("net", "2", "dd")],
    }
    found = merged(reports)
    (tmp_path / "net-1-py3-none-any.whl").write_bytes(b"")
    add_wheel(found, tmp_path / "net-1-py3-none-any.whl")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert lines(found, ["3.11", "3.12"]) == [
        f'net==1 ; python_version == "3.11" \\\n    --hash=sha256:bb \\\n    --hash=sha256:{empty}',
        'net==2 ; python_version == "3.12" \\\n    --hash=sha256:dd',
        "torch-x==2.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:cc",
    ]


SOUND: Any = {"name": "a", "version": "1", "vulns": []}
WEAK: Any = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
UNKNOWN: Any = {"name": "c", "skip_reason": "not found"}


def test_an_audit_fails_for_what_is_known_and_for_nothing_else() -> None:
    assert told(json.dumps({"dependencies": [SOUND, WEAK, UNKNOWN]}), "") == (
        ["b 2: X-1, mended in 3", "Not known to the service: c.", "2 packages audited, 1 known vulnerabilities."],
        True,
    )
    assert told(json.dumps({"dependencies": [SOUND]}), "") == (["1 packages audited, 0 known vulnerabilities."], False)
    for output, complaint in ((json.dumps({"dependencies": [UNKNOWN]}), ""), ("", "Traceback\nno connection")):
        (sentence,), is_vulnerable = told(output, complaint)
        assert sentence.startswith("Nothing was audited") and not is_vulnerable
