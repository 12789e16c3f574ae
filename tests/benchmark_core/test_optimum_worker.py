"""The worker's process and the samples it is given; whatever ends it is told in one message."""

import importlib.util
import json
import os
import signal
import subprocess
import sys

import pytest

from benchmark_core.faults import MemoryFault, ModelFault, RunFault, SampleFault, SpecFault
from benchmark_core.media import Column
from benchmark_core.optimum import worker
from benchmark_core.optimum.dataset_file import FILE, write_dataset
from benchmark_core.optimum.worker_process import run_worker
from demo.own_samples import build_samples
from tests.support.task_runs import read_samples

WHOSE = "model org/model"


@pytest.fixture
def ended_by(tmp_path):
    """The fault of a worker whose Python is this shell script."""

    def run(script):
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        with pytest.raises(RunFault) as caught:
            run_worker(python, {"country": None}, tmp_path / "optimum" / "3", WHOSE)
        return caught.value

    return run


def failure(kind, message):
    told = json.dumps({"type": kind, "message": message})
    return f"cat > {worker.FAILURE_FILE} <<'END'\n{told}\nEND\nexit 1"


def test_an_error_in_it_is_told_with_its_type(ended_by):
    fault = ended_by(failure("OSError", "no file\nnamed \x1b[31mx"))
    assert isinstance(fault, ModelFault)
    assert fault.message == (
        "model org/model: optimum-benchmark ended with OSError: no file named"
        " \N{REPLACEMENT CHARACTER}[31mx"
    )
    assert "optimum/3/worker.log" in fault.remedy


def test_memory_that_is_used_up_is_told_as_such(ended_by):
    fault = ended_by(failure("OutOfMemoryError", "CUDA out of memory." + "x" * 5000))
    assert isinstance(fault, MemoryFault)
    assert "OutOfMemoryError: CUDA out of memory" in fault.message
    assert len(fault.message) < 700


def test_a_death_without_a_word_is_told_with_the_last_ones(ended_by):
    fault = ended_by("echo one; printf 'two \\033[1m\\n'; echo three; echo four; kill -9 $$")
    assert isinstance(fault, ModelFault)
    assert fault.message == (
        "model org/model: the process of optimum-benchmark was ended by signal 9 (SIGKILL);"
        " it last said: two \N{REPLACEMENT CHARACTER}[1m | three | four"
    )
    assert "used up the memory" in fault.remedy


def test_a_death_in_silence_is_told_too(ended_by):
    assert ended_by("exit 7").message.endswith("ended with 7; it said nothing")


def test_a_file_that_is_no_program_is_told_as_such(tmp_path):
    python = tmp_path / "python"
    python.write_text("no program")
    python.chmod(0o755)
    with pytest.raises(SpecFault, match="cannot be run: Exec format error") as caught:
        run_worker(python, {"country": None}, tmp_path / "optimum" / "1", WHOSE)
    assert "make optimum" in caught.value.remedy


def test_it_gets_a_cache_of_datasets_of_its_own_that_is_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", "/the/users/own")
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$HF_DATASETS_CACHE" > told\nls > seen\n')
    python.chmod(0o755)
    place = tmp_path / "optimum" / "1"
    run_worker(python, {"country": None}, place, WHOSE)
    cache = (place / "told").read_text().strip()
    assert cache.startswith(str(place))
    assert not os.path.exists(cache)  # noqa: PTH110
    assert "order.json" in (place / "seen").read_text()


def test_this_python_without_optimum_benchmark_is_a_failure_with_its_reason(tmp_path):
    if importlib.util.find_spec("optimum_benchmark"):
        pytest.skip("this environment has optimum-benchmark")
    with pytest.raises(ModelFault, match="No module named 'optimum_benchmark'"):
        run_worker(sys.executable, {"country": None}, tmp_path / "optimum" / "1", WHOSE)


def test_it_dies_with_the_run_that_asked_for_it():
    waiting = (
        "import sys, time, importlib.util as u;"
        f"spec = u.spec_from_file_location('worker', {worker.__file__!r});"
        "worker = u.module_from_spec(spec); spec.loader.exec_module(worker);"
        "worker._die_with(int(sys.argv[1])); print('waits', flush=True); time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys;"
        f"subprocess.run([sys.executable, '-I', '-c', {waiting!r}, str(os.getpid())])"
    )
    run = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert run.stdout is not None
    with run.stdout as said:
        assert said.readline() == b"waits\n"
        run.send_signal(signal.SIGKILL)
        run.wait()
        # Its end of the pipe closes when it dies, and only then.
        assert said.read() == b""


def test_one_whose_run_is_gone_already_starts_nothing():
    done = subprocess.run(
        [sys.executable, worker.__file__, "order.json", "1"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "the run that asked for this is gone" in done.stderr


TEXTS = (Column("question"), Column("context"))


def test_texts_come_back_as_they_are_and_in_order(tmp_path):
    from datasets import load_dataset

    rows = [{"question": f"{n}?", "context": "\U0001f600 line\nof two"} for n in range(120)]
    write_dataset(tmp_path / "data", rows, TEXTS)
    found = load_dataset(
        str(tmp_path / "data"), "default", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert list(found) == rows


def test_pictures_are_the_bytes_of_their_files(tmp_path):
    from datasets import load_dataset
    from PIL import Image

    own = dict(build_samples(tmp_path / "own"))
    rows = read_samples("image_classification", own["image_classification"])
    write_dataset(tmp_path / "data", rows, (Column("image", "image"),))
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE]
    found = load_dataset(
        str(tmp_path / "data"), "default", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(found) == len(rows) == 6
    for made, row in zip(found, rows, strict=True):
        with Image.open(row["image"]["path"]) as original:
            assert made["image"].tobytes() == original.tobytes()


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([{"text": "good"}, {"text": "a\0b"}], (Column("text"),), "sample 2 .*NUL"),
        ([{"image": b"no picture"}], (Column("image", "image"),), "sample 1 .*not an image"),
    ],
)
def test_a_bad_sample_is_refused_because_it_would_end_all(rows, columns, said, tmp_path):
    with pytest.raises(SampleFault, match=said) as caught:
        write_dataset(tmp_path / "data", rows, columns)
    assert "pytorch backend" in caught.value.remedy
