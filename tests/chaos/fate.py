"""What a seed stands for: an engine, and the moments at which something happens to a sweep."""

from dataclasses import dataclass
from random import Random
from typing import Literal

RUNS = 24
SLOTS = 4
MOMENTS = 2
LATEST = 18
"""So many runs may be finished when the last thing happens; some are still to come then."""

EngineName = Literal["process", "docker"]

DECKS: dict[EngineName, tuple[str, ...]] = {
    "process": (
        "kill_runner",
        "set_clock_back",
        "terminate",
        "hang",
        "fill_disk",
        "power_off",
        "interrupt_once",
        "cut_report",
        "leave_locks",
        "hang_up",
        "interrupt_twice",
        "kill_while_resuming",
    ),
    "docker": (
        "stop_engine",
        "kill_container",
        "stop_engine",
        "kill_runner",
        "kill_engine",
        "power_off",
        "cut_report",
        "kill_while_resuming",
    ),
}
"""In this order the first seeds take two each; later ones take them shuffled, each as often."""
DOCKER_SEEDS = (2, 5, 8)
"""Of every ten."""


@dataclass(frozen=True)
class Moment:
    """When `finished` runs have an outcome, and `delay_seconds` later."""

    event: str
    finished: int
    delay_seconds: float


@dataclass(frozen=True)
class Fate:
    """`live_restore`: containers outlive their engine."""

    seed: int
    engine: EngineName
    live_restore: bool
    shares_loads: bool
    moments: tuple[Moment, ...]


def fate_of(seed: int) -> Fate:
    random = Random(seed)
    tens, place = divmod(seed, 10)
    docker = place in DOCKER_SEEDS
    engine: EngineName = "docker" if docker else "process"
    alike = [one for one in range(10) if (one in DOCKER_SEEDS) == docker]
    number = tens * len(alike) + alike.index(place)
    names = [_card(DECKS[engine], number * MOMENTS + turn) for turn in range(MOMENTS)]
    counts = sorted(random.sample(range(LATEST + 1), MOMENTS))
    return Fate(
        seed=seed,
        engine=engine,
        live_restore=docker and number % 2 == 1,
        shares_loads=not docker and random.random() < 0.3,
        moments=tuple(
            Moment(name, count, random.uniform(0, 0.8 if count else 2.0))
            for name, count in zip(names, counts, strict=True)
        ),
    )


def _card(deck: tuple[str, ...], turn: int) -> str:
    rounds, place = divmod(turn, len(deck))
    shuffled = list(deck)
    if rounds:
        Random(rounds).shuffle(shuffled)
    return shuffled[place]
