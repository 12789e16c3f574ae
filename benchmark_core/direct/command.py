"""`python -m benchmark_core --config-name TASK key=value ...`: one run, in the results folder.

These are the arguments that users of the original know. They become a spec, which is run as any
other: the same files, the same report.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path
from types import FrameType

from benchmark_core.contract import ATTEMPTS_DIR
from benchmark_core.direct.arguments import build_direct_parser
from benchmark_core.direct.direct_plan import DirectPlan, make_plan
from benchmark_core.direct.results_folder import InUse, held, prepare
from benchmark_core.direct.visible_gpus import choose_gpus
from benchmark_core.direct.wishes import find_wishes
from benchmark_core.faults import MeterFault, RunFault
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import mean
from benchmark_core.terminal_text import printable

FINISHED, FAILED, WRONG_USE, NOT_READY, INTERRUPTED = 0, 1, 2, 3, 130
RESULTS_VARIABLE = "RESULTS_DIR"
DEFAULT_RESULTS = "results"
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


class Stopped(BaseException):
    """A signal asks the run to end. No fault of a run, so nothing takes it for one."""


def direct(arguments: Sequence[str]) -> int:
    """The exit code of the command."""
    options = build_direct_parser().parse_intermixed_args(arguments)
    try:
        with _signals_stop():
            return _direct(options, os.environ)
    except (KeyboardInterrupt, Stopped):
        _tell(["interrupted: there is no report; what was written so far stays in the folder"])
        return INTERRUPTED


def _direct(options: argparse.Namespace, environ: MutableMapping[str, str]) -> int:
    wishes, task, faults = find_wishes(options, environ)
    plan: DirectPlan | None = None
    if task is not None:
        plan, more = make_plan(wishes, task)
        faults += more
    if faults or plan is None:
        return _refused(faults, WRONG_USE)
    uuids: tuple[str, ...] = ()
    if plan.wants_gpus:
        try:
            uuids, choice = choose_gpus(wishes.device_ids, environ)
        except MeterFault as fault:
            return _refused([fault], NOT_READY)
        _tell(["note: " + choice] if choice else [])
    # Before torch is loaded, which reads it once.
    environ[VISIBLE_GPUS] = ",".join(uuids)
    _tell(f"note: {note}" for note in plan.notes)
    _tell(_token_warnings(plan, environ))
    return _run_in_folder(Path(environ.get(RESULTS_VARIABLE) or DEFAULT_RESULTS), plan, uuids)


def _run_in_folder(folder: Path, plan: DirectPlan, uuids: tuple[str, ...]) -> int:
    remedy = (
        "Give a folder that the user of this program may write: chown it, or run the container with"
        ' --user "$(id -u):$(id -g)" and a folder of yours as /results; RESULTS_DIR names another.'
    )
    try:
        with held(folder):
            number = prepare(folder, plan.spec, plan.launch(uuids))
            if number is not None:
                _tell([f"note: the run that was in {folder} is in {ATTEMPTS_DIR}/{number} now"])
            print(_announcement(plan, folder), flush=True)
            return _measure(folder)
    except InUse:
        what = f"{folder}: another run is writing there"
        return _refused([RunFault(what, "Wait for it, or set RESULTS_DIR.")], NOT_READY)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else folder
        what = f"{where}: cannot be written: {error.strerror}"
        return _refused([RunFault(what, remedy)], NOT_READY)


def _measure(folder: Path) -> int:
    from benchmark_core.reported_run import run

    try:
        return _told(run(folder), folder)
    except OSError as error:
        what = f"{folder}: the report cannot be written: {error.strerror}"
        return _refused([RunFault(what, "Free the disk and start again.")], FAILED)


def _announcement(plan: DirectPlan, folder: Path) -> str:
    spec = plan.spec
    count = spec.samples.count
    samples = "all samples" if count is None else f"{count} sample{'s' * (count != 1)}"
    repetitions = f"{spec.repetitions} repetition{'s' * (spec.repetitions != 1)}"
    state = f", reasoning {spec.reasoning.state}" if spec.reasoning else ""
    return printable(
        f"{spec.model.id}: {spec.task}{state}, {samples}, {repetitions}, {spec.backend.name} on"
        f" {spec.device.kind}; results in {folder}"
    )


def _told(report: RunReport, folder: Path) -> int:
    if report.failure is not None:
        _tell([f"error: {report.failure.message}. {report.failure.remedy}"])
        return FAILED
    summary = report.summary
    energy = mean(summary.gpu_energy_wh) if summary else None
    shown = "GPU energy not measured" if energy is None else f"GPU energy {energy:.6g} Wh"
    verdict = report.verdict
    reasons = f" ({', '.join(verdict.reasons)})" if verdict and verdict.reasons else ""
    judged = f", {verdict.verdict}{reasons}" if verdict else ""
    done = f"{summary.successful_prompts} of {summary.total_prompts} samples" if summary else ""
    told = f"{report.run_id} finished: {done}, {shown}{judged}; see {folder}"
    print(printable(told), flush=True)
    return FINISHED


def _token_warnings(plan: DirectPlan, environ: MutableMapping[str, str]) -> Iterator[str]:
    """About the token alone; it is never shown."""
    if not plan.asks_hub:
        return
    from huggingface_hub import constants, get_token

    if environ.get("HF_TOKEN"):
        yield (
            "warning: HF_TOKEN is a variable of this program, which `docker inspect` and"
            " `ps e` show. ./run_docker.sh hands the token over as a file, and so does"
            " HF_TOKEN_PATH."
        )
    elif not constants.HF_HUB_OFFLINE and get_token() is None:
        yield (
            "warning: Hugging Face: no token was found, so gated models will fail."
            " Log in with `hf auth login`, or set HF_TOKEN."
        )


def _refused(faults: Iterable[RunFault], code: int) -> int:
    _tell(dict.fromkeys(f"error: {fault.message}. {fault.remedy}" for fault in faults))
    return code


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line), file=sys.stderr, flush=True)


@contextlib.contextmanager
def _signals_stop() -> Iterator[None]:
    """The first of a container has no usual ways to be stopped: without this it would go on."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
