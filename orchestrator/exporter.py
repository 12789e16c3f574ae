"""The DCGM exporter of a sweep: what the flags about it mean, and whether it can be used.

The GPUs that it watches may be of another machine, which this one's driver does not know. Where the
model does not compute on GPUs of this machine (it is served elsewhere, runs on the CPU, or is
simulated), --gpus must name them by UUID, and every run meters all that are named, whatever its row
says: the server decides where the model lies, not the row. Neither an index nor `all` will do,
because on another machine they would silently mean other devices.

Where the model does compute here, the GPUs are chosen as ever and given to the run by UUID. The
exporter must then show exactly these UUIDs, so an exporter of another machine is refused.
"""

from collections.abc import Iterator, Sequence

from benchmark_core.faults import MeterFault
from benchmark_core.meter_facts import EXPORTER_METERS, GPU_METERS, HOST_METERS
from benchmark_core.meters.dcgm_exporter import FORM, DcgmExporter, obstacles, parse_endpoint
from orchestrator.errors import Problem
from orchestrator.gpus import Gpu, named_gpus
from orchestrator.settings import Settings

FLAG = "--dcgm-endpoint"


def find_exporter_contradictions(settings: Settings) -> Iterator[Problem]:
    """What about the exporter cannot be meant; no machine is asked."""
    if not settings.asks_exporter:
        if settings.dcgm_endpoint:
            what = "does nothing without the dcgm meter"
            yield Problem(FLAG, what, "Add dcgm to --meters, or leave the flag out.")
        return
    others = [name for name in GPU_METERS if name not in EXPORTER_METERS]
    for other in (name for name in others if name in settings.meters):
        yield Problem(
            "--meters",
            f"dcgm and {other} would both give the GPU energy, of devices that may not be the same",
            "Choose one: nvml for GPUs of this machine, dcgm for those of a serving host.",
        )
    if settings.names_remote_gpus and not named_gpus(settings.gpus):
        yield Problem(
            f"--gpus {settings.gpus[:40]}",
            "the dcgm meter may watch another machine, where only UUIDs are sure to mean the GPUs"
            " that serve the model",
            "Name all of them: --gpus GPU-...,GPU-... (nvidia-smi -L on that machine lists them).",
        )
    if settings.dcgm_endpoint:
        yield from _about_endpoint(settings, settings.dcgm_endpoint)
    else:
        what = "the dcgm meter is not told where its exporter answers"
        yield Problem("--meters", what, f"Add {FLAG} {FORM}, or set DCGM_ENDPOINT.")


def _about_endpoint(settings: Settings, url: str) -> Iterator[Problem]:
    try:
        endpoint = parse_endpoint(url)
    except ValueError as error:
        yield Problem(FLAG, f"the URL {error}", f"Write it as {FORM}.")
        return
    if not settings.engine_facts.is_confined:
        return
    if settings.offline or settings.is_simulated:
        yield Problem(
            FLAG,
            f"the {settings.engine} engine gives offline and simulated runs no network to reach an"
            " exporter by",
            "Use --engine process, or let the run go online.",
        )
    elif endpoint.loopback:
        yield Problem(
            FLAG,
            f"{endpoint.host} is the container itself for a run in one",
            "Give the name or address that this machine has for others, or --engine process.",
        )


def find_exporter_problems(settings: Settings, gpus: Sequence[Gpu]) -> Iterator[Problem]:
    """What keeps the exporter from metering `gpus`, after asking it once."""
    if not settings.asks_exporter or not settings.dcgm_endpoint:
        return
    try:
        exporter = DcgmExporter(settings.dcgm_endpoint)
        try:
            shown = exporter.scrape().gpus
        finally:
            exporter.close()
    except MeterFault as fault:
        yield Problem(FLAG, fault.message, fault.remedy)
        return
    for obstacle in obstacles([gpu.uuid for gpu in gpus], shown):
        yield Problem(FLAG, obstacle.message, obstacle.remedy)


def find_exporter_warnings(settings: Settings) -> Iterator[Problem]:
    """CPU and RAM of another machine than the one whose GPUs are metered are easily overlooked."""
    of_host = [name for name in HOST_METERS if name in settings.meters]
    if not of_host or not settings.names_remote_gpus:
        return
    if settings.dcgm_endpoint and not parse_endpoint(settings.dcgm_endpoint).loopback:
        yield Problem(
            "--meters",
            f"{of_host[0]} gives the CPU and RAM energy of this machine, dcgm the GPU energy of"
            " the exporter's",
            "Use --meters dcgm alone where the two are different machines.",
        )
