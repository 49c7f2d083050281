"""TensorBoard event files: the curves of a run for those who watch them there, without an account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tensorboardX import SummaryWriter


class EventFiles:
    """Writes scalars to a folder; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: Path, step: int, *, write: bool) -> None:
        """Begin after `step`: what an earlier, killed run wrote beyond it is hidden."""
        self._writer = SummaryWriter(str(folder), purge_step=step + 1) if write else None

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of one step."""
        if self._writer is None:
            return
        for name, value in values.items():
            self._writer.add_scalar(f"train/{name}", value, step)
        self._writer.flush()

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
