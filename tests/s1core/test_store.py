"""Runs on disk survive kills, refuse a second writer, and never mix settings."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s1core.store import RunStore, StoreError, read_manifest, read_rows, write_atomically

CONFIG = {"model": "m", "settings": [1, 2]}

WRITER = """
import sys, time
from pathlib import Path
from s1core.store import RunStore
with RunStore(Path(sys.argv[1]), {"a": 1}) as store:
    done = sum(1 for _ in store.rows())
    print("ready", flush=True)
    for i in range(done, 400):
        store.append({"id": i, "text": "x" * 300})
        time.sleep(0.001)
"""


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    with RunStore(tmp_path, CONFIG, {"machine": "here"}) as store:
        store.append({"id": 1}, {"id": 2})
        store.append({"id": "é"})
        assert [row["id"] for row in store.rows()] == [1, 2, "é"]
    assert read_manifest(tmp_path)["machine"] == "here"


def test_a_run_resumes_after_its_last_whole_line(tmp_path: Path) -> None:
    with RunStore(tmp_path, CONFIG) as store:
        store.append({"id": 1})
    with (tmp_path / "samples.jsonl").open("a") as file:
        file.write('{"id": 2, "te')
    assert [row["id"] for row in read_rows(tmp_path)] == [1]
    with RunStore(tmp_path, CONFIG) as store:
        store.append({"id": 3})
        assert [row["id"] for row in store.rows()] == [1, 3]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    RunStore(tmp_path, CONFIG).close()
    with pytest.raises(StoreError, match="other settings"):
        RunStore(tmp_path, {**CONFIG, "model": "n"})


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with RunStore(tmp_path, CONFIG), pytest.raises(StoreError, match="another process"):
        RunStore(tmp_path, CONFIG)
    RunStore(tmp_path, CONFIG).close()


def test_twenty_kills_lose_and_repeat_nothing(tmp_path: Path) -> None:
    for attempt in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        time.sleep(0.003 * attempt)
        writer.kill()
        writer.wait()
        writer.stdout.close()
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], check=True, capture_output=True)
    assert [row["id"] for row in read_rows(tmp_path)] == list(range(400))


def test_a_full_disk_is_reported_and_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunStore(tmp_path, CONFIG) as store:
        store.append({"id": 1})

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match="disk is full"):
                store.append({"id": 2})
        store.append({"id": 3})
        assert [row["id"] for row in store.rows()] == [1, 3]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from s1core.store import RunStore, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as for a full disk: the write fails, the process goes on
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
with RunStore(Path(sys.argv[1]), {"a": 1}) as store:
    done = 0
    try:
        while True:
            store.append({"id": done, "text": "x" * 300})
            done += 1
    except StoreError as error:
        print(done, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store.append({"id": done, "text": "now there is room"})
"""


def test_a_line_that_fits_the_disk_in_part_is_taken_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    written, _, message = done.stdout.partition(" ")
    assert int(written) > 10
    assert "samples.jsonl cannot be extended: " in message and "free space and resume" in message
    assert [row["id"] for row in read_rows(tmp_path)] == list(range(int(written) + 1))


def test_a_run_that_cannot_even_begin_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="the disk is full"):
            RunStore(tmp_path / "run", CONFIG)
    RunStore(tmp_path / "run", CONFIG).close()  # and nothing is left in the way


def test_the_end_of_the_last_whole_line_is_found_in_long_files(tmp_path: Path) -> None:
    for text, kept in (("a" * 200_000, 0), ("{}\n" + "a" * 200_000, 1), ("{}\n" * 100_000, 100_000)):
        (tmp_path / "samples.jsonl").write_text(text)
        with RunStore(tmp_path, CONFIG) as store:
            assert sum(1 for _ in store.rows()) == kept
        assert (tmp_path / "samples.jsonl").stat().st_size == 3 * kept


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(b'{"id":1}\nnot json\n{"id":2}\n')
    with pytest.raises(StoreError, match="line 2"):
        list(read_rows(tmp_path))
    bad: list[int] = []
    assert [row["id"] for row in read_rows(tmp_path, lambda number, _: bad.append(number))] == [1, 2]
    assert bad == [2]


def test_a_folder_without_a_manifest_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no manifest\.json"):
        read_manifest(tmp_path)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, json.dumps({"v": 1}))

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="gone"):
        write_atomically(path, json.dumps({"v": 2}))
    assert json.loads(path.read_text()) == {"v": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
