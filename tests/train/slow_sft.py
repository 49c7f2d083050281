"""`train.sft` with steps that take a while, so that a test can kill it at one."""

import time

from train import sft
from train.finetune.loop import Run

_one_step = Run._one_step


def slow(self: Run, step: int):  # noqa: ANN201
    time.sleep(0.15)
    return _one_step(self, step)


Run._one_step = slow
sft._ended(sft.main())
