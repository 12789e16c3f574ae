"""Whether the cluster can take our jobs at all, found before any is submitted."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.engines.slurm.commands import SlurmRefusal, ask
from orchestrator.engines.slurm.profile import FLAG, SlurmProfile
from orchestrator.errors import Problem

PROGRAMS = ("sbatch", "squeue", "scontrol", "scancel")
WHERE = "Slurm"
MOUNTS = Path("/proc/mounts")
LOCAL = ("btrfs", "ext2", "ext3", "ext4", "overlay", "ramfs", "tmpfs", "xfs", "zfs")


def find_cluster_problems(profile: SlurmProfile, wants_gpus: bool) -> Iterator[Problem]:
    """`wants_gpus`: whether a job will ask for a GPU."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        what = f"this machine has no {', '.join(missing)}"
        yield Problem(WHERE, what, "Log in to a machine that submits jobs, or use another --engine")
        return
    try:
        ask("scontrol", "ping")
        partitions = ask("scontrol", "--oneliner", "show", "partition")
        nodes = ask("scontrol", "--oneliner", "show", "node")
    except SlurmRefusal as refusal:
        yield Problem(WHERE, str(refusal), "Ask whoever runs the cluster, or wait.")
        return
    yield from _partition_problems(profile, partitions)
    if wants_gpus:
        yield from _gpu_problems(profile, nodes)


def find_sharing_warnings(paths: Sequence[Path]) -> Iterator[Problem]:
    """Folders on a file system that is usually this machine's alone; nobody here can be sure."""
    kinds = _file_systems()
    for path in paths:
        # The mount that is nearest to the folder has the longest path, and of two the last counts.
        above = [place for place in kinds if path.absolute().is_relative_to(place)]
        kind = kinds[max(above, key=lambda place: len(place.parts))] if above else ""
        if kind in LOCAL:
            what = f"is on a file system of this machine ({kind}), which nodes usually do not see"
            yield Problem(str(path), what, "Choose a folder that every node shares.")


def _file_systems() -> dict[Path, str]:
    """The kind of what is mounted, by its place; blanks in it are written as in C."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    fields = (line.split(" ") for line in lines)
    return {Path(one[1].replace("\\040", " ")): one[2] for one in fields if len(one) > 2}


def _partition_problems(profile: SlurmProfile, text: str) -> Iterator[Problem]:
    known = re.findall(r"^PartitionName=(\S+)", text, re.MULTILINE)
    wanted = profile.partition.split(",") if profile.partition else []
    for name in wanted:
        if name not in known:
            yield Problem(
                f"{FLAG}, partition",
                f"the cluster has no partition {name!r}",
                f"Use one of {', '.join(known)[:300]}.",
            )
    if not wanted and not re.search(r"\bDefault=YES\b", text):
        what = "the cluster has no default partition"
        yield Problem(f"{FLAG}, partition", what, f"Name one of {', '.join(known)[:300]}.")


def _gpu_problems(profile: SlurmProfile, text: str) -> Iterator[Problem]:
    """Nodes of the wanted partitions, by the GRES that they were configured with."""
    wanted = set(profile.partition.split(",")) if profile.partition else set()
    kinds: set[str] = set()
    for line in text.splitlines():
        partitions = re.search(r"\bPartitions=(\S+)", line)
        of_node = set(partitions.group(1).split(",")) if partitions else set()
        gres = re.search(r"\bGres=(\S+)", line)
        if gres and (not wanted or wanted & of_node):
            kinds |= {_kind(entry) for entry in gres.group(1).split(",") if _is_gpu(entry)}
    if not kinds:
        what = f"no node{' of that partition' if wanted else ''} offers GPUs (GRES gpu)"
        yield Problem(f"{FLAG}, partition", what, "Choose another partition, or --device cpu.")
    elif profile.gpu_type and profile.gpu_type not in kinds:
        offered = ", ".join(sorted(kinds - {""})) or "GPUs without a type"
        what = f"no node offers GPUs of type {profile.gpu_type!r}"
        yield Problem(f"{FLAG}, gpu_type", what, f"There are: {offered}.")


def _is_gpu(entry: str) -> bool:
    return entry.partition(":")[0] == "gpu"


def _kind(entry: str) -> str:
    """`h100` of `gpu:h100:8(S:0-1)`, empty of `gpu:8`."""
    words = entry.partition("(")[0].split(":")
    return words[1] if len(words) == 3 else ""
