"""TensorBoard event files: the curves of a run for those who watch them there, without an account.

Written at once and by this thread: the library's own writer has a thread that a full disk ends, after which it waits
forever.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
from tensorboardX.summary import scalar

from train.finetune.run_folder import saying_why


class EventFiles:
    """Writes scalars to a folder; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: Path, step: int, *, write: bool) -> None:
        """Begin after `step`: what an earlier, killed run wrote beyond it is hidden.

        Raises:
            TrainingFailed: the disk refuses; so do the other methods.
        """
        self._folder = folder
        self._writer: EventsWriter | None = None
        if write:
            with saying_why(folder):
                folder.mkdir(parents=True, exist_ok=True)
                self._writer = EventsWriter(str(folder / "events"))
            self._write(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of one step."""
        self._write(*(Event(step=step, summary=scalar(f"train/{name}", value)) for name, value in values.items()))

    def _write(self, *events: Event) -> None:
        if self._writer is None:
            return
        with saying_why(self._folder):
            for event in events:
                event.wall_time = time.time()
                self._writer.write_event(event)
            self._writer.flush()

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            with suppress(OSError):  # everything was flushed, or the error was reported
                self._writer.close()
