"""How a job is submitted: the arguments of sbatch and the script, as pure data."""

import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.engines.process import PROGRAM_ROOT
from orchestrator.engines.slurm.profile import EXCLUDE, SlurmProfile

TERM_SECONDS = 60
"""How long before its limit a job is told to end."""
MARGIN_SECONDS = 240.0
"""More than a run may take, for the job's own beginning and for that warning."""
PROGRAM = "orchestrator.engines.slurm.job"


def sbatch_arguments(
    profile: SlurmProfile,
    name: str,
    comment: str,
    slurm_log: Path,
    gpu_count: int,
    time_limit_minutes: int | None,
    excluded_nodes: Sequence[str] = (),
) -> list[str]:
    """The whole command; the script is its input."""
    optional = {
        "--partition": profile.partition,
        "--account": profile.account,
        "--qos": profile.qos,
        "--constraint": profile.constraint,
        "--mem": profile.memory,
        "--time": time_limit_minutes,
    }
    command = ["sbatch", "--parsable", f"--job-name={name}", f"--comment={comment}"]
    command += ["--nodes=1", "--ntasks=1", "--chdir=/", "--export=ALL"]
    command += ["--requeue", f"--signal=B:TERM@{TERM_SECONDS}"]
    # A percent sign would be a pattern of Slurm's.
    command += ["--open-mode=append", f"--output={str(slurm_log).replace('%', '%%')}"]
    command += [f"{option}={value}" for option, value in optional.items() if value is not None]
    if gpu_count:
        kind = f":{profile.gpu_type}" if profile.gpu_type else ""
        command.append(f"--gres=gpu{kind}:{gpu_count}")
    if profile.cpus_per_gpu:
        command.append(f"--cpus-per-task={profile.cpus_per_gpu * max(gpu_count, 1)}")
    return [*command, *_options(profile.options, excluded_nodes)]


def _options(options: Sequence[str], excluded_nodes: Sequence[str]) -> list[str]:
    """Those of the profile. All nodes to leave out are one: of several sbatch heeds the last."""
    if not excluded_nodes:
        return list(options)
    stated = [option for option in options if option.startswith(f"{EXCLUDE}=")]
    nodes = [*(option.removeprefix(f"{EXCLUDE}=") for option in stated), *excluded_nodes]
    others = [option for option in options if option not in stated]
    return [*others, f"{EXCLUDE}={','.join(nodes)}"]


def job_script(profile: SlurmProfile, folder: Path) -> str:
    """The program takes the place of the shell, so that Slurm's signals reach it directly."""
    python = profile.python or sys.executable
    root = profile.program_root or PROGRAM_ROOT
    lines = [
        "#!/bin/bash",
        *profile.setup,
        f"export PYTHONPATH={shlex.quote(str(root))} PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1",
        f"exec {shlex.quote(python)} -m {PROGRAM} {shlex.quote(str(folder))}",
    ]
    return "\n".join(lines) + "\n"


def time_limit(profile: SlurmProfile, limit_seconds: float | None) -> int | None:
    """In minutes, for a run that may take `limit_seconds`; the profile's where that is None."""
    if limit_seconds is None:
        return profile.time_limit_minutes
    return math.ceil((limit_seconds + MARGIN_SECONDS) / 60)
