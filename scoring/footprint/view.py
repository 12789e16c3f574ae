"""Footprints on screen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from benchmark_core.terminal_text import printable
from scoring.figures import LARGEST_WRITTEN_OUT, TABLE_DIGITS, figure
from scoring.footprint.amounts import Range
from scoring.footprint.energy import NOT_GIVEN
from scoring.footprint.factors import Factor
from scoring.footprint.footprint import Footprint
from scoring.footprint.measured import Measured, NotCounted
from scoring.footprint.what_if import Compared, Scenario, ratio_to

Line = tuple[str, ...]
LONGEST_NAME = 80
MOST_NOT_COUNTED = 20
WORK = ("tasks", "tokens")
NO_RANGE = "no range known"
HEADING = ("", "low", "central", "high", "", "")


def lines(footprints: Iterable[Footprint], not_counted: Sequence[NotCounted]) -> Iterator[str]:
    """A table for each row, then all factors, then the rows without a footprint."""
    factors: dict[Factor, None] = {}
    for one in footprints:
        factors.update(dict.fromkeys(one.factors))
        yield title(one.measured, work(one))
        cells = [
            *(
                _cells(f"{part.title} energy", part.range, "Wh", f"{part.kind}: {part.how}")
                for part in one.parts
            ),
            *(
                _cells(amount.title, amount.range, amount.unit, amount.how)
                for amount in one.amounts
            ),
        ]
        yield from _columns([HEADING, *cells])
        yield ""
    yield from _factor_lines(factors)
    yield from _not_counted_lines(not_counted)


def comparison_lines(rows: Iterable[Compared], not_counted: Sequence[NotCounted]) -> Iterator[str]:
    """For each row and quantity the scenarios, and how many times the first one's they are."""
    factors: dict[Factor, None] = {}
    for compared in rows:
        first = compared[0][1]
        for _, one in compared:
            factors.update(dict.fromkeys(one.factors))
        yield title(first.measured, "by scenario")
        yield from (printable(f"  {scenario.name}: {_scenario(one)}") for scenario, one in compared)
        for amount in first.amounts:
            yield f"  {amount.title}, {amount.unit}"
            cells = [
                _compared_cells(scenario, first, one, amount.name) for scenario, one in compared
            ]
            yield from (f"  {line}" for line in _columns([(*HEADING[:4], "x first", ""), *cells]))
        yield ""
    yield from _factor_lines(factors)
    yield from _not_counted_lines(not_counted)


def title(measured: Measured, more: str) -> str:
    name = " ".join((measured.name[:LONGEST_NAME], measured.task))
    return printable("; ".join((name, *measured.remarks, more)))


def work(one: Footprint) -> str:
    """For how much work it is."""
    tasks = f"{_count(one.tasks)} tasks"
    tokens = one.asked.tokens
    return tasks if tokens is None else f"{_count(tokens)} input tokens, {tasks}"


def basis(one: Footprint) -> str:
    """How each part of the energy is known."""
    zero = " and ".join(part.title for part in one.parts if part.how == NOT_GIVEN)
    known = [f"{part.title} {part.kind}" for part in one.parts if part.how != NOT_GIVEN]
    return f"energy of {', '.join([*known, *([f'{zero} {NOT_GIVEN}'] if zero else [])])}"


def _scenario(one: Footprint) -> str:
    """What it is worked out for, and with what instead of our factors."""
    asked = replace(one.asked, region=one.electricity.region or None).said()
    words = [
        f"{name} {value if isinstance(value, str) else figure(value)}"
        for name, value in asked.items()
        if name not in WORK
    ]
    return ", ".join((work(one), *words, basis(one)))


def factor_words(factor: Factor) -> str:
    """Its figures with their sources; the first is the central one."""
    unit = f" {factor.unit}" if factor.unit else ""
    if factor.given:
        return f"{factor.name}: {figure(factor.range.central)}{unit}, given"
    said = "; ".join(
        f"{figure(one.value)} {one.source}" + f" ({one.year or 'year not known'})"
        for one in factor.figures
    )
    span = factor.range
    bounds = f"{figure(span.low)} to {figure(span.high)}" if span.is_known else NO_RANGE
    return f"{factor.name}: {figure(span.central)}{unit} ({bounds}). {said}"


def _count(number: float) -> str:
    written_out = number.is_integer() and number < LARGEST_WRITTEN_OUT
    return f"{number:,.0f}" if written_out else figure(number)


def _cells(name: str, span: Range | None, unit: str, remark: str) -> Line:
    if span is None:
        return printable(name[:LONGEST_NAME]), "", "", "", unit, f"not known: {remark}"
    ends = (figure(span.low), figure(span.central), figure(span.high))
    if not span.is_known and span.central:
        remark = f"{remark}; {NO_RANGE}" if remark else NO_RANGE
    return printable(name[:LONGEST_NAME]), *ends, unit, printable(remark)


def _compared_cells(scenario: Scenario, first: Footprint, one: Footprint, name: str) -> Line:
    found, ratio = one.amount(name), ratio_to(first, one, name)
    why = found.how if found.range is None else ""
    *begin, _, remark = _cells(scenario.name, found.range, "", why)
    return (*begin, "" if ratio is None else figure(ratio, TABLE_DIGITS), remark)


def _columns(rows: Sequence[Line]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, low, central, high, unit, remark in rows:
        figures = (
            cell.rjust(width) for cell, width in zip((low, central, high), widths[1:4], strict=True)
        )
        cells = (name.ljust(widths[0]), *figures, unit.ljust(widths[4]), remark)
        yield "  " + "  ".join(cells).rstrip()


def _factor_lines(factors: Iterable[Factor]) -> Iterator[str]:
    yield "Factors"
    for line in dict.fromkeys(factor_words(one) for one in factors):
        yield f"  {printable(line)}"


def _not_counted_lines(not_counted: Sequence[NotCounted]) -> Iterator[str]:
    if not not_counted:
        return
    yield f"Without a footprint: {len(not_counted)}"
    for one in not_counted[:MOST_NOT_COUNTED]:
        yield f"  {printable(one.name[:LONGEST_NAME])}: {printable(one.because)}"
    if len(not_counted) > MOST_NOT_COUNTED:
        yield f"  and {len(not_counted) - MOST_NOT_COUNTED} more; --json lists them all"
