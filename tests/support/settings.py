"""Settings as the command line makes them, for tests that change a few."""

import dataclasses
from typing import Any

import batch_runner
from orchestrator.settings import Settings, from_arguments


def settings(*flags: str, environ: dict[str, str] | None = None, **changes: Any) -> Settings:
    """What `batch_runner.py FLAGS` would use with no environment but `environ`."""
    parsed = batch_runner.build_parser().parse_args(list(flags))
    made = from_arguments(parsed, {"HOME": "/nonexistent"} if environ is None else environ)
    return dataclasses.replace(made, **changes)
