"""`footprint`: what work with the measured models takes from the world."""

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from scoring.errors import ScoringError

if TYPE_CHECKING:
    from scoring.footprint.measured import Measured, NotCounted
    from scoring.footprint.parameters import Parameters
    from scoring.footprint.what_if import Scenario
    from scoring.results_table import Row

MOST_IN_MEMORY = 2**24
HELP = {
    "tasks": ("N", "how many tasks (default: 1000)"),
    "tokens": ("N", "how many input tokens instead, of tasks with text"),
    "pue": ("X", "energy of the facility per IT energy, 1 or more (default: 1.2)"),
    "region": (
        "XXX",
        "where the electricity comes from: a country such as FRA, WORLD, EEA, or on-site-gas"
        " (default: as the run has it, or WORLD)",
    ),
    "g_per_kwh": ("X", "g of CO2e per kWh of electricity, instead of a region"),
    "grid_source": (
        "NAME",
        "whose carbon intensity is the central one: runs (default), ecologits or ademe",
    ),
    "wue": ("X", "water used on site, L/kWh (default: 1.8)"),
    "network_wh": ("X", "network energy, Wh per 1,000 tasks (default: 0)"),
    "storage_wh": ("X", "storage energy, Wh per 1,000 tasks (default: 0)"),
    "cpu_ram_share": (
        "X",
        "CPU and RAM energy per GPU energy, also where a run tells it (default: as the run has it,"
        " or 0.3)",
    ),
    "hardware_set": (
        "NAME",
        "what the hardware took to make: ecologits-2025-02 (default) or ecologits-0.9.1",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, metavar="FILE|DIR", help="as for the command stars; any row counts"
    )
    for name, (metavar, text) in HELP.items():
        parser.add_argument(_flag(name), metavar=metavar, help=text)
    parser.add_argument(
        "--what-if", type=Path, metavar="FILE", help="a YAML or CSV of scenarios to compare"
    )
    parser.add_argument("--model", metavar="TEXT", help="models with this in their name alone")
    parser.add_argument(
        "--model-card", metavar="MODEL", help="one model, as a block for its page on the hub"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Exit code 0. All is worked out before anything is shown."""
    from scoring.footprint import model_card
    from scoring.footprint.footprint import footprint
    from scoring.footprint.measured import NotCounted, read_measured
    from scoring.footprint.parameters import parse
    from scoring.footprint.what_if import read_scenarios
    from scoring.row_identity import the_row
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files
    from scoring.warning import warn

    _refuse_contradictions(options)
    said = {name: getattr(options, name) for name in HELP}
    asked = parse({name: text for name, text in said.items() if text is not None}, spell=_flag)
    scenarios = read_scenarios(options.what_if) if options.what_if else []
    rows = read_measured(options.results, options.model or "")
    warn(ignored_files(options.results))
    rated: list[Row] = []
    without: list[NotCounted] = []
    measured = _measured(rows, without, rated)
    if options.model_card is not None:
        row = the_row([*measured], options.model_card, "--model-card", "row with a footprint")
        rated = [one for one in rated if one.model == row.model]
        shown = _lines(model_card.card(footprint(row, asked)))
    elif scenarios:
        shown = _compared(measured, without, asked, scenarios, options.json)
    else:
        shown = _footprints(measured, without, asked, options.json)
    with _whole(shown) as stream:
        warn(suspicions(rated))
        shutil.copyfileobj(stream, sys.stdout)
    return 0


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse_contradictions(options: argparse.Namespace) -> None:
    for flag, given in (("--what-if", options.what_if), ("--json", options.json)):
        if options.model_card is not None and given:
            raise ScoringError(flag, "does not go with --model-card", "Leave one of the two.")


def _measured(
    rows: "Iterator[Measured | NotCounted]", without: "list[NotCounted]", rated: "list[Row]"
) -> "Iterator[Measured]":
    """Those that have energy. Once all are read, the others are in `without`, and in `rated` the
    rows of those that can be rated."""
    from scoring.footprint.measured import NotCounted

    for one in rows:
        if isinstance(one, NotCounted):
            without.append(one)
            continue
        if one.rated:
            rated.append(one.rated)
        yield one


def _footprints(
    measured: "Iterator[Measured]", without: "list[NotCounted]", asked: "Parameters", as_json: bool
) -> Iterator[str]:
    from scoring.footprint import document, view
    from scoring.footprint.footprint import footprint
    from scoring.json_pieces import json_pieces

    footprints = (footprint(one, asked) for one in measured)
    if as_json:
        return json_pieces(document.document(footprints, without))
    return _lines(view.lines(footprints, without))


def _compared(
    measured: "Iterator[Measured]",
    without: "list[NotCounted]",
    asked: "Parameters",
    scenarios: "list[Scenario]",
    as_json: bool,
) -> Iterator[str]:
    from scoring.footprint import document, view
    from scoring.footprint.what_if import compare
    from scoring.json_pieces import json_pieces

    compared = (compare(one, asked, scenarios) for one in measured)
    if as_json:
        return json_pieces(document.comparison_document(compared, without))
    return _lines(view.comparison_lines(compared, without))


def _lines(lines: Iterator[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


@contextlib.contextmanager
def _whole(pieces: Iterator[str]) -> Iterator[IO[str]]:
    """All of it, from its beginning; where a row has no footprint as it is asked for, nothing."""
    with tempfile.SpooledTemporaryFile(
        MOST_IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline=""
    ) as whole:
        for piece in pieces:
            whole.write(piece)  # writelines would first have all of them in memory
        whole.seek(0)
        yield whole
