"""The table of the public predecessor: one row a run, 19 columns, later 21 and more.

Columns are found by name. Later tables renamed the latency and have columns of their own; what is
computed of other columns is not read, as it counts the prompts' tokens too. Figures are rounded,
and 0 stands for what was not measured.
"""

from dataclasses import replace
from typing import Final

from benchmark_core.report.imported import ImportFormat
from orchestrator.catalog_cells import read_class, read_state, read_task
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.fields import Fields
from orchestrator.importing.shared_fields import (
    carbon_notes,
    read_counts,
    read_gpu_energy,
    read_model,
)
from orchestrator.importing.source_file import Row, Source, Table
from orchestrator.importing.told_run import Given, ToldRun

NAME: Final[ImportFormat] = "master_results"
KNOWN_BY: Final = "a table with the columns model_name and gpu_energy_wh"
SCOPE: Final = (
    "one pass over the prompts, whole answers; it is not split into phases, and whether loading"
    " the model is in it is not told"
)
OUR_COLUMN: Final = "spec_hash"
NEEDED: Final = ("total_prompts", "error_message")


def recognises(source: Source) -> bool:
    content = source.content
    return isinstance(content, Table) and {"model_name", "gpu_energy_wh"} <= {*content.header}


def read(source: Source, given: Given) -> list[ToldRun]:
    """The runs of all rows; a row that repeats another one to the letter is the same run.

    Raises:
        UsageError: the table is one of this program, lacks a column, or has unreadable cells.
    """
    table = source.content
    assert isinstance(table, Table)
    _refuse_table(source, table)
    runs: dict[tuple[str, ...], ToldRun] = {}
    problems: list[Problem] = []
    for row in table.rows:
        first = runs.get(row.cells)
        if first:
            note = f"row {row.number} of the table repeats row {first.row}, and is the same run"
            runs[row.cells] = replace(first, notes=(*first.notes, note))
            continue
        fields = Fields(f"{source.path}, line {row.line}", table.values(row))
        runs[row.cells] = _run(source, table, row, fields, given)
        problems += fields.problems
    if problems:
        raise UsageError(*problems)
    return list(runs.values())


def _refuse_table(source: Source, table: Table) -> None:
    path = str(source.path)
    if OUR_COLUMN in table.header:
        what = "is a table of this program, made of its run folders"
        remedy = "Nothing is to import: `rebuild` makes the table of any output directory."
        raise UsageError(Problem(path, what, remedy))
    for name in NEEDED:
        if name not in table.header:
            remedy = "Fetch the file again; without the column its rows cannot be told."
            raise UsageError(Problem(path, f"has no column {name}", remedy))
    if not table.rows:
        raise UsageError(Problem(path, "has no rows", "There is nothing to import."))


def _run(source: Source, table: Table, row: Row, fields: Fields, given: Given) -> ToldRun:
    told = ToldRun(
        format=NAME,
        source=source,
        scope=SCOPE,
        excerpt=table.excerpt(row),
        row=row.number,
        model_id=read_model(fields, "model_name", given),
        model_class=fields.read("model_class", read_class),
        task=fields.read("task", read_task),
        reasoning_state=fields.read("reasoning_state", read_state),
        finished_at=fields.time("timestamp"),
        failure=fields.text("error_message"),
    )
    return told if told.failure else _with_figures(told, fields)


def _with_figures(told: ToldRun, fields: Fields) -> ToldRun:
    counts = read_counts(fields)
    gpu_wh, findings = read_gpu_energy(fields, "gpu_energy_wh")
    latencies = [fields.measured(name) for name in ("avg_latency_seconds", "avg_total_time")]
    return replace(
        told,
        total_prompts=counts.total_prompts,
        successful_prompts=counts.successful_prompts,
        failed_prompts=counts.failed_prompts,
        prompt_tokens=counts.prompt_tokens,
        completion_tokens=counts.completion_tokens,
        duration_seconds=fields.measured("total_duration_seconds"),
        latency_seconds=next(filter(None, latencies), None),
        first_token_seconds=fields.measured("avg_time_to_first_token"),
        gpu_wh=gpu_wh,
        repetitions=1,
        findings=findings,
        notes=(*counts.notes, *carbon_notes(fields.amount("co2_emissions_g"))),
    )
