"""Every default once: flags, environment and `.env` become one frozen object.

A flag wins over the environment, the environment over the `.env` file, the file over the default.
"""

import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from benchmark_core.backend_facts import BACKEND_FACTS, BackendFacts, usual_meters
from benchmark_core.meter_facts import (
    EXPORTER_METERS,
    GPU_COUNTERS,
    METER_FACTS,
    usual_idle_seconds,
)
from benchmark_core.names import BackendName, DeviceKind, EngineName, MeterName
from benchmark_core.optimum.environment import optimum_python
from orchestrator.engines.facts import ENGINE_FACTS, EngineFacts
from orchestrator.passed_variables import leads_to_hub
from orchestrator.variables import env_file, expanded, one_of, truth

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
    """What the user wants, with every default filled in; `given` names the flags that were used.

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
    def takes_no_gpus(self) -> bool:
        """Whether a run is given none: neither to compute on, nor for a meter to watch."""
        elsewhere = self.device == "cpu" or self.is_served_elsewhere
        return elsewhere and not set(self.meters) & set(GPU_COUNTERS)

    def __repr__(self) -> str:
        return f"Settings(csv={str(self.csv)!r}, output_dir={str(self.output_dir)!r}, ...)"


def from_arguments(flags: Namespace, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that `flags` and the environment ask for.

    Raises:
        UsageError: an environment variable or the `.env` file does not make sense.
    """
    env = dict(env_file(flags.env_file))
    env.update(os.environ if environ is None else environ)
    preset = PRESETS[flags.preset]
    user_home = Path(env.get("HOME", "~"))
    home = expanded("HF_HOME", env.get("HF_HOME") or user_home / ".cache" / "huggingface")
    device = flags.device or DEFAULT_DEVICE
    named_backend: BackendName | None = flags.backend or one_of(env, "BENCHMARK_BACKEND", BACKENDS)
    backend = named_backend or "pytorch"
    usual_engine: EngineName = "docker" if truth(env, "USE_DOCKER", True) else "process"
    engine: EngineName = flags.engine or usual_engine
    sees_server = bool(flags.serve_image) and device == "cuda" and ENGINE_FACTS[engine].is_plain
    facts, meters = BACKEND_FACTS[backend], _meters(flags.meters, backend, device, sees_server)
    return Settings(
        csv=Path(flags.csv),
        output_dir=Path(flags.output_dir),
        backend=backend,
        endpoint=flags.endpoint or _endpoint(env, facts, flags.serve_image),
        request_timeout_seconds=flags.request_timeout,
        concurrency=flags.concurrency or 1,
        serve_image=flags.serve_image or None,
        serve_args=flags.serve_args or None,
        serve_timeout_seconds=flags.serve_timeout or DEFAULT_SERVE_SECONDS,
        num_prompts=flags.num_prompts or preset.num_prompts,
        prompts_file=Path(flags.prompts_file) if flags.prompts_file else None,
        dataset_dir=Path(flags.dataset_dir) if flags.dataset_dir else None,
        seed=(flags.seed or 0) if flags.sample == "stratified" else None,
        model_name=flags.model_name,
        model_class=flags.model_class,
        reasoning_state=flags.reasoning_state,
        task=flags.task,
        engine=engine,
        slurm_profile=Path(flags.slurm_profile) if flags.slurm_profile else None,
        detach=flags.detach,
        image=flags.image or env.get("DOCKER_IMAGE") or DEFAULT_IMAGE,
        device="simulated" if facts.is_simulated else device,
        gpus=_gpus(flags.gpus, facts),
        parallel=1 if flags.parallel is None else flags.parallel,
        gpus_per_run=flags.gpus_per_run,
        meters=meters,
        dcgm_endpoint=flags.dcgm_endpoint
        or (env.get("DCGM_ENDPOINT") or None if set(meters) & set(EXPORTER_METERS) else None),
        repetitions=flags.repetitions or preset.repetitions,
        stop_at_ci=flags.stop_at_ci,
        idle_seconds=flags.idle_seconds or usual_idle_seconds(meters),
        timeout_seconds=flags.timeout,
        hang_seconds=flags.hang_timeout or DEFAULT_HANG_SECONDS,
        retries=DEFAULT_RETRIES if flags.retries is None else flags.retries,
        share_model_load=flags.share_model_load,
        prefetch=flags.prefetch,
        region=flags.region,
        simulation=Path(flags.simulation) if flags.simulation else None,
        lock=flags.lock,
        rerun_failed=flags.rerun_failed,
        rerun_failed_from=Path(flags.rerun_failed_from) if flags.rerun_failed_from else None,
        only_reason=flags.only_reason or None,
        replace=flags.replace,
        budget_hours=flags.budget_hours,
        budget_wh=flags.budget_wh,
        notify_url=flags.notify_url or None,
        hub_cache=expanded("HF_HUB_CACHE", env.get("HF_HUB_CACHE") or home / "hub").absolute(),
        datasets_cache=expanded(
            "HF_DATASETS_CACHE", env.get("HF_DATASETS_CACHE") or home / "datasets"
        ).absolute(),
        offline=truth(env, "HF_HUB_OFFLINE", False),
        passed_environment={name: text for name, text in env.items() if leads_to_hub(name)},
        token=find_token(env, home),
        token_stays_here=_token_stays_here(env, home),
        optimum_python=optimum_python(env) if facts.measures_itself else None,
        given=frozenset(name for name, value in vars(flags).items() if value is not None),
    )


def _endpoint(env: Mapping[str, str], facts: BackendFacts, serve_image: str | None) -> str | None:
    """A server that is started here needs none, whatever the environment says of another."""
    return env.get("VLLM_ENDPOINT") if facts.is_served and not serve_image else None


def _gpus(asked: str | None, facts: BackendFacts) -> str:
    default = f"simulated:{REFERENCE_GPUS_PER_NODE}" if facts.is_simulated else "all"
    return default if asked is None else asked


def _meters(
    asked: str | None, backend: BackendName, device: str, sees_server: bool
) -> tuple[str, ...]:
    """In the order in which a run asks them, whatever order the user named them in."""
    if asked:
        names = [name.strip() for name in asked.split(",") if name.strip()]
        return tuple(sorted(names, key=lambda name: (*METER_FACTS, name).index(name)))
    return usual_meters(backend, device, sees_server)


def _token_stays_here(env: Mapping[str, str], home: Path) -> bool:
    """Whether the token is in a variable alone, which programs elsewhere do not see."""
    files_alone = {name: text for name, text in env.items() if name != "HF_TOKEN"}
    return find_token(env, home) is not None and find_token(files_alone, home) is None


def find_token(env: Mapping[str, str], home: Path) -> str | None:
    """The Hugging Face token from HF_TOKEN or the places where a login leaves it.

    `home` is the hub's folder of the user.
    """
    if env.get("HF_TOKEN", "").strip():
        return env["HF_TOKEN"].strip()
    named = env.get("HF_TOKEN_PATH")
    old_place = expanded("HOME", Path(env.get("HOME", "~"), ".huggingface", "token"))
    for path in (Path(named) if named else home / "token", old_place):
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    return None
