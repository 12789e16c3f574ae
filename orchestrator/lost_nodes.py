"""Nodes that runs of a scheduler were lost to, and which of them get no more of this sweep."""

from collections import Counter
from typing import Self

from orchestrator.engines.base import Engine, PlacingEngine
from orchestrator.gpu_slots import MOST_FAILURES

ONE_EVENT_SECONDS = 60.0
"""What is lost to a node within so long may be lost to one event, and counts once."""


class LostNodes:
    """Of one sweep, in memory only. Written by the sweep's thread, read by any.

    A scheduler chooses the GPUs of a run, and can be kept from a node but not from one of its GPUs.
    So the last of the `count` nodes that a sweep may have stays in service, whatever it loses.
    """

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._losses: Counter[str] = Counter()
        self._counted_at: dict[str, float] = {}
        self._told: set[str] = set()
        self.out_of_service: tuple[str, ...] = ()

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """An engine that places no run itself names no node either."""
        return cls(engine.nodes().count) if isinstance(engine, PlacingEngine) else cls()

    def note_loss(self, node: str, at_seconds: float) -> str | None:
        """Count a run that was lost to it; answers what people are to be told, once for each node.

        `at_seconds` is the moment, by a clock that only goes on.
        """
        last = self._counted_at.get(node)
        if last is None or at_seconds - last >= ONE_EVENT_SECONDS:
            self._losses[node] += 1
            self._counted_at[node] = at_seconds
        if self._losses[node] < MOST_FAILURES or node in self._told:
            return None
        self._told.add(node)
        if len(self.out_of_service) + 1 >= self._count:
            return (
                f"node {node} stays in service, though runs were lost to it twice: the profile"
                f" counts no other (nodes: {self._count})"
            )
        self.out_of_service = (*self.out_of_service, node)
        return f"node {node} is out of service for this sweep: runs were lost to it twice"
