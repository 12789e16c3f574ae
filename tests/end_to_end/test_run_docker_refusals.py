"""run_docker.sh with an engine that records what it is asked for: what it refuses, and as whom."""

import os
import shutil
from pathlib import Path

import pytest

from benchmark_core.contract import ATTEMPTS_DIR, RUN_ENTRIES
from tests.support.recorded_docker import (  # noqa: F401
    CPU,
    MODEL,
    Bench,
    recorded_bench,
    values,
)


def test_two_numbers_of_samples_are_both_said_so_that_the_core_refuses_them(bench: Bench) -> None:
    bench.run("-n", "5", *MODEL, CPU, "-n7")
    assert bench.inside()[-2:] == ["scenario.num_samples=5", "scenario.num_samples=7"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("scenario.prompts_file=gone.txt", "scenario.prompts_file=gone.txt: there is no such file"),
        ("scenario.dataset_dir=no/such", "there is no such file or folder"),
        ("--config-dir=none", "none: there is no such file or folder"),
    ],
)
def test_an_own_file_that_is_not_there_is_refused(bench: Bench, word: str, said: str) -> None:
    done = bench.run(*MODEL, CPU, word)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_gpus_the_core_decides_and_the_reason_is_told_where_it_refuses(
    bench: Bench,
) -> None:
    done = bench.run(*MODEL)
    assert (done.returncode, done.stderr) == (0, "")
    assert "NVIDIA_VISIBLE_DEVICES=void" in values(bench.docker_run(), "--env")
    assert values(bench.docker_run(), "--gpus") == []
    for words, reason in ((MODEL, True), ((*MODEL, CPU), False)):
        done = bench.run(*words, FAKE_CODE="3")
        assert done.returncode == 3
        assert ("Install the NVIDIA Container Toolkit" in done.stderr) is reason


def test_an_image_of_other_sources_is_refused(bench: Bench) -> None:
    done = bench.run(*MODEL, CPU, FAKE_CORE="0" * 64, DOCKER_IMAGE="mine:2")
    assert done.returncode == 3
    assert "mine:2 was built from other sources of benchmark_core" in done.stderr
    assert "./build.sh --tag mine:2" in done.stderr
    assert all(call["words"][0] != "run" for call in bench.calls())  # type: ignore[index]


def test_an_image_that_does_not_tell_its_sources_is_warned_of(bench: Bench) -> None:
    done = bench.run(*MODEL, CPU, FAKE_CORE="")
    assert done.returncode == 0
    assert "does not say from which sources" in done.stderr
    assert "./build.sh --tag ai_energy_score" in done.stderr
    assert bench.inside() == [*MODEL, CPU]


@pytest.mark.parametrize("name", ["USE_DOCKER", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("word", ["maybe", "ture", "2", "\x1b[2J"])
def test_a_variable_that_is_neither_true_nor_false_is_refused(
    bench: Bench, name: str, word: str
) -> None:
    done = bench.run(*MODEL, CPU, **{name: word})
    assert done.returncode == 2
    assert f"environment variable {name}: " in done.stderr
    assert "is neither true nor false; set it to true or false" in done.stderr
    assert done.stderr.strip().isprintable()
    assert bench.calls() == []


@pytest.mark.parametrize("word", ["", " ", "1", "True", " YES ", "on"])
def test_true_words_of_a_variable_are_those_of_the_batch_runner(bench: Bench, word: str) -> None:
    bench.run(*MODEL, CPU, USE_DOCKER=word, HF_HUB_OFFLINE=word)
    run = bench.docker_run()
    assert values(run, "--network") == (["none"] if word.strip() else [])
    (call,) = [call for call in bench.calls() if call["words"][0] == "run"]  # type: ignore[index]
    assert call["env"]["HF_HUB_OFFLINE"] == ("1" if word.strip() else word)  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backend.model=a/b", "--config-name"), "--config-name needs a value"),
        (("--config-name", "--config-dir", "x"), "--config-name needs a value"),
        ((*MODEL, "--config-dir"), "--config-dir needs a value"),
        ((*MODEL, "--config-name=summarization"), "--config-name is given more than once"),
        (("--config-dir", "a", "--config-dir", "b", *MODEL), "--config-dir is given more than"),
    ],
)
def test_flags_without_a_value_or_given_twice_are_refused_before_anything_is_asked(
    bench: Bench, words: tuple[str, ...], said: str
) -> None:
    done = bench.run(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert bench.calls() == []


@pytest.mark.parametrize(
    ("words", "variables", "code", "said"),
    [
        ((), {}, 2, "no arguments; see ./run_docker.sh --help"),
        (("-n",), {}, 2, "-n needs a number"),
        ((*MODEL, CPU), {"FAKE_IMAGE_CODE": "1"}, 3, "build it with ./build.sh"),
        ((*MODEL, CPU), {"FAKE_INFO_CODE": "1", "FAKE_INFO": "no socket"}, 3, "no socket"),
        ((*MODEL, CPU), {"FAKE_CODE": "125"}, 3, "could not start the container"),
        ((*MODEL, CPU), {"FAKE_CODE": "1"}, 1, ""),
        ((*MODEL, CPU), {"FAKE_CODE": "2"}, 2, ""),
        ((*MODEL, CPU), {"RESULTS_DIR": "/dev/null/x"}, 3, "set RESULTS_DIR"),
    ],
)
def test_it_ends_with_the_right_code_and_one_message(
    bench: Bench, words: tuple[str, ...], variables: dict[str, str], code: int, said: str
) -> None:
    done = bench.run(*words, **variables)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("run_docker.sh:") == (1 if said else 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="of root alone")
@pytest.mark.parametrize(
    ("owner", "variables", "info", "user"),
    [
        (0, {}, "runc [name=seccomp]", "10001:10001"),
        (0, {"SUDO_UID": "1234", "SUDO_GID": "1235"}, "runc [name=seccomp]", "1234:1235"),
        (4321, {"SUDO_UID": "1234", "SUDO_GID": "1235"}, "runc [name=seccomp]", "4321:4321"),
        (0, {}, "runc [name=seccomp name=rootless]", "0:0"),
    ],
)
def test_what_root_runs_belongs_to_somebody(
    bench: Bench, owner: int, variables: dict[str, str], info: str, user: str
) -> None:
    results = bench.here / "results"
    (results / "attempts").mkdir(parents=True)
    (results / "run_spec.json").write_text("")
    os.chown(results, owner, owner)
    assert bench.run(*MODEL, CPU, FAKE_INFO=info, **variables).returncode == 0
    assert values(bench.docker_run(), "--user") == [user]
    uid = int(user.partition(":")[0])
    assert results.stat().st_uid == uid
    if owner == 0:
        assert (results / "attempts").stat().st_uid == uid
        assert (results / "run_spec.json").stat().st_uid == uid
    assert (bench.home / ".cache" / "huggingface" / "hub").stat().st_uid == uid


@pytest.mark.skipif(os.geteuid() != 0, reason="of root alone")
def test_root_gives_away_what_runs_leave_and_no_target_of_a_link(
    bench: Bench, tmp_path: Path
) -> None:
    results, outside = bench.here / "results", tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("")
    results.mkdir()
    for name in RUN_ENTRIES[1:]:
        (results / name).write_text("")
    (results / RUN_ENTRIES[0]).symlink_to(outside / "file")
    (results / ATTEMPTS_DIR).symlink_to(outside)
    assert bench.run(*MODEL, CPU).returncode == 0
    for path in (results, *results.iterdir()):
        assert path.lstat().st_uid == 10001, path
    assert (outside.stat().st_uid, (outside / "file").stat().st_uid) == (0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="of root alone")
@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "launch.json outcome.json"])
def test_root_gives_away_no_folder_that_holds_more_than_runs(bench: Bench, name: str) -> None:
    results = bench.here / "results"
    results.mkdir()
    (results / "run_spec.json").write_text("")
    (results / name).write_text("")
    assert bench.run(*MODEL, CPU).returncode == 0
    assert {path.stat().st_uid for path in (results, *results.iterdir())} == {0}


def test_the_help_names_every_variable(bench: Bench) -> None:
    done = bench.run("--help")
    assert done.returncode == 0
    for name in ("RESULTS_DIR", "DOCKER_IMAGE", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "USE_DOCKER"):
        assert name in done.stdout
    assert bench.calls() == []


def test_a_machine_without_docker_is_told_what_to_do(bench: Bench, tmp_path: Path) -> None:
    tools = tmp_path / "few tools"
    tools.mkdir()
    for name in ("bash", "dirname", "basename", "mkdir", "tr", "id", "rm", "env"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    done = bench.run(*MODEL, PATH=str(tools))
    assert done.returncode == 3
    assert "install Docker, or set USE_DOCKER=false" in done.stderr


def test_without_docker_wrong_arguments_have_the_cores_code(bench: Bench) -> None:
    done = bench.run("--config-name", "text_generatoin", CPU, USE_DOCKER="0")
    assert done.returncode == 2
    assert "Did you mean text_generation?" in done.stderr
