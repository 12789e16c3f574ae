"""All checks by name, in the order in which they are made. A new one is a function and a line."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.errors import Problem
from orchestrator.preflight import gpu_checks, host_checks, hub_checks, plan_checks, server_checks
from orchestrator.preflight.finding import Finding
from orchestrator.preparation import Preparation

CHECKS: Mapping[str, Callable[[Preparation], Iterator[Finding]]] = {
    "catalog": plan_checks.check_catalog,
    "GPUs": gpu_checks.check_gpus,
    "engine": host_checks.check_engine,
    "exporter": server_checks.check_exporter,
    "server": server_checks.check_server,
    "memory": plan_checks.check_memory,
    "time": plan_checks.check_time,
    "parallel": plan_checks.check_parallel,
    "meters": plan_checks.check_meters,
    "hub": hub_checks.check_access,
    "downloads": hub_checks.check_downloads,
    "output": host_checks.check_output,
    "clock": host_checks.check_clock,
}


@dataclass(frozen=True)
class Examined:
    """One check and what it found; nothing where there was nothing to check."""

    check: str
    findings: Sequence[Finding]


def examine(prepared: Preparation) -> list[Examined]:
    """Everything at once, so that everything can be put right at once."""
    return [Examined(name, list(check(prepared))) for name, check in CHECKS.items()]


def problems_of(examined: Sequence[Examined]) -> Iterator[Problem]:
    return _of_level(examined, "problem")


def warnings_of(examined: Sequence[Examined]) -> Iterator[Problem]:
    return _of_level(examined, "warning")


def _of_level(examined: Sequence[Examined], level: str) -> Iterator[Problem]:
    findings = (finding for one in examined for finding in one.findings)
    return (finding.problem for finding in findings if finding.level == level)
