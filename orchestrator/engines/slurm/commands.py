"""The commands of Slurm that are used: sbatch, squeue, scontrol, scancel. Never accounting."""

import os
import re
import subprocess
from collections.abc import Mapping

from orchestrator.engines.process_environment import inherited
from orchestrator.errors import HostError, Problem

PATIENCE_SECONDS = 60.0
SILENCE = re.compile(
    r"unable to contact|timed out|connection (refused|reset|timed)|connect failure|zero bytes"
    r"|standby mode|temporarily unable|communication connection|try again|slurmctld\(\w+\) at",
    re.IGNORECASE,
)
"""In what a command says while no controller answers, or one begins or ends."""
KEPT = ("SLURM_CONF", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "HF_TOKEN_PATH")


class SlurmRefusal(Exception):
    """A command of Slurm failed; the text is its last line, for people."""


class SlurmSilence(SlurmRefusal):
    """The controller did not answer, or is not ready to; asked later it may."""


def ask(*command: str, given: Mapping[str, str] | None = None, text: str = "") -> str:
    """What the command prints. `text` is its input, `given` the variables that lead to the hub.

    It sees no other variables of the user than a run would: sbatch hands them to the job.

    Raises:
        SlurmSilence: the controller does not answer in time, or not at all.
        SlurmRefusal: the command is not installed, or fails.
    """
    try:
        done = subprocess.run(
            command,
            input=text,
            env=environment(given or {}),
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise SlurmRefusal(f"{command[0]} is not installed") from error
    except OSError as error:
        raise SlurmRefusal(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        waited = f"{PATIENCE_SECONDS:.0f} s"
        raise SlurmSilence(f"{command[0]} did not answer within {waited}") from error
    if done.returncode != 0:
        # Of stars is the banner in which scontrol says that a controller is to be restarted.
        said = (line.strip() for line in (done.stderr or done.stdout).splitlines())
        lines = [line for line in said if line and "*" not in line]
        last = lines[-1].removeprefix(f"{command[0]}: ") if lines else "it said nothing"
        kind = SlurmSilence if SILENCE.search(last) else SlurmRefusal
        raise kind(f"{command[0]} ended with {done.returncode}: {last[:300]}")
    return done.stdout


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Of a command of Slurm, and so of a job: nothing that may be a secret."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return inherited(given) | kept


def refused(where: str, refusal: SlurmRefusal, remedy: str) -> HostError:
    return HostError(Problem(where, str(refusal).rstrip("."), remedy))
