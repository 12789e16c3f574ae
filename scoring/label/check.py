"""Whether a label follows from the results: every point in which it does not."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from benchmark_core.documents import ContractError, one_line, read_bounded
from scoring.errors import ScoringError
from scoring.failed_point import FailedPoint, Verification
from scoring.label.basis import Basis, rated_alone, rated_by_edition
from scoring.label.drawing import HASH_ATTRIBUTE, canonical, content_sha256, draw
from scoring.label.facts import LabelFacts, facts_of
from scoring.ratings import RatedGroup, RatedRow, Ratings
from scoring.row_identity import answers_to, model_and_state, row_id, row_id_of

MOST_BYTES: Final = 2**18
MOST_POINTS: Final = 20
SHORT: Final = 60
METADATA: Final = "{http://www.w3.org/2000/svg}metadata"
REMEDY: Final = "Name an SVG that the command label wrote."

HOLDS: Final = {
    "content_changed": "it is as it was drawn",
    "text_differs": "every text follows from its digest",
    "drawing_differs": "the drawing follows from its digest",
    "row_missing": "its row is in the results",
    "energy_differs": "the energy is that of its row",
    "stars_differ": "the stars follow from the energies of its group",
    "edges_differ": "the edges follow from the energies of its group",
    "edition_differs": "the edition is the one it names",
    "row_differs": "all else is as in its row",
}
"""The code of each point that can fail, and what is so where it does not."""
OF_FIELDS: Final = {
    "wh_per_1000_queries": "energy_differs",
    "stars": "stars_differ",
    **dict.fromkeys(("lowest_wh", "highest_wh", "edges_wh"), "edges_differ"),
    **dict.fromkeys(("edition", "basis_sha256"), "edition_differs"),
}


class _NoDoctype(ET.TreeBuilder):
    """Without a DOCTYPE nothing in a file can stand for more than itself."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a DOCTYPE")


def verify_label(path: Path, results: Path | None, edition: Path | None) -> Verification:
    """Every point in which the label does not follow: from the results, or without them from the
    rows that the edition has itself.

    Raises:
        ScoringError: the label, the results or the edition cannot be read, or it takes one of them
            that is not named.
    """
    svg = _text(path)
    root = _parsed(path, svg)
    facts = _facts(path, root)
    if facts.edition and edition is None:
        raise ScoringError(
            str(path), f"was rated by the edition {facts.edition!r}", "Name it with --edition."
        )
    ratings, basis = _rated(results, edition)
    points = [*_points_of_row(facts, ratings, basis), *_points_of_drawing(svg, root, facts)]
    failed = {point.code for point in points}
    return Verification(
        subject=str(path),
        rehearsal=facts.rehearsal,
        holds=tuple(holds for code, holds in HOLDS.items() if code not in failed),
        findings=tuple(points[:MOST_POINTS]),
    )


def _rated(results: Path | None, edition: Path | None) -> tuple[Ratings, Basis]:
    if edition is not None:
        return rated_by_edition(edition, results)
    if results is None:
        raise ScoringError(
            "--results", "is missing", "A label is verified against results, or an --edition."
        )
    return rated_alone(results)


def _text(path: Path) -> str:
    try:
        return read_bounded(path.resolve(), MOST_BYTES).decode()
    except OSError as error:
        raise ScoringError(str(path), f"cannot be read ({error.strerror})", REMEDY) from error
    except (RuntimeError, ContractError, UnicodeDecodeError) as error:
        raise ScoringError(str(path), f"is no label ({str(error)[:100]})", REMEDY) from error


def _parsed(path: Path, svg: str) -> ET.Element:
    try:
        return ET.fromstring(svg, ET.XMLParser(target=_NoDoctype()))
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ScoringError(str(path), f"is no label ({str(error)[:100]})", REMEDY) from error


def _facts(path: Path, root: ET.Element) -> LabelFacts:
    digests = list(root.iter(METADATA))
    if len(digests) != 1:
        raise ScoringError(str(path), f"is no label: it has {len(digests)} digests", REMEDY)
    try:
        return LabelFacts.model_validate_json(digests[0].text or "")
    except ValidationError as error:
        raise ScoringError(str(path), f"has no digest ({one_line(error)})", REMEDY) from error


def _points_of_drawing(svg: str, root: ET.Element, facts: LabelFacts) -> Iterator[FailedPoint]:
    """The label as its digest would be drawn, held against the one that is there."""
    digest = next(root.iter(METADATA))
    if digest.get(HASH_ATTRIBUTE) != content_sha256(svg):
        yield FailedPoint("content_changed", "it was changed after it had been drawn", "label")
    expected = draw(facts)
    # Canonical XML leaves out a declaration, which could have a viewer read other letters.
    if canonical(expected) == canonical(svg) and svg.startswith("<svg"):
        return
    differences = list(_differences(ET.fromstring(expected), root))
    yield from differences
    if not differences:
        what = "it has something beside its elements, or blanks, that its digest does not give"
        yield FailedPoint("drawing_differs", what, "label")


def _differences(expected: ET.Element, given: ET.Element) -> Iterator[FailedPoint]:
    ours, theirs = list(expected.iter()), list(given.iter())
    for one, other in zip(ours, theirs, strict=False):
        where = _called(one)
        if one.tag != other.tag:
            yield FailedPoint("drawing_differs", f"there is {_called(other)} in its place", where)
            return
        if one.tag == METADATA:
            continue
        if (one.text or "").strip() != (other.text or "").strip():
            says, should = _apart(other.text, one.text)
            what = f"says {says}, and {should} follows from the digest"
            yield FailedPoint("text_differs", what, where)
        for name in sorted({*one.keys(), *other.keys()}):
            if one.get(name) != other.get(name):
                says, should = _apart(other.get(name), one.get(name))
                what = f"{name} is {says}, and should be {should}"
                yield FailedPoint("drawing_differs", what, where)
    if len(ours) != len(theirs):
        what = f"has {len(theirs)} elements, and should have {len(ours)}"
        yield FailedPoint("drawing_differs", what, "label")


def _called(element: ET.Element) -> str:
    return element.get("class") or str(element.tag).rpartition("}")[2]


def _apart(one: str | None, other: str | None) -> tuple[str, str]:
    """Two texts that differ, shortened to where they do."""
    texts = [(text or "").strip() for text in (one, other)]
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))
    begin = max(0, sum(1 for _ in alike) - SHORT // 3) if max(map(len, texts)) > SHORT else 0
    return _short(texts[0], begin), _short(texts[1], begin)


def _short(text: str, begin: int) -> str:
    end = begin + SHORT
    return repr(f"{'…' if begin else ''}{text[begin:end]}{'…' if len(text) > end else ''}")


def _points_of_row(facts: LabelFacts, ratings: Ratings, basis: Basis) -> Iterator[FailedPoint]:
    """The digest of the same row as the results give it now, held against the label's."""
    wanted = row_id_of(facts.run_id, facts.name)
    candidates = [
        _facts_now(one, rated, basis)
        for rated in ratings.groups
        for one in rated.rows
        if row_id(one.row) == wanted
    ]
    known = [now for now in candidates if now is not None]
    if not known:
        yield FailedPoint("row_missing", _why_missing(facts, ratings), facts.run_id or facts.model)
        return
    # A model can stand in a table twice: the label is of the row that it fits best.
    yield from min((list(_contradictions(facts, now)) for now in known), key=len)


def _facts_now(one: RatedRow, rated: RatedGroup, basis: Basis) -> LabelFacts | None:
    try:
        return facts_of(one, rated, basis)
    except ValidationError:
        return None


def _why_missing(facts: LabelFacts, ratings: Ratings) -> str:
    called = facts.run_id or model_and_state(facts)
    for one in ratings.left_out:
        if answers_to(one, called):
            return f"the results do not rate it: {one.because}"
    rated = (group for group in ratings.groups if group.group.rehearsal != facts.rehearsal)
    if any(answers_to(one.row, called) for group in rated for one in group.rows):
        return f"the results have it as {'no rehearsal' if facts.rehearsal else 'a rehearsal'}"
    return "the results have no such row"


def _contradictions(facts: LabelFacts, now: LabelFacts) -> Iterator[FailedPoint]:
    for name in LabelFacts.model_fields:
        if name == "basis_sha256" and not now.edition:
            continue  # a table may have got rows that change nothing for this one
        given, found = getattr(facts, name), getattr(now, name)
        if given != found:
            code = OF_FIELDS.get(name, "row_differs")
            label, results = _apart(_said(given), _said(found))
            yield FailedPoint(code, f"is {label}, and {results} by the results", name)


def _said(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
