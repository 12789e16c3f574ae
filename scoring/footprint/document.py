"""Footprints for programs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scoring.footprint.amounts import Amount, Part, Range
from scoring.footprint.factors import Factor
from scoring.footprint.footprint import Footprint
from scoring.footprint.measured import Measured, NotCounted
from scoring.footprint.what_if import Compared, ratio_to

Places = dict[Factor, int]


def document(footprints: Iterable[Footprint], not_counted: Sequence[NotCounted]) -> dict[str, Any]:
    """`factors` of a row are places in the list of all factors, which is known after the rows.

    Rows, factors and what is not counted are iterators, to be read in this order: `not_counted` may
    be known after the rows, too.
    """
    places: Places = {}
    rows = (_row_document(one.measured) | _document(one, places) for one in footprints)
    return _whole(rows, places, not_counted)


def comparison_document(
    rows: Iterable[Compared], not_counted: Sequence[NotCounted]
) -> dict[str, Any]:
    """Likewise, with the scenarios of each row."""
    places: Places = {}
    documents = (
        _row_document(compared[0][1].measured)
        | {
            "scenarios": [
                {"name": scenario.name}
                | _document(one, places)
                | {
                    "times_the_first": {
                        amount.name: ratio_to(compared[0][1], one, amount.name)
                        for amount in one.amounts
                    }
                }
                for scenario, one in compared
            ]
        }
        for compared in rows
    )
    return _whole(documents, places, not_counted)


def _placed(one: Footprint, places: Places) -> list[int]:
    """The places of its factors; new ones get the next."""
    return [places.setdefault(factor, len(places)) for factor in one.factors]


def _whole(
    rows: Iterator[dict[str, Any]], places: Places, not_counted: Sequence[NotCounted]
) -> dict[str, Any]:
    return {
        "rows": rows,
        "factors": _factor_documents(places),
        "not_counted": ({"row": one.name, "because": one.because} for one in not_counted),
    }


def _factor_documents(places: Places) -> Iterator[dict[str, Any]]:
    for factor in places:
        yield _factor_document(factor)


def _row_document(measured: Measured) -> dict[str, Any]:
    return {
        "model": measured.model,
        "state": measured.state,
        "task": measured.task,
        "rehearsal": measured.rehearsal,
        "remarks": list(measured.remarks),
    }


def _document(one: Footprint, places: Places) -> dict[str, Any]:
    return {
        "asked": one.asked.said(),
        "tasks": one.tasks,
        "region": one.electricity.region or None,
        "hardware_set": one.hardware.name,
        "it_energy": {part.name: _part_document(part) for part in one.parts},
        "amounts": {amount.name: _amount_document(amount) for amount in one.amounts},
        "factors": _placed(one, places),
    }


def _part_document(part: Part) -> dict[str, Any]:
    return {"unit": "Wh"} | _range_document(part.range) | {"kind": part.kind, "how": part.how}


def _amount_document(amount: Amount) -> dict[str, Any]:
    return {"unit": amount.unit} | _range_document(amount.range) | {"how": amount.how}


def _range_document(span: Range | None) -> dict[str, Any]:
    if span is None:
        return {"low": None, "central": None, "high": None, "range_known": None}
    return {
        "low": span.low,
        "central": span.central,
        "high": span.high,
        "range_known": span.is_known,
    }


def _factor_document(factor: Factor) -> dict[str, Any]:
    return {
        "name": factor.name,
        "unit": factor.unit or None,
        **_range_document(factor.range),
        "given": factor.given,
        "figures": [one.model_dump() for one in factor.figures],
    }
