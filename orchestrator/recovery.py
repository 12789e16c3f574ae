"""What a killed runner left behind is sorted out, before a sweep decides on anything."""

from collections.abc import Collection, Iterable
from pathlib import Path

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError, timestamp
from orchestrator.display.base import Display
from orchestrator.engines.base import Engine, Leftover
from orchestrator.outcome import conclude, end_told_by, read_report
from orchestrator.own_server import OwnServers
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder


def take_stock(
    directory: RunDirectory, engine: Engine, servers: OwnServers, display: Display
) -> list[Leftover]:
    """The runs that go on without their runner and can be taken over; all else is tidied up.

    Raises:
        HostError: the engine, the disk or the servers' container engine refuses.
    """
    leftovers = engine.leftovers()
    # A run whose server goes with its runner cannot be taken over.
    alive = [one for one in leftovers if one.alive and not servers.depends(one.run_id)]
    for leftover in leftovers:
        if leftover not in alive:
            engine.discard(leftover)
    for run_id in servers.remove_leftovers():
        display.notice(f"removed the server that a killed runner left: {run_id}")
    _conclude_unwatched(directory, except_for={leftover.run_id for leftover in alive})
    return alive


def discard(engine: Engine, leftovers: Iterable[Leftover], display: Display) -> None:
    """Remove runs that nobody wants to take over. Raises HostError when the engine refuses."""
    for leftover in leftovers:
        engine.discard(leftover)
        display.notice(f"removed what a killed runner left: {leftover.run_id}")


def _conclude_unwatched(directory: RunDirectory, except_for: Collection[str]) -> None:
    """Give runs that ended while no runner watched the outcome that their report earns."""
    for folder in directory.open_folders():
        if folder.run_id not in except_for:
            with folder.disk_errors():
                _conclude(directory, folder)


def _conclude(directory: RunDirectory, folder: RunFolder) -> None:
    if not folder.report_path.exists():
        return
    launch = folder.launch()
    if launch is None:
        return
    try:
        spec = RunSpec.read(folder.spec_path)
    except ContractError:
        return
    returned = read_report(folder.report_path)
    if returned.report is None:
        return
    log_path = directory.logs_path / Path(launch.log_file or folder.run_id).name
    ended = end_told_by(returned.report, "it ended while no runner watched")
    outcome = conclude(spec, launch, returned, log_path, ended, None, timestamp())
    folder.record(spec, launch, outcome)
