"""`make fuzz`: feeds every parser and importer with what is odd, torn or hostile, 100,000 cases and more.

Each case must end with a value or with an error that is documented, and within seconds. Prints how many were tried.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import traceback
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tests.fuzz import of_logs, of_ours, of_strangers, of_text, of_visitors
from tests.fuzz.target import MOST_CPU_S, Target, run

TARGETS: tuple[Target, ...] = (
    *(*of_visitors.TARGETS, *of_strangers.TARGETS, *of_logs.TARGETS),
    *(*of_text.TARGETS, *of_ours.TARGETS),
)


def main() -> int:
    """Run what the command line asks for; return 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="at least so many in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # some libraries log what they refuse
    warnings.simplefilter("ignore")
    chosen = [target for target in TARGETS if asked.only in target.name]
    whole, total, failed = sum(target.share for target in chosen), 0, []
    print(f"| {'read':32} | cases | refused | slowest, CPU s | wall s |\n|---|---|---|---|---|", flush=True)
    for target in chosen:
        began_s = time.monotonic()
        try:
            seen = run(target, -int(-asked.cases * target.share // whole), asked.seed)
        except Exception:
            failed.append(target.name)
            print(f"\n{target.name}:\n{traceback.format_exc(limit=-6)}", flush=True)
            continue
        total += seen.cases
        row = f"{seen.cases:,} | {seen.refused:,} | {seen.slowest_s:.2f} | {time.monotonic() - began_s:.0f}"
        print(f"| {target.name:32} | {row} |", flush=True)
    print(f"{total:,} cases of {len(chosen)} parsers (seed {asked.seed}), each within {MOST_CPU_S:g} s of CPU")
    print(f"found: {', '.join(failed)}" if failed else "nothing found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
