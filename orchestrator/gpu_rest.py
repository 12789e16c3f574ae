"""How cool and quiet each GPU has been at rest: what later runs of a sweep wait to see again."""

from collections.abc import Iterable

from benchmark_core.contract import GpuRest
from benchmark_core.report.outline import ReportOutline

HIGHEST_WATTS = 10_000.0
HIGHEST_CELSIUS = 150.0


class RestingGpus:
    """The coolest settled state seen of each GPU of a sweep, in memory only.

    Reports are written by runs, so only GPUs in `uuids` are remembered and only states that a GPU
    can be in.
    """

    def __init__(self, uuids: Iterable[str]) -> None:
        self._uuids = frozenset(uuids)
        self._coolest: dict[str, GpuRest] = {}

    def learn(self, report: ReportOutline | None) -> None:
        """Take in what the run's wait for rest ended with; without a report, nothing.

        A run that shares the load of its model waited with the model on its GPUs, which is no rest.
        """
        gate = report.thermal_gate if report and report.model_load_shared_with is None else None
        if gate is None or not gate.settled:
            return
        for uuid, rest in gate.at_rest.items():
            if uuid not in self._uuids or not _is_possible(rest):
                continue
            known = self._coolest.get(uuid)
            if known is None or _warmth(rest) < _warmth(known):
                self._coolest[uuid] = rest

    def of(self, uuids: Iterable[str]) -> dict[str, GpuRest]:
        """What is known of these GPUs; those never seen at rest are left out."""
        return {uuid: self._coolest[uuid] for uuid in uuids if uuid in self._coolest}


def _is_possible(rest: GpuRest) -> bool:
    celsius = rest.celsius
    return 0 < rest.watts <= HIGHEST_WATTS and (celsius is None or 0 <= celsius <= HIGHEST_CELSIUS)


def _warmth(rest: GpuRest) -> tuple[float, float]:
    """Temperature first, since the watts of a warm GPU follow it; an unknown one counts as hot."""
    return (HIGHEST_CELSIUS + 1 if rest.celsius is None else rest.celsius, rest.watts)
