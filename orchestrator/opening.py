"""How a sweep opens: what a killed runner left is sorted out, and each run's fate is decided."""

from collections.abc import Sequence

from benchmark_core.collector import without_collector
from orchestrator.bench import Bench
from orchestrator.errors import UsageError
from orchestrator.gpus import Gpu
from orchestrator.master_table import MasterTable
from orchestrator.recovery import discard, take_stock
from orchestrator.run_planner import Plan
from orchestrator.todo import Todo, decide


@without_collector()
def open_sweep(
    bench: Bench, table: MasterTable, plan: Plan, gpus: Sequence[Gpu] = ()
) -> list[Todo]:
    """What to do with each run of the plan. The table knows every folder then, and is written.

    `gpus` are those of this machine that its runs may be given; a scheduler gives them its own.

    Raises:
        UsageError: a finished run stands in the directory with other settings.
        HostError: the engine or the disk refuses.
    """
    alive = take_stock(bench.directory, bench.engine, bench.servers, bench.display)
    unbelieved = table.read_folders()
    decision = decide(plan, bench.directory, bench.settings, gpus, unbelieved, alive)
    if decision.conflicts:
        raise UsageError(*decision.conflicts)
    for problem in unbelieved.values():
        bench.display.notice(str(problem))
    taken_over = {todo.leftover for todo in decision.todos}
    unwanted = [leftover for leftover in alive if leftover not in taken_over]
    if bench.settings.is_scheduled:
        # Runs of other rows, left alone on purpose, stand in nobody's way there.
        planned = {todo.run.run_id for todo in decision.todos}
        unwanted = [leftover for leftover in unwanted if leftover.run_id in planned]
    discard(bench.engine, unwanted, bench.display)
    table.write()
    return decision.todos
