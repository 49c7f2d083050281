"""Launches one job after the other, as a server does, until it is killed; keeps the names of what was promised."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

from app.jobs.registry import Jobs

PAUSE_S = 0.1


def main(argv: list[str]) -> int:
    """Launch jobs that note in a file of their own, in the folder `argv[1]`, that they ran.

    The name of a job goes to the file `argv[0]`, and to the disk, once its launch has returned.
    """
    jobs = Jobs()
    script = "import sys; open(sys.argv[1], 'a').write('ran\\n')"
    with Path(argv[0]).open("a", encoding="utf-8") as promised:
        while True:
            out = Path(argv[1]) / secrets.token_hex(8)
            words = [sys.executable, "-S", "-c", script, str(out)]
            job = jobs.launch("small", words, cwd=Path.cwd(), about={"out": str(out)}, device="cpu")
            promised.write(f"{job.id}\n")
            promised.flush()
            os.fsync(promised.fileno())
            time.sleep(PAUSE_S)
