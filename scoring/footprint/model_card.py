"""A footprint as a block for the page of a model on the hub."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from benchmark_core.terminal_text import printable
from scoring.errors import ScoringError
from scoring.figures import DIGITS, figure
from scoring.footprint.amounts import Range
from scoring.footprint.footprint import Footprint
from scoring.footprint.measured import Measured, NotCounted
from scoring.footprint.view import NO_RANGE, basis, factor_words, work

SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|&~"})


def row_of(rows: Sequence[Measured | NotCounted], name: str) -> Measured:
    """The one row of this model, or of this model in this state (`org/model On`).

    Raises:
        ScoringError: there is none, or more than one.
    """
    found = [one for one in rows if isinstance(one, Measured) and name in (one.model, one.name)]
    if len(found) == 1:
        return found[0]
    names = dict.fromkeys(one.name for one in found or rows)
    what = "is the name of several rows" if found else "is no model with a footprint here"
    listed = ", ".join(list(names)[:10])
    remedy = f"Name one of {listed}." if len(names) > 1 or not found else "Leave one in the table."
    raise ScoringError(f"--model-card {name[:80]}", what, remedy)


def card(one: Footprint) -> Iterator[str]:
    """Metadata as the hub reads it, then a section in Markdown. Emissions are in grams."""
    yield "---"
    metadata = {"co2_eq_emissions": _emissions(one)}
    yield from yaml.safe_dump(metadata, sort_keys=False, width=1000).splitlines()
    yield "---"
    yield ""
    yield from _section(one)


def _emissions(one: Footprint) -> dict[str, Any]:
    measured = one.measured
    emitted = one.amount("co2e_use").range
    if emitted is None:
        raise ValueError("carbon intensity is always known")
    told: dict[str, Any] = {
        "emissions": float(f"{emitted.central:.{DIGITS}g}"),
        "source": printable("; ".join((_source(one), *measured.remarks))),
    }
    if one.electricity.place:
        told["geographical_location"] = one.electricity.place
    if measured.gpu_name and measured.gpus:
        told["hardware_used"] = printable(f"{measured.gpus} x {measured.gpu_name}")
    return told


def _source(one: Footprint) -> str:
    return (
        f"AI Energy Score batch runner, calculated for inference ({work(one)}), not for training:"
        f" {basis(one)}; {factor_words(one.electricity.intensity)}"
    )


def _section(one: Footprint) -> Iterator[str]:
    measured = one.measured
    yield f"## Energy and footprint of inference, {_safe(work(one))}"
    yield ""
    for remark in measured.remarks:
        yield f"**{_safe(remark)}**"
        yield ""
    yield f"{_safe(measured.name)}, task {_safe(measured.task)}."
    yield ""
    yield "| | low | central | high | unit | how |"
    yield "|---|---|---|---|---|---|"
    for part in one.parts:
        yield _line(f"{part.title} energy", part.range, "Wh", f"{part.kind}: {part.how}")
    for amount in one.amounts:
        yield _line(amount.title, amount.range, amount.unit, amount.how)
    yield ""
    yield "Factors, of which the first figure is the central one:"
    yield ""
    for factor in one.factors:
        yield f"- {_safe(factor_words(factor))}"


def _line(title: str, span: Range | None, unit: str, how: str) -> str:
    ends = [figure(end) for end in (span.low, span.central, span.high)] if span else [""] * 3
    if span is None:
        how = f"not known: {how}"
    elif span.central and not span.is_known:
        how = f"{how}; {NO_RANGE}"
    return f"| {' | '.join((title, *ends, unit, _safe(how)))} |"


def _safe(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return printable(text).translate(SPECIAL)
