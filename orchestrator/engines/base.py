"""What every engine offers: it starts a run folder somewhere, and says how that ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchmark_core.contract import Launch
from orchestrator.errors import HostError, Problem
from orchestrator.exit import Exit


class EngineAway(HostError):
    """The engine does not answer now; nothing was started, and it may be tried again."""


@dataclass(frozen=True)
class Order:
    """One attempt to start. `folder` holds the spec; `samples` is a file or a folder of the user's.

    `also` are the folders of further runs, which the same program measures after it, one by one,
    with the model loaded once. All that is said here holds for them too.
    `wants_gpus` is false for runs on the CPU and for simulated ones: no device is asked for then.
    `offline` runs, simulated ones for example, get no network; with `host_network` they share the
    machine's, because their server answers to programs of this machine alone.
    `time_limit_seconds` is what a scheduler is asked for where the launch has no timeout, and
    `excluded_nodes` are those that it is not to choose.
    """

    run_id: str
    spec_hash: str
    folder: Path
    log_path: Path
    launch: Launch
    wants_gpus: bool
    samples: Path | None = None
    offline: bool = False
    host_network: bool = False
    also: tuple[Path, ...] = ()
    time_limit_seconds: float | None = None
    excluded_nodes: tuple[str, ...] = ()

    @property
    def asks_hub(self) -> bool:
        """Whether its runs may; those that read the cache alone keep their network otherwise."""
        return not (self.offline or self.launch.from_cache)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Of all its runs, in their order."""
        return (self.folder, *self.also)


class Handle(Protocol):
    """One started attempt."""

    def waits(self) -> bool:
        """Whether it stands in a queue and has not begun; no limit of time holds till then."""

    def poll(self) -> Exit | None:
        """How it ended, or None while it runs. Never blocks for longer than a request takes."""

    def stop(self) -> Exit:
        """Stop it now, whole, and say how it ended."""

    def show_stacks(self) -> None:
        """Have the run write into its log what each of its threads is at; it goes on.

        For one that hangs. One that has only begun to start may end of it. Harmless where it
        cannot be asked.
        """

    def is_gone(self) -> bool:
        """Whether nothing of it can still run; False also when nobody can say. For afterwards."""

    def release(self) -> None:
        """Remove what is left of it (container, secrets, threads), and no file that the run wrote.

        To be called after the outcome is recorded; harmless when called twice.
        """


class LeftHandle(Handle, Protocol):
    """Of an attempt that nobody stayed to watch."""

    @property
    def is_missing(self) -> bool:
        """Whether the scheduler knows of it no more, though its end was not seen yet."""


@dataclass(frozen=True)
class LeftRun:
    """A run without an outcome that was handed to a scheduler and left alone.

    `where` it stood when it was found is a few words for people.
    """

    order: Order
    handle: LeftHandle
    where: str


@dataclass(frozen=True)
class Leftover:
    """An attempt of ours whose runner is gone. `key` means something to the engine alone.

    `alive`: it runs, or it ended and the engine still knows how, so it can be adopted. One that
    is not was never started, or is over and known by its run folder alone: discard it. So is one
    of several runs: there is one exit code and one log for all of them, and who takes over cannot
    know which of them its runner had concluded. Those that left a whole report are concluded by
    it, the others measured anew.
    """

    key: str
    run_id: str
    spec_hash: str
    alive: bool = True


class Engine(Protocol):
    """What it is, beside its runs, stands in its row of `ENGINE_FACTS`."""

    name: str

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        """Everything that would keep runs from starting, found before anything is spent."""

    def warnings(self) -> Iterator[Problem]:
        """What lets runs start but may make some fail; to be shown, not to refuse."""

    def image_name(self) -> str | None:
        """The image as the user named it, None where there is no image."""

    def image_digest(self) -> str | None:
        """What identifies the program that runs, None where there is no image."""

    def samples_path(self, samples: Path) -> str:
        """Where a run of this engine will see that file."""

    def start(self, order: Order) -> Handle:
        """Start one attempt.

        Raises:
            EngineAway: the engine does not answer.
            HostError: it refuses.
        """

    def leftovers(self) -> list[Leftover]:
        """Attempts of ours for this output directory that no living runner owns.

        Also those of which only traces are left; `alive` tells them apart.
        """

    def adopt(self, leftover: Leftover, order: Order) -> Handle:
        """Take a leftover over as if this process had started it. Raises as `start` does."""

    def discard(self, leftover: Leftover) -> None:
        """Stop a leftover and remove it, and no file that its run wrote.

        Harmless when called twice. Raises HostError when the engine refuses.
        """


@dataclass(frozen=True)
class Nodes:
    """The machines that a sweep may have at a time, as its user tells them."""

    count: int
    gpus_each: int


@runtime_checkable
class PlacingEngine(Protocol):
    """An engine that places runs itself; an order to it names no GPU."""

    def nodes(self) -> Nodes: ...


@runtime_checkable
class DescribedEngine(Protocol):
    """An engine that can say what it found, where all is well."""

    def facts(self) -> Mapping[str, str]:
        """What was looked at, and what it is. Raises HostError, as `problems` tells."""


@runtime_checkable
class CachingEngine(Protocol):
    """An engine whose runs are another user's, who has to own the caches."""

    def make_caches(self) -> None:
        """Make the folders of the caches that are missing. Raises OSError."""
