"""A real GPU put to the test: a model of a billion random weights, and our meter beside Zeus.

    python benchmarks/real_gpu.py --out DIR [--gpu 0] [--seconds 60]
    python benchmarks/real_gpu.py --out DIR --simulated --seconds 4

Needs requirements.txt and requirements-dev.txt; `--simulated` a C compiler as `cc` too. Everything
happens offline; the model is made on the spot. batch_runner.py measures it with ten
repetitions that last `--seconds` together, or longer; then one window of `--seconds` is measured by
our meter and, around it, by Zeus, where that is installed (benchmarks/requirements.txt). DIR gets
real_gpu.md with the results, the plot of the power trace, and the run's own files. Takes about
five minutes on a large GPU. `--simulated` walks the same path with a tiny model on the CPU and the
simulated driver; it proves the script and measures nothing.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_core.contract import REPORT_FILE, DeviceKind  # noqa: E402
from benchmark_core.report.run_report import RunReport  # noqa: E402
from benchmarks import beside_zeus, random_model, real_gpu_page  # noqa: E402

CATALOG = (
    "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n{},1,A,text_gen,Off,\n"
)
REPETITIONS = 10
CALIBRATION_PROMPTS = 4
SHORT_IDLE_SECONDS = 1.0
MOST_PROMPTS = 5000
MARGIN = 1.2
"""On the calibrated number of prompts: a warm GPU is faster than in its first seconds."""
SENTENCE = "Prompt {}: say in a few words what a meter does that counts the joules of a program. "
SENTENCES_PER_PROMPT = 5
SIMULATED_WATTS = 350


@dataclass(frozen=True)
class Bench:
    """Where and with what the runs of this call happen. `place` is scratch, `out` is kept."""

    place: Path
    out: Path
    gpu_index: int
    gpu_uuid: str
    simulated: bool
    environment: Mapping[str, str]

    @property
    def device(self) -> DeviceKind:
        return "cpu" if self.simulated else "cuda"

    @property
    def size(self) -> random_model.Size:
        return random_model.TINY if self.simulated else random_model.BILLIONS

    @property
    def hub(self) -> Path:
        return self.place / "hub"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="real-gpu-", dir=options.scratch) as folder:
        bench = _bench(Path(folder), options)
        parameters = build_model(bench.hub, bench.size, bench.device)
        print(f"{bench.size.id}: {parameters / 1e9:.2f} billion parameters", flush=True)
        prompts = _calibrate(bench, options.seconds)
        report = _run(bench, "measured", prompts, REPETITIONS, options.idle_seconds)
        _keep(bench, "measured")
        beside = _measure_beside(bench, options.seconds)
    text = real_gpu_page.page(report, beside, parameters)
    (bench.out / real_gpu_page.PAGE_FILE).write_text(text)
    print(text)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the results")
    parser.add_argument("--gpu", type=int, default=0, help="the driver's index (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="default: %(default)g")
    parser.add_argument("--idle-seconds", type=float, default=5.0, help="default: %(default)g")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="takes 4 GB for a while")
    parser.add_argument("--simulated", action="store_true", help="prove the script without a GPU")
    return parser.parse_args(arguments)


def _bench(place: Path, options: argparse.Namespace) -> Bench:
    """CUDA and Zeus number the GPUs as the driver does."""
    offline = {
        "HF_HUB_CACHE": str(place / "hub"),
        "HF_HUB_OFFLINE": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    if options.simulated:
        from tests.support import simulated_driver

        driver = simulated_driver.build(place / "driver", watts=SIMULATED_WATTS)
        index, uuid = 0, simulated_driver.uuid(0)
        environment = simulated_driver.environment(driver, watts=SIMULATED_WATTS)
    else:
        from orchestrator.gpus import find_gpus

        found = {gpu.index: gpu.uuid for gpu in find_gpus()}
        if options.gpu not in found:
            raise SystemExit(f"error: the driver knows no GPU {options.gpu}; see --simulated")
        index, uuid = options.gpu, found[options.gpu]
        environment = dict(os.environ)
    return Bench(place, options.out, index, uuid, options.simulated, environment | offline)


def build_model(hub: Path, size: random_model.Size, device: DeviceKind) -> int:
    """How many parameters the model has that now is in `hub`.

    In a process of its own, which leaves the GPU when it ends: one that stayed would keep the
    clocks high and count as a foreign program in every run.
    """
    arguments = [hub, size.hidden, size.layers, device]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.random_model", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit("error: the model could not be made")
    return int(done.stdout.split()[-1])


# ------------------------------------------------------------------ the run


def _calibrate(bench: Bench, seconds: float) -> int:
    """How many prompts make all repetitions together last that long."""
    report = _run(bench, "calibration", CALIBRATION_PROMPTS, 1, SHORT_IDLE_SECONDS)
    per_prompt = repetition_seconds(report)[0] / CALIBRATION_PROMPTS
    prompts = math.ceil(MARGIN * seconds / REPETITIONS / per_prompt)
    print(f"{per_prompt:.3f} s a prompt: {prompts} prompts", flush=True)
    return max(1, min(prompts, MOST_PROMPTS))


def repetition_seconds(report: RunReport) -> list[float]:
    """What the measured windows of each repetition lasted together."""
    return [
        sum(window.duration_seconds for window in repetition.windows)
        for repetition in report.repetitions
    ]


def _run(bench: Bench, name: str, prompts: int, repetitions: int, idle_seconds: float) -> RunReport:
    catalog = bench.place / "models.csv"
    catalog.write_text(CATALOG.format(bench.size.id))
    texts = bench.place / "prompts.txt"
    texts.write_text("".join(f"{_prompt(number)}\n" for number in range(prompts)))
    results = bench.place / name
    options = {
        "--csv": catalog,
        "--prompts-file": texts,
        "--output-dir": results,
        "--engine": "process",
        "--device": bench.device,
        "--gpus": bench.gpu_index,
        "--meters": "nvml,codecarbon",
        "--repetitions": repetitions,
        "--idle-seconds": idle_seconds,
    }
    flags = [str(part) for option in options.items() for part in option]
    done = subprocess.run(
        [sys.executable, str(ROOT / "batch_runner.py"), *flags],
        env=dict(bench.environment),
        cwd=bench.place,
        check=False,
    )
    folders = sorted((results / "individual_runs").glob("*/"))
    if done.returncode or not folders:
        logs = sorted((results / "logs").glob("*.log"))
        tail = logs[-1].read_text(errors="replace")[-4000:] if logs else ""
        raise SystemExit(f"error: the run failed with exit code {done.returncode}\n{tail}")
    return RunReport.read(folders[0] / REPORT_FILE)


def _prompt(number: int) -> str:
    return (SENTENCE.format(number) * SENTENCES_PER_PROMPT).strip()


def _keep(bench: Bench, name: str) -> None:
    """The run's folder and the table, without what is only there for the next run."""
    shutil.copytree(bench.place / name, bench.out / "results", dirs_exist_ok=True)
    for plot in (bench.out / "results").glob(f"individual_runs/*/{real_gpu_page.PLOT_FILE}"):
        shutil.copy(plot, bench.out / real_gpu_page.PLOT_FILE)


# ------------------------------------------------------------------ beside Zeus


def _measure_beside(bench: Bench, seconds: float) -> beside_zeus.Beside:
    arguments = [bench.size.id, bench.device, seconds, bench.gpu_uuid, bench.place]
    # So the GPU is the first of those that CUDA and Zeus see.
    hidden = {} if bench.simulated else {"CUDA_VISIBLE_DEVICES": str(bench.gpu_index)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.beside_zeus", *map(str, arguments)],
        env=dict(bench.environment) | hidden,
        cwd=bench.place,
        check=False,
    )
    if done.returncode:
        raise SystemExit("error: the window beside Zeus could not be measured")
    shutil.copy(bench.place / beside_zeus.RESULT_FILE, bench.out / beside_zeus.RESULT_FILE)
    return beside_zeus.read(bench.place)


if __name__ == "__main__":
    sys.exit(main())
