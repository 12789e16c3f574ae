"""The published figures of the report against its repetitions and windows."""

import json
from collections.abc import Iterator
from typing import Any, Final

from benchmark_core import carbon, statistics
from benchmark_core.contract import GPU_ENERGY_FILE, GPU_ENERGY_SUMMARY_FILE
from benchmark_core.documents import read_bounded
from benchmark_core.energy_files import energy_texts
from benchmark_core.idle import idle_baseline
from benchmark_core.ledger import IDLE_AFTER, IDLE_BEFORE
from benchmark_core.report.spread import mean
from scoring.bundles.unambiguous_json import name_told_twice
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence

LONGEST_ENERGY_FILE_BYTES: Final = 2**20


def check_summary(of: RunEvidence) -> Iterator[Finding]:
    made = statistics.summarize(of.report.repetitions, of.applied.samples_used)
    for phrase in differences(of.summary, made, "summary"):
        yield of.failed("summary_differs", phrase)
    reached = statistics.reached(of.report.repetitions, of.spec.stop_at_ci or 0.0)
    if of.report.stopped_at_ci is not None:
        for phrase in differences(of.report.stopped_at_ci, reached, "stopped_at_ci"):
            yield of.failed("summary_differs", phrase)
    if made.avg_time_to_first_token_seconds is not None:
        yield of.not_checked("time to the first token", "no file has it sample by sample")
    split = of.report.single_pass
    if split is not None and (split.prefill_wh, split.decode_wh) != (None, None):
        yield of.not_checked("single-pass split", "no file has the times of first tokens")


def check_idle(of: RunEvidence) -> Iterator[Finding]:
    watts = {
        one.name: None if one.gpu_joules is None else one.gpu_joules / one.duration_seconds
        for one in (of.report.ledger.entries if of.report.ledger else ())
        if one.name in (IDLE_BEFORE, IDLE_AFTER)
    }
    before = None if of.report.model_load_shared_with else watts.get(IDLE_BEFORE)
    gpu_wh = mean(of.summary.gpu_energy_wh)
    made = idle_baseline(before, watts.get(IDLE_AFTER), gpu_wh, of.report.repetitions)
    for phrase in differences(of.report.idle, made, "idle"):
        yield of.failed("idle_differs", phrase)


def check_carbon(of: RunEvidence) -> Iterator[Finding]:
    """Raises SpecFault for a region without a factor."""
    made = carbon.of_run(of.summary, of.applied.device, of.launch.region)
    for phrase in differences(of.report.carbon, made, "carbon"):
        yield of.failed("carbon_differs", phrase)


def check_energy_files(of: RunEvidence) -> Iterator[Finding]:
    """Raises OSError, ContractError and ValueError where they cannot be read."""
    made = energy_texts(of.report)
    for name in (GPU_ENERGY_FILE, GPU_ENERGY_SUMMARY_FILE):
        path = of.path(name)
        if path.exists() != (name in made):
            what = "it is there, and must not be" if path.exists() else "it is missing"
            yield of.failed("energy_files_differ", what, name)
        elif path.exists():
            text = read_bounded(path, LONGEST_ENERGY_FILE_BYTES)
            if name_told_twice(text) is not None:
                yield of.failed("energy_files_differ", "it has a name twice", name)
            told = _content(text)
            follows = _content(made[name].encode())
            for phrase in differences(told, follows, name):
                yield of.failed("energy_files_differ", phrase, name)


def _content(text: bytes) -> Any:
    """A number on its own is JSON, too."""
    return json.loads(text)
