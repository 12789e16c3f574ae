"""The server of a sweep with the vllm backend: what the flags about it mean, and what it serves."""

from collections.abc import Iterator

from benchmark_core.faults import ServerFault
from benchmark_core.meter_facts import DRIVER_METERS, HOST_METERS
from benchmark_core.serving.address import FORM, ServerAddress, parse_address
from benchmark_core.serving.server import Server
from orchestrator.errors import Problem
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings

FLAG = "--endpoint"
PREFLIGHT_SECONDS = 10.0
MOST_NAMED = 5
ELSEWHERE = (
    "dcgm with the exporter of the serving host, or no meter at all: the GPU energy stays empty"
    " then."
)


def find_server_contradictions(settings: Settings) -> Iterator[Problem]:
    """What about the server cannot be meant; nobody is asked."""
    if not settings.is_served:
        for flag, value in (
            (FLAG, settings.endpoint),
            ("--request-timeout", _patience(settings)),
            ("--serve-image", settings.serve_image),
        ):
            if value:
                yield Problem(
                    f"{flag} {value[:80]}",
                    f"the {settings.backend} backend asks no server",
                    "Add --backend vllm, or leave the flag out.",
                )
        return
    if not settings.endpoint and not settings.serve_image:
        what = "the vllm backend is not told where its server answers"
        remedy = f"Add {FLAG} {FORM}, or set VLLM_ENDPOINT; --serve-image starts one."
        yield Problem("--backend vllm", what, remedy)
        return
    try:
        parse_address(settings.endpoint or "http://localhost")
    except ValueError as error:
        yield Problem(FLAG, f"the URL {error}", f"Write it as {FORM}.")
    if settings.offline and settings.engine_facts.is_confined:
        yield Problem(
            FLAG,
            f"the {settings.engine} engine gives offline runs no network to reach a server by",
            "Use --engine process, or let the run go online.",
        )
    yield from _about_meters(settings)


def _about_meters(settings: Settings) -> Iterator[Problem]:
    """The GPUs of this machine are a server's only where it runs here, and can be seen there."""
    for name in (name for name in HOST_METERS if name in settings.meters):
        yield Problem(
            "--meters",
            f"{name} would measure the run, which only asks, and not the server",
            f"Choose {ELSEWHERE}",
        )
    if not set(settings.meters) & set(DRIVER_METERS):
        return
    try:
        is_here = asks_this_machine(settings)
    except ValueError:
        return
    if not is_here:
        yield Problem(
            "--meters",
            "nvml measures the GPUs of this machine, and the server's address is not one that only"
            " this machine has (localhost)",
            f"Choose {ELSEWHERE}",
        )
    elif settings.engine_facts.is_confined:
        yield Problem(
            "--meters",
            "nvml in a container cannot see which process the server is, and on which GPUs",
            f"Use --engine process, or {ELSEWHERE}",
        )


def find_server_problems(plan: Plan, settings: Settings) -> Iterator[Problem]:
    """What keeps the server from running the plan, after asking it once."""
    if not settings.endpoint or not plan.runs:
        return
    server = Server(_address(settings), PREFLIGHT_SECONDS)
    try:
        served = [str(model.get("id")) for model in server.models()]
    except ServerFault as fault:
        yield Problem(FLAG, fault.message, "Start the server first, and check its address.")
        return
    finally:
        server.close()
    missing = sorted({run.spec.model.id for run in plan.runs} - set(served))
    if missing:
        yield Problem(
            f"{FLAG} {settings.endpoint}",
            f"it serves {_named(served) or 'no model'}, and not {_named(missing)}",
            "Choose the rows of what it serves with --model-name, or start it with that model.",
        )


def find_meter_warnings(settings: Settings) -> Iterator[Problem]:
    """A night without any energy is one warning beforehand."""
    if not settings.is_served or settings.meters:
        return
    if settings.serve_image and settings.device == "cpu":
        remedy = "Leave out --device cpu to serve on GPUs, which can be measured."
    elif settings.serve_image or asks_this_machine(settings):
        remedy = (
            "Use --engine process --meters nvml, or --meters dcgm with the exporter"
            " (--dcgm-endpoint)."
        )
    else:
        remedy = "Use --meters dcgm with the exporter of the serving host (--dcgm-endpoint)."
    yield Problem("--meters", "no meter watches the server: this sweep measures no energy", remedy)


def asks_this_machine(settings: Settings) -> bool:
    """Whether runs have to share the network of this machine to reach their server."""
    return settings.is_served and (bool(settings.serve_image) or _address(settings).loopback)


def _address(settings: Settings) -> ServerAddress:
    """Raises ValueError, for which `find_server_contradictions` has the message."""
    return parse_address(settings.endpoint or "")


def _patience(settings: Settings) -> str:
    seconds = settings.request_timeout_seconds
    return "" if seconds is None else f"{seconds:g}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(name[:100] for name in names[:MOST_NAMED]) + more
