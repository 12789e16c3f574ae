"""An exporter on loopback that shows GPUs of known joules the way dcgm-exporter does."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
POWER = "DCGM_FI_DEV_POWER_USAGE"


def uuid(number: int) -> str:
    return f"GPU-00000000-0000-0000-0000-{number:012d}"


class Gpu:
    """Draws what it was last told to, and knows its energy at every moment to the joule."""

    def __init__(self, number: int, watts: float, name: str = "NVIDIA H100 80GB HBM3") -> None:
        self.uuid = uuid(number)
        self.number = number
        self.name = name
        self.extra_labels = ""
        self.energy_text: str | None = None
        self.power_text: str | None = None
        self.shown = True
        self.offset_joules = 1e6
        self._since = [(-math.inf, 0.0), (time.monotonic() - 60, watts)]

    def draw(self, watts: float) -> float:
        """Change the power now; the time of it."""
        now = time.monotonic()
        self._since.append((now, watts))
        return now

    def watts_at(self, seconds: float) -> float:
        return next(watts for since, watts in reversed(self._since) if since <= seconds)

    def joules_at(self, seconds: float) -> float:
        ends = [since for since, _ in self._since[1:]] + [math.inf]
        return sum(
            watts * max(0.0, min(end, seconds) - since)
            for (since, watts), end in zip(self._since, ends, strict=True)
            if watts
        )

    def joules_between(self, start: float, end: float) -> float:
        return self.joules_at(end) - self.joules_at(start)

    def lines(self, seconds: float) -> list[str]:
        """As they stand in the text when the values were taken at `seconds`."""
        if not self.shown:
            return []
        labels = (
            f'gpu="{self.number}",UUID="{self.uuid}",pci_bus_id="00000000:1B:00.0",'
            f'device="nvidia{self.number}",modelName="{self.name}",{self.extra_labels}'
            'Hostname="serving-\\"host\\"",DCGM_FI_DRIVER_VERSION="570.86.15"'
        )
        energy = self.energy_text
        if energy is None:
            energy = str(round((self.offset_joules + self.joules_at(seconds)) * 1000))
        power = self.watts_at(seconds) if self.power_text is None else self.power_text
        texts = [(ENERGY, energy), (POWER, power), ("DCGM_FI_DEV_GPU_TEMP", 45)]
        return [f"{name}{{{labels}}} {text}" for name, text in texts if text != ""]


@dataclass
class Exporter:
    """What the server answers. Values are renewed every `interval`, and are `age` old by then."""

    gpus: list[Gpu]
    interval: float = 0.1
    age: float = 0.0
    frozen_at: float | None = None
    failures_to_come: int = 0
    drops_connections: bool = False
    answer: tuple[int, dict[str, str], bytes] | None = None
    url: str = ""
    connections: int = 0
    requests: list[str] = field(default_factory=list)

    def text(self) -> str:
        now = time.monotonic() if self.frozen_at is None else self.frozen_at
        taken_at = math.floor(now / self.interval) * self.interval - self.age
        lines = [
            f"# HELP {ENERGY} Total energy consumption since boot (in mJ).",
            f"# TYPE {ENERGY} counter",
        ]
        for gpu in self.gpus:
            lines += gpu.lines(taken_at)
        return "\n".join(lines) + "\n"


@contextmanager
def serving(*gpus: Gpu, **behaviour: Any) -> Iterator[Exporter]:
    """A server for as long as the block lasts."""
    exporter = Exporter(list(gpus), **behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            exporter.connections += 1
            super().setup()

        def do_GET(self) -> None:
            exporter.requests.append(self.path)
            status, headers, body = 200, {"Content-Type": "text/plain"}, exporter.text().encode()
            if exporter.answer:
                status, headers, body = exporter.answer
            if exporter.failures_to_come:
                exporter.failures_to_come -= 1
                status, body = 500, b"internal server error"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = exporter.drops_connections

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    exporter.url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
