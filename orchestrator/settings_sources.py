"""Where settings come from: flags, environment and `.env`, group by group as the flags are.

A flag wins over the environment, the environment over the `.env` file, the file over the default.
"""

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark_core.backend_facts import BACKEND_FACTS, BackendFacts, usual_meters
from benchmark_core.meter_facts import EXPORTER_METERS, METER_FACTS, usual_idle_seconds
from benchmark_core.names import BackendName, DeviceKind, EngineName
from benchmark_core.optimum.environment import optimum_python
from orchestrator.engines.facts import ENGINE_FACTS
from orchestrator.hub_token import find_token, token_stays_here
from orchestrator.passed_variables import leads_to_hub
from orchestrator.settings import (
    BACKENDS,
    DEFAULT_DEVICE,
    DEFAULT_HANG_SECONDS,
    DEFAULT_IMAGE,
    DEFAULT_RETRIES,
    DEFAULT_SERVE_SECONDS,
    PRESETS,
    REFERENCE_GPUS_PER_NODE,
    Settings,
)
from orchestrator.variables import env_file, expanded, one_of, truth

Fields = dict[str, Any]
"""Some fields of the settings, by name."""


def from_arguments(flags: Namespace, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that `flags` and the environment ask for.

    Raises:
        UsageError: an environment variable or the `.env` file does not make sense.
    """
    env = dict(env_file(flags.env_file))
    env.update(os.environ if environ is None else environ)
    named: BackendName | None = flags.backend or one_of(env, "BENCHMARK_BACKEND", BACKENDS)
    backend = named or "pytorch"
    usual_engine: EngineName = "docker" if truth(env, "USE_DOCKER", True) else "process"
    engine: EngineName = flags.engine or usual_engine
    facts = BACKEND_FACTS[backend]
    return Settings(
        **_rows(flags),
        backend=backend,
        **_server(flags, env, facts),
        **_passes(flags),
        **_metering(flags, env, backend, engine),
        engine=engine,
        **_place(flags, env, facts),
        optimum_python=optimum_python(env) if facts.measures_itself else None,
        **_limits(flags),
        **_choice_of_runs(flags),
        **_hub(env),
        given=frozenset(name for name, value in vars(flags).items() if value is not None),
    )


def _rows(flags: Namespace) -> Fields:
    return {
        "csv": Path(flags.csv),
        "model_name": flags.model_name,
        "model_class": flags.model_class,
        "reasoning_state": flags.reasoning_state,
        "task": flags.task,
        "lock": flags.lock,
    }


def _server(flags: Namespace, env: Mapping[str, str], facts: BackendFacts) -> Fields:
    # One that is started here has no address yet, whatever the environment says of another.
    usual = env.get("VLLM_ENDPOINT") if facts.is_served and not flags.serve_image else None
    return {
        "endpoint": flags.endpoint or usual,
        "request_timeout_seconds": flags.request_timeout,
        "concurrency": flags.concurrency or 1,
        "serve_image": flags.serve_image or None,
        "serve_args": flags.serve_args or None,
        "serve_timeout_seconds": flags.serve_timeout or DEFAULT_SERVE_SECONDS,
    }


def _passes(flags: Namespace) -> Fields:
    """Which samples, and how often."""
    preset = PRESETS[flags.preset]
    return {
        "num_prompts": flags.num_prompts or preset.num_prompts,
        "prompts_file": _path(flags.prompts_file),
        "dataset_dir": _path(flags.dataset_dir),
        "seed": (flags.seed or 0) if flags.sample == "stratified" else None,
        "repetitions": flags.repetitions or preset.repetitions,
        "stop_at_ci": flags.stop_at_ci,
    }


def _metering(
    flags: Namespace, env: Mapping[str, str], backend: BackendName, engine: EngineName
) -> Fields:
    device = _device(flags)
    sees_server = bool(flags.serve_image) and device == "cuda" and ENGINE_FACTS[engine].is_plain
    usual = usual_meters(backend, device, sees_server)
    meters = _in_order(flags.meters) if flags.meters else usual
    asks_exporter = set(meters) & set(EXPORTER_METERS)
    usual_exporter = env.get("DCGM_ENDPOINT") or None if asks_exporter else None
    return {
        "meters": meters,
        "dcgm_endpoint": flags.dcgm_endpoint or usual_exporter,
        "idle_seconds": flags.idle_seconds or usual_idle_seconds(meters),
        "region": flags.region,
    }


def _in_order(asked: str) -> tuple[str, ...]:
    """In the order in which a run asks them, whatever order the user named them in."""
    names = [name.strip() for name in asked.split(",") if name.strip()]
    return tuple(sorted(names, key=lambda name: (*METER_FACTS, name).index(name)))


def _place(flags: Namespace, env: Mapping[str, str], facts: BackendFacts) -> Fields:
    usual_gpus = f"simulated:{REFERENCE_GPUS_PER_NODE}" if facts.is_simulated else "all"
    return {
        "slurm_profile": _path(flags.slurm_profile),
        "image": flags.image or env.get("DOCKER_IMAGE") or DEFAULT_IMAGE,
        "device": "simulated" if facts.is_simulated else _device(flags),
        "gpus": usual_gpus if flags.gpus is None else flags.gpus,
        "parallel": 1 if flags.parallel is None else flags.parallel,
        "gpus_per_run": flags.gpus_per_run,
        "simulation": _path(flags.simulation),
    }


def _device(flags: Namespace) -> DeviceKind:
    chosen: DeviceKind | None = flags.device
    return chosen or DEFAULT_DEVICE


def _limits(flags: Namespace) -> Fields:
    """How runs are kept going, and how long."""
    return {
        "timeout_seconds": flags.timeout,
        "hang_seconds": flags.hang_timeout or DEFAULT_HANG_SECONDS,
        "retries": DEFAULT_RETRIES if flags.retries is None else flags.retries,
        "share_model_load": flags.share_model_load,
        "prefetch": flags.prefetch,
        "detach": flags.detach,
        "notify_url": flags.notify_url or None,
    }


def _choice_of_runs(flags: Namespace) -> Fields:
    """Where results lie, and which of the rows' runs are made beside them."""
    return {
        "output_dir": Path(flags.output_dir),
        "rerun_failed": flags.rerun_failed,
        "rerun_failed_from": _path(flags.rerun_failed_from),
        "only_reason": flags.only_reason or None,
        "replace": flags.replace,
        "budget_hours": flags.budget_hours,
        "budget_wh": flags.budget_wh,
    }


def _hub(env: Mapping[str, str]) -> Fields:
    user_home = Path(env.get("HOME", "~"))
    home = expanded("HF_HOME", env.get("HF_HOME") or user_home / ".cache" / "huggingface")
    hub = expanded("HF_HUB_CACHE", env.get("HF_HUB_CACHE") or home / "hub")
    datasets = expanded("HF_DATASETS_CACHE", env.get("HF_DATASETS_CACHE") or home / "datasets")
    return {
        "hub_cache": hub.absolute(),
        "datasets_cache": datasets.absolute(),
        "offline": truth(env, "HF_HUB_OFFLINE", False),
        "passed_environment": {name: text for name, text in env.items() if leads_to_hub(name)},
        "token": find_token(env, home),
        "token_stays_here": token_stays_here(env, home),
    }


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
