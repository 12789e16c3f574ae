"""Each run a job of a Slurm cluster; its folder, on a shared file system, is the only channel."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmark_core.contract import OUTCOME_FILE, SPEC_FILE, RunSpec
from benchmark_core.documents import ContractError, timestamp
from orchestrator.engines.base import EngineAway, Leftover, Nodes, Order
from orchestrator.engines.container_settings import hash_of_folder
from orchestrator.engines.owner import Owner
from orchestrator.engines.slurm.cluster import find_cluster_problems, find_sharing_warnings
from orchestrator.engines.slurm.commands import SlurmRefusal, SlurmSilence, ask, refused
from orchestrator.engines.slurm.handle import SlurmHandle
from orchestrator.engines.slurm.job_record import (
    JobRecord,
    job_comment,
    job_name,
    read_job,
    remove_job,
    slurm_log_path,
)
from orchestrator.engines.slurm.profile import SlurmProfile
from orchestrator.engines.slurm.queue import Queue
from orchestrator.engines.slurm.runtimes.registry import RUNTIME_FACTS
from orchestrator.engines.slurm.submission import job_script, sbatch_arguments, time_limit
from orchestrator.errors import HostError, Problem
from orchestrator.lease import JOB_FILE, read_lease
from orchestrator.run_directory import RUNS_DIR

SPACE = "Free the disk, or make the folder writable, and start again."
CORRECT = "Correct what it names, often in the --slurm-profile file, and start again."
ANSWER = "Look at `squeue --me`; start again once the controller answers."


@dataclass(frozen=True)
class SlurmSettings:
    """What every job gets. Paths are those of the shared file system.

    `token_stays_here`: a token is known to this process alone, and never travels with a job.
    """

    profile: SlurmProfile
    image: str
    output_dir: Path
    hub_cache: Path
    datasets_cache: Path
    needs_model: bool
    optimum_python: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_stays_here: bool = False


class SlurmEngine:
    """Submits, watches and cancels its own jobs; touches no other."""

    name = "slurm"

    def __init__(self, settings: SlurmSettings) -> None:
        self.settings = settings
        self._profile = settings.profile
        self._facts = RUNTIME_FACTS[settings.profile.runtime]
        self._image = settings.profile.image or settings.image
        self.queue = Queue(settings.profile.poll_seconds)

    def nodes(self) -> Nodes:
        return Nodes(self._profile.nodes, self._profile.gpus_per_node)

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        yield from find_cluster_problems(self._profile, wants_gpus)
        yield from self._facts.path_problems(self._paths())
        if self.settings.token_stays_here and self.settings.needs_model:
            yield Problem(
                "HF_TOKEN",
                "is set here only, and the jobs read the token from a file of yours",
                "Log in with `hf auth login`, or name a file in HF_TOKEN_PATH.",
            )

    def warnings(self) -> Iterator[Problem]:
        yield from find_sharing_warnings(self._paths())

    def image_name(self) -> str | None:
        return self._image if self._facts.has_image else None

    def image_digest(self) -> None:
        """Known on the nodes alone; the outcome has it."""

    def samples_path(self, samples: Path) -> str:
        return self._facts.samples_path(samples)

    def start(self, order: Order) -> SlurmHandle:
        """Submit one job. The job waits for `job.json`: with any other id in it, it ends at once.

        Raises:
            EngineAway: no controller answers. A job that it took nevertheless runs nothing.
            HostError: Slurm refuses, or the folder cannot be written.
        """
        folder = order.folder.resolve()
        spec = _read_spec(folder)
        gpu_count = 0 if spec.device.kind == "cpu" else spec.device.gpu_count
        limits = (order.launch.timeout_seconds, order.time_limit_seconds)
        minutes = time_limit(self._profile, next((one for one in limits if one), None))
        name = job_name(order.run_id)
        comment = job_comment(hash_of_folder(self.settings.output_dir), order.run_id)
        slurm_log = slurm_log_path(order.log_path)
        arguments = (self._profile, name, comment, slurm_log, gpu_count, minutes)
        try:
            # Slurm opens the job's own log before anything of ours runs on the node.
            slurm_log.parent.mkdir(parents=True, exist_ok=True)
            answer = self._submit(order, partial(sbatch_arguments, *arguments))
        except SlurmSilence as silence:
            raise EngineAway(Problem("Slurm", str(silence).rstrip("."), ANSWER)) from silence
        except SlurmRefusal as refusal:
            raise refused(f"run {order.run_id}", refusal, CORRECT) from refusal
        except OSError as error:
            raise HostError(Problem(str(slurm_log.parent), f"{error.strerror}", SPACE)) from error
        job_id = answer.strip().partition(";")[0]
        record = self._record(order, job_id, name, comment, gpu_count, minutes)
        try:
            record.write(folder)
        except OSError as error:
            raise HostError(
                Problem(
                    f"run {order.run_id}",
                    f"its job {job_id} cannot be recorded: {error.strerror}",
                    f"{SPACE} The job ends by itself.",
                )
            ) from error
        self.queue.forget()
        return self.handle(record, order)

    def handle(self, record: JobRecord, order: Order) -> SlurmHandle:
        return SlurmHandle(record, order, self.queue)

    def leftovers(self) -> list[Leftover]:
        """Jobs without an outcome. For the holder of the directory's lock, which nobody else is.

        Raises HostError when the controller does not answer.
        """
        runs = self.settings.output_dir / RUNS_DIR
        folders = [path.parent for path in sorted(runs.glob(f"*/{JOB_FILE}"))]
        records = [
            (folder, record)
            for folder in folders
            if not (folder / OUTCOME_FILE).exists() and (record := read_job(folder))
        ]
        abandoned = [(folder, one) for folder, one in records if _is_abandoned(one.owner)]
        if not abandoned:
            return []
        try:
            queued = self.queue.all(patience_seconds=0)
        except SlurmRefusal as refusal:
            raise refused("Slurm", refusal, ANSWER) from refusal
        found = []
        for folder, record in abandoned:
            job, lease = queued.get(record.job_id), read_lease(folder)
            ended = lease is not None and lease.job_id == record.job_id and lease.ended
            alive = bool(ended) or (job is not None and not job.is_over)
            found.append(Leftover(str(folder), record.run_id, record.spec_hash, alive))
        return found

    def adopt(self, leftover: Leftover, order: Order) -> SlurmHandle:
        record = read_job(Path(leftover.key))
        if record is None:
            problem = Problem(leftover.key, f"{JOB_FILE} cannot be read", "Start the run anew.")
            raise HostError(problem)
        news = {
            "owner": Owner.current(),
            "held_after_seconds": self._profile.held_after_seconds,
            "lost_after_seconds": self._profile.lost_after_seconds,
        }
        record = record.model_copy(update=news)
        try:
            record.write(Path(leftover.key))
        except OSError as error:
            what = f"{JOB_FILE} cannot be written: {error.strerror}"
            raise HostError(Problem(leftover.key, what, SPACE)) from error
        return self.handle(record, order)

    def discard(self, leftover: Leftover) -> None:
        folder = Path(leftover.key)
        record = read_job(folder)
        if record is not None:
            if not _is_abandoned(record.owner):
                return
            ended = self.handle(record, record.order(folder)).stop()
            if ended.cause == "vanished":
                remedy = f"Look at `scontrol show job {record.job_id}`, and start again."
                raise HostError(Problem(f"run {record.run_id}", ended.detail, remedy))
        remove_job(folder)

    def _submit(self, order: Order, command: Callable[[Sequence[str]], list[str]]) -> str:
        """What sbatch answers. Nodes are left out only where others will do. Raises as `ask`."""
        script = job_script(self._profile, order.folder.resolve())
        submit = partial(ask, given=self.settings.environment, text=script)
        try:
            return submit(*command(order.excluded_nodes))
        except SlurmRefusal as refusal:
            if isinstance(refusal, SlurmSilence) or not order.excluded_nodes:
                raise
        return submit(*command(()))

    def _paths(self) -> list[Path]:
        settings = self.settings
        caches = [settings.hub_cache, settings.datasets_cache] if settings.needs_model else []
        return [settings.output_dir, *caches]

    def _record(
        self,
        order: Order,
        job_id: str,
        name: str,
        comment: str,
        gpu_count: int,
        minutes: int | None,
    ) -> JobRecord:
        settings = self.settings
        return JobRecord(
            job_id=job_id,
            name=name,
            comment=comment,
            run_id=order.run_id,
            spec_hash=order.spec_hash,
            submitted_at=timestamp(),
            owner=Owner.current(),
            runtime=self._profile.runtime,
            image=self._image,
            output_dir=settings.output_dir.resolve(),
            log_path=order.log_path.absolute(),
            samples=order.samples.resolve() if order.samples else None,
            wants_gpus=order.wants_gpus,
            gpu_count=gpu_count,
            offline=order.offline,
            host_network=order.host_network,
            needs_model=settings.needs_model,
            hub_cache=settings.hub_cache,
            datasets_cache=settings.datasets_cache,
            optimum_python=settings.optimum_python,
            time_limit_minutes=minutes,
            held_after_seconds=self._profile.held_after_seconds,
            lost_after_seconds=self._profile.lost_after_seconds,
        )


def _is_abandoned(owner: Owner) -> bool:
    """Nobody on this machine. On another one nobody either: the directory's lock is ours."""
    current = Owner.current()
    return owner.is_gone() or owner.host != current.host


def _read_spec(folder: Path) -> RunSpec:
    try:
        return RunSpec.read(folder / SPEC_FILE)
    except ContractError as error:
        raise HostError(Problem(str(folder), str(error), "Start the run anew.")) from error
