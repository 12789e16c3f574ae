"""The power trace of a run as a picture beside it, for people who would rather look."""

import stat
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark_core.atomic_file import write_bytes
from benchmark_core.contract import REPORT_FILE, TRACE_FILE
from benchmark_core.documents import ContractError
from benchmark_core.power_trace import rows
from benchmark_core.report.outline import ReportOutline
from benchmark_core.terminal_text import printable
from orchestrator.errors import BatchRunnerError, HostError, Problem, UsageError
from orchestrator.run_directory import RunDirectory
from orchestrator.trace_plot.columns import TraceColumns
from orchestrator.trace_plot.figure import Caption, ImageFormat, render

PLOT_FILE: Final = "power_trace.svg"
# Weeks of eight GPUs. A file with a hole in it can claim any size, and would be read for ever.
LARGEST_TRACE_BYTES = 2 * 10**9
MOST_NAME_CHARACTERS = 80
MOST_SUBTITLE_CHARACTERS = 130
DRAWING = threading.Lock()
"""The library that draws is not made for several threads."""


def draw(folder: Path, image_format: ImageFormat = "svg") -> Path:
    """Draw the trace of one run folder into it, and answer where.

    The same trace and report give the same bytes.

    Raises:
        UsageError: there is no trace, it has no samples, or it is too large.
        HostError: the trace cannot be read, the picture cannot be written, or there is no library
            to draw with.
    """
    try:
        report = ReportOutline.read(folder / REPORT_FILE)
    except ContractError:
        report = None
    return _draw(folder, report, image_format)


def _draw(folder: Path, report: ReportOutline | None, image_format: ImageFormat) -> Path:
    path = (folder / PLOT_FILE).with_suffix(f".{image_format}")
    try:
        columns = _read(folder / TRACE_FILE)
        write_bytes(
            path, render(columns, _caption(folder.name, report, len(columns.gpus)), image_format)
        )
    except OSError as error:
        raise HostError(
            Problem(
                str(folder),
                f"the power trace cannot be drawn ({error.strerror or error})",
                "Check the rights of the folder and the space on its disk.",
            )
        ) from error
    except ImportError as error:
        raise HostError(
            Problem(
                "plot",
                f"the library that draws cannot be loaded ({error})",
                "Install what requirements-dev.txt names.",
            )
        ) from error
    return path


def draw_if_possible(folder: Path, report: ReportOutline | None) -> str | None:
    """Draw, if there is a trace. Answers one line for people where that did not succeed.

    From any thread. `report` is the run's, for the caption. Nothing about a picture may spoil the
    run that it shows.
    """
    try:
        if has_trace(folder):
            with DRAWING:
                _draw(folder, report, "svg")
    except BatchRunnerError as error:
        return f"no plot: {error}"
    except Exception as error:  # noqa: BLE001 - a picture is a courtesy, whatever came of it
        return printable(f"no plot: {folder.name}: {type(error).__name__}: {error}"[:300])
    return None


def has_trace(folder: Path) -> bool:
    return (folder / TRACE_FILE).exists()


@dataclass(frozen=True)
class Drawn:
    """What became of the folders that were asked for. `without` have no trace."""

    paths: tuple[Path, ...]
    without: tuple[str, ...]
    problems: tuple[Problem, ...]


def draw_all(target: Path, image_format: ImageFormat) -> Drawn:
    """Draw one run folder, or every run folder of an output directory that has a trace.

    Raises:
        UsageError: it is neither, or the run folder has no trace.
        HostError: the run folder's trace cannot be drawn.
    """
    directory = RunDirectory(target)
    if not directory.runs_path.is_dir():
        if not target.is_dir():
            raise UsageError(
                Problem(str(target), "is no folder", "Name a run folder or an output directory.")
            )
        return Drawn(paths=(draw(target, image_format),), without=(), problems=())
    paths: list[Path] = []
    without: list[str] = []
    problems: list[Problem] = []
    for folder in directory.folders():
        if not has_trace(folder.path):
            without.append(folder.run_id)
            continue
        try:
            paths.append(draw(folder.path, image_format))
        except BatchRunnerError as error:
            problems += error.problems
    return Drawn(tuple(paths), tuple(without), tuple(problems))


def _read(path: Path) -> TraceColumns:
    try:
        # Whoever runs in the folder can put a pipe there, whose reader would wait for ever.
        facts = path.lstat()
    except FileNotFoundError:
        raise UsageError(
            Problem(
                str(path.parent),
                f"holds no {TRACE_FILE}",
                "Name a run folder or an output directory; only runs on GPUs leave a trace.",
            )
        ) from None
    plain = stat.S_ISREG(facts.st_mode)
    if plain and facts.st_size > LARGEST_TRACE_BYTES:
        raise UsageError(
            Problem(
                str(path),
                f"is larger than a trace can be ({facts.st_size / 1e9:,.0f} GB, at most"
                f" {LARGEST_TRACE_BYTES / 1e9:g})",
                "Nothing of it was read; look at what wrote it.",
            )
        )
    columns = TraceColumns(rows(path) if plain else ())
    if not columns.gpus:
        raise UsageError(
            Problem(
                str(path),
                "holds no samples of any GPU" if plain else "is no plain file",
                "There is nothing to draw; run the row again for another trace.",
            )
        )
    return columns


def _caption(folder_name: str, report: ReportOutline | None, gpu_count: int) -> Caption:
    count = f"{gpu_count} GPU" + ("s" if gpu_count > 1 else "")
    if report is None:
        return Caption(_shown(folder_name, MOST_NAME_CHARACTERS), count, rehearsal=False)
    subtitle = "  |  ".join([_gpu_names(report) or count, *_judgement(report)])
    return Caption(
        _shown(report.run_id, MOST_NAME_CHARACTERS),
        _shown(subtitle, MOST_SUBTITLE_CHARACTERS),
        report.rehearsal,
    )


def _gpu_names(report: ReportOutline) -> str:
    names = Counter(gpu.name for gpu in report.environment.gpus) if report.environment else {}
    return ", ".join(
        name if count == 1 else f"{count} \N{MULTIPLICATION SIGN} {name}"
        for name, count in names.items()
    )


def _judgement(report: ReportOutline) -> Iterator[str]:
    if report.outcome == "failed":
        yield f"failed: {report.failure.kind}" if report.failure else "failed"
    if report.verdict:
        reasons = ", ".join(report.verdict.reasons)
        yield f"{report.verdict.verdict}: {reasons}" if reasons else report.verdict.verdict


def _shown(text: str, longest: int) -> str:
    """Of a report nobody vouches for: on one line, and no longer than its place."""
    text = printable(text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 3] + "..."
