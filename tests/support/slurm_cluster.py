"""A real Slurm cluster on this one machine: a controller, and nodes of eight made-up GPUs.

Needs root and Debian's packages slurmctld, slurmd, slurm-client and munge. Everything it writes is
in one folder; everything it starts is stopped when the context ends.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
GPUS_PER_NODE = 8
# A number that no driver of an ordinary kernel has; nobody opens the files.
DEVICE_MAJOR = 240
READY_SECONDS = 40.0
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class SlurmCluster:
    """`environment` is what a command needs to talk to it."""

    def __init__(self, folder: Path, nodes: tuple[str, ...]) -> None:
        self.folder = folder
        self.nodes = nodes
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        self._write_files()
        munge = self.folder / "munge"
        self._spawn(
            *("munged", "munged", "--foreground", "--force", f"--socket={munge}/socket"),
            *(f"--key-file={munge}/key", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed"),
            f"--log-file={munge}/log",
        )
        wait_for(lambda: (munge / "socket").exists(), "munged")
        self._spawn("slurmctld", "slurmctld", "-D", "-i")
        for node in self.nodes:
            self.start_node(node)
        wait_for(lambda: self._idle_nodes() == len(self.nodes), "the nodes", self._logs)

    def start_node(self, node: str) -> None:
        self._spawn(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> int:
        """Kill its daemon and all of its jobs, as a power failure would; how many processes.

        What watches over a job dies first: it would tell the controller how the job ended.
        """
        self._daemons[node].kill()
        self._daemons.pop(node).wait()
        return self._kill_jobs(node)

    def _kill_jobs(self, node: str) -> int:
        killed = 0
        for _ in range(3):  # what is born meanwhile is met the next time
            jobs = _processes_with(self._mark, f"SLURMD_NODENAME={node}".encode())
            for pid in [*filter(_is_step_daemon, map(_parent, jobs)), *_with_descendants(jobs)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        return killed

    @property
    def _mark(self) -> bytes:
        return f"SLURM_CONF={self.folder}/slurm.conf".encode()

    def call(self, *command: str) -> str:
        """The output of a Slurm command; raises CalledProcessError."""
        environment = {"PATH": SYSTEM_PATH, **self.environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        done.check_returncode()
        return done.stdout

    def jobs(self) -> dict[str, str]:
        """State by job id, of all that the controller remembers."""
        lines = self.call("squeue", "--states=all", "--noheader", "--format=%i %T").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def stop(self) -> None:
        """Everything, for sure: jobs, daemons, and what their steps left."""
        with contextlib.suppress(subprocess.SubprocessError, OSError, AssertionError):
            if living := self._living_jobs():
                self.call("scancel", *living)
            wait_for(lambda: not self._living_jobs(), "the end of the jobs")
        for name in [*self.nodes, "slurmctld", "munged"]:
            daemon = self._daemons.pop(name, None)
            if daemon is not None:
                daemon.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    daemon.wait(timeout=10)
                daemon.kill()
                daemon.wait()
        for node in self.nodes:
            self._kill_jobs(node)

    def _living_jobs(self) -> list[str]:
        alive = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")
        return [job for job, state in self.jobs().items() if state in alive]

    def _spawn(self, name: str, program: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.out").open("ab")
        with log:
            self._daemons[name] = subprocess.Popen(
                [str(_which(program)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": SYSTEM_PATH, **self.environment},
                start_new_session=True,
            )

    def _idle_nodes(self) -> int:
        for name, daemon in self._daemons.items():
            assert daemon.poll() is None, f"{name} ended:\n{self._logs()}"
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.call("scontrol", "--oneliner", "show", "nodes").count("State=IDLE ")
        return 0

    def _logs(self) -> str:
        paths = [*sorted(self.folder.glob("*.log")), *sorted(self.folder.glob("*.out"))]
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in paths)

    def _write_files(self) -> None:
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755, parents=True)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(256))
        key.chmod(0o400)
        gres = []
        for node in self.nodes:
            (self.folder / "spool" / node).mkdir()
            devices = self.folder / "devices" / node
            devices.mkdir(parents=True)
            for index in range(GPUS_PER_NODE):
                device = os.makedev(DEVICE_MAJOR, index)
                os.mknod(devices / f"gpu{index}", 0o600 | stat.S_IFCHR, device)
            files = f"{devices}/gpu[0-{GPUS_PER_NODE - 1}]"
            gres.append(f"NodeName={node} Name=gpu Type=sim File={files}\n")
        (self.folder / "gres.conf").write_text("".join(gres))
        (self.folder / "slurm.conf").write_text(self._configuration())

    def _configuration(self) -> str:
        ports = _free_ports(1 + len(self.nodes))
        host, folder = socket.gethostname(), self.folder
        lines = [
            "ClusterName=ours",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={ports[0]}",
            "SlurmUser=root",
            "SlurmdUser=root",
            "AuthType=auth/munge",
            # A lost node's job is held back until its credential is too old to start by.
            f"AuthInfo=socket={folder}/munge/socket,cred_expire=5",
            f"StateSaveLocation={folder}/state",
            f"SlurmdSpoolDir={folder}/spool/%n",
            f"SlurmctldPidFile={folder}/slurmctld.pid",
            f"SlurmdPidFile={folder}/slurmd.%n.pid",
            f"SlurmctldLogFile={folder}/slurmctld.log",
            f"SlurmdLogFile={folder}/slurmd.%n.log",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU",
            "SlurmdParameters=config_overrides",
            "SchedulerParameters=sched_interval=2,bf_interval=2",
            "GresTypes=gpu",
            "SlurmctldTimeout=10",
            "SlurmdTimeout=10",
            "MinJobAge=300",
            "KillWait=5",
            "ReturnToService=2",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none",
            "SwitchType=switch/none",
            "MpiDefault=none",
        ]
        lines += [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=32"
            f" RealMemory=1000 Gres=gpu:sim:{GPUS_PER_NODE} State=UNKNOWN"
            for node, port in zip(self.nodes, ports[1:], strict=True)
        ]
        names = ",".join(self.nodes)
        lines.append(f"PartitionName=gpu Nodes={names} Default=YES MaxTime=INFINITE State=UP")
        return "\n".join(lines) + "\n"


def require_slurm() -> None:
    """Skip the test where Slurm cannot be run; with AIES_REQUIRE_SLURM, as in CI, fail instead."""
    missing = [program for program in PROGRAMS if _which(program) is None]
    lack = f"the programs {', '.join(missing)} are missing" if missing else ""
    if os.geteuid() != 0:
        lack = "a cluster of one's own needs root"
    if lack and os.environ.get("AIES_REQUIRE_SLURM"):
        pytest.fail(f"AIES_REQUIRE_SLURM is set, but {lack}")
    if lack:
        pytest.skip(lack)


@contextlib.contextmanager
def running_cluster(folder: Path, nodes: tuple[str, ...] = ("n1", "n2")) -> Iterator[SlurmCluster]:
    """A cluster with idle nodes; `folder` does not exist yet. Skips as `require_slurm`."""
    require_slurm()
    cluster = SlurmCluster(folder, nodes)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _which(program: str) -> str | None:
    return shutil.which(program, path=SYSTEM_PATH)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _processes_with(*marks: bytes) -> list[int]:
    """Processes that have all of these in their environment, and not this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if {*marks} <= {*(entry / "environ").read_bytes().split(b"\0")}:
                    found.append(int(entry.name))
    return found


def _parent(pid: int) -> int:
    """0 where there is none any more."""
    with contextlib.suppress(OSError):
        stat_line = Path(f"/proc/{pid}/stat").read_text()
        return int(stat_line.rpartition(")")[2].split()[1])
    return 0


def _with_descendants(pids: list[int]) -> list[int]:
    """A run knows nothing of Slurm: its environment is its own."""
    everyone = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    children: dict[int, list[int]] = {}
    for pid in everyone:
        children.setdefault(_parent(pid), []).append(pid)
    found = list(pids)
    for pid in found:  # grows while it is walked
        found += [child for child in children.get(pid, []) if child not in found]
    return found


def _is_step_daemon(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"slurmstepd" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def wait_for(condition: Callable[[], object], what: str, explain: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come\n{explain()}"
        time.sleep(0.1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), running_cluster(Path(sys.argv[1])) as made:
        print(f"export SLURM_CONF={made.environment['SLURM_CONF']}", flush=True)
        signal.pause()
