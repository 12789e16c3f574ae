"""`python -m orchestrator preflight`: every check, shown, and nothing started."""

from collections.abc import Sequence

from orchestrator.catalog_file import read_catalog
from orchestrator.display import preflight_view
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.preflight.examination import Examined, examine, problems_of
from orchestrator.preflight.finding import trouble, warning
from orchestrator.preparation import prepare, prepare_without_rows, refuse_contradictions
from orchestrator.settings import Settings


def run_preflight(settings: Settings, as_json: bool) -> int:
    """The exit code: 2 where the catalog is wrong, 3 where the host is not ready, else 0.

    With a wrong catalog the host is examined all the same.

    Raises:
        BatchRunnerError: flags, samples or lock make no plan possible.
    """
    refuse_contradictions(settings)
    wrong: Sequence[Problem] = ()
    try:
        catalog = read_catalog(settings.csv)
    except UsageError as error:
        wrong = error.problems
    prepared = prepare_without_rows(settings) if wrong else prepare(settings, catalog)
    examined = examine(prepared)
    about_rows = [*map(trouble, wrong), *map(warning, prepared.plan.skipped)]
    examined.insert(0, Examined("catalog", about_rows))
    preflight_view.show(examined, as_json)
    if wrong:
        return UsageError.exit_code
    return HostError.exit_code if any(problems_of(examined)) else 0
