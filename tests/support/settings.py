"""Settings as the command line makes them, for tests that change a few."""

import dataclasses
from typing import Any

import batch_runner
from orchestrator.settings import Settings
from orchestrator.settings_sources import from_arguments
from tests.support.runner import NO_HUB


def settings(*flags: str, environ: dict[str, str] | None = None, **changes: Any) -> Settings:
    """What `batch_runner.py FLAGS` would use with no environment but `environ`.

    Without one there is no home, and no hub answers.
    """
    alone = {"HOME": "/nonexistent", "HF_ENDPOINT": NO_HUB}
    parsed = batch_runner.build_parser().parse_args(list(flags))
    made = from_arguments(parsed, alone if environ is None else environ)
    return dataclasses.replace(made, **changes)
