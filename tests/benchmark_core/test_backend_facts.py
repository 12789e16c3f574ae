"""What a backend is stands in one row, and agrees with what the registry has of it."""

from typing import get_args

import pytest

from benchmark_core.backend_facts import BACKEND_FACTS, usual_meters
from benchmark_core.backends import registry
from benchmark_core.contract import BackendName, BackendSpec


def test_every_backend_has_a_row() -> None:
    assert tuple(BACKEND_FACTS) == get_args(BackendName)


def test_those_that_measure_by_themselves_are_the_delegates_of_the_registry() -> None:
    themselves = {name for name, facts in BACKEND_FACTS.items() if facts.measures_itself}
    assert themselves == set(registry.DELEGATES)


@pytest.mark.parametrize(
    ("name", "served", "simulated", "raw"),
    [
        ("pytorch", False, False, False),
        ("vllm", True, False, False),
        ("optimum", False, False, True),
        ("simulated", False, True, False),
    ],
)
def test_a_spec_tells_what_its_backend_is(
    name: BackendName, served: bool, simulated: bool, raw: bool
) -> None:
    backend = BackendSpec(name=name)
    found = (backend.is_served, backend.is_simulated, backend.gives_raw_text)
    assert found == (served, simulated, raw)


@pytest.mark.parametrize(
    ("backend", "on_gpus", "on_cpu"),
    [
        ("pytorch", ("nvml", "codecarbon"), ("codecarbon",)),
        ("vllm", (), ()),
        ("optimum", ("codecarbon",), ("codecarbon",)),
        ("simulated", ("simulated",), ("simulated",)),
    ],
)
def test_what_meters_a_run_where_nobody_says_otherwise(
    backend: BackendName, on_gpus: tuple[str, ...], on_cpu: tuple[str, ...]
) -> None:
    assert usual_meters(backend, "cuda") == on_gpus
    assert usual_meters(backend, "cpu") == on_cpu
