"""GPU energy of a serving host, as its DCGM exporter shows it over HTTP."""

import time
from collections.abc import Callable

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, MeterName
from benchmark_core.faults import MeterFault
from benchmark_core.meters.dcgm_exporter import (
    CHECK_EXPORTER,
    ENERGY_FIELD,
    DcgmExporter,
    ExportedGpu,
    Scrape,
    obstacles,
)
from benchmark_core.meters.edge_rules import MISUSE, Edge, refuse_gap, summed
from benchmark_core.meters.scraped_counter import (
    DRIVER_STEP_SECONDS,
    EXPORTER_REMEDY,
    ScrapedCounter,
    ScrapedCourse,
)
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts

# The exporter's own default is 30 s; a slower one would make every edge wait for minutes.
LONGEST_INTERVAL_SECONDS = 35.0
# So many intervals are looked at for their usual length, or one where they are long.
INTERVALS_WATCHED = 4
LONGEST_INTERVAL_WATCH_SECONDS = 3.0
# Of the interval: how often the exporter is asked when a step is due, and when it is not known, and
# how long before the step is due that begins. Some exporters read the GPUs for every question.
DUE_POLL_SHARE = 0.005
SEARCH_POLL_SHARE = 0.05
WAKE_SHARE = 0.1
SHORTEST_POLL_SECONDS = 0.002
LONGEST_POLL_SECONDS = 0.05
# A host that did not answer once is asked again for so long: a run is worth hours.
PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 0.2


class DcgmMeter:
    """The energy of a window on exactly the GPUs of `gpu_uuids`, by the exporter at `endpoint`.

    `synchronise` runs before each edge, so that queued work counts where it belongs. The clock is
    this machine's: what the exporter shows has no time of its own.

    The exporter renews its values every collection interval, which `start` finds out. Each edge is
    aligned to these steps as `scraped_counter` tells, so `approach` and `read` wait for two to
    three intervals each, and half a second at least. `gpu_doubt_joules` sums what is uncertain: the
    times of the steps (half the time between two questions, the network's delay included), the
    power from them to the edge, and the age of the values, worth the interval times the change of
    power over the window. The power beside a window is taken to be steady for three intervals.
    """

    name: MeterName = "dcgm"

    def __init__(
        self, endpoint: str | None, gpu_uuids: tuple[str, ...], synchronise: Callable[[], None]
    ) -> None:
        self._uuids = gpu_uuids
        self._synchronise = synchronise
        self._exporter = DcgmExporter(endpoint)
        self._counters: dict[str, ScrapedCounter] = {}
        self._facts: tuple[GpuFacts, ...] = ()
        self._interval_seconds = 0.0
        self._approached: Edge[ScrapedCourse] | None = None
        self._opened: Edge[ScrapedCourse] | None = None
        self._closed_at: float | None = None
        self._first_opened: Edge[ScrapedCourse] | None = None
        self._last_closed: Edge[ScrapedCourse] | None = None

    def start(self) -> None:
        if not self._uuids or len(set(self._uuids)) != len(self._uuids):
            raise MeterFault(
                f"the dcgm meter needs the UUID of each GPU once, and got {list(self._uuids)}",
                "Name the GPUs of the serving host: --gpus GPU-...,GPU-...",
            )
        try:
            shown = self._exporter.scrape().gpus
            for obstacle in obstacles(self._uuids, shown):
                raise obstacle
            self._facts = tuple(_describe(shown[uuid]) for uuid in self._uuids)
            self._interval_seconds = self._find_interval()
        except MeterFault:
            self.stop()
            raise

    def approach(self) -> None:
        """Synchronises too: work still queued would make the power before the window another."""
        self._opened = self._closed_at = None
        self._synchronise()
        courses = self._await_courses(ScrapedCounter.course_until_now)
        self._approached = Edge(courses, time.monotonic())

    def open(self, label: str) -> None:
        approached, self._approached = self._approached, None
        if approached is None:
            raise MeterFault("a dcgm window was opened without an approach", MISUSE)
        self._synchronise()
        at_seconds = time.monotonic()
        refuse_gap(at_seconds - approached.at_seconds, "before")
        self._opened = Edge(approached.courses, at_seconds)
        self._first_opened = self._first_opened or self._opened

    def close(self) -> None:
        if self._opened is None:
            raise MeterFault("a dcgm window was closed that was never open", MISUSE)
        self._synchronise()
        self._closed_at = time.monotonic()

    def read(self) -> Reading:
        opened, self._opened = self._opened, None
        closed_at, self._closed_at = self._closed_at, None
        if opened is None or closed_at is None:
            raise MeterFault("a dcgm window was read that was never closed", MISUSE)
        refuse_gap(time.monotonic() - closed_at, "after")
        closed = Edge(self._await_courses(ScrapedCounter.course_from_start), closed_at)
        self._last_closed = closed
        return energy_between(opened, closed, self._interval_seconds)

    def total(self) -> Reading:
        """From the first open to the last close, the time between the windows included."""
        if self._first_opened is None or self._last_closed is None:
            return Reading()
        return energy_between(self._first_opened, self._last_closed, self._interval_seconds)

    def stop(self) -> None:
        self._exporter.close()
        self._approached = self._opened = self._closed_at = None

    def sources(self) -> EnergySources:
        simulated = any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in self._facts)
        return EnergySources(
            gpu=EnergySource(
                meter="dcgm",
                kind="simulated" if simulated else "measured",
                method="energy counter of a DCGM exporter that renews it every"
                f" {self._interval_seconds:.2g} s, both edges aligned to its steps",
            )
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        return self._facts

    def _find_interval(self) -> float:
        """The longest of the counters' usual intervals.

        Raises:
            MeterFault: it is longer than any that can be worked with.
        """
        self._counters = {
            uuid: ScrapedCounter(uuid, LONGEST_INTERVAL_SECONDS) for uuid in self._uuids
        }
        began_at = time.monotonic()
        while True:
            self._ask()
            waited = time.monotonic() - began_at
            wanted = INTERVALS_WATCHED if waited < LONGEST_INTERVAL_WATCH_SECONDS else 1
            found = [counter.interval_seconds(wanted) for counter in self._counters.values()]
            known = [interval for interval in found if interval is not None]
            if len(known) == len(found):
                break
            time.sleep(min(LONGEST_POLL_SECONDS, max(SHORTEST_POLL_SECONDS, waited / 100)))
        longest = max(known)
        if longest > LONGEST_INTERVAL_SECONDS:
            raise MeterFault(
                f"the exporter renews its values every {longest:.1f} s, and"
                f" {LONGEST_INTERVAL_SECONDS:g} s is the most that windows can be aligned to",
                EXPORTER_REMEDY,
            )
        for counter in self._counters.values():
            counter.longest_still_seconds = 3 * longest + 1
        return longest

    def _await_courses(
        self, course: Callable[[ScrapedCounter, float], ScrapedCourse | None]
    ) -> dict[str, ScrapedCourse]:
        """Ask until every counter has stepped often enough to have a course."""
        for counter in self._counters.values():
            counter.watch()
        while True:
            self._ask()
            courses = {
                uuid: found
                for uuid, counter in self._counters.items()
                if (found := course(counter, self._interval_seconds))
            }
            if len(courses) == len(self._counters):
                return courses
            time.sleep(self._pause_seconds())

    def _pause_seconds(self) -> float:
        """Until shortly before a step is due, where each counter has shown one."""
        last = [counter.last_step_at for counter in self._counters.values()]
        known = [at for at in last if at is not None]
        if len(known) < len(last):
            return _poll_seconds(self._interval_seconds * SEARCH_POLL_SHARE)
        due_at = min(known) + self._interval_seconds * (1 - WAKE_SHARE)
        poll = _poll_seconds(self._interval_seconds * DUE_POLL_SHARE)
        return max(poll, due_at - time.monotonic())

    def _ask(self) -> None:
        """One scrape, told to the counters."""
        scrape = self._scrape_patiently()
        for uuid, counter in self._counters.items():
            gpu = scrape.gpus.get(uuid)
            if gpu is None:
                raise MeterFault(
                    f"GPU {uuid} is no longer among those that the DCGM exporter shows",
                    "Look at nvidia-smi and the kernel log of the serving host.",
                    "gpu_lost",
                )
            if gpu.millijoules is None:
                raise MeterFault(
                    f"the exporter shows no value of {ENERGY_FIELD} for {uuid}",
                    CHECK_EXPORTER,
                    "counter_without_value",
                )
            counter.see(gpu.millijoules, gpu.watts, scrape.asked_at, scrape.answered_at)

    def _scrape_patiently(self) -> Scrape:
        """A question that found no answer is asked again, for a while after the last answer."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._exporter.scrape()
            except MeterFault as fault:
                if fault.reason != "meter_unreachable" or time.monotonic() > until:
                    raise
            time.sleep(RETRY_SECONDS)


def energy_between(
    opened: Edge[ScrapedCourse], closed: Edge[ScrapedCourse], interval_seconds: float
) -> Reading:
    """Of all GPUs together, or of none, when one of them has no energy to show."""
    by_device: dict[str, float] = {}
    doubt_millijoules = 0.0
    for uuid, after in closed.courses.items():
        before = opened.courses[uuid]
        millijoules = after.millijoules_at(closed.at_seconds)
        millijoules -= before.millijoules_at(opened.at_seconds)
        by_device[uuid] = millijoules / 1000
        age_seconds = interval_seconds + DRIVER_STEP_SECONDS
        doubt_millijoules += before.doubt_millijoules_at(opened.at_seconds)
        doubt_millijoules += after.doubt_millijoules_at(closed.at_seconds)
        doubt_millijoules += age_seconds * abs(after.milliwatts - before.milliwatts)
    return summed(by_device, doubt_millijoules / 1000)


def _describe(gpu: ExportedGpu) -> GpuFacts:
    return GpuFacts(uuid=gpu.uuid, name=gpu.name, driver_version=gpu.driver_version)


def _poll_seconds(seconds: float) -> float:
    return min(LONGEST_POLL_SECONDS, max(SHORTEST_POLL_SECONDS, seconds))
