"""The commands by name. Each is a module with `add_arguments` and `run`."""

import argparse
import importlib
from collections.abc import Mapping
from typing import Protocol, cast

SUMMARIES: Mapping[str, str] = {
    "stars": "1 to 5 stars for every official row",
    "classes": "the class of every model by the published rule, and the GPU that it would fit on",
    "edition": "freeze the rows and edges by which an edition is rated",
    "footprint": "CO2e, water, minerals and primary energy of work with the measured models",
    "label": "a label as SVG and PNG for every rated row",
    "leaderboard": "a site of static pages on rated results",
    "submit": "bundle finished runs with all their evidence",
    "verify": "whether a label or a bundle follows from its evidence",
    "open": "prove one redacted item of a bundle",
}


class Command(Protocol):
    """`run` answers the exit code, and raises ScoringError for what the user can mend."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


def command(name: str) -> Command:
    """Raises KeyError for a name that is not in SUMMARIES."""
    if name not in SUMMARIES:
        raise KeyError(name)
    return cast("Command", importlib.import_module(f"scoring.commands.{name}"))
