"""Which files of a run folder a bundle has."""

from typing import Final

from benchmark_core.contract import (
    ATTEMPTS_DIR,
    EMISSIONS_DIR,
    GPU_ENERGY_FILE,
    GPU_ENERGY_SUMMARY_FILE,
    LAUNCH_FILE,
    OPTIMUM_DIR,
    OUTCOME_FILE,
    REASONING_FILE,
    REPORT_FILE,
    SAMPLES_FILE,
    SPEC_FILE,
    TRACE_FILE,
)

PICTURES: Final = ("power_trace.svg", "power_trace.png")
NEEDED: Final = (SPEC_FILE, LAUNCH_FILE, REPORT_FILE, OUTCOME_FILE)
FILES: Final = (
    *NEEDED,
    *(SAMPLES_FILE, REASONING_FILE, TRACE_FILE, GPU_ENERGY_FILE, GPU_ENERGY_SUMMARY_FILE),
    *PICTURES,
)
FOLDERS: Final = (EMISSIONS_DIR, OPTIMUM_DIR)


def is_evidence(name: str) -> bool:
    """Whether a run has such a file; of an earlier attempt only how it ended."""
    folder, *below = name.split("/")
    if folder == ATTEMPTS_DIR:
        return len(below) == 2 and below[1] == OUTCOME_FILE
    return folder in FOLDERS if below else name in FILES
