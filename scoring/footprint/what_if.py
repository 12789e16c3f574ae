"""Scenarios from a file: the same measurement under other assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmark_core.documents import ContractError, read_bounded
from scoring.csv_table import open_table
from scoring.errors import ScoringError
from scoring.footprint.footprint import Footprint, footprint
from scoring.footprint.measured import Measured
from scoring.footprint.parameters import Parameters, parse

NAME: Final = "name"
LONGEST_FILE_BYTES: Final = 2**20
REMEDY: Final = "Name a YAML list of scenarios, or a CSV, each with a name and its parameters."


@dataclass(frozen=True)
class Scenario:
    """What it says comes on top of what the command says."""

    name: str
    changes: Parameters


Compared = Sequence[tuple[Scenario, Footprint]]
"""One row under every scenario."""


def read_scenarios(path: Path) -> list[Scenario]:
    """The scenarios in their order; at least one.

    Raises:
        ScoringError: it cannot be read, names a scenario twice, or says what is not allowed.
    """
    entries = _of_csv(path) if path.suffix.lower() == ".csv" else _of_yaml(path)
    scenarios: dict[str, Scenario] = {}
    for number, entry in enumerate(entries, start=1):
        one = _scenario(f"{path}, scenario {number}", entry)
        if one.name in scenarios:
            raise ScoringError(str(path), f"names {one.name[:40]!r} again", "Leave one.")
        scenarios[one.name] = one
    if not scenarios:
        raise ScoringError(str(path), "has no scenario", REMEDY)
    return list(scenarios.values())


def compare(measured: Measured, asked: Parameters, scenarios: Sequence[Scenario]) -> Compared:
    """One row under every scenario. Raises as `footprint`."""
    return [(one, footprint(measured, asked.changed_by(one.changes))) for one in scenarios]


def ratio_to(first: Footprint, other: Footprint, name: str) -> float | None:
    """How many times the first one's central figure; None where there is nothing to compare."""
    base, found = first.amount(name).range, other.amount(name).range
    if base is None or found is None or base.central == 0:
        return None
    return found.central / base.central


def _of_csv(path: Path) -> list[Mapping[str, str]]:
    table = open_table(path, (NAME,), REMEDY, LONGEST_FILE_BYTES)
    return [
        {name: cell for name, cell in cells.items() if cell.strip()} for _, cells in table.cells()
    ]


def _of_yaml(path: Path) -> list[Mapping[str, str]]:
    try:
        text = read_bounded(path.resolve(), LONGEST_FILE_BYTES).decode("utf-8-sig")
        content = yaml.safe_load(text)
        if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
            raise ValueError("no list of scenarios")
        return [
            {str(name): _as_text(name, value) for name, value in one.items() if value is not None}
            for one in content
        ]
    except OSError as error:
        raise ScoringError(str(path), f"cannot be read ({error.strerror})", REMEDY) from error
    except (RuntimeError, ContractError, ValueError, yaml.YAMLError) as error:
        because = " ".join(str(error).split())[:100]
        raise ScoringError(str(path), f"cannot be read ({because})", REMEDY) from error


def _as_text(name: Any, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{str(name)[:40]} is neither text nor number")
    return str(value)


def _scenario(place: str, entry: Mapping[str, str]) -> Scenario:
    name = entry.get(NAME, "").strip()
    if not name:
        raise ScoringError(place, "has no name", "Give each scenario one.")
    texts = {key: text.strip() for key, text in entry.items() if key != NAME}
    return Scenario(name, parse(texts, f"{place}, "))
