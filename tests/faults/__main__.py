"""`make faults`: kills servers, launchers, curations and sweeps 200 times at random moments, and looks what is left.

After each kill all that was acknowledged must be there and whole; in the end all work comes to its end as if nobody had
disturbed it. Prints a table. Bounded: so many kills, each within seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.nursery import Nursery
from tests.faults.scenes import Command, Curation, Launches, Lost, Scene, Sweep, moment
from tests.faults.served import Server

SCENES: tuple[type[Scene], ...] = (Server, Launches, Curation, Sweep)


def kill(scene: Scene, draw: random.Random) -> None:
    """Let it work for a moment, kill it, and look."""
    pid = scene.start()
    time.sleep(moment(scene, draw))
    os.kill(pid, signal.SIGKILL)
    code = scene.nursery.wait(pid)
    if code == -signal.SIGKILL:
        scene.kills += 1
    elif code == 0 and isinstance(scene, Command):
        scene.early += 1
        scene.ended()
        return
    else:
        raise Lost(f"it ended by itself with {code}: {scene.nursery.said[-800:]}")
    scene.check()


def main(argv: list[str] | None = None) -> int:
    """Run what the command line asks for; return 0 where nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="scenes whose name holds this")
    asked = parser.parse_args(argv)
    draw, failed, total = random.Random(asked.seed), 0, 0
    chosen = [scene for scene in SCENES if asked.only in scene.name]
    with tempfile.TemporaryDirectory(prefix="s1-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        nursery = Nursery(folder)
        print("| killed | kills | what was looked at | in the end | wall s |\n|---|---|---|---|---|", flush=True)
        for number, kind in enumerate(chosen):
            wanted = asked.kills // len(chosen) + (number < asked.kills % len(chosen))
            scene, began_s = kind(nursery, folder / kind.__name__.lower()), time.monotonic()
            try:
                scene.prepare()
                while scene.kills < wanted:
                    kill(scene, draw)
                told = scene.finish()
            except Lost as error:
                failed += 1
                told = f"LOST: {error}"
            total += scene.kills
            print(
                f"| {kind.name} | {scene.kills} | {kind.kept} | {told} | {time.monotonic() - began_s:.0f} |", flush=True
            )
        nursery.close()
    print(f"{total} kills, " + ("nothing lost" if not failed else f"{failed} lost something"))
    return 1 if failed or total < asked.kills else 0


if __name__ == "__main__":
    sys.exit(main())
