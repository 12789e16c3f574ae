"""How much disk a run will need: the weights of its model, and its own files."""

from benchmark_core.kinds import passes_of
from benchmark_core.tasks import registry as tasks
from orchestrator.model_access import is_cached
from orchestrator.model_size import model_size
from orchestrator.run_forecast import sample_count
from orchestrator.run_planner import PlannedRun
from orchestrator.settings import Settings

STORED_BYTES_PER_PARAMETER = 2
SAMPLE_LINE_BYTES, TRACE_LINE_BYTES, TRACE_HERTZ = 100, 90, 20
REPORT_BYTES = 300_000
"""Report, picture and log of a run, roughly."""


class DiskNeed:
    """Asked run by run: weights are fetched once, and count for the first run that needs them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fetched: set[str] = set()

    def of(self, run: PlannedRun, seconds: float) -> int | None:
        """Of a run that takes so long; None where nobody knows how large its model is."""
        weights = self._weights(run)
        return None if weights is None else int(weights + _run_files(run, seconds))

    def _weights(self, run: PlannedRun) -> float | None:
        model, settings = run.spec.model.id, self._settings
        if run.spec.backend.is_simulated or settings.is_served_elsewhere:
            return 0
        if model in self._fetched or is_cached(model, settings.hub_cache):
            return 0
        self._fetched.add(model)
        size = model_size(run.config)
        return size.parameters * STORED_BYTES_PER_PARAMETER if size else None


def _run_files(run: PlannedRun, seconds: float) -> float:
    spec = run.spec
    passes = len(passes_of(tasks.get(spec.task).kinds[0], spec.limits, spec.steps)) - 1
    lines = sample_count(run) * passes * spec.repetitions * SAMPLE_LINE_BYTES
    traced = seconds * TRACE_HERTZ * spec.device.gpu_count * TRACE_LINE_BYTES
    return lines + (traced if "nvml" in spec.meters else 0) + REPORT_BYTES
