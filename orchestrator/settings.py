"""What the user wants, as one frozen object, and every default once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.meter_facts import EXPORTER_METERS, GPU_COUNTERS
from benchmark_core.names import BackendName, DeviceKind, EngineName, MeterName
from orchestrator.engines.facts import ENGINE_FACTS, EngineFacts

DEFAULT_CATALOG = "models.csv"
DEFAULT_OUTPUT_DIR = "./batch_results"
DEFAULT_IMAGE = "ai_energy_score"
DEFAULT_REPETITIONS = 10
DEFAULT_REGION = "WORLD"
DEFAULT_DEVICE: DeviceKind = "cuda"
REFERENCE_GPUS_PER_NODE = 8
SHORTEST_IDLE_SECONDS = 0.5
LONGEST_IDLE_SECONDS = 60.0
MOST_CONCURRENT = 1024
DEFAULT_SERVE_SECONDS = 1800.0
DEFAULT_HANG_SECONDS = 3600.0
DEFAULT_RETRIES = 2
MOST_RETRIES = 10
MOST_PARALLEL = 256
AUTO = "auto"

BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
DEVICES: tuple[DeviceKind, ...] = ("cuda", "cpu")
METERS: tuple[MeterName, ...] = get_args(MeterName)


@dataclass(frozen=True)
class Preset:
    """How much of the protocol is run. `num_prompts` None: every prompt of the dataset."""

    num_prompts: int | None
    repetitions: int


PREFETCHES = ("before", "background", "off")
SAMPLINGS = ("first", "stratified")
PRESETS: Mapping[str, Preset] = {
    "official": Preset(num_prompts=None, repetitions=DEFAULT_REPETITIONS),
    "overnight": Preset(num_prompts=50, repetitions=3),
}


@dataclass(frozen=True)
class Settings:
    """Every default is filled in; `given` names the flags that were used.

    `parallel` 0 is as many runs at a time as the GPUs take. `optimum_python` is None with every
    other backend. The token never enters a file or a log; `token_stays_here` where no file of the
    user's holds it either.
    """

    csv: Path
    output_dir: Path
    backend: BackendName
    endpoint: str | None
    request_timeout_seconds: float | None
    concurrency: int
    serve_image: str | None
    serve_args: str | None
    serve_timeout_seconds: float
    num_prompts: int | None
    prompts_file: Path | None
    dataset_dir: Path | None
    seed: int | None
    model_name: str | None
    model_class: str | None
    reasoning_state: str | None
    task: str | None
    engine: EngineName
    slurm_profile: Path | None
    detach: bool
    image: str
    device: DeviceKind
    gpus: str
    parallel: int
    gpus_per_run: int | None
    meters: tuple[str, ...]
    dcgm_endpoint: str | None
    repetitions: int
    stop_at_ci: float | None
    idle_seconds: float | None
    timeout_seconds: float | None
    hang_seconds: float
    retries: int
    share_model_load: bool
    prefetch: str
    region: str
    simulation: Path | None
    lock: bool
    rerun_failed: bool
    rerun_failed_from: Path | None
    only_reason: str | None
    replace: bool
    budget_hours: float | None
    budget_wh: float | None
    notify_url: str | None
    hub_cache: Path
    datasets_cache: Path
    offline: bool
    passed_environment: Mapping[str, str]
    token: str | None
    token_stays_here: bool
    optimum_python: Path | None
    given: frozenset[str]

    @property
    def reruns_failed(self) -> bool:
        """Whether failed rows of the plan are run again; a table of failures asks for that too."""
        return self.rerun_failed or self.rerun_failed_from is not None

    @property
    def is_served(self) -> bool:
        """Whether a server runs the models, and runs only ask it."""
        return BACKEND_FACTS[self.backend].is_served

    @property
    def is_served_elsewhere(self) -> bool:
        """Whether that server is there already, so that nothing is started for a run."""
        return self.is_served and not self.serve_image

    @property
    def measures_itself(self) -> bool:
        """Whether the backend measures by itself, and no meter of this program watches it."""
        return BACKEND_FACTS[self.backend].measures_itself

    @property
    def is_simulated(self) -> bool:
        """Whether no model runs."""
        return BACKEND_FACTS[self.backend].is_simulated

    @property
    def computes_on_gpus(self) -> bool:
        """Whether the model runs on GPUs of this machine."""
        return self.device == "cuda" and not self.is_served

    @property
    def serves_on_gpus(self) -> bool:
        """Whether servers are started here, on GPUs of this machine."""
        return self.is_served and bool(self.serve_image) and self.device == "cuda"

    @property
    def names_remote_gpus(self) -> bool:
        """Whether the GPUs to meter may be of another machine, known by their UUIDs alone."""
        return self.asks_exporter and not (self.computes_on_gpus or self.serves_on_gpus)

    @property
    def asks_exporter(self) -> bool:
        """Whether a meter asks an exporter for the energy of its GPUs."""
        return bool(set(self.meters) & set(EXPORTER_METERS))

    @property
    def engine_facts(self) -> EngineFacts:
        return ENGINE_FACTS[self.engine]

    @property
    def is_scheduled(self) -> bool:
        """Whether a scheduler gives runs their machine and its GPUs; those here play no part."""
        return self.engine_facts.places_gpus

    @property
    def hides_gpus(self) -> bool:
        """Whether a run is confined and computes on the CPU, so that it is shown no GPU."""
        return self.engine_facts.is_confined and self.device == "cpu"

    @property
    def takes_no_gpus(self) -> bool:
        """Whether a run is given none: neither to compute on, nor for a meter to watch."""
        elsewhere = self.device == "cpu" or self.is_served_elsewhere
        return elsewhere and not set(self.meters) & set(GPU_COUNTERS)

    def __repr__(self) -> str:
        return f"Settings(csv={str(self.csv)!r}, output_dir={str(self.output_dir)!r}, ...)"
