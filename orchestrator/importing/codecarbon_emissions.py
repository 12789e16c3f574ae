"""CodeCarbon's emissions.csv: one row a tracker, energy in kWh, columns that differ by version.

A tracker that writes now and then leaves several rows with one run_id, each the sum so far.
"""

from typing import Final

from benchmark_core.report.imported import ImportFormat
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.fields import Fields
from orchestrator.importing.shared_fields import carbon_notes, read_gpu_energy
from orchestrator.importing.source_file import Row, Source, Table
from orchestrator.importing.told_run import Given, ToldRun

NAME: Final[ImportFormat] = "codecarbon"
KNOWN_BY: Final = "a table with the columns duration, gpu_energy and energy_consumed"
SCOPE: Final = (
    "all that the tracker watched from its start to its stop, loading and everything else of the"
    " machine included"
)
WH_PER_KWH = 1000.0
GRAMS_PER_KILOGRAM = 1000.0


def recognises(source: Source) -> bool:
    content = source.content
    known = {"duration", "gpu_energy", "energy_consumed"}
    return isinstance(content, Table) and known <= {*content.header}


def read(source: Source, given: Given) -> list[ToldRun]:
    """One run a tracker.

    Raises:
        UsageError: there are no rows, or a cell cannot be read; the message names it.
    """
    table = source.content
    assert isinstance(table, Table)
    if not table.rows:
        raise UsageError(Problem(str(source.path), "has no rows", "There is nothing to import."))
    trackers: dict[str, list[tuple[Row, Fields]]] = {}
    for row in table.rows:
        fields = Fields(f"{source.path}, line {row.line}", table.values(row))
        trackers.setdefault(fields.remark("run_id") or f"row {row.number}", []).append(
            (row, fields)
        )
    runs = [_tracked(source, table, rows) for rows in trackers.values()]
    problems = [
        problem for rows in trackers.values() for _, fields in rows for problem in fields.problems
    ]
    if problems:
        raise UsageError(*problems)
    return runs


def _tracked(source: Source, table: Table, rows: list[tuple[Row, Fields]]) -> ToldRun:
    """The last row of a tracker, which holds all earlier ones."""
    durations = [fields.amount("duration") or 0.0 for _, fields in rows]
    row, fields = rows[-1]
    if durations[-1] < max(durations):
        fields.refuse("duration", "is less than in an earlier row of the same run_id")
    earlier = [f"row {one.number} is an earlier sum of the same tracker" for one, _ in rows[:-1]]
    gpu_wh, findings = read_gpu_energy(fields, "gpu_energy", wh_per_unit=WH_PER_KWH)
    project = fields.remark("project_name")
    emissions = fields.amount("emissions")
    return ToldRun(
        format=NAME,
        source=source,
        scope=SCOPE,
        excerpt=table.excerpt(row),
        row=row.number,
        gpu_name=fields.remark("gpu_model"),
        gpu_count=fields.count("gpu_count") or None,
        is_of_passes=False,
        energy_seconds=fields.measured("duration"),
        gpu_wh=gpu_wh,
        cpu_wh=_wh(fields.measured("cpu_energy")),
        ram_wh=_wh(fields.measured("ram_energy")),
        finished_at=fields.time("timestamp"),
        findings=findings,
        notes=(
            *([f"its project is {project}"] if project else []),
            *earlier,
            *carbon_notes(emissions and emissions * GRAMS_PER_KILOGRAM),
        ),
        unreliable=("summary.gpu_energy_wh", "summary.cpu_energy_wh", "summary.ram_energy_wh"),
    )


def _wh(kwh: float | None) -> float | None:
    return None if kwh is None else kwh * WH_PER_KWH
