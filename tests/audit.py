"""`make audit`: ask pip-audit whether a vulnerability of anything in the lock files is known.

Fails if there is one. Where the service that knows cannot be reached, that is said, and nothing fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.lock import CUDA_LOCK, ROOT

LATER = "try again where it can be"


def asked(pip_audit: str) -> tuple[str, str]:
    """Return what pip-audit prints, and what it complains of."""
    words = ["-r", CUDA_LOCK.name, "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    done = subprocess.run([pip_audit, *words], capture_output=True, text=True, cwd=ROOT, timeout=600)
    return done.stdout, done.stderr


def told(output: str, complaint: str) -> tuple[list[str], bool]:
    """Return what is to be said, and whether a vulnerability is known."""
    try:
        packages: list[Any] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        return [f"Nothing was audited, since pip-audit did not come to an end ({why}); {LATER}."], False
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return [
            f"Nothing was audited: the service that knows vulnerabilities cannot be reached from here; {LATER}."
        ], False
    found = [
        f"{package['name']} {package['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none'}"
        for package in packages
        for known in package.get("vulns", ())
    ]
    left_out = [f"Not known to the service: {', '.join(skipped)}."] if skipped else []
    audited = len(packages) - len(skipped)
    return [*found, *left_out, f"{audited} packages audited, {len(found)} known vulnerabilities."], bool(found)


def main(pip_audit: str) -> int:
    """Audit; return the exit status."""
    words, is_vulnerable = told(*asked(pip_audit))
    print("\n".join(words))
    return int(is_vulnerable)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
