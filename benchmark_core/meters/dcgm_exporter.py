"""A DCGM exporter: a web page of a host, on which the counters of its GPUs stand as text."""

import contextlib
import http.client
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from benchmark_core.faults import MeterFault
from benchmark_core.web_address import checked_parts, is_loopback

ENERGY_FIELD = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
POWER_FIELD = "DCGM_FI_DEV_POWER_USAGE"
DEFAULT_PATH = "/metrics"
FORM = "http://HOST:9400/metrics"

TIMEOUT_SECONDS = 5.0
LARGEST_BODY_BYTES = 8 * 2**20
# DCGM writes this number, and some above it, where it has no value.
BLANK_INTEGER = 0x7FFFFFFFFFFFFFF0
# Far above any GPU; DCGM's blank for numbers with a fraction is 2**47.
LARGEST_WATTS = 1e6
# What an exporter says of its GPUs ends up in reports and messages.
MOST_TEXT_CHARACTERS = 100
MOST_GPUS_NAMED = 16

CHECK_EXPORTER = (
    "Look at the dcgm-exporter of the serving host, and open --dcgm-endpoint in a browser there."
)


@dataclass(frozen=True)
class Endpoint:
    """Where an exporter answers. It carries no secret, because it is written into files."""

    secure: bool
    host: str
    port: int | None
    path: str

    @property
    def loopback(self) -> bool:
        """Whether only programs that share the network of the exporter's machine reach it."""
        return is_loopback(self.host)


def parse_endpoint(url: str) -> Endpoint:
    """What `url` names.

    Raises:
        ValueError: it is no such URL, or holds what may not be written down. The message does not
            repeat the URL.
    """
    parts = checked_parts(url)
    path = DEFAULT_PATH if parts.path in ("", "/") else parts.path
    return Endpoint(
        secure=parts.scheme == "https", host=parts.hostname or "", port=parts.port, path=path
    )


@dataclass(frozen=True)
class ExportedGpu:
    """What the text says of one GPU. None: not said, or said to be no number."""

    uuid: str
    name: str
    driver_version: str | None
    partitioned: bool
    millijoules: int | None = None
    watts: float | None = None


@dataclass(frozen=True)
class Scrape:
    """One answer, made between two times of the monotonic clock. GPUs are by UUID."""

    gpus: dict[str, ExportedGpu]
    asked_at: float
    answered_at: float


class DcgmExporter:
    """The exporter at `url`, over one connection that is kept open.

    It is asked directly: proxies that the environment names are not used, because what they hold
    back or answer from memory would shift the counters in time. Redirects are not followed.
    """

    def __init__(self, url: str | None) -> None:
        try:
            self._endpoint = parse_endpoint(url or "")
        except ValueError as error:
            raise MeterFault(
                f"the address of the DCGM exporter {error}", f"Write it as {FORM}."
            ) from None
        self._connection: http.client.HTTPConnection | None = None

    def scrape(self) -> Scrape:
        """Ask once.

        Raises:
            MeterFault: no answer (`meter_unreachable`), or one that is no Prometheus text
                (`counter_without_value`).
        """
        fresh = self._connection is None
        try:
            return self._ask()
        except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError) as error:
            self.close()
            if fresh:
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error
        # A server closes connections that were quiet for long; that one is told by asking again.
        try:
            return self._ask()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _ask(self) -> Scrape:
        if self._connection is None:
            self._connection = self._connect()
        asked_at = time.monotonic()
        self._connection.request(
            "GET",
            self._endpoint.path,
            headers={"Accept": "text/plain", "Cache-Control": "no-cache"},
        )
        answer = self._connection.getresponse()
        answered_at = time.monotonic()
        body = _read_bounded(answer, answered_at + TIMEOUT_SECONDS)
        if answer.status != http.client.OK:
            elsewhere = " and points elsewhere" if 300 <= answer.status < 400 else ""
            raise http.client.HTTPException(f"it answers {answer.status}{elsewhere}")
        return Scrape(_parse(body), asked_at, answered_at)

    def _connect(self) -> http.client.HTTPConnection:
        place = self._endpoint
        if place.secure:
            return http.client.HTTPSConnection(place.host, place.port, timeout=TIMEOUT_SECONDS)
        return http.client.HTTPConnection(place.host, place.port, timeout=TIMEOUT_SECONDS)

    def _unreachable(self, error: Exception) -> MeterFault:
        port = f":{self._endpoint.port}" if self._endpoint.port else ""
        return MeterFault(
            f"the DCGM exporter at {self._endpoint.host}{port}{self._endpoint.path} cannot be"
            f" read: {str(error) or type(error).__name__}",
            CHECK_EXPORTER,
            "meter_unreachable",
        )


def obstacles(uuids: Sequence[str], shown: Mapping[str, ExportedGpu]) -> Iterator[MeterFault]:
    """What keeps the GPUs of a run from being metered, each with its remedy."""
    for uuid in uuids:
        gpu = shown.get(uuid)
        if gpu is None:
            yield MeterFault(
                f"the DCGM exporter shows no GPU {uuid}; it shows {_named(shown)}",
                "Name GPUs of the host that it watches, or the exporter of their host.",
            )
        elif gpu.partitioned:
            yield MeterFault(
                f"GPU {uuid} is in MIG mode, where the counter covers all instances together",
                "Switch MIG mode off for measurements, or choose another GPU.",
            )
        elif gpu.millijoules is None:
            yield MeterFault(
                f"the DCGM exporter shows no value of {ENERGY_FIELD} for {uuid}",
                f"Add {ENERGY_FIELD} and {POWER_FIELD} to the exporter's counters file (-f); it"
                " takes a GPU of the Volta generation or newer that is not virtual (vGPU).",
                "counter_without_value",
            )


def _named(shown: Mapping[str, ExportedGpu]) -> str:
    some = islice(shown.values(), MOST_GPUS_NAMED)
    named = ", ".join(f"{_cut(gpu.uuid)} ({gpu.name})" for gpu in some) or "none"
    more = len(shown) - MOST_GPUS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _cut(text: str) -> str:
    return text[:MOST_TEXT_CHARACTERS]


def _read_bounded(answer: http.client.HTTPResponse, until: float) -> str:
    """The body as text. What is not ASCII in it is in labels that nobody reads."""
    body = bytearray()
    while chunk := answer.read1(65536):
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise http.client.HTTPException(f"it answers more than {LARGEST_BODY_BYTES} bytes")
        if time.monotonic() > until:
            raise TimeoutError(f"its answer took longer than {TIMEOUT_SECONDS:g} s")
    if answer.length:
        raise http.client.HTTPException("its answer broke off")
    # Else the connection waits for somebody to read on.
    answer.close()
    return body.decode(errors="replace")


def _parse(text: str) -> dict[str, ExportedGpu]:
    """Only the lines of the two fields are parsed: a page has many more, and is asked for often."""
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError as error:
        raise MeterFault(
            "the package prometheus_client, which reads the exporter's text, is not installed",
            "Install the project's requirements.txt.",
        ) from error
    lines = [line for line in text.splitlines() if line.startswith((ENERGY_FIELD, POWER_FIELD))]
    try:
        families = list(text_string_to_metric_families("\n".join(lines)))
    except (ValueError, IndexError) as error:
        raise MeterFault(
            f"the DCGM exporter's text cannot be read: {_cut(str(error))}",
            CHECK_EXPORTER,
            "counter_without_value",
        ) from error
    gpus: dict[str, ExportedGpu] = {}
    for sample in _samples(families):
        uuid = sample.labels.get("UUID", "")
        gpu = gpus.get(uuid) or _describe(uuid, sample.labels)
        gpus[uuid] = _with_value(gpu, sample)
    return gpus


def _samples(families: Iterable[Any]) -> Iterable[Any]:
    for family in families:
        for sample in family.samples:
            if sample.name in (ENERGY_FIELD, POWER_FIELD) and sample.labels.get("UUID"):
                yield sample


def _describe(uuid: str, labels: dict[str, str]) -> ExportedGpu:
    return ExportedGpu(
        uuid=uuid,
        name=_cut(labels.get("modelName", "")),
        driver_version=_cut(labels.get("DCGM_FI_DRIVER_VERSION", "")) or None,
        partitioned=False,
    )


def _with_value(gpu: ExportedGpu, sample: Any) -> ExportedGpu:
    """`gpu` with what the line says. Where pods share a GPU, it has a line for each of them."""
    if sample.labels.get("GPU_I_ID") or sample.labels.get("GPU_I_PROFILE"):
        gpu = replace(gpu, partitioned=True)
    if sample.name == POWER_FIELD:
        return replace(gpu, watts=_number(sample.value, LARGEST_WATTS))
    millijoules = _number(sample.value, BLANK_INTEGER)
    return replace(gpu, millijoules=None if millijoules is None else round(millijoules))


def _number(value: float, limit: float) -> float | None:
    """None for what is no value: NaN, infinite, negative, or a blank of DCGM's."""
    return value if 0 <= value < limit else None
