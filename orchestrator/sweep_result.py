"""What a sweep came to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SweepResult:
    """Counts of the planned runs by outcome; those that were skipped count by their old one.

    `unplaced` runs need more GPUs than were left in service. Of the failed ones, those
    `to_be_tried_again` were waiting for it when the sweep ended.
    """

    finished: int
    skipped: int
    failed: int
    interrupted: int
    not_started: int
    unplaced: int = 0
    to_be_tried_again: int = 0


@dataclass(frozen=True)
class Submission:
    """Counts of the planned runs of a sweep that nobody stays to watch.

    `not_submitted` are left because the user stopped it.
    """

    submitted: int
    under_way: int
    skipped: int
    failed: int
    not_submitted: int = 0
