"""Results as a leaderboard gets them: few rows, all that a page can show, and a site of them."""

import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring.__main__ import main

EVIL = "=cmd|'/C calc'!A0<img src=x onerror=alert(1)></script>&amp;\u2028\u202e"
# What rating needs of a row, and what a page shows beside it.
GOOD = {
    "model_name": "org/model",
    "model_class": "A",
    "task": "text_gen",
    "error_message": "",
    "verdict": "valid",
    "official": "yes",
    "rehearsal": "no",
    "reasoning_requested": "Off",
    "reasoning_effective": "off",
    "wh_per_1000_queries": "2.5",
}
COLUMNS = GOOD | {
    "gpu_energy_wh": "2.5",
    "gpu_energy_ci95_wh": "0.1",
    "successful_prompts": "1000",
    "total_completion_tokens": "10000",
    "throughput_tokens_per_second": "100",
    "gpu_name": "NVIDIA H100 80GB HBM3",
    "gpu_count": "1",
    "run_id": "",
}
PICTURE = {"task": "image_gen", "model_class": "", "reasoning_requested": "",
           "reasoning_effective": "", "total_completion_tokens": ""}  # fmt: skip
THINKS = {"reasoning_requested": "On (High)", "reasoning_effective": "on"}


def row(model: str, wh: float, **changes: str) -> dict[str, str]:
    """An official row of text generation, class A."""
    energies = {"wh_per_1000_queries": repr(wh), "gpu_energy_wh": repr(wh)}
    return COLUMNS | {"model_name": model} | energies | changes


EXACT = "4.50000000000000000001"
"""More digits than a program's usual numbers keep."""
# By hand: the edges of class A are 2, 3, 4 and 5 Wh.
ROWS = (
    row("org/small-1B", 1.0, throughput_tokens_per_second="400"),
    row("org/middle-3B", 2.05, throughput_tokens_per_second="500", gpu_energy_ci95_wh="0.2"),
    row(
        "org/slow-3B",
        4.5,
        wh_per_1000_queries="4.50000000000000000001",
        throughput_tokens_per_second="50",
    ),
    row("org/large-7B", 6.0, total_completion_tokens="29000"),
    row(EVIL, 5.5, throughput_tokens_per_second="60"),
    row("org/alone-30B", 9.0, model_class="B"),
    row("org/thinker-1B", 80.0, **THINKS),
    row("org/brooder-1B", 160.0, **THINKS),
    row("org/draws", 30.0, **PICTURE),
    row("org/paints", 60.0, **PICTURE),
    row("sim/played", 3.0, rehearsal="yes", official="no", gpu_name="SIMULATED GPU 0"),
    row("org/failed", 3.0, error_message="timeout: too slow"),
)


def write_results(folder: Path, rows: Sequence[Mapping[str, str]] = ROWS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "master_results.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@dataclass(frozen=True)
class Done:
    returncode: int
    stderr: str


def scoring(command: str, *arguments: object) -> Done:
    with (
        contextlib.redirect_stderr(io.StringIO()) as said,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        code = main([command, *map(str, arguments)])
    return Done(code, said.getvalue())


def built(out: Path, *arguments: object) -> Path:
    """The page of a leaderboard made of these arguments."""
    done = scoring("leaderboard", *arguments, "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "index.html"
