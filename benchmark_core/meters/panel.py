"""Several meters as one."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from benchmark_core.contract import MeterName
from benchmark_core.faults import MeterFault
from benchmark_core.meters.base import Meter
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts

Value = TypeVar("Value")


class MeterPanel:
    """What a `Meter` does, done by several, the fastest first: it opens last and closes first.

    So the windows of slow meters enclose those of fast ones, whose edges stay sharp. All have
    approached before the first opens, the fastest last, so that what it found is fresh; and all are
    closed before the first is read. So no meter waits in the window of another. Every quantity has
    one owner, the first meter whose `sources` name it.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = tuple(meters)

    @property
    def names(self) -> tuple[MeterName, ...]:
        return tuple(meter.name for meter in self._meters)

    def start(self) -> None:
        try:
            for meter in self._meters:
                meter.start()
        except MeterFault:
            self.stop()
            raise

    def approach(self) -> None:
        for meter in reversed(self._meters):
            meter.approach()

    def open(self, label: str) -> None:
        opened: list[Meter] = []
        try:
            for meter in reversed(self._meters):
                meter.open(label)
                opened.append(meter)
        except MeterFault:
            for meter in reversed(opened):
                with contextlib.suppress(MeterFault):
                    meter.close()
            raise

    def close(self) -> None:
        """All meters are closed before the first fault is raised."""
        _all(meter.close for meter in self._meters)

    def read(self) -> Reading:
        """The merged reading. All meters are read before the first fault is raised."""
        return self._merge(_all(meter.read for meter in self._meters))

    def total(self) -> Reading:
        return self._merge([meter.total() for meter in self._meters])

    def stop(self) -> None:
        with contextlib.ExitStack() as stack:
            for meter in self._meters:
                stack.callback(meter.stop)

    def sources(self) -> EnergySources:
        sources = [meter.sources() for meter in self._meters]
        return EnergySources(
            gpu=_first(source.gpu for source in sources),
            cpu=_first(source.cpu for source in sources),
            ram=_first(source.ram for source in sources),
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        return next((gpus for meter in self._meters if (gpus := meter.gpus())), ())

    def _merge(self, readings: Sequence[Reading]) -> Reading:
        gpu = self._owned(readings, lambda sources: sources.gpu)
        cpu = self._owned(readings, lambda sources: sources.cpu)
        ram = self._owned(readings, lambda sources: sources.ram)
        return Reading(
            gpu_joules=gpu.gpu_joules,
            gpu_joules_by_device=gpu.gpu_joules_by_device,
            gpu_doubt_joules=gpu.gpu_doubt_joules,
            cpu_joules=cpu.cpu_joules,
            ram_joules=ram.ram_joules,
            gpu_cross_check_joules=_first(reading.gpu_cross_check_joules for reading in readings),
        )

    def _owned(
        self, readings: Sequence[Reading], quantity: Callable[[EnergySources], EnergySource | None]
    ) -> Reading:
        """The reading of the quantity's owner; an empty one where nobody gives it."""
        pairs = zip(self._meters, readings, strict=True)
        return next((reading for meter, reading in pairs if quantity(meter.sources())), Reading())


def _all(calls: Iterable[Callable[[], Value]]) -> list[Value]:
    """What every call answers; a fault keeps no later call from being made."""
    answers: list[Value] = []
    faults: list[MeterFault] = []
    for call in calls:
        try:
            answers.append(call())
        except MeterFault as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return answers


def _first(values: Iterable[Value | None]) -> Value | None:
    return next((value for value in values if value is not None), None)
