"""One question about each of many things, to a hub that may be slow, refuse, or be away."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from threading import Thread
from typing import Any, Generic, TypeVar

from benchmark_core.hub import UNREACHABLE, HubTrouble, hub_trouble
from orchestrator.settings import Settings

QUESTIONS_AT_ONCE = 8
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_FOR_ALL = 30.0
"""After which nobody waits any longer, whatever is still on its way."""

OF_ONE = (
    *("GatedRepoError", "RepositoryNotFoundError", "DisabledRepoError"),
    *("RevisionNotFoundError", "RemoteEntryNotFoundError", "HFValidationError"),
)
"""Errors of the hub that speak of one repository. Any other would be the same for each."""
TOKEN_REFUSED = HubTrouble(
    "the hub does not accept the token (401)", "Log in again with `hf auth login`, or set HF_TOKEN."
)
MOST_REDIRECTS = 5
TOLD_BY_HEADERS = ("X-Error-Code", "X-Error-Message")
SLOW = HubTrouble("the hub is slow to answer", "Check the network.")

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Inquiry(Generic[Item, Answer]):
    """A few questions at a time. The first trouble that is the hub's own ends them.

    `troubles` is what speaks against an item; an item without answer and trouble was not asked.
    """

    def __init__(self, items: Iterable[Item], ask: Callable[[Item], Answer]) -> None:
        self._open = deque(items)
        self._ask = ask
        self.answers: dict[Item, Answer] = {}
        self.troubles: dict[Item, HubTrouble] = {}
        self.hub_trouble: HubTrouble | None = None

    def make(self) -> None:
        """A hub, or a proxy, that sends a byte now and then is left to talk to itself."""
        until = time.monotonic() + SECONDS_FOR_ALL
        askers = [
            Thread(target=self._ask_on, args=(until,), daemon=True)
            for _ in range(min(QUESTIONS_AT_ONCE, len(self._open)))
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(max(0.0, until - time.monotonic()))
        if self.hub_trouble is None and (self._open or any(one.is_alive() for one in askers)):
            self.hub_trouble = SLOW

    def _ask_on(self, until: float) -> None:
        while self.hub_trouble is None and time.monotonic() < until:
            try:
                item = self._open.popleft()
            except IndexError:
                return
            try:
                self.answers[item] = self._ask(item)
            except Exception as error:  # noqa: BLE001 - whatever it is, the sweep can start
                trouble = hub_trouble(error)
                if trouble is not None and speaks_of_one(error):
                    self.troubles[item] = trouble
                else:
                    self.hub_trouble = _of_the_hub(error, trouble)


def speaks_of_one(error: Exception) -> bool:
    """Whether the hub's error is about one repository, and not about the hub."""
    return type(error).__name__ in OF_ONE


def ask_hub(path: str, settings: Settings, most_bytes: int = 0) -> bytes:
    """The hub's answer to a question of its interface; of its body so much and no more is read.

    Raises the errors of huggingface_hub; ConnectionError for an answer that is none.
    """
    from huggingface_hub import get_session, hf_raise_for_status

    session = get_session()
    request = session.build_request(
        "GET",
        f"{hub_address(settings.passed_environment)}{path}",
        headers={"Authorization": f"Bearer {settings.token}"} if settings.token else {},
        timeout=SECONDS_FOR_AN_ANSWER,
    )
    for _ in range(MOST_REDIRECTS):
        answer = session.send(request, stream=True, follow_redirects=False)
        with closing(answer):
            if answer.next_request is None:
                hf_raise_for_status(_without_body(answer))
                return _body(answer, most_bytes)
        request = answer.next_request
    raise ConnectionError("the hub sends the question on without end")


def hub_address(environment: Mapping[str, str]) -> str:
    from huggingface_hub import constants

    return (environment.get("HF_ENDPOINT") or str(constants.ENDPOINT)).rstrip("/")


def _without_body(answer: Any) -> Any:
    """What the errors are made of, which else would read all that is sent."""
    told = {name: answer.headers[name] for name in TOLD_BY_HEADERS if name in answer.headers}
    return type(answer)(answer.status_code, headers=told, request=answer.request)


def _body(answer: Any, most_bytes: int) -> bytes:
    body, until = bytearray(), time.monotonic() + SECONDS_FOR_ALL
    for part in answer.iter_bytes() if most_bytes else ():
        body += part
        if len(body) > most_bytes or time.monotonic() > until:
            raise ConnectionError("the hub's answer is too long")
    return bytes(body)


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
