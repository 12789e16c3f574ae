"""The command that runs failed runs again, made of the one that the sweep was started with."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.command_line import INSTALLED
from orchestrator.run_record import Asked

# What chose rows of the earlier sweep, changes more than the failed runs, or was for that time.
DROPPED: Final = (
    "--rerun-failed",
    "--dry-run",
    "--json",
    "--replace",
    "--lock",
)
DROPPED_WITH_VALUE: Final = (
    "--rerun-failed-from",
    "--only-reason",
    "--budget-hours",
    "--budget-wh",
    # Addresses of hooks hold keys.
    "--notify-url",
)
GPUS_PER_RUN: Final = "--gpus-per-run"
OF_ROWS: Final = ("--model-name", "--class", "--task", "--reasoning-state")


class RerunCommand:
    """`typed` is the command of the sweep as `sweep.json` has it, the program first.

    Where it is not known, the commands are what has to be added to it.
    """

    def __init__(self, typed: Sequence[str]) -> None:
        self._typed = tuple(typed)

    @property
    def is_whole(self) -> bool:
        """Whether the commands can be typed as they are, in the folder of the sweep's start."""
        return bool(self._typed)

    def of_reason(self, reason: str) -> str:
        """For all that failed for one reason."""
        return self._make(DROPPED_WITH_VALUE, "--rerun-failed", "--only-reason", reason)

    def of_run(self, asked: Asked) -> str:
        """For one run: the row's own values as filters, of which a name finds longer ones too."""
        filters = zip(
            OF_ROWS,
            (asked.model_id, asked.model_class, asked.task, asked.reasoning_state),
            strict=True,
        )
        words = [word for flag, value in filters if value for word in (flag, value)]
        # Refused where no row chosen takes it.
        if asked.model_class == "C" and self._has(GPUS_PER_RUN):
            words += [GPUS_PER_RUN, str(asked.gpu_count)]
        dropped = (*DROPPED_WITH_VALUE, *OF_ROWS, GPUS_PER_RUN)
        return self._make(dropped, "--rerun-failed", *words)

    def _has(self, flag: str) -> bool:
        return any(word.partition("=")[0] == flag for word in self._typed)

    def _make(self, dropped_with_value: Sequence[str], *added: str) -> str:
        if not self._typed:
            return shlex.join(added)
        is_installed = self._typed[0].startswith(INSTALLED)
        program = f"{INSTALLED} run" if is_installed else "python batch_runner.py"
        kept = _without(self._typed[1:], dropped_with_value)
        return f"{program} {shlex.join([*kept, *added])}"


def _without(words: Sequence[str], dropped_with_value: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word in dropped_with_value:
            next(rest, None)
        elif word not in DROPPED and word.partition("=")[0] not in dropped_with_value:
            yield word
