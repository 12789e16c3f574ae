"""One server with OpenAI's interface: what it serves, and answers to requests one by one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from benchmark_core.contract import FinishReason
from benchmark_core.faults import ServerFault
from benchmark_core.serving.address import ServerAddress
from benchmark_core.serving.dialects import DIALECTS, Dialect, recognised
from benchmark_core.serving.event_stream import StreamError, objects

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 120.0
LONGEST_ANSWER_SECONDS = 3600.0
LARGEST_PAGE_BYTES = 8 * 2**20
RETRIES = 2
RETRY_SECONDS = 1.0
OK = 200
BUSY = (429, 503)

CHAT, COMPLETIONS = "/chat/completions", "/completions"


@dataclass
class Answer:
    """What came of one request.

    `first_token_at` is when the first token of any kind arrived, on the monotonic clock. The ids
    are empty where the server does not give them, those of the answer not always all.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: FinishReason | None = None
    first_token_at: float | None = None
    prompt_ids: list[int] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    counted: bool = False


class RefusedRequest(Exception):
    """The server takes this one request amiss, such as a prompt that is too long. One line."""


class Server:
    """Keeps one connection for each request that is under way at a time.

    Every method raises ServerFault where the server is not there, breaks off, or speaks otherwise
    than it must; `silence_seconds` is how long it may say nothing.
    """

    def __init__(
        self, address: ServerAddress, silence_seconds: float = SILENCE_SECONDS, connections: int = 1
    ) -> None:
        import httpx2

        self.address = address
        self._silence_seconds = silence_seconds
        self._http = httpx2
        self._names: dict[str, set[str]] = {}
        self._given_up = Event()
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(silence_seconds, connect=min(CONNECT_SECONDS, silence_seconds)),
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            # Neither a proxy nor a .netrc of the environment belongs into a measurement.
            trust_env=False,
        )

    def is_well(self) -> bool:
        """Whether `/health` answers that all is well; no answer is none."""
        try:
            with self._client.stream("GET", f"{self.address.root}/health") as response:
                return bool(response.status_code == OK)
        except self._http.RequestError:
            return False

    def models(self) -> list[dict[str, Any]]:
        """What `/v1/models` lists, as the server describes it."""
        page = self._page(f"{self.address.api}/models")
        found = page.get("data") if isinstance(page, dict) else None
        if not isinstance(found, list):
            raise self._fault("lists no models at /v1/models")
        models = _list(found)
        # One model may bear several names, and a server answers by the first of them.
        for model in models:
            same = {str(one.get("id")) for one in models if one.get("root") == model.get("root")}
            own = str(model.get("id"))
            self._names[own] = same if model.get("root") else {own}
        return models

    def dialect(self, models: list[dict[str, Any]]) -> Dialect:
        """How it wants to be spoken to, `models` being what it lists."""
        try:
            page = self._page(f"{self.address.root}/openapi.json")
        except ServerFault:
            page = {}
        paths = page.get("paths") if isinstance(page, dict) else None
        return DIALECTS[recognised(models, set(paths) if isinstance(paths, dict) else set())]

    def version(self) -> str | None:
        """What `/version` says, None where there is no such page."""
        try:
            page = self._page(f"{self.address.root}/version")
        except ServerFault:
            return None
        found = page.get("version") if isinstance(page, dict) else None
        return found[:40] if isinstance(found, str) and found.isprintable() else None

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        """The whole answer to a request, streamed, from the model that it names.

        A server that is busy has generated nothing, and is asked again a few times.

        Raises:
            RefusedRequest: the request alone is at fault.
        """
        for number in range(RETRIES):
            answer = self._try(path, body, may_be_busy=True)
            if answer is not None:
                return answer
            print(f"the server is busy; asked again ({number + 1} of {RETRIES})", flush=True)
            time.sleep(RETRY_SECONDS * (number + 1))
        answer = self._try(path, body, may_be_busy=False)
        assert answer is not None
        return answer

    def _try(self, path: str, body: dict[str, Any], may_be_busy: bool) -> Answer | None:
        """None where the server is busy, and may be."""
        url = self.address.api + path
        if self._given_up.is_set():
            raise self._fault("is asked nothing more")
        with self._troubles_told(), self._client.stream("POST", url, json=body) as response:
            if may_be_busy and response.status_code in BUSY:
                return None
            self._refuse_status(response)
            return self._read(response, str(body["model"]))

    def give_up(self) -> None:
        """Ends what is under way in other threads, with the next sign of life or for want of it."""
        self._given_up.set()

    def close(self) -> None:
        self._client.close()

    def _read(self, response: Any, model: str) -> Answer:
        answer = Answer()
        for found in objects(self._bounded(response)):
            self._take(answer, found, model)
        if answer.finish_reason is None:
            raise self._fault("ended an answer early")
        if not answer.counted:
            raise self._fault("ended an answer without its token counts (usage)")
        return answer

    def _bounded(self, response: Any) -> Iterator[bytes]:
        """Whatever comes, tokens or signs of life, comes within the time of the longest answer."""
        until = time.monotonic() + LONGEST_ANSWER_SECONDS
        for chunk in response.iter_bytes():
            yield chunk
            if self._given_up.is_set():
                raise self._fault("was answering when another answer ended the run")
            if time.monotonic() > until:
                raise self._fault(f"took longer than {LONGEST_ANSWER_SECONDS:g} s to answer")

    def _take(self, answer: Answer, found: dict[str, Any], model: str) -> None:
        if found.get("error"):
            raise self._fault(f"broke off an answer: {_text(found['error'])}")
        served = found.get("model")
        # transformers adds the revision to the name.
        if isinstance(served, str) and served.partition("@")[0] not in self._names.get(
            model, {model}
        ):
            raise self._fault(f"answers for the model {served[:100]!r}, not for {model}")
        answer.prompt_ids += self._ids(found.get("prompt_token_ids"))
        for choice in _list(found.get("choices")):
            if answer.first_token_at is None and _has_token(choice):
                answer.first_token_at = time.monotonic()
            answer.prompt_ids += self._ids(choice.get("prompt_token_ids"))
            answer.token_ids += self._ids(choice.get("token_ids"))
            reason = choice.get("finish_reason")
            if reason not in (None, "stop", "length"):
                raise self._fault(f"ended an answer with {_text(reason)}")
            answer.finish_reason = reason or answer.finish_reason
        usage = found.get("usage")
        if isinstance(usage, dict):
            answer.prompt_tokens = self._count(usage, "prompt_tokens")
            answer.completion_tokens = self._count(usage, "completion_tokens")
            details = usage.get("prompt_tokens_details")
            if isinstance(details, dict) and details.get("cached_tokens"):
                raise self._fault(
                    f"reuses what it computed for {_text(details['cached_tokens'])} tokens of an"
                    " equal prompt (start it without prefix caching)"
                )
            answer.counted = True

    def _ids(self, value: Any) -> list[int]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(number, int) and 0 <= number < 2**32 for number in value
        ):
            raise self._fault("gives tokens that are no numbers")
        return value

    def _count(self, usage: dict[str, Any], name: str) -> int:
        count = usage.get(name)
        if not isinstance(count, int) or count < 0:
            raise self._fault(f"gives no {name} in its usage")
        return count

    def _refuse_status(self, response: Any) -> None:
        status = response.status_code
        if status == OK:
            return
        said = self._said(response)
        if status in (400, 413, 422):
            raise RefusedRequest(f"the server refuses the request ({status}): {said}")
        raise self._fault(f"answers {status}: {said}")

    def _said(self, response: Any) -> str:
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > 2000:
                break
        return _text(body.decode(errors="replace")) or "nothing more"

    def _page(self, url: str) -> Any:
        """A small page of JSON, whatever that is."""
        with self._troubles_told(), self._client.stream("GET", url) as response:
            if response.status_code != OK:
                raise self._fault(f"answers {response.status_code} to {url}")
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST_PAGE_BYTES:
                    raise self._fault(f"sends a page of more than {LARGEST_PAGE_BYTES} bytes")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._fault("answers with what is no JSON") from error

    @contextmanager
    def _troubles_told(self) -> Iterator[None]:
        try:
            yield
        except StreamError as error:
            raise self._fault(f"streams what is no answer: {error}") from error
        except self._http.ConnectTimeout as error:
            raise self._fault("cannot be reached: nobody answers there") from error
        except self._http.TimeoutException as error:
            raise self._fault(f"said nothing for {self._silence_seconds:g} s") from error
        except (self._http.RequestError, self._http.InvalidURL, UnicodeError) as error:
            raise self._fault(f"cannot be reached or broke off: {type(error).__name__}") from error

    def _fault(self, what: str) -> ServerFault:
        return ServerFault(
            f"the server at {self.address.root} {what}",
            "Look at the server's own log; start it again, and the row with --rerun-failed.",
        )


def _has_token(choice: dict[str, Any]) -> bool:
    """Whether the chunk brings a token, of reasoning or of the answer."""
    delta = choice.get("delta")
    parts = delta if isinstance(delta, dict) else choice
    names = ("content", "reasoning_content", "reasoning", "text")
    return any(parts.get(name) for name in names) or bool(choice.get("token_ids"))


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """On one line, and no longer than a message may be."""
    return " ".join(ascii(value).strip("'\"").replace("\\n", " ").split())[:300]
