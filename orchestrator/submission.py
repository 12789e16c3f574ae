"""A sweep that nobody stays to watch: every run is handed to a scheduler, and that is all."""

from orchestrator.attempt import Attempt
from orchestrator.bench import Bench
from orchestrator.engines.base import EngineAway
from orchestrator.master_table import MasterTable
from orchestrator.opening import open_sweep
from orchestrator.run_planner import Plan
from orchestrator.sweep_record import SweepLog
from orchestrator.sweep_result import Submission


def submit(bench: Bench, plan: Plan, log: SweepLog) -> Submission:
    """Start what is open of the plan. For engines whose runs go on without their runner.

    Raises:
        UsageError: a finished run stands in the directory with other settings.
        HostError: the engine stays away, or the disk refuses; what was submitted stays so.
    """
    table = MasterTable(bench.directory)
    todos = open_sweep(bench, table, plan)
    skipped = [todo for todo in todos if todo.skip_because]
    under_way = [todo for todo in todos if todo.leftover]
    fresh = [todo for todo in todos if not (todo.skip_because or todo.leftover)]
    log.begin([bench.expectation(todo.run) for todo in (*under_way, *fresh)], (), len(fresh))
    submitted = failed = 0
    for todo in fresh:
        if bench.stop.level != "go_on":
            break
        try:
            ending = Attempt(bench, (todo,), (), (), lambda ending: None).submit()
        except EngineAway:
            if bench.stop.level == "go_on":
                raise
            break
        if ending is None:
            submitted += 1
            continue
        failed += 1
        table.update(bench.directory.folder(todo.run.run_id))
        table.write()
        bench.display.run_ended(todo.run, ending.outcome, None)
    log.leave()
    left = len(fresh) - submitted - failed
    return Submission(submitted, len(under_way), len(skipped), failed, left)
