"""Nodes that runs of a scheduler were lost to, and which of them get no more of this sweep."""

from collections import Counter

from orchestrator.gpu_slots import MOST_FAILURES


class LostNodes:
    """Of one sweep, in memory only. Written by the sweep's thread, read by any.

    A scheduler chooses the GPUs of a run, and can be kept from a node but not from one of its GPUs.
    """

    def __init__(self) -> None:
        self._losses: Counter[str] = Counter()
        self.out_of_service: tuple[str, ...] = ()

    def note_loss(self, node: str) -> bool:
        """Count a run that was lost to it; answers whether it goes out of service by that."""
        self._losses[node] += 1
        if self._losses[node] < MOST_FAILURES or node in self.out_of_service:
            return False
        self.out_of_service = (*self.out_of_service, node)
        return True
