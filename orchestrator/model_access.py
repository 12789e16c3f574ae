"""Whether the models of a plan can be had: asked of the hub before the night, or of the cache."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.hub import UNREACHABLE, HubTrouble, hub_trouble
from orchestrator.errors import Problem
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings

QUESTIONS_AT_ONCE = 8
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_FOR_ALL = 30.0
"""After which no further question is put; the last answers may take their time on top."""

OF_THE_MODEL = ("GatedRepoError", "RepositoryNotFoundError", "DisabledRepoError")
"""Errors of the hub that speak of one model. Any other would be the same for each."""
TOKEN_REFUSED = HubTrouble(
    "the hub does not accept the token (401)", "Log in again with `hf auth login`, or set HF_TOKEN."
)


def find_access_warnings(plan: Plan, settings: Settings) -> Iterator[Problem]:
    """A warning for each model that this user may not read, with the lines that ask for it.

    With HF_HUB_OFFLINE nobody is asked, and what is not in the cache at all is named. The rows are
    measured all the same: such a row fails alone.
    """
    lines = _lines_by_model(plan)
    if settings.offline:
        for model, rows in lines.items():
            if not _is_cached(model, settings.hub_cache):
                yield Problem(
                    _place(settings, rows),
                    f"model {model} is not in the cache {settings.hub_cache}, and HF_HUB_OFFLINE"
                    " forbids to ask the hub",
                    f"Fetch it beforehand with `hf download {model}`.",
                )
        return
    inquiry = _Inquiry(settings)
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
        troubles = list(pool.map(inquiry.trouble_with, lines))
    for (model, rows), trouble in zip(lines.items(), troubles, strict=True):
        if trouble is not None:
            what = f"model {model} {trouble.what}"
            yield Problem(_place(settings, rows), what, trouble.remedy)
    if inquiry.hub_trouble is not None:
        yield Problem(
            "model hub",
            f"whether the {len(lines)} models of the plan may be read could not be checked for"
            f" all: {inquiry.hub_trouble.what}",
            inquiry.hub_trouble.remedy,
        )


@dataclass
class _Inquiry:
    """Questions to one hub. The first trouble that is the hub's own ends them all."""

    settings: Settings
    hub_trouble: HubTrouble | None = None
    began: float = field(default_factory=time.monotonic)

    def trouble_with(self, model: str) -> HubTrouble | None:
        """What speaks against reading the model; None too where the hub could not be asked."""
        if self.hub_trouble is not None:
            return None
        if time.monotonic() - self.began > SECONDS_FOR_ALL:
            self.hub_trouble = HubTrouble("the hub is slow to answer", "Check the network.")
            return None
        try:
            _ask(model, self.settings)
        except Exception as error:
            trouble = hub_trouble(error)
            if trouble is None:
                raise
            if type(error).__name__ in OF_THE_MODEL:
                return trouble
            self.hub_trouble = _of_the_hub(error, trouble)
        return None


def _ask(model: str, settings: Settings) -> None:
    """Raises the errors of huggingface_hub where the hub would not give the model's files.

    Its own `auth_check` waits for an answer without end.
    """
    from huggingface_hub import constants, get_session, hf_raise_for_status

    hub = settings.passed_environment.get("HF_ENDPOINT") or constants.ENDPOINT
    answer = get_session().get(
        f"{hub.rstrip('/')}/api/models/{model}/auth-check",
        headers={"Authorization": f"Bearer {settings.token}"} if settings.token else {},
        timeout=SECONDS_FOR_AN_ANSWER,
    )
    hf_raise_for_status(answer)


def _of_the_hub(error: Exception, trouble: HubTrouble) -> HubTrouble:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return TOKEN_REFUSED
    if status is not None:
        return HubTrouble(f"the hub answered {status}", "Try again later; the sweep can start.")
    if trouble is UNREACHABLE:
        return HubTrouble("it cannot be reached", "Check the network, HF_ENDPOINT and proxies.")
    return trouble


def _lines_by_model(plan: Plan) -> Mapping[str, list[int]]:
    """The catalog lines for which each model of the hub, or a processor from there, is fetched."""
    lines: dict[str, list[int]] = {}
    for run in plan.runs:
        backend = run.spec.backend
        # A server has its model already, and simulated runs load none.
        if backend.is_simulated or backend.endpoint is not None:
            continue
        for name in {run.spec.model.id, run.spec.model.processor or run.spec.model.id}:
            if not Path(name).is_dir():
                lines.setdefault(name, []).append(run.config.line)
    return dict(sorted(lines.items()))


def _is_cached(model: str, cache: Path) -> bool:
    """Whether any revision of it is there, whole or not."""
    snapshots = cache / f"models--{model.replace('/', '--')}" / "snapshots"
    return snapshots.is_dir() and any(snapshots.iterdir())


def _place(settings: Settings, lines: list[int]) -> str:
    word = "line" if len(lines) == 1 else "lines"
    return f"{settings.csv}, {word} {', '.join(map(str, lines))}"
