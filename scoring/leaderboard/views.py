"""What can be chosen to look at: each edition, and all results rated among themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.editions.edition import Edition
from scoring.editions.rating import rate_by
from scoring.errors import ScoringError
from scoring.leaderboard.sources import Sources
from scoring.ratings import Ratings, rate
from scoring.results_table import LeftOut
from scoring.row_identity import model_and_state
from scoring.words import ALL_RESULTS

MOST_REASONS: Final = 3
LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class View:
    """`scored` is the month of an edition, and empty for the results themselves."""

    name: str
    scored: str
    ratings: Ratings


def make_views(sources: Sources, editions: Sequence[Edition]) -> list[View]:
    """The newest edition first, the results last.

    Raises:
        ScoringError: two editions have one name, or no row of any can be rated.
    """
    names = [edition.edition for edition in editions]
    for name in names:
        if names.count(name) > 1:
            raise ScoringError(f"--edition {name}", "is given twice", "Give each edition once.")
    ordered = sorted(editions, key=lambda one: (one.scored, one.edition), reverse=True)
    views = [_of_edition(edition, sources) for edition in ordered]
    views.append(View(ALL_RESULTS, "", rate(sources.rows)))
    if not any(view.ratings.groups for view in views):
        raise ScoringError(
            "the results",
            f"have no row that can be rated{_reasons(views[-1].ratings.left_out)}",
            "The command stars tells why of each.",
        )
    return views


def _reasons(left_out: Sequence[LeftOut]) -> str:
    """The first ones, in brackets."""
    named = [
        f"{one.place}, {model_and_state(one)[:LONGEST_NAME]}: {one.because}"
        for one in left_out[:MOST_REASONS]
    ]
    return f" ({'; '.join(named)})" if named else ""


def _of_edition(edition: Edition, sources: Sources) -> View:
    """Its own rows and stars; the results add only what else is known of its runs."""
    rows = [sources.completed(row) for row in edition.rows()]
    return View(edition.edition, edition.scored, rate_by(edition, rows))
