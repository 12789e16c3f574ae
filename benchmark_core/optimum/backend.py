"""The backend that hands a whole run to optimum-benchmark, one process for each repetition."""

import shutil
from pathlib import Path
from typing import Any

from benchmark_core.backends.base import Conditions
from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.contract import OPTIMUM_DIR, DeviceSpec, Launch, RunSpec
from benchmark_core.delegate import Delegated, Found
from benchmark_core.documents import ContractError
from benchmark_core.environment import Programs
from benchmark_core.faults import ModelFault, SampleFault
from benchmark_core.meters.codecarbon import describe_cpu, describe_ram
from benchmark_core.optimum.dataset_file import write_dataset
from benchmark_core.optimum.energies import kind_of
from benchmark_core.optimum.findings import Findings
from benchmark_core.optimum.gpus import GivenGpus, given_gpus
from benchmark_core.optimum.objection import METERS, refuse_impossible
from benchmark_core.optimum.order import Commits, worker_order
from benchmark_core.optimum.results import read_result
from benchmark_core.optimum.worker_process import find_python, run_worker
from benchmark_core.reasoning.raw_text import raw_facts
from benchmark_core.recipe import LoadedModel
from benchmark_core.report.energy import EnergySource, EnergySources
from benchmark_core.report.repetition import Repetition
from benchmark_core.samples import LoadedSamples
from benchmark_core.tasks import registry as tasks

DATASET = "samples"


class OptimumBenchmark:
    """Every repetition loads the model anew, as the published method's ten runs did."""

    def __init__(self, spec: RunSpec, launch: Launch, folder: Path) -> None:
        refuse_impossible(spec)
        self._spec = spec
        self._launch = launch
        self._python = find_python()
        self._folder = (folder / OPTIMUM_DIR).resolve()
        self._gpus = GivenGpus((), ())
        self._commits = Commits(None, None)
        self._order: dict[str, Any] = {}
        self._samples = 0

    def prepare(self, samples: LoadedSamples) -> None:
        checkpoint = Checkpoint(self._spec)
        self._commits = Commits(checkpoint.commit, checkpoint.processor_commit)
        if self._spec.device.kind == "cuda":
            self._gpus = given_gpus(self._launch.gpu_uuids, self._spec.device.gpu_count)
        shutil.rmtree(self._folder, ignore_errors=True)
        dataset = self._folder / DATASET
        write_dataset(dataset, samples.samples, tasks.get(self._spec.task).columns)
        self._samples = samples.used
        self._order = worker_order(
            self._spec,
            self._commits,
            dataset,
            samples.used,
            self._gpus.driver_indices,
            self._launch.region,
        )

    def measure_once(self, number: int) -> Delegated:
        place = self._folder / str(number)
        run_worker(self._python, self._order, place, f"model {self._spec.model.id}")
        try:
            repetition, findings = read_result(place)
        except OSError as error:
            raise self._no_result(f"cannot be read: {error.strerror}") from error
        except ContractError as error:
            raise self._no_result(str(error)) from error
        self._refuse_other_samples(findings)
        return Delegated(repetition, self._found(findings, repetition))

    def close(self) -> None:
        """The samples are known by their hash or commit; a copy of them is no evidence."""
        shutil.rmtree(self._folder / DATASET, ignore_errors=True)

    def _no_result(self, what: str) -> ModelFault:
        return ModelFault(
            f"model {self._spec.model.id}: a result of optimum-benchmark {what}",
            f"See {OPTIMUM_DIR}/ in the run folder; its environment may have another version.",
        )

    def _refuse_other_samples(self, findings: Findings) -> None:
        if findings.ran.samples != self._samples:
            raise SampleFault(
                f"optimum-benchmark ran {findings.ran.samples} samples of {self._samples}",
                "It leaves out samples that are empty for it: take them out.",
            )

    def _found(self, findings: Findings, repetition: Repetition) -> Found:
        spec, model, ran = self._spec, findings.model, findings.ran
        kind = kind_of(repetition)
        device = model.placed
        self._refuse_other_device(device)
        reads_text = findings.prompts.tokens is not None
        return Found(
            loaded=LoadedModel(
                model_id=model.name,
                commit=model.commit,
                kind=kind,
                processor=findings.processor.name,
                # Only the commit asked for is known; its files are all of that commit.
                processor_commit=self._commits.processor,
                dtype=model.dtype,
                quantization=model.quantization,
                attention=model.attention,
                ran_own_code=model.ran_own_code,
                device=device,
                gpu_uuids=model.gpu_uuids,
                template_sha256=findings.processor.template_sha256,
                seed=model.seed,
            ),
            conditions=Conditions(
                batch_size=ran.batch_size,
                limits=ran.limits if kind == "generate" else None,
                steps=ran.steps,
                prompt_form="raw" if reads_text else None,
                template_kwargs={},
                prompts_cut=findings.prompts.cut,
            ),
            reasoning=raw_facts(
                spec.model.id, spec.reasoning, findings.processor.template_sha256 is not None
            ),
            meters=METERS,
            sources=_sources(findings),
            gpus=self._gpus.facts,
            programs=Programs(findings.python_version, findings.packages),
        )

    def _refuse_other_device(self, found: DeviceSpec) -> None:
        wanted = self._spec.device.used_by_model()
        if found != wanted:
            raise ModelFault(
                f"model {self._spec.model.id}: optimum-benchmark put it on {found.kind} with"
                f" {found.gpu_count} GPU(s), the run asks for {wanted.kind} with"
                f" {wanted.gpu_count}",
                "Give the row as many GPUs as it fills (its GPUs column, or --gpus-per-run).",
            )


def _sources(findings: Findings) -> EnergySources:
    tracker, packages = findings.tracker, findings.packages
    by = (
        f"optimum-benchmark {packages.get('optimum-benchmark', 'of unknown version')}, CodeCarbon"
        f" {packages.get('codecarbon', 'of unknown version')}"
    )
    cpu = ram = gpu = None
    if tracker.cpu_mode is not None:
        kind, how = describe_cpu(tracker.cpu_mode, tracker.cpu_tdp_watts)
        cpu = EnergySource(meter="codecarbon", kind=kind, method=f"{by}, {how}")
    if tracker.tracks_ram:
        ram = EnergySource(meter="codecarbon", kind="estimated", method=f"{by}, {describe_ram()}")
    if 0 < tracker.gpus == len(findings.model.gpu_uuids):
        how = "energy counter of the driver, edges not aligned to its steps"
        gpu = EnergySource(meter="codecarbon", kind="measured", method=f"{by}, {how}")
    return EnergySources(gpu=gpu, cpu=cpu, ram=ram)
