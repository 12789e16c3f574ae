"""The outer shell of every run: orders in, and a report out, whatever came between.

It chooses who measures: this program, pass by pass, or a program that does all of it by itself.
"""

import errno
import sys
import traceback
from pathlib import Path

from benchmark_core import delegated_run, measured_run, verdict
from benchmark_core.atomic_file import write_text
from benchmark_core.conclusion import Measurements, make_report
from benchmark_core.contract import (
    LAUNCH_FILE,
    REPORT_FILE,
    SPEC_FILE,
    TRACE_FILE,
    Launch,
    RunSpec,
)
from benchmark_core.documents import ContractError, timestamp
from benchmark_core.energy_files import write_energy_files
from benchmark_core.faults import DiskFault, MeterFault, RunFault, SpecFault
from benchmark_core.held_model import HeldModel
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.report.judgement import Failure, Verdict
from benchmark_core.report.run_report import RunReport

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
REPORT_CRASH = "The log holds the traceback; please report it with the run folder."


def run(folder: Path, held: HeldModel | None = None) -> RunReport:
    """Measure what `folder` asks for and leave the report there, on failure too.

    Runs that follow each other share the loaded model through `held`, where they would load the
    same; a run without it is alone.

    Raises:
        SpecFault: there is no usable spec, so there is nothing that a report could belong to.
    """
    if held is None:
        with HeldModel() as own:
            return run(folder, own)
    spec, launch = read_orders(folder)
    started_at = timestamp()
    try:
        measurements = _measure(folder, spec, launch, held)
        launch = _with_later_runs(folder, launch)
        report = make_report(
            folder / TRACE_FILE, spec, launch, measurements, started_at, timestamp()
        )
    except RunFault as fault:
        blamed = verdict.of_fault(fault.reason) if isinstance(fault, MeterFault) else None
        report = _failed(spec, started_at, fault.kind, fault.message, fault.remedy, blamed)
    except Exception as error:  # noqa: BLE001 - the last act of a run is its report, whatever came
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            remedy = "Free the disk of the output directory and run the row again."
            report = _failed(spec, started_at, DiskFault.kind, str(error.strerror), remedy)
        else:
            traceback.print_exc(file=sys.stderr)
            message = f"{type(error).__name__}: {error}"
            report = _failed(spec, started_at, "crashed", message, REPORT_CRASH)
    write_energy_files(folder, report)
    write_text(folder / REPORT_FILE, report.to_json())
    return report


def _measure(folder: Path, spec: RunSpec, launch: Launch, held: HeldModel) -> Measurements:
    if spec.backend.measures_itself:
        held.drop()
        return delegated_run.measure(folder, spec, launch)
    return measured_run.measure(folder, spec, launch, held)


def _with_later_runs(folder: Path, launch: Launch) -> Launch:
    """The launch with the runs of the host that began while this one was measured.

    The host adds them to the file as they begin. One that cannot be read tells no more than the
    first did.
    """
    try:
        later = Launch.read(folder / LAUNCH_FILE).runs_beside
    except ContractError:
        return launch
    return launch.model_copy(update={"runs_beside": tuple(sorted({*launch.runs_beside, *later}))})


def read_orders(folder: Path) -> tuple[RunSpec, Launch]:
    """What the folder asks for, and how it was launched. Raises SpecFault."""
    try:
        spec = RunSpec.read(folder / SPEC_FILE)
        path = folder / LAUNCH_FILE
        launch = (
            Launch.read(path) if path.exists() else Launch(engine="none", launched_at=timestamp())
        )
    except ContractError as error:
        raise SpecFault(str(error), f"Give a folder that holds a valid {SPEC_FILE}.") from error
    return spec, launch


def _failed(
    spec: RunSpec,
    started_at: str,
    kind: str,
    message: str,
    remedy: str,
    blamed: Verdict | None = None,
) -> RunReport:
    return RunReport(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="failed",
        failure=Failure(kind=kind, message=_one_line(message), remedy=_one_line(remedy)),
        verdict=blamed,
        reasoning=ReasoningFacts(requested=spec.reasoning.state) if spec.reasoning else None,
        rehearsal=spec.backend.is_simulated,
        started_at=started_at,
        finished_at=timestamp(),
    )


def _one_line(text: str) -> str:
    """What JSON can hold: half a surrogate pair in a message would cost the whole report."""
    return " ".join(text.split())[:1000].encode("utf-8", "backslashreplace").decode()
