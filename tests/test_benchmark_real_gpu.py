"""The parts of the benchmark for a real GPU, on the simulated driver and on the CPU."""

import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmark_core.report.run_report import RunReport
from benchmarks import beside_zeus, random_model, real_gpu, real_gpu_page
from benchmarks.beside_zeus import Beside, CounterSteps
from benchmarks.finished_rows import write_rows
from benchmarks.meter_rig import subjects
from tests.support import simulated_driver

pytestmark = pytest.mark.wall_clock


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def test_a_model_with_random_weights_loads_from_the_hub_cache(tmp_path: Path) -> None:
    parameters = real_gpu.build_model(tmp_path, random_model.TINY, "cpu")
    program = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
text = tokenizer.apply_chat_template([{"role": "user", "content": "joules"}], tokenize=False)
print(sum(p.numel() for p in model.parameters()), tokenizer.decode(tokenizer(text).input_ids))
"""
    environment = subjects.environment(tmp_path, {"HF_HUB_CACHE": str(tmp_path)})
    done = subprocess.run(
        [sys.executable, "-c", program, random_model.TINY.id],
        env=environment | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    begin, end = random_model.BEGIN, random_model.END
    assert done.stdout.split() == [str(parameters), f"{begin}joules{end}"]


def test_who_drives_the_check_never_holds_the_gpu(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from benchmarks import random_model, real_gpu
print(real_gpu.build_model(Path(sys.argv[1]), random_model.TINY, "cpu"), "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=subjects.environment(tmp_path, {}),
        capture_output=True,
        text=True,
        check=True,
    )
    parameters, holds_torch = done.stdout.split()
    assert (int(parameters) > 0, holds_torch) == (True, "False")


def test_the_big_model_has_a_billion_parameters() -> None:
    """Attention and feed-forward matrices alone, by the sizes that the config is given."""
    size = random_model.BILLIONS
    assert size.layers * size.hidden**2 * (4 + 3 * 4) >= 1e9


def test_the_steps_of_the_counter_are_found(driver: Path, tmp_path: Path) -> None:
    program = (
        "import json, sys; from dataclasses import asdict\n"
        "from benchmarks.beside_zeus import watch_steps\n"
        "print(json.dumps(asdict(watch_steps(sys.argv[1], 1.0))))"
    )
    environment = simulated_driver.environment(driver, watts=350, step_ms=50)
    done = subprocess.run(
        [sys.executable, "-c", program, simulated_driver.uuid(0)],
        env=subjects.environment(tmp_path, environment),
        capture_output=True,
        text=True,
        check=True,
    )
    steps = CounterSteps(**json.loads(done.stdout))
    assert steps.period_ms == pytest.approx(50, rel=0.1)
    # A second holds twenty steps, and one more at each of its ends.
    assert 10 <= steps.steps <= 22


def beside(zeus_joules: float | None = 20000.0) -> Beside:
    steps = CounterSteps(50, 100.1, 99.0, 102.0, 0.1)
    return Beside(60.0, 40, 20100.0, 3.0, zeus_joules, "0.16.0" if zeus_joules else None, steps)


def test_what_was_measured_beside_zeus_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / beside_zeus.RESULT_FILE).write_text(json.dumps(asdict(beside())))
    assert beside_zeus.read(tmp_path) == beside()


def simulated_report(tmp_path: Path) -> RunReport:
    write_rows(tmp_path / "rows", 1)
    path = tmp_path / "rows/results/individual_runs/sim_m0_Off/benchmark_report.json"
    return RunReport.read(path)


def test_the_page_says_what_was_measured_and_what_was_not(tmp_path: Path) -> None:
    report = simulated_report(tmp_path)
    text = real_gpu_page.page(report, beside(), 1_600_000_000)
    assert "Rehearsal" in text
    assert "| model | 1.6 billion random parameters |" in text
    assert "| ours against Zeus | 0.5 % (within 1 %) |" in text
    assert "| ledger residual | not measured |" in text
    assert "NOT within" in real_gpu_page.page(report, beside(19000.0), 1)
    without = real_gpu_page.page(report, beside(None), 1)
    assert "| ours against Zeus | not measured |" in without


def test_seconds_of_a_repetition_are_those_of_its_windows(tmp_path: Path) -> None:
    report = simulated_report(tmp_path)
    seconds = real_gpu.repetition_seconds(report)
    assert len(seconds) == len(report.repetitions)
    first = report.repetitions[0].windows
    assert seconds[0] == pytest.approx(math.fsum(window.duration_seconds for window in first))
