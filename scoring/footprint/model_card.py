"""A footprint as a block for the page of a model on the hub."""

from collections.abc import Iterator
from typing import Any

import yaml

from benchmark_core.terminal_text import printable
from scoring.figures import DIGITS, figure
from scoring.footprint.amounts import Range
from scoring.footprint.footprint import Footprint
from scoring.footprint.view import NO_RANGE, basis, factor_words, work

SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|&~"})


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
