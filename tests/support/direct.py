"""Direct runs in tests: what arguments come to, and the real command in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmark_core.contract import RunSpec
from benchmark_core.direct.arguments import build_direct_parser
from benchmark_core.direct.direct_plan import DirectPlan, make_plan
from benchmark_core.direct.wishes import find_wishes
from tests.support.runner import ROOT, environment

MODEL = "backend.model=org/model"


def planned(
    *words: str, environ: Mapping[str, str] | None = None
) -> tuple[DirectPlan | None, list[str]]:
    """The plan that the arguments come to, or every fault as it is told."""
    options = build_direct_parser().parse_intermixed_args(words)
    wishes, task, faults = find_wishes(options, environ or {})
    plan: DirectPlan | None = None
    if task is not None:
        plan, more = make_plan(wishes, task)
        faults += more
    return (None if faults else plan), [f"{fault.message}. {fault.remedy}" for fault in faults]


def spec_of(*words: str, environ: Mapping[str, str] | None = None) -> RunSpec:
    plan, faults = planned(*words, environ=environ)
    assert faults == []
    assert plan is not None
    return plan.spec


def text_spec(*words: str, environ: Mapping[str, str] | None = None) -> RunSpec:
    """Of text generation with some model."""
    return spec_of("--config-name", "text_generation", MODEL, *words, environ=environ)


def text_faults(*words: str, environ: Mapping[str, str] | None = None) -> list[str]:
    plan, faults = planned("--config-name", "text_generation", MODEL, *words, environ=environ)
    assert plan is None
    return faults


def direct(*words: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The command as a user types it, in a folder of the user's."""
    return subprocess.run(
        [sys.executable, "-m", "benchmark_core", *words],
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), PYTHONSAFEPATH="1", OMP_NUM_THREADS="1", **variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
