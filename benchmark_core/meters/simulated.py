"""A meter for rehearsals: constant watts, no hardware, and names that say so."""

import time
from collections.abc import Mapping

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, FaultKind, MeterName
from benchmark_core.faults import MeterFault
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts

REASONS: Mapping[FaultKind, str] = {"meter_failure": "meter_failed", "gpu_lost": "gpu_lost"}
"""Faults of a simulation that are the meter's, and what it says of them."""


class SimulatedMeter:
    """Every device draws `watts` all the time; CPU and RAM are not simulated.

    `gpu_uuids` are those of simulated devices given to the run; without them the first
    `gpu_count` are taken. The faults in `REASONS` make the second window fail.
    """

    name: MeterName = "simulated"

    def __init__(
        self,
        watts: float,
        gpu_count: int,
        fault: FaultKind | None,
        gpu_uuids: tuple[str, ...] = (),
    ) -> None:
        self._watts = watts
        self._fault = fault
        self._uuids = gpu_uuids or tuple(
            f"{SIMULATED_DEVICE_PREFIX}-GPU-{index}" for index in range(gpu_count)
        )
        self._windows = 0
        self._opened_at: float | None = None
        self._seconds: float | None = None
        self._first_opened_at: float | None = None
        self._last_closed_at = 0.0

    def start(self) -> None:
        """Nothing to acquire."""

    def approach(self) -> None:
        """Nothing to wait for."""

    def open(self, label: str) -> None:
        self._windows += 1
        self._opened_at = time.monotonic()
        if self._first_opened_at is None:
            self._first_opened_at = self._opened_at

    def close(self) -> None:
        closed_at = time.monotonic()
        if self._opened_at is None:
            raise MeterFault("a window was closed that was never open", "Please report this.")
        self._seconds, self._opened_at = closed_at - self._opened_at, None
        self._last_closed_at = closed_at

    def read(self) -> Reading:
        seconds, self._seconds = self._seconds, None
        if seconds is None:
            raise MeterFault("a window was read that was never closed", "Please report this.")
        reason = REASONS.get(self._fault) if self._fault else None
        if reason and self._windows == 2:
            raise MeterFault(
                f"the simulated meter of {' '.join(self._uuids[:1])} failed in its second window",
                "The rehearsal asked for this fault; leave it out to see a good run.",
                reason,
            )
        return self._reading(seconds)

    def total(self) -> Reading:
        if self._first_opened_at is None:
            return Reading()
        return self._reading(self._last_closed_at - self._first_opened_at)

    def _reading(self, seconds: float) -> Reading:
        if not self._uuids:
            return Reading()
        by_device = dict.fromkeys(self._uuids, self._watts * seconds)
        return Reading(gpu_joules=sum(by_device.values()), gpu_joules_by_device=by_device)

    def stop(self) -> None:
        self._opened_at = self._seconds = None

    def sources(self) -> EnergySources:
        if not self._uuids:
            return EnergySources()
        return EnergySources(
            gpu=EnergySource(
                meter="simulated", kind="simulated", method=f"{self._watts:g} W times duration"
            )
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        return tuple(
            GpuFacts(uuid=uuid, name=f"{SIMULATED_DEVICE_PREFIX} GPU {_number(uuid, position)}")
            for position, uuid in enumerate(self._uuids)
        )


def _number(uuid: str, position: int) -> str:
    """The number a simulated device's UUID ends with; its position for any other UUID."""
    prefix = f"{SIMULATED_DEVICE_PREFIX}-GPU-"
    return uuid.removeprefix(prefix) if uuid.startswith(prefix) else str(position)
