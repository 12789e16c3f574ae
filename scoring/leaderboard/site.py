"""The site as a folder: whole or not there, and the same bytes for the same results."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scoring.editions.edition import Edition
from scoring.errors import ScoringError
from scoring.leaderboard.board_data import make_board_data
from scoring.leaderboard.entries import Beside
from scoring.leaderboard.evidence import PAGES_DIR, addresses, read_evidence
from scoring.leaderboard.page import GENERATOR, render_board, render_evidence
from scoring.leaderboard.sources import Sources
from scoring.leaderboard.views import make_views
from scoring.quality import Quality
from scoring.row_identity import Measurement

INDEX_FILE: Final = "index.html"
HEAD_BYTES: Final = 2000
"""Of a page, in which its generator is named."""


def write_site(
    out: Path, sources: Sources, editions: Sequence[Edition], quality: Quality
) -> list[Path]:
    """Make the site at `out`; one that stands there is replaced.

    The answer has the run folders whose report does not bear out its row: they get no page.

    Raises:
        ScoringError: no row can be rated, something else stands there, the disk refuses, or what
            makes the pages is not installed.
    """
    views = make_views(sources, editions)
    try:
        out = out.resolve()
        _refuse_foreign(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
            made = Path(scratch) / "site"
            made.mkdir()
            evidence = _write_evidence(made, sources, quality)
            page = render_board(make_board_data(views, Beside(evidence, quality)))
            (made / INDEX_FILE).write_text(page, encoding="utf-8")
            _put(made, out, Path(scratch) / "earlier")
            return [path for one, path in sources.folders.items() if one not in evidence]
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise ScoringError(str(out), what, "Choose another --out.") from error
    except RuntimeError as error:
        raise ScoringError(
            str(out), "is a link that leads in a circle", "Choose another --out."
        ) from error
    except ImportError as error:
        what = f"a library that makes it cannot be loaded ({error})"
        raise ScoringError(
            "leaderboard", what, "Install what requirements-dev.txt names."
        ) from error


def _refuse_foreign(out: Path) -> None:
    """Whatever is removed must be what this program has made."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ScoringError(str(out), "is no folder", "Choose another --out.")
    names = {path.name for path in out.iterdir()}
    if not names:
        return
    if INDEX_FILE in names and names <= {INDEX_FILE, PAGES_DIR}:
        with (out / INDEX_FILE).open("rb") as stream:
            if GENERATOR.encode() in stream.read(HEAD_BYTES):
                return
    raise ScoringError(str(out), "holds something else than a leaderboard", "Choose another --out.")


def _write_evidence(site: Path, sources: Sources, quality: Quality) -> dict[Measurement, str]:
    """The address of every page that was written."""
    written: dict[Measurement, str] = {}
    (site / PAGES_DIR).mkdir()
    for one, address in addresses(sources).items():
        evidence = read_evidence(sources.known[one], sources.folders[one], quality)
        if evidence:
            page = render_evidence(evidence, back=f"../{INDEX_FILE}")
            (site / address).write_text(page, encoding="utf-8")
            written[one] = address
    return written


def _put(made: Path, out: Path, aside: Path) -> None:
    """A folder cannot be replaced by another in one step, so the earlier one is put aside."""
    if out.exists():
        out.rename(aside)
    try:
        made.rename(out)
    except OSError:
        if aside.exists():
            aside.rename(out)
        raise
    shutil.rmtree(aside, ignore_errors=True)
