"""Settings that cannot be meant together."""

from collections.abc import Iterator

from benchmark_core import carbon
from benchmark_core.backend_facts import BACKEND_FACTS, usual_meters
from benchmark_core.contract import FEWEST_REPETITIONS_TO_STOP
from benchmark_core.meter_facts import GPU_COUNTERS, GPU_METERS, SIMULATED_METERS
from orchestrator.engines.registry import ENGINES
from orchestrator.errors import Problem
from orchestrator.exporter import find_exporter_contradictions
from orchestrator.gpus import is_simulated
from orchestrator.model_server import find_server_contradictions
from orchestrator.notification import find_notification_problem
from orchestrator.own_server import find_own_server_contradictions
from orchestrator.settings import AUTO, METERS, Settings


def find_contradictions(settings: Settings) -> Iterator[Problem]:
    """Every one of them, so that a user corrects the command line once."""
    yield from _about_backend(settings)
    yield from _about_meters(settings)
    yield from find_exporter_contradictions(settings)
    yield from find_server_contradictions(settings)
    yield from find_own_server_contradictions(settings)
    for kind in ENGINES.values():
        yield from kind.contradictions(settings)
    yield from _about_samples(settings)
    yield from _about_stopping(settings)
    yield from _about_rerunning(settings)
    yield from _about_parallel(settings)
    yield from _without_effect(settings)
    if settings.notify_url and (problem := find_notification_problem(settings.notify_url)):
        yield problem
    if settings.region not in carbon.regions():
        yield Problem(
            f"--region {settings.region[:40]}",
            "no grid factor is known for it",
            f"Use one of {', '.join(carbon.regions())}.",
        )


def _about_backend(settings: Settings) -> Iterator[Problem]:
    backend = settings.backend
    if is_simulated(settings.gpus) and not settings.is_simulated:
        yield Problem(
            f"--gpus {settings.gpus[:40]}",
            f"simulated GPUs cannot run the {backend} backend",
            "Add --backend simulated, or name real GPUs.",
        )
    place = str(settings.output_dir.absolute())
    if settings.measures_itself and settings.engine_facts.is_plain and set(place) & set("[]"):
        yield Problem(
            f"--output-dir {place[:200]}",
            "optimum-benchmark loads its samples from there, and takes brackets for a pattern",
            "Choose a folder without [ and ] in its path, or --engine docker.",
        )
    if settings.share_model_load and not BACKEND_FACTS[backend].keeps_model:
        yield Problem(
            "--share-model-load",
            f"no run of the {backend} backend loads a model that another run could use",
            "Leave the flag out.",
        )
    if settings.simulation and not settings.is_simulated:
        yield Problem(
            f"--simulation {settings.simulation}",
            f"does nothing with the {backend} backend",
            "Add --backend simulated, or leave the file out.",
        )


def _about_meters(settings: Settings) -> Iterator[Problem]:
    meters, known = settings.meters, METERS
    for name in meters:
        if name not in known:
            yield Problem("--meters", f"{name[:40]!r} is not a meter", f"Use {', '.join(known)}.")
    if not meters and not settings.is_served:
        yield Problem("--meters", "names no meter", f"Use {', '.join(known)}.")
    if len(set(meters)) < len(meters):
        yield Problem("--meters", "names a meter twice", "Name each once.")
    if set(meters) & set(SIMULATED_METERS) and not settings.is_simulated:
        *others, last = (name for name in known if name not in SIMULATED_METERS)
        yield Problem(
            "--meters",
            "the simulated meter goes with the simulated backend only",
            f"Add --backend simulated, or choose {', '.join(others)} or {last}.",
        )
    own = usual_meters(settings.backend, settings.device)
    for name in meters:
        if settings.measures_itself and name in known and name not in own:
            yield Problem(
                "--meters",
                f"{name} cannot watch the {settings.backend} backend, which measures by itself",
                f"Leave the flag out, or choose {', '.join(own)}.",
            )


def _about_samples(settings: Settings) -> Iterator[Problem]:
    if settings.prompts_file and settings.dataset_dir:
        yield Problem("--dataset-dir", "goes instead of --prompts-file", "Leave one of them out.")
    if settings.seed is None and "seed" in settings.given:
        yield Problem("--seed", "is of a draw", "Add --sample stratified, or leave it out.")
    if settings.seed is not None and settings.prompts_file:
        what = "a prompts file does not say where its prompts come from"
        yield Problem("--sample stratified", what, "Use --dataset-dir, or leave it out.")


def _about_stopping(settings: Settings) -> Iterator[Problem]:
    """Stopping at an interval of the GPU energy needs that energy, and repetitions to save."""
    if settings.stop_at_ci is None:
        return
    if settings.repetitions < FEWEST_REPETITIONS_TO_STOP:
        yield Problem(
            "--stop-at-ci",
            f"stops after {FEWEST_REPETITIONS_TO_STOP} repetitions at the earliest, and only"
            f" {settings.repetitions} are asked for",
            "Raise --repetitions, or leave the flag out.",
        )
    measures_gpus = settings.measures_itself and settings.computes_on_gpus
    if not measures_gpus and not set(settings.meters) & set(GPU_METERS):
        yield Problem(
            "--stop-at-ci",
            "looks at the GPU energy, and no meter measures it",
            f"Add one of {', '.join(GPU_METERS)} to --meters, or leave the flag out.",
        )


def _about_rerunning(settings: Settings) -> Iterator[Problem]:
    if settings.only_reason and not settings.reruns_failed:
        yield Problem(
            "--only-reason",
            "chooses among failed rows, which are not run again",
            "Add --rerun-failed, or --rerun-failed-from with a table of results.",
        )


def _about_parallel(settings: Settings) -> Iterator[Problem]:
    if settings.parallel != 1 and settings.prefetch == "background":
        yield Problem(
            "--prefetch background",
            "downloads in the pauses between runs, and with --parallel there are none",
            "Leave one of them out.",
        )
    takes_none = settings.takes_no_gpus and not settings.is_scheduled
    if settings.parallel == 0 and takes_none and not settings.is_served_elsewhere:
        yield Problem(
            f"--parallel {AUTO}",
            "means as many runs as the GPUs take, and these take none",
            "Give a number; runs beside each other on one processor are flagged.",
        )


def _without_effect(settings: Settings) -> Iterator[Problem]:
    """Flags that were given and would change nothing."""
    at_rest = set(settings.meters) & set(GPU_COUNTERS)
    useless = {
        "parallel": (
            settings.parallel != 1 and not settings.is_scheduled and settings.is_served_elsewhere,
            "all runs would ask one server at a time; --concurrency is for that",
        ),
        "hang_timeout": (
            settings.measures_itself,
            "optimum-benchmark writes no lines by which it could be seen to hang",
        ),
        "gpus": (
            settings.takes_no_gpus,
            "a run on the CPU, or asked of a server, looks at no GPU without a GPU meter",
        ),
        "gpus_per_run": (
            settings.device == "cpu" or settings.is_served_elsewhere or settings.names_remote_gpus,
            "a run on the CPU or on a server takes no GPU, and one that is metered elsewhere all"
            " that are named",
        ),
        "image": (settings.engine_facts.is_plain, f"the {settings.engine} engine uses no image"),
        "device": (
            settings.is_simulated or settings.is_served_elsewhere,
            f"the {settings.backend} backend has its own device",
        ),
        "concurrency": (
            not settings.is_served,
            f"the {settings.backend} backend runs one sample at a time",
        ),
        "idle_seconds": (
            not at_rest,
            f"only {' and '.join(GPU_COUNTERS)} watch the power of GPUs at rest",
        ),
    }
    for name, (holds, why) in useless.items():
        if holds and name in settings.given:
            yield Problem(f"--{name.replace('_', '-')}", why, "Leave the flag out.")
