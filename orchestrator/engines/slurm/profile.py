"""The YAML file that says how jobs are submitted on a cluster.

partition: h100
account: energy
gpu_type: h100
runtime: pyxis
image: /shared/images/ai_energy_score.sqsh
setup: [module load cuda]
"""

import difflib
import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, ValidationError, field_validator

from benchmark_core.documents import Frozen, one_line
from orchestrator.errors import Problem, UsageError

FLAG = "--slurm-profile"
RuntimeName = Literal["docker", "apptainer", "pyxis", "process"]
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)
# A value becomes one argument of sbatch; none of them may be taken for two, or for an option.
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/+,@%\[\]=-]+$", max_length=200)]
OPTION = re.compile(r"--[A-Za-z][A-Za-z0-9_-]*(=\S+)?")
NODES = re.compile(r"[A-Za-z0-9_.,\[\]-]+")
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+$", max_length=1000)]


class SlurmProfile(Frozen):
    """Every key is optional.

    `nodes` is how many a sweep may have at a time; the last of them is never left out.
    `time_limit_minutes` holds where neither --timeout nor a forecast says how long a run may take.
    `setup` are shell lines before the run's program, `options` more arguments of sbatch. `python`
    and `program_root` are those of the nodes, `image` as the runtime names it. A job that is held
    counts as failed after `held_after_seconds`, one that is gone without a word after
    `lost_after_seconds`.
    """

    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    constraint: Line | None = None
    gpu_type: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
    gpus_per_node: int = Field(default=8, ge=1, le=64)
    nodes: int = Field(default=1, ge=1, le=10000)
    cpus_per_gpu: int | None = Field(default=None, ge=1)
    memory: Word | None = None
    time_limit_minutes: int | None = Field(default=None, ge=5)
    options: tuple[Line, ...] = ()
    setup: tuple[Line, ...] = ()
    python: Line | None = None
    program_root: Path | None = None
    runtime: RuntimeName = "docker"
    image: Line | None = None
    poll_seconds: float = Field(default=5.0, ge=0.2, le=300)
    held_after_seconds: float = Field(default=600.0, ge=1)
    lost_after_seconds: float = Field(default=60.0, ge=1)

    @field_validator("options")
    @classmethod
    def _are_options(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            _check_option(value)
        return values


OWN_OPTIONS = frozenset(
    (
        *("--array", "--chdir", "--comment", "--error", "--export", "--gpus", "--gpus-per-node"),
        *("--gres", "--job-name", "--no-requeue", "--nodes", "--ntasks", "--open-mode"),
        *("--output", "--parsable", "--requeue", "--signal", "--time", "--wait", "--wrap"),
    )
)
EXCLUDE = "--exclude"
EXAMPLE = "Write e.g. `partition: h100` and `runtime: pyxis`."


def read_profile(path: Path | None) -> SlurmProfile:
    """What `path` says; the defaults without one.

    Raises:
        UsageError: with every entry that is not understood, and the nearest that is.
    """
    if path is None:
        return SlurmProfile()
    content = _content(path)
    known = list(SlurmProfile.model_fields)
    problems = [_unknown(path, str(name), known) for name in content if name not in known]
    if problems:
        raise UsageError(*problems)
    try:
        return SlurmProfile.model_validate(content)
    except ValidationError as error:
        raise UsageError(Problem(f"{FLAG} {path}", one_line(error), EXAMPLE)) from error


def _check_option(value: str) -> None:
    """Raises ValueError. sbatch knows an option by how its name begins, and heeds the last."""
    name, _, given = value.partition("=")
    if not OPTION.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is no long option such as --nice=100")
    if name in OWN_OPTIONS:
        raise ValueError(f"{name} is set by this program")
    if name == EXCLUDE:
        # Nodes that the sweep itself leaves out are added to the list.
        if not NODES.fullmatch(given):
            raise ValueError("--exclude takes a list of nodes here, no file: --exclude=n1,n[3-4]")
        return
    meant = [whole for whole in sorted({*OWN_OPTIONS, EXCLUDE}) if whole.startswith(name)]
    if meant:
        raise ValueError(f"{name} is short for {' or '.join(meant)}: write names of options whole")


def _unknown(path: Path, name: str, known: list[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
    return Problem(f"{FLAG} {path}", f"{name[:60]!r} is no entry of a profile", remedy)


def _content(path: Path) -> dict[object, object]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        problem = Problem(f"{FLAG} {path}", f"cannot be read: {reason}", EXAMPLE)
        raise UsageError(problem) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(Problem(f"{FLAG} {path}", "is not a YAML mapping", EXAMPLE))
    return content
