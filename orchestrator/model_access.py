"""Whether the models of a plan can be had: asked of the hub before the night, or of the cache."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from benchmark_core.hub import UNREACHABLE, HubTrouble, hub_trouble
from orchestrator.errors import Problem
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings

QUESTIONS_AT_ONCE = 8
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_FOR_ALL = 30.0
"""After which nobody waits any longer, whatever is still on its way."""
MOST_REDIRECTS = 5
TOLD_BY_HEADERS = ("X-Error-Code", "X-Error-Message")

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
            if not is_cached(model, settings.hub_cache):
                yield Problem(
                    _place(settings, rows),
                    f"model {model} is not in the cache {settings.hub_cache}, and HF_HUB_OFFLINE"
                    " forbids to ask the hub",
                    f"Fetch it beforehand with `hf download {model}`.",
                )
        return
    inquiry = _Inquiry(settings, deque(lines))
    inquiry.make()
    for model, trouble in sorted(inquiry.troubles.items()):
        yield Problem(
            _place(settings, lines[model]), f"model {model} {trouble.what}", trouble.remedy
        )
    if inquiry.hub_trouble is not None:
        yield Problem(
            "model hub",
            f"whether the {len(lines)} models of the plan may be read could not be checked for"
            f" all: {inquiry.hub_trouble.what}",
            inquiry.hub_trouble.remedy,
        )


@dataclass
class _Inquiry:
    """Questions to one hub, a few at a time. The first trouble that is the hub's own ends them.

    `troubles` is what speaks against reading a model.
    """

    settings: Settings
    models: deque[str]
    troubles: dict[str, HubTrouble] = field(default_factory=dict)
    hub_trouble: HubTrouble | None = None

    def make(self) -> None:
        """A hub, or a proxy, that sends a byte now and then is left to talk to itself."""
        until = time.monotonic() + SECONDS_FOR_ALL
        askers = [
            Thread(target=self._ask_on, args=(until,), daemon=True)
            for _ in range(min(QUESTIONS_AT_ONCE, len(self.models)))
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(max(0.0, until - time.monotonic()))
        if self.hub_trouble is None and (self.models or any(one.is_alive() for one in askers)):
            self.hub_trouble = HubTrouble("the hub is slow to answer", "Check the network.")

    def _ask_on(self, until: float) -> None:
        while self.hub_trouble is None and time.monotonic() < until:
            try:
                model = self.models.popleft()
            except IndexError:
                return
            try:
                _ask(model, self.settings)
            except Exception as error:  # noqa: BLE001 - whatever it is, the sweep can start
                trouble = hub_trouble(error)
                if trouble is not None and type(error).__name__ in OF_THE_MODEL:
                    self.troubles[model] = trouble
                else:
                    self.hub_trouble = _of_the_hub(error, trouble)


def _ask(model: str, settings: Settings) -> None:
    """Raises the errors of huggingface_hub where the hub would not give the model's files.

    Its own `auth_check` waits for an answer without end. Of the answer only status and headers are
    read, which say all.
    """
    from huggingface_hub import constants, get_session, hf_raise_for_status

    session = get_session()
    hub = settings.passed_environment.get("HF_ENDPOINT") or constants.ENDPOINT
    request = session.build_request(
        "GET",
        f"{hub.rstrip('/')}/api/models/{model}/auth-check",
        headers={"Authorization": f"Bearer {settings.token}"} if settings.token else {},
        timeout=SECONDS_FOR_AN_ANSWER,
    )
    for _ in range(MOST_REDIRECTS):
        answer = session.send(request, stream=True, follow_redirects=False)
        answer.close()
        if answer.next_request is None:
            break
        request = answer.next_request
    else:
        raise ConnectionError("the hub sends the question on without end")
    hf_raise_for_status(_without_body(answer))


def _without_body(answer: Any) -> Any:
    """What the errors are made of, which else would read all that is sent."""
    told = {name: answer.headers[name] for name in TOLD_BY_HEADERS if name in answer.headers}
    return type(answer)(answer.status_code, headers=told, request=answer.request)


def _of_the_hub(error: Exception, trouble: HubTrouble | None) -> HubTrouble:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return TOKEN_REFUSED
    if status is not None:
        return HubTrouble(f"the hub answered {status}", "Try again later; the sweep can start.")
    if trouble is UNREACHABLE:
        return HubTrouble("it cannot be reached", "Check the network, HF_ENDPOINT and proxies.")
    if trouble is None:
        what = f"it cannot be asked ({type(error).__name__})"
        return HubTrouble(what, "Check that HF_ENDPOINT is an address, and the token.")
    return trouble


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
