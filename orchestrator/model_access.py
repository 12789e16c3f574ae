"""Whether the models of a plan can be had: asked of the hub before the night, or of the cache."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.hub import HubTrouble
from orchestrator.errors import Problem
from orchestrator.hub_inquiry import Inquiry, ask_hub
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings


@dataclass(frozen=True)
class Access:
    """What the hub said: `troubles` by model, and what it could not be asked because of."""

    models: tuple[str, ...] = ()
    troubles: Mapping[str, HubTrouble] = field(default_factory=dict)
    hub_trouble: HubTrouble | None = None


def ask_access(plan: Plan, settings: Settings) -> Access:
    """Whether this user may read the models of the plan. With HF_HUB_OFFLINE nobody is asked."""
    models = tuple(_lines_by_model(plan))
    if settings.offline:
        return Access(models)
    inquiry = Inquiry(models, lambda model: _ask(model, settings))
    inquiry.make()
    return Access(models, dict(inquiry.troubles), inquiry.hub_trouble)


def find_access_warnings(plan: Plan, settings: Settings, access: Access) -> Iterator[Problem]:
    """A warning for each model that this user may not read, with the lines that ask for it.

    With HF_HUB_OFFLINE what is not in the cache at all is named. The rows are measured all the
    same: such a row fails alone.
    """
    lines = _lines_by_model(plan)
    if settings.offline:
        for model, rows in lines.items():
            if not is_cached(model, settings.hub_cache):
                yield Problem(
                    _place(settings, rows),
                    f"model {model} is not in the cache {settings.hub_cache}, and HF_HUB_OFFLINE"
                    " forbids to ask the hub",
                    f"Fetch it beforehand with `hf download {model}`.",
                )
        return
    for model, trouble in sorted(access.troubles.items()):
        yield Problem(
            _place(settings, lines[model]), f"model {model} {trouble.what}", trouble.remedy
        )
    if access.hub_trouble is not None:
        yield Problem(
            "model hub",
            f"whether the {len(lines)} models of the plan may be read could not be checked for"
            f" all: {access.hub_trouble.what}",
            access.hub_trouble.remedy,
        )


def _ask(model: str, settings: Settings) -> None:
    """Raises the errors of huggingface_hub where the hub would not give the model's files.

    Its own `auth_check` waits for an answer without end. Status and headers say all.
    """
    ask_hub(f"/api/models/{model}/auth-check", settings)


def _lines_by_model(plan: Plan) -> Mapping[str, list[int]]:
    """The catalog lines for which each model of the hub, or a processor from there, is fetched.

    A run that asks a server fetches the model's config and tokenizer all the same.
    """
    lines: dict[str, list[int]] = {}
    for run in plan.runs:
        if run.spec.backend.is_simulated:
            continue
        for name in {run.spec.model.id, run.spec.model.processor or run.spec.model.id}:
            if not Path(name).is_dir():
                lines.setdefault(name, []).append(run.config.line)
    return dict(sorted(lines.items()))


def is_cached(model: str, cache: Path) -> bool:
    """Whether any revision of it is there, whole or not."""
    snapshots = cache / f"models--{model.replace('/', '--')}" / "snapshots"
    return snapshots.is_dir() and any(snapshots.iterdir())


def _place(settings: Settings, lines: list[int]) -> str:
    word = "line" if len(lines) == 1 else "lines"
    return f"{settings.csv}, {word} {', '.join(map(str, lines))}"
