"""A Slurm of this machine alone, with two nodes: Debian's packages, started in a folder and ended with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from s1core.processes import end_marked

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
MARK = "S1_TEST_SLURM"
_CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
KillWait=10
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2
PartitionName=all Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """What is missing for it here; empty when nothing is."""
    missing = [name for name in PROGRAMS if _program(name) is None]
    if missing:
        return f"Debian's slurmctld, slurmd, slurm-client and munge are not installed ({', '.join(missing)} missing)"
    if os.getuid() != 0:
        return "Slurm's daemons start jobs of other users, which takes root"
    if not Path("/proc/self/environ").exists():
        return "it is Linux's alone"
    return ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


@contextmanager
def slurm(folder: Path) -> Generator[dict[str, str], None, None]:
    """Two nodes of two cores each; yields the variables that its clients need."""
    (folder / "state").mkdir(parents=True)
    (folder / "munge").mkdir(mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    ports = _free_ports(3)
    config = folder / "slurm.conf"
    config.write_text(
        _CONFIG.format(folder=folder, host=socket.gethostname().partition(".")[0], ports=ports, user="root")
    )
    variables = {**os.environ, "SLURM_CONF": str(config), MARK: str(folder)}
    munge = ["--force", f"--key-file={key}", f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge/pid"]
    munge += [f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed"]
    try:
        _run("munged", *munge, variables=variables)
        _run("slurmctld", "-c", "-f", str(config), variables=variables)
        for node in ("node1", "node2"):
            _run("slurmd", "-N", node, "-f", str(config), variables=variables)
        ends = time.monotonic() + 20
        while _run("sinfo", "-h", "-o", "%T", variables=variables).split() != ["idle"]:
            assert time.monotonic() < ends, _logs(folder)
            time.sleep(0.1)
        yield {"SLURM_CONF": str(config), MARK: str(folder)}
    finally:
        # The daemons, and whatever their jobs left.
        end_marked(MARK, str(folder))


def _run(name: str, *words: str, variables: dict[str, str]) -> str:
    program = _program(name)
    assert program, name
    done = subprocess.run([program, *words], env=variables, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout


def _logs(folder: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text()[-1_500:]}" for path in sorted(folder.glob("*.log")))


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
