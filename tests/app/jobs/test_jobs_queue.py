"""One job per device, a queue that needs no server, and nothing left running when a job ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from app.jobs.devices import claims, clash, environment
from app.jobs.outcome import outcome
from app.jobs.protocol import MARK
from app.jobs.registry import Job, JobError, Jobs
from s1core.errors import InvalidSetting
from s1core.processes import began, end_marked, marked
from tests.app.jobs.test_jobs import SLEEP, soon, start

ROOT = Path(__file__).parents[3]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def wait(code: str, seconds: float) -> list[str]:
    return python(f"import time; time.sleep({seconds}); {code}")


def state(jobs: Jobs, job: Job) -> str:
    now = jobs.get(job.id)
    return now.state if now else "gone"


def left(jobs: Jobs, job: Job) -> list[int]:
    """What it started and is still there; the process that waits for it ends a moment later."""
    now = jobs.get(job.id) or job
    return [pid for pid in marked(MARK, str(jobs.root / job.id)) if pid != now.pid]


def test_one_job_at_a_time_has_a_device_and_the_others_wait_in_order(tmp_path: Path) -> None:
    jobs, order = Jobs(tmp_path / "jobs"), tmp_path / "order"
    note = "import sys, time; time.sleep(0.2); print({}, file=open({!r}, 'a'))"
    first, second, third = (start(jobs, python(note.format(n, str(order))), device="cpu") for n in (1, 2, 3))
    free = start(jobs, python("pass"))
    assert [first.state, second.state, third.state, free.state] == ["running", "queued", "queued", "running"]
    assert [job.id for job in jobs.ahead(third)] == [first.id, second.id] and jobs.ahead(first) == []
    assert second.argv == json.loads((jobs.root / second.id / "job.json").read_text())["argv"]
    # Nobody asks: the queue goes on without a server.
    assert soon(lambda: order.exists() and order.read_text().split() == ["1", "2", "3"])
    assert soon(lambda: {job.state for job in jobs.all()} == {"done"})
    done = jobs.get(third.id)
    assert done and done.exit_code == 0 and done.started and done.ended and done.started >= done.at


def test_a_waiting_job_is_cancelled_and_starts_after_a_restart(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", grace_s=5)
    first, second, third = (start(jobs, SLEEP, device="cpu") for _ in range(3))
    jobs.stop(second)
    assert state(jobs, second) == "stopped" and not (jobs.root / second.id / "log.txt").exists()
    # The process that would have let the queue go on is gone, as after a failure of the machine; so is the server.
    os.kill(first.pid, signal.SIGKILL)
    assert soon(lambda: not jobs.runs(first))
    again = Jobs(tmp_path / "jobs", grace_s=5)
    assert state(again, first) == "failed" and "without an exit code" in (again.get(first.id) or first).reason
    assert state(again, third) == "running" and soon(lambda: again.last_words(third) == "at work")
    assert left(jobs, first) == []
    again.stop(third)
    assert state(again, third) == "stopping"
    assert soon(lambda: state(again, third) == "stopped") and left(again, third) == []


def test_a_server_that_ends_leaves_its_jobs_and_another_sees_how_they_ended(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.jobs.registry import Jobs; jobs = Jobs(Path(sys.argv[1]));"
        "words = [sys.executable, '-c', 'import time; time.sleep(0.7); print(\"python -m x.y: no such thing\");"
        'print("====="); raise SystemExit(3)\'];'
        "print(*(jobs.launch('test', words, cwd=Path('.'), about={}, device='cpu').id for _ in range(2)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    one, two = done.stdout.split()
    jobs = Jobs(tmp_path)
    first = jobs.get(one)
    assert first and jobs.runs(first) and first.state == "running"
    assert soon(lambda: all(job.state == "failed" for job in jobs.all()))
    last = jobs.get(two)
    assert last and last.exit_code == 3 and last.reason == "no such thing (exit code 3)"


def test_a_server_that_was_killed_before_it_gave_the_word_leaves_the_job_in_the_queue(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "x"
    folder.mkdir(parents=True)
    waits = subprocess.Popen(
        [sys.executable, "-m", "app.jobs.supervisor", str(folder)], stdin=subprocess.PIPE, cwd=ROOT
    )
    noted = Job(id="x", kind="test", argv=python("print('at work')"), pid=waits.pid, began=began(waits.pid), at=0.0)
    (folder / "job.json").write_text(json.dumps(asdict(noted)))
    jobs = Jobs(tmp_path / "jobs")
    assert state(jobs, noted) == "running"
    waits.communicate()  # ends its input, as the server's end does
    assert soon(lambda: state(jobs, noted) == "done")
    assert jobs.last_words(noted) == "at work"


def test_a_clock_that_is_put_back_or_forward_changes_no_order_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(tmp_path / "jobs", grace_s=30)
    first = start(jobs, SLEEP, device="cpu")
    true_time = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: true_time() - 3_600)
        second, third = start(jobs, SLEEP, device="cpu"), start(jobs, python("pass"))
        assert [job.id for job in jobs.all()] == [third.id, second.id, first.id]
        assert [job.id for job in jobs.ahead(second)] == [first.id]
    stubborn = start(
        jobs,
        python(
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        ),
    )
    assert soon(lambda: jobs.last_words(stubborn) == "1")
    jobs.stop(stubborn)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: true_time() + 3_600)
        assert state(jobs, stubborn) == "stopping" and jobs.runs(stubborn)
    for job in (first, second, stubborn):
        end_marked(MARK, str(jobs.root / job.id))


def test_two_servers_on_one_folder_start_one_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.jobs.registry import Jobs;"
        "jobs = Jobs(Path(sys.argv[1]) / 'jobs');"
        "log = Path(sys.argv[1]) / 'log'; words = [sys.executable, '-c',"
        'f\'import time; f = open({str(log)!r}, "a", 0 or 1); f.write("in\\\\n"); time.sleep(0.1);'
        'f.write("out\\\\n")\'];'
        "[jobs.launch('test', words, cwd=Path('.'), about={}, device='cpu') for _ in range(4)]"
    )
    servers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) for _ in range(2)]
    assert [server.wait(60) for server in servers] == [0, 0]
    jobs = Jobs(tmp_path / "jobs")
    assert soon(lambda: [job.state for job in jobs.all()] == ["done"] * 8, 60)
    assert (tmp_path / "log").read_text().split() == ["in", "out"] * 8


def test_a_hung_rank_of_torchrun_does_not_outlive_its_job(tmp_path: Path) -> None:
    script = tmp_path / "hangs.py"
    script.write_text(
        "import os, signal, time\n"
        "if os.environ['RANK'] == '1': signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path)!r} + '/up' + os.environ['RANK'], 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    jobs = Jobs(tmp_path / "jobs", grace_s=1)
    job = start(jobs, [*argv, "--shutdown-timeout", "600", str(script)], device="cpu")
    after = start(jobs, python("pass"), device="cpu")
    ups = [tmp_path / f"up{rank}" for rank in (0, 1)]
    assert soon(lambda: all(up.exists() and up.read_text() for up in ups), 60)
    ranks = [int(up.read_text()) for up in ups]
    assert all(os.getsid(rank) != os.getsid(job.pid) for rank in ranks)  # no group reaches them
    time.sleep(0.2)
    jobs.stop(job)
    assert soon(lambda: state(jobs, job) == "stopped") and left(jobs, job) == []
    assert (jobs.get(job.id) or job).reason == "ended by force"
    assert soon(lambda: state(jobs, after) == "done")


def test_ranks_that_lost_torchrun_are_ended_with_it(tmp_path: Path) -> None:
    """The command is killed; what it had put into sessions of its own is not forgotten."""
    jobs = Jobs(tmp_path / "jobs")
    child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    job = start(jobs, python(child + "start_new_session=True); print('up', flush=True); time.sleep(600)"))
    assert soon(lambda: jobs.last_words(job) == "up" and len(left(jobs, job)) == 2)
    (command,) = [p for p in left(jobs, job) if Path(f"/proc/{p}/stat").read_text().split()[3] == str(job.pid)]
    os.kill(command, signal.SIGKILL)
    assert soon(lambda: state(jobs, job) == "failed") and soon(lambda: left(jobs, job) == [])
    assert (jobs.get(job.id) or job).reason.endswith("(ended by SIGKILL, as when the machine's memory is spent)")


def test_a_run_says_itself_how_it_ended(tmp_path: Path) -> None:
    jobs, run = Jobs(tmp_path / "jobs"), tmp_path / "run"
    run.mkdir()

    def told(code: int, **status: Any) -> Job:
        write = f"import json, time; json.dump({status!r} | {{'time': time.time()}}, open('status.json', 'w'))"
        job = jobs.launch("train", python(f"{write}; raise SystemExit({code})"), cwd=run, about={}, run=run)
        assert soon(lambda: (jobs.get(job.id) or job).over)
        return jobs.get(job.id) or job

    failed = told(1, state="failed", reason="the loss became nan at step 3")
    assert (failed.state, failed.reason) == ("failed", "the loss became nan at step 3")
    assert told(1, state="done").state == "done" and told(0, state="stopped").state == "stopped"
    # A status that an earlier run left does not count.
    job = jobs.launch("train", python("raise SystemExit(4)"), cwd=run, about={}, run=run)
    assert soon(lambda: (jobs.get(job.id) or job).reason == "exit code 4")


_ABOVE = "python -m train.launch: it ended; the lines above say why"


@pytest.mark.parametrize(
    ("asked", "code", "status", "log", "expected"),
    [
        (False, 0, {}, "", ("done", "")),
        (True, 0, {}, "", ("stopped", "ended on request")),
        (True, -9, {"state": "running"}, "", ("stopped", "ended by force")),
        (True, 0, {"state": "done"}, "", ("done", "")),
        (False, -15, {"state": "running", "reason": ""}, "step 3", ("failed", "step 3 (ended by SIGTERM)")),
        (False, 2, {}, "python -m train.sft: no\n----\nRoot Cause\n====", ("failed", "no (exit code 2)")),
        (False, 2, {}, f"python -m train.sft: full\n{_ABOVE}", ("failed", "full (exit code 2)")),
        (False, 1, {}, _ABOVE, ("failed", "it ended; the lines above say why (exit code 1)")),
        (False, 0, {"state": "running"}, "", ("failed", "exit code 0")),
    ],
)
def test_outcomes(asked: bool, code: int, status: dict[str, Any], log: str, expected: tuple[str, str]) -> None:
    assert outcome(asked=asked, code=code, status=status, log=log) == expected


def test_a_full_disk_does_not_keep_a_job_from_being_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(tmp_path)
    job = start(jobs, SLEEP)
    assert soon(lambda: jobs.last_words(job) == "at work")

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("app.jobs.registry.write_atomically", full)
        jobs.stop(job)
        with pytest.raises(JobError, match="No space left"):
            start(jobs, SLEEP)
        assert soon(lambda: not jobs.runs(job))
    assert [job.state for job in jobs.all()] == ["failed"] and left(jobs, job) == []


def test_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert clash(claims("cuda:0,1"), claims("cuda:1")) and not clash(claims("cuda:0"), claims("cuda:1"))
    assert clash(claims("cuda"), claims("cuda:7")) and not clash(claims("cuda"), claims("cpu"))
    assert not clash(claims(None), claims(None))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert environment("cuda:1") == {"CUDA_VISIBLE_DEVICES": "6"} and environment("cpu") == {}
    jobs = Jobs(tmp_path)
    with pytest.raises(InvalidSetting, match="cuda:0,1"):
        start(jobs, SLEEP, device="gpu")
    with pytest.raises(JobError, match="no program"):
        start(jobs, ["no-such-program"])
    seen = start(jobs, python("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"), device="cuda:0,1")
    assert seen.command.startswith("CUDA_VISIBLE_DEVICES=4,6 ") and soon(lambda: jobs.last_words(seen) == "4,6")


def test_the_log_is_read_on_from_where_it_was(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = start(jobs, wait("print('one'); print('zw\\u00f6lf', flush=True)", 0))
    assert soon(lambda: jobs.log(job)[1] == 11)
    assert jobs.log(job) == ("one\nzwölf\n", 11) and jobs.log(job, 4) == ("zwölf\n", 11)
    assert jobs.log(job, 11) == ("", 11) and jobs.get("../x") is None
