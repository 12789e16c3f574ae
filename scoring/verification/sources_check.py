"""Who measured: meters and GPUs as the report, the launch and the readings tell of them."""

import hashlib
from collections.abc import Iterator
from typing import Final

from benchmark_core.contract import LAUNCH_FILE, SIMULATED_DEVICE_PREFIX
from benchmark_core.meter_facts import DRIVER_METERS, SIMULATED_METERS
from benchmark_core.report.energy import EnergySource
from scoring.failed_point import Finding
from scoring.verification.evidence import RunEvidence

QUANTITIES: Final = ("gpu", "cpu", "ram")


def check_sources(of: RunEvidence) -> Iterator[Finding]:
    for quantity in QUANTITIES:
        source: EnergySource | None = getattr(of.report.energy_sources, quantity)
        if source is not None:
            yield from _of_source(of, quantity, source)
        elif _is_read(of, quantity):
            what = f"{quantity} energy is told, and nobody is named who measured it"
            yield of.failed("sources_differ", what)
    yield from _gpus(of)


def _of_source(of: RunEvidence, quantity: str, source: EnergySource) -> Iterator[Finding]:
    if source.meter not in of.applied.meters:
        what = f"{quantity} energy is by {source.meter}, which was not applied"
        yield of.failed("sources_differ", what)
    on_simulated = quantity == "gpu" and any(
        gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in of.environment.gpus
    )
    is_simulated = source.meter in SIMULATED_METERS or on_simulated
    if (source.kind == "simulated") != is_simulated:
        what = f"{quantity} energy by {source.meter} is told as {source.kind}"
        yield of.failed("sources_differ", what)


def _is_read(of: RunEvidence, quantity: str) -> bool:
    return any(
        getattr(window.reading, f"{quantity}_joules") is not None
        for repetition in of.report.repetitions
        for window in repetition.windows
    )


def _gpus(of: RunEvidence) -> Iterator[Finding]:
    gpus = of.environment.gpus
    for gpu in gpus:
        if gpu.uuid_sha256 not in (None, hashlib.sha256(gpu.uuid.encode()).hexdigest()):
            yield of.failed("sources_differ", "a GPU's hash is not that of its UUID")
    metered = {gpu.uuid for gpu in gpus}
    given = set(of.launch.gpu_uuids)
    if given and metered != given and set(DRIVER_METERS) & set(of.applied.meters):
        what = "the run was given other GPUs than the report has metered"
        yield of.failed("sources_differ", what, LAUNCH_FILE)
    for repetition in of.report.repetitions:
        for window in repetition.windows:
            if not set(window.reading.gpu_joules_by_device or ()) <= metered:
                what = f"{window.name} has energy of a GPU that the environment does not name"
                yield of.failed("sources_differ", what)
                return
