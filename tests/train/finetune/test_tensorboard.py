"""TensorBoard's files, read back by TensorBoard's own messages."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]

from train.finetune.run_folder import TrainingFailed
from train.finetune.tensorboard import EventFiles


def read(folder: Path) -> list[Any]:
    (path,) = folder.glob("events.out.tfevents.*")
    data, events = path.read_bytes(), []
    while data:
        (size,) = struct.unpack("Q", data[:8])
        events.append(Event.FromString(data[12 : 12 + size]))
        data = data[16 + size :]
    return events


def test_scalars_and_where_a_resumed_run_begins(tmp_path: Path) -> None:
    with EventFiles(tmp_path / "tensorboard", 4, write=True) as events:
        events.add(5, {"loss": 0.5, "lr": 0.25})
        # Whoever watches sees them at once.
        version, start, *scalars = read(tmp_path / "tensorboard")
    assert version.file_version == "brain.Event:2"
    assert start.step == 5 and start.session_log.status == SessionLog.START
    told = [(one.step, one.summary.value[0].tag, one.summary.value[0].simple_value) for one in scalars]
    assert told == [(5, "train/loss", 0.5), (5, "train/lr", 0.25)] and all(one.wall_time > 1e9 for one in scalars)


def test_only_one_process_writes_and_a_refusal_is_one_sentence(tmp_path: Path) -> None:
    with EventFiles(tmp_path / "none", 0, write=False) as events:
        events.add(1, {"loss": 1.0})
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(TrainingFailed, match="file cannot be written: File exists; mend that, and start the same"):
        EventFiles(tmp_path / "file", 0, write=True)
