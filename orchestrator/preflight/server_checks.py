"""Servers and exporters that the runs are to ask."""

from collections.abc import Iterator

from orchestrator.exporter import find_exporter_problems, find_exporter_warnings
from orchestrator.model_server import find_meter_warnings, find_server_problems
from orchestrator.own_server import find_own_server_problems
from orchestrator.preflight.finding import Finding, trouble, warning, well
from orchestrator.preparation import Preparation


def check_exporter(prepared: Preparation) -> Iterator[Finding]:
    settings = prepared.settings
    problems = list(find_exporter_problems(settings, prepared.gpus))
    yield from map(trouble, problems)
    yield from map(warning, find_exporter_warnings(settings))
    if settings.asks_exporter and not problems:
        yield well(f"{settings.dcgm_endpoint} shows the GPUs that are to be metered")


def check_server(prepared: Preparation) -> Iterator[Finding]:
    settings = prepared.settings
    problems = [
        *find_server_problems(prepared.plan, settings),
        *find_own_server_problems(settings),
    ]
    yield from map(trouble, problems)
    yield from map(warning, find_meter_warnings(settings))
    if settings.is_served and not problems:
        served = settings.endpoint or f"the image {settings.serve_image}"
        yield well(f"{served} can serve the models of the plan")
