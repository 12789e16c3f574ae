"""Sweeps through the real container engine, with the image that users build."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from benchmark_core import VERSION
from demo.tiny_models import build_hub
from orchestrator.engines.container_settings import OUTPUT_DIR_LABEL, hash_of_folder
from tests.support import simulated_driver
from tests.support.image import PRODUCT_TAG, ROOT, require_image
from tests.support.runner import batch, command, environment, start, table, wait_for, write_catalog
from tests.support.token_search import TOKEN, Watch, files_with_token
from tests.support.unprivileged import give_away, run_unprivileged, unprivileged_uid

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600, func_only=True)]

WATTS = 350.0


@pytest.fixture(scope="module", autouse=True)
def image():
    return require_image(PRODUCT_TAG)


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "my sweep: at night"
    folder.mkdir()
    yield folder
    assert containers_of(folder / "results") == []


def containers_of(output_dir):
    import docker

    label = f"{OUTPUT_DIR_LABEL}={hash_of_folder(output_dir)}"
    found = docker.from_env().containers
    return found.list(all=True, filters={"label": label}, ignore_removed=True)


def simulated(*flags):
    return (
        *("--backend", "simulated", "--image", PRODUCT_TAG, "--num-prompts", "5"),
        *("--repetitions", "2", "--output-dir", "results"),
        *flags,
    )


def test_kill_9_in_the_middle_of_the_class_a_rows_loses_and_doubles_nothing(place):
    data = os.environ.get("AIES_REFERENCE_DATA")
    catalog = Path(data, "oct_2025_models.csv") if data else ROOT / "models.csv"
    (place / "simulation.yaml").write_text("default: {seconds_per_sample: 0.02}\n")
    flags = simulated("--csv", str(catalog), "--class", "A", "--simulation", "simulation.yaml")
    results = place / "results"
    runner = start(*flags, cwd=place)
    wait_for(lambda: len(list(results.glob("individual_runs/*/outcome.json"))) >= 4)
    wait_for(lambda: containers_of(results))
    runner.kill()
    runner.communicate()
    before = {
        path: path.read_bytes()
        for outcome in results.glob("individual_runs/*/outcome.json")
        for path in outcome.parent.iterdir()
        if path.is_file()
    }
    resumed = batch(*flags, cwd=place)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    rows = table(results)
    assert len(rows) == 19
    assert {row["outcome"] for row in rows.values()} == {"finished"}
    assert {row["model_class"] for row in rows.values()} == {"A"}
    assert {path: path.read_bytes() for path in before} == before
    assert list(results.glob(".*")) == []


def test_a_run_that_outlived_its_runner_is_taken_over(place):
    write_catalog(place / "models.csv", ["one", "two"])
    (place / "simulation.yaml").write_text("default: {seconds_per_sample: 0.3}\n")
    flags = simulated("--simulation", "simulation.yaml")
    samples = place / "results/individual_runs/sim_one_Off/benchmark_results.csv"
    runner = start(*flags, cwd=place)
    wait_for(samples.exists)
    runner.kill()
    runner.communicate()
    (container,) = containers_of(place / "results")
    resumed = batch(*flags, cwd=place)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "taking over sim_one_Off" in resumed.stdout
    row = table(place / "results")["sim_one_Off"]
    assert (row["outcome"], row["attempts"]) == ("finished", "1")
    assert container.attrs["Image"] in row["image_digest"]


def test_faults_in_containers_are_rows_with_messages(place):
    write_catalog(place / "models.csv", ["crash", "cut", "hang", "good"])
    (place / "simulation.yaml").write_text(
        "runs:\n  sim_crash_Off: {fault: crash}\n  sim_cut_Off: {fault: truncated_report}\n"
        "  sim_hang_Off: {fault: hang}\n"
    )
    found = batch(*simulated("--simulation", "simulation.yaml", "--timeout", "6"), cwd=place)
    assert found.returncode == 1, found.stdout + found.stderr
    rows = table(place / "results")
    assert rows["sim_crash_Off"]["error_message"].startswith("no_report")
    assert "134" in rows["sim_crash_Off"]["error_message"]
    assert "damaged" in rows["sim_cut_Off"]["error_message"]
    assert rows["sim_hang_Off"]["error_message"].startswith("timeout")
    assert rows["sim_good_Off"]["error_message"] == ""
    assert {row["image_digest"] for row in rows.values()} == {rows["sim_good_Off"]["image_digest"]}
    assert rows["sim_good_Off"]["image_digest"]
    log = next((place / "results/logs").glob("sim_good_Off_*.log")).read_text()
    assert f"benchmark core {VERSION}" in log


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    folder.chmod(0o755)
    build_hub(folder)
    return folder


@pytest.fixture(scope="module")
def metered_image(tmp_path_factory, image):
    """The product with the simulated driver library where a real one would be mounted."""
    folder = tmp_path_factory.mktemp("driver image")
    simulated_driver.build(folder, gpus=2, watts=f"{WATTS:g},100", step_ms=20)
    tag = "ai_energy_score_metered:test"
    (folder / "Dockerfile").write_text(
        f"FROM {image}\nCOPY libnvidia-ml.so.1 /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1\n"
    )
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", tag, str(folder)], check=True, capture_output=True
    )
    yield tag, folder
    subprocess.run(["docker", "image", "rm", "--force", tag], check=False, capture_output=True)


@pytest.mark.wall_clock
def test_a_real_model_in_a_container_gives_the_joules_the_driver_spent(place, hub, metered_image):
    """Two devices with different watts; the class A row reports exactly the first one's."""
    tag, driver = metered_image
    flags = (
        *(
            "--csv",
            str(ROOT / "demo/catalog.csv"),
            "--prompts-file",
            str(ROOT / "demo/prompts.jsonl"),
        ),
        *("--image", tag, "--device", "cpu", "--meters", "nvml,codecarbon", "--gpus", "0"),
        *("--idle-seconds", "0.5"),
        *("--repetitions", "2", "--output-dir", "results", "--model-name", "llama"),
    )
    found = batch(
        *flags, cwd=place, HF_HUB_CACHE=str(hub), HF_HUB_OFFLINE="1", LD_LIBRARY_PATH=str(driver)
    )
    assert found.returncode == 0, found.stdout + found.stderr
    rows = table(place / "results")
    assert len(rows) == 3
    off = rows["demo_tiny-llama-reasoner_Off"]
    assert int(off["total_completion_tokens"]) == 10 * int(off["total_prompts"])
    for run_id, row in rows.items():
        report = json.loads(
            (place / "results/individual_runs" / run_id / "benchmark_report.json").read_text()
        )
        scored = []
        for repetition in report["repetitions"]:
            windows = repetition["windows"]
            scored.append(sum(w["duration_seconds"] for w in windows if w["name"] != "prefill"))
            for window in windows:
                expected = WATTS * window["duration_seconds"]
                measured = window["reading"]["gpu_joules"]
                assert measured == pytest.approx(expected, rel=0.02, abs=WATTS * 0.01)
                assert list(window["reading"]["gpu_joules_by_device"]) == [simulated_driver.uuid(0)]
        expected_wh = WATTS * sum(scored) / len(scored) / 3600
        assert float(row["gpu_energy_wh"]) == pytest.approx(expected_wh, rel=0.03)
        assert row["rehearsal"] == "yes"
        assert row["gpu_name"].startswith("SIMULATED")
        assert row["gpu_count"] == "1"
        assert row["dtype"] == "float16"
        assert row["cpu_energy_source"].startswith(("estimated", "measured"))


@pytest.fixture
def open_folder():
    """A folder that other users reach: pytest closes its own to them whenever a session starts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_an_unprivileged_user_runs_a_sweep(open_folder):
    home, folder = open_folder / "home", open_folder / "sweep"
    home.mkdir()
    folder.mkdir()
    write_catalog(folder / "models.csv", ["one", "two"])
    give_away(home)
    give_away(folder)
    found = run_unprivileged(command(*simulated()), folder, environment(), home)
    assert found.returncode == 0, found.stdout + found.stderr
    assert len(table(folder / "results")) == 2
    owners = {path.stat().st_uid for path in (folder / "results").rglob("*")}
    assert owners == {unprivileged_uid()}


def test_a_token_stays_in_its_file(place, hub, tmp_path):
    """A run that waits for a hub that is away has it, and in no argument, variable or label."""
    results, runtime = place / "results", tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    (place / "models.csv").write_text((ROOT / "demo/catalog.csv").read_text())
    runner = start(
        *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--model-name", "gpt2"),
        *("--reasoning-state", "Off", "--image", PRODUCT_TAG, "--device", "cpu"),
        *("--output-dir", "results"),
        cwd=place,
        HF_TOKEN=TOKEN,
        HF_HUB_CACHE=str(hub),
        XDG_RUNTIME_DIR=str(runtime),
    )
    try:
        with Watch(runner.pid) as watch:
            wait_for(lambda: any(it.status == "running" for it in containers_of(results)))
            (container,) = containers_of(results)
            seen = _told_of(container)
            image = container.image
    finally:
        runner.terminate()
        output, _ = runner.communicate(timeout=120)
    assert runner.returncode == 130, output
    assert "/run/secrets/hf_token" in seen
    assert "benchmark_core" in seen
    told = (seen, output, json.dumps([image.attrs, image.history()]))
    assert [text for text in told if TOKEN in text] == []
    assert watch.found == set()
    assert (results / "individual_runs/demo_tiny-gpt2-reasoner_Off/outcome.json").exists()
    assert files_with_token(place, hub, runtime) == []


def _told_of(container):
    """What the engine says of a container, and the programs in it of their own surroundings."""
    places = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline"
    _, inside = container.exec_run(["/bin/sh", "-c", f"cat {places} 2>/dev/null | tr '\\0' '\\n'"])
    return json.dumps([container.attrs, container.top()]) + inside.decode()


def test_a_cache_that_the_container_cannot_read_is_named_before_anything_is_spent(place):
    if os.geteuid() != 0:
        pytest.skip("only a run started by root is made by another user")
    hub = place / "hub"
    hub.mkdir(mode=0o700)
    write_catalog(place / "models.csv", ["one"])
    flags = ("--image", PRODUCT_TAG, "--device", "cpu", "--output-dir", "results")
    found = batch(*flags, cwd=place, HF_HUB_CACHE=str(hub))
    assert found.returncode == 3
    assert "cannot read it" in found.stderr
    assert "chmod -R a+rX" in found.stderr


def test_an_image_that_is_not_there_is_named_before_anything_is_spent(place):
    write_catalog(place / "models.csv", ["one"])
    found = batch(*simulated()[:2], "--image", "no_such_image:ever", cwd=place)
    assert found.returncode == 3
    assert "./build.sh" in found.stderr
    assert not (place / "batch_results").exists()


def test_an_engine_that_is_not_there_is_named(place):
    write_catalog(place / "models.csv", ["one"])
    gone = f"unix://{place}/no.sock"
    found = batch(*simulated(), cwd=place, DOCKER_HOST=gone)
    assert found.returncode == 3
    assert "Traceback" not in found.stderr
    assert "docker" in found.stderr.lower()
