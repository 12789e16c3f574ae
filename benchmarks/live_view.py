"""Pictures of the live view, to be looked at: narrow and wide, on light and dark terminals.

    python benchmarks/live_view.py FOLDER

Writes an SVG for each. What they show is made up.
"""

import argparse
import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI, SVG_EXPORT_THEME, TerminalTheme

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from orchestrator.display.sweep_drawing import SweepDrawing  # noqa: E402
from orchestrator.estimate import Estimate  # noqa: E402
from orchestrator.progress import Progress  # noqa: E402
from orchestrator.pulse import Pulse  # noqa: E402
from orchestrator.sweep_picture.picture import SweepPicture  # noqa: E402
from orchestrator.sweep_picture.tally import SweepTally  # noqa: E402
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord  # noqa: E402

LIGHT = TerminalTheme(
    (255, 255, 255),
    (23, 20, 33),
    [
        *((23, 20, 33), (192, 28, 40), (38, 162, 105), (162, 115, 76)),
        *((18, 72, 139), (163, 71, 186), (42, 161, 179), (208, 207, 204)),
    ],
)
THEMES = {"light": LIGHT, "dark": SVG_EXPORT_THEME, "dimmed": DIMMED_MONOKAI}
SIZES = ((80, 24), (200, 50), (60, 12), (80, 8))
MODELS = (
    "org_reasoner-20b_On_High",
    "institute_writer-3.1-8B-Instruct_Off",
    "laboratory_Reasoner-R1-Distill-Writer-32B_On",
    "company_Thinker-235B-A22B-Thinking-2507-FP8_On",
    "org_small-270m-it",
    "laboratory_painter-xl-base-1.0_image_generation",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="for the pictures")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        for name, theme in THEMES.items():
            console = Console(
                record=True, force_terminal=True, width=width, height=height, file=io.StringIO()
            )
            console.print(SweepDrawing(_picture()))
            svg = console.export_svg(title=f"{width} x {height}, {name}", theme=theme)
            (folder / f"{width}x{height}-{name}.svg").write_text(svg)
    return 0


def _picture() -> SweepPicture:
    """Eight GPUs: single runs, one over two of them, one free; failures and a retry."""
    runs = [f"{MODELS[number % len(MODELS)]}-{number}" for number in range(24)]
    forecast = Estimate(low=900, central=1800, high=3600)
    tally = SweepTally(
        SweepRecord(
            host="node",
            process=1,
            started_at=datetime.now(UTC).isoformat(),
            engine="docker",
            parallel=8,
            gpus=tuple(SweepGpu(index=n, uuid=f"GPU-{n}", name="NVIDIA H100") for n in range(8)),
            runs=tuple(ExpectedRun(run_id=run, gpu_count=1, seconds=forecast) for run in runs),
        ),
        began=0.0,
    )
    for run in runs[:5]:
        tally.started(run, ["GPU-0"], 100.0)
        tally.progressed(run, Pulse(None, 300.0, 1.2e6, "load"), 200.0)
        tally.ended(run, "finished", seconds=3000.0)
    reasons = ("out_of_memory: the model does not fit the GPU. Take more GPUs.", "timeout: late.")
    for run, reason in zip(runs[5:7], reasons, strict=True):
        tally.ended(run, "failed", reason)
    tally.ended(runs[7], "failed", "network: the hub does not answer.", retry_seconds=30.0)
    for number, phase in enumerate(("load", "warm_up", "prefill", "generate", "generate", "call")):
        gpus = ["GPU-1", "GPU-2"] if number == 1 else [f"GPU-{number + (number > 0)}"]
        run = runs[10 + number]
        tally.started(run, gpus, 9500.0 if number > 1 else 10900.0)
        done = 137 * number
        passes = Progress(done, 2000, phase, 1 + number // 2, 10, 3, 100) if number > 1 else None
        tally.progressed(run, Pulse(passes, 90.0 + 120 * number, 4e5 * number, phase), 9600.0)
    return tally.picture(11100.0)


if __name__ == "__main__":
    sys.exit(main())
