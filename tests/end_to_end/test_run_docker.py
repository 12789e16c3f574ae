"""run_docker.sh with an engine that records what it is asked for."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark_core.contract import ATTEMPTS_DIR, RUN_ENTRIES
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from orchestrator.engines import container_settings
from orchestrator.engines.core_sources import hash_of_core
from tests.support.runner import ROOT, environment, wait_for

SCRIPT = ROOT / "run_docker.sh"
TOKEN = "hf_" + "planted" * 4
MODEL = ("--config-name", "text_generation", "backend.model=org/name")
CPU = "backend.device=cpu"
HOSTILE = 'a user\'s "own", folder: $HOME `x` =[1]'

# Says what it was asked for and given, and behaves as told by its variables.
ENGINE = """#!{python}
import json, os, sys, time, signal
words = sys.argv[1:]
log = os.environ["FAKE_LOG"]
token = None
if words[0] == "run":
    for word in words:
        if "hf_token" in word and "source=" in word:
            source = word.split("source=")[1].split('"')[0]
            facts = os.stat(source)
            token = [open(source).read(), oct(facts.st_mode & 0o777), facts.st_uid, source]
with open(log, "a") as stream:
    stream.write(json.dumps(dict(words=words, env=dict(os.environ), token=token)) + "\\n")
if words[0] == "info":
    print(os.environ.get("FAKE_INFO", "runc [name=seccomp]"))
    sys.exit(int(os.environ.get("FAKE_INFO_CODE", "0")))
if words[:2] == ["image", "inspect"]:
    print(os.environ["FAKE_CORE"])
    sys.exit(int(os.environ.get("FAKE_IMAGE_CODE", "0")))
if words[0] == "run":
    if os.environ.get("FAKE_HANG"):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        time.sleep(60)
    sys.exit(int(os.environ.get("FAKE_CODE", "0")))
"""


@dataclass
class Bench:
    """A user's folder and home, and a `docker` in front of all others."""

    here: Path
    home: Path
    log: Path
    variables: dict[str, str]

    def run(
        self, *words: str, script: Path = SCRIPT, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(script), *words],
            cwd=self.here,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def calls(self) -> list[dict[str, object]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def docker_run(self) -> list[str]:
        """The words of the one container that was asked for."""
        (found,) = [call["words"] for call in self.calls() if call["words"][0] == "run"]  # type: ignore[index]
        assert isinstance(found, list)
        return found

    def inside(self) -> list[str]:
        """What stands after the image."""
        words = self.docker_run()
        return words[words.index("ai_energy_score") + 1 :]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    here, home, tools = tmp_path / HOSTILE, tmp_path / "my home", tmp_path / "tools"
    for folder in (here, home, tools):
        folder.mkdir()
    docker = tools / "docker"
    docker.write_text(ENGINE.format(python=sys.executable))
    docker.chmod(0o755)
    variables = environment(
        PATH=f"{tools}:{os.environ['PATH']}",
        HOME=str(home),
        FAKE_LOG=str(tmp_path / "log"),
        FAKE_CORE=hash_of_core(),
    )
    return Bench(here, home, tmp_path / "log", variables)


def values(words: list[str], option: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def mounts(words: list[str]) -> dict[str, tuple[str, bool]]:
    """By target: source, and whether it is read-only; as the engine's own client reads them."""
    import csv

    found = {}
    for text in values(words, "--mount"):
        (fields,) = csv.reader([text])
        pairs = dict(field.partition("=")[::2] for field in fields)
        assert pairs["type"] == "bind"
        found[pairs["target"]] = (pairs["source"], "readonly" in pairs)
    return found


def test_the_container_has_what_our_engine_gives_one(bench: Bench) -> None:
    done = bench.run(*MODEL, FAKE_INFO="nvidia runc [name=seccomp]")
    assert done.returncode == 0, done.stderr
    words = bench.docker_run()
    for option in ("--rm", "--init", "--read-only"):
        assert option in words
    for option, value in (
        ("--pull", "never"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pids-limit", str(container_settings.PROCESS_LIMIT)),
        ("--shm-size", container_settings.SHARED_MEMORY),
        ("--gpus", "all"),
    ):
        assert values(words, option) == [value]
    user = container_settings.ContainerUser.for_caller(rootless=False)
    assert values(words, "--user") == [f"{user.uid}:{user.gid}"]
    scratch = dict(text.partition(":")[::2] for text in values(words, "--tmpfs"))
    assert scratch == container_settings.scratch(user)
    assert "--network" not in words
    cache = bench.home / ".cache" / "huggingface"
    assert mounts(words) == {
        "/results": (str(bench.here / "results"), False),
        "/home/user/.cache/huggingface/hub": (str(cache / "hub"), False),
        "/home/user/.cache/huggingface/datasets": (str(cache / "datasets"), False),
    }
    assert bench.inside() == list(MODEL)


def test_twenty_samples_are_the_default_and_the_core_decides(bench: Bench) -> None:
    bench.run(*MODEL, CPU)
    words = bench.docker_run()
    assert "DEFAULT_NUM_SAMPLES" in values(words, "--env")
    (call,) = [call for call in bench.calls() if call["words"][0] == "run"]  # type: ignore[index]
    assert call["env"]["DEFAULT_NUM_SAMPLES"] == "20"  # type: ignore[index]


@pytest.mark.parametrize(
    "flag", [("-n", "7"), ("-n7",), ("--num-samples", "7"), ("--num-samples=7",)]
)
def test_the_flag_is_the_key(bench: Bench, flag: tuple[str, ...]) -> None:
    bench.run(*flag, *MODEL, CPU)
    assert bench.inside() == [*MODEL, CPU, "scenario.num_samples=7"]


def test_two_numbers_of_samples_are_both_said_so_that_the_core_refuses_them(bench: Bench) -> None:
    bench.run("-n", "5", *MODEL, CPU, "-n7")
    assert bench.inside()[-2:] == ["scenario.num_samples=5", "scenario.num_samples=7"]


def test_null_names_no_file_no_device_and_no_backend(bench: Bench) -> None:
    words = ("scenario.prompts_file=null", "+scenario.dataset_dir=NULL", "backend.processor=null")
    done = bench.run(
        *(*MODEL, *words, "backend.device=null", "backend.name=null", "backend.endpoint=null"),
        BENCHMARK_BACKEND="vllm",
        VLLM_ENDPOINT="http://127.0.0.1:8000",
    )
    assert done.returncode == 0, done.stderr
    assert bench.inside()[len(MODEL) : len(MODEL) + 3] == list(words)
    assert values(bench.docker_run(), "--network") == ["host"]


def test_own_files_are_mounted_and_named_as_they_are_inside(bench: Bench) -> None:
    prompts = bench.here / "my 'prompts', all.txt"
    prompts.write_text("one\n")
    configs, model = bench.here / "my configs", bench.here / "a=model"
    configs.mkdir()
    model.mkdir()
    (bench.home / "x.yaml").write_text("a: 1\n")
    done = bench.run(
        *("--config-dir", "my configs", "--config-name", "own", CPU),
        *(f"+scenario.prompts_file={prompts.name}", "backend.model=a=model"),
        *("backend.processor=org/name", "scenario.reasoning=True"),
    )
    assert done.returncode == 0, done.stderr
    found = mounts(bench.docker_run())
    inside = bench.inside()
    assert inside == [
        *("--config-dir", "/inputs/config_dir/my configs", "--config-name", "own", CPU),
        f"+scenario.prompts_file=/inputs/samples/{prompts.name}",
        *("backend.model=/inputs/model/a=model", "backend.processor=org/name"),
        "scenario.reasoning=True",
    ]
    assert found["/inputs/config_dir/my configs"] == (str(configs), True)
    assert found[f"/inputs/samples/{prompts.name}"] == (str(prompts), True)
    assert found["/inputs/model/a=model"] == (str(model), True)


@pytest.mark.parametrize("form", ["--config-name=~/x.yaml", "--config-name ~/x.yaml"])
def test_a_config_file_by_its_path_is_mounted_alone(bench: Bench, form: str) -> None:
    (bench.home / "x.yaml").write_text("a: 1\n")
    assert bench.run(*form.split(" "), CPU).returncode == 0
    assert bench.inside() == ["--config-name", "/inputs/config_file/x.yaml", CPU]
    found = mounts(bench.docker_run())
    assert found["/inputs/config_file/x.yaml"] == (str(bench.home / "x.yaml"), True)
    assert str(bench.home) not in {source for source, _ in found.values()}


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


@pytest.mark.parametrize(
    ("words", "variables", "gpus", "network"),
    [
        ((), {}, True, None),
        ((CPU,), {}, False, None),
        (("++backend.device=cpu",), {}, False, None),
        (("backend.device='cpu'",), {}, False, None),
        (('backend.name="simulated"',), {}, False, "none"),
        (("backend.name=vllm", "backend.endpoint='http://127.0.0.1:8'"), {}, False, "host"),
        ((CPU,), {"HF_HUB_OFFLINE": "1"}, False, "none"),
        ((), {"HF_HUB_OFFLINE": "true"}, True, "none"),
        ((), {"HF_HUB_OFFLINE": "0"}, True, None),
        (("backend.name=simulated",), {}, False, "none"),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://box:8000/v1"}, False, None),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://127.0.0.1:1"}, False, "host"),
        (
            ("backend.endpoint=http://localhost:8000/v1",),
            {"BENCHMARK_BACKEND": "vllm", "HF_HUB_OFFLINE": "1"},
            False,
            "host",
        ),
        (
            ("backend.name=vllm", "backend.endpoint=http://localhost.example.com"),
            {"HF_HUB_OFFLINE": "1"},
            False,
            None,
        ),
        (("backend.name=pytorch",), {"BENCHMARK_BACKEND": "vllm"}, True, None),
    ],
)
def test_gpus_and_network_are_given_where_they_are_needed(
    bench: Bench,
    words: tuple[str, ...],
    variables: dict[str, str],
    gpus: bool,
    network: str | None,
) -> None:
    done = bench.run(*MODEL, *words, FAKE_INFO="io.containerd.runc.v2 nvidia [x]", **variables)
    assert done.returncode == 0, done.stderr
    run = bench.docker_run()
    assert values(run, "--gpus") == (["all"] if gpus else [])
    assert values(run, "--network") == ([network] if network else [])
    assert ("NVIDIA_VISIBLE_DEVICES=void" in values(run, "--env")) is not gpus


@pytest.mark.parametrize(
    ("words", "variables", "gpus", "network"),
    [
        ((), {"BENCHMARK_BACKEND": "vllm"}, True, None),
        ((), {"BENCHMARK_BACKEND": "simulated", "HF_HUB_OFFLINE": "1"}, True, None),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://localhost:8"}, True, "host"),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://box:8"}, True, None),
        ((CPU,), {"BENCHMARK_BACKEND": "vllm"}, False, None),
        (("backend.name=vllm",), {}, False, None),
        (("backend.name=pytorch",), {"HF_HUB_OFFLINE": "1"}, True, "none"),
    ],
)
@pytest.mark.parametrize("form", ["--config-name own.yaml", "--config-dir . --config-name own"])
def test_with_a_config_file_nothing_is_missing_whatever_backend_it_names(
    bench: Bench,
    form: str,
    words: tuple[str, ...],
    variables: dict[str, str],
    gpus: bool,
    network: str | None,
) -> None:
    (bench.here / "own.yaml").write_text("backend: pytorch\n")
    done = bench.run(*form.split(), *words, FAKE_INFO="nvidia runc [x]", **variables)
    assert done.returncode == 0, done.stderr
    run = bench.docker_run()
    assert values(run, "--gpus") == (["all"] if gpus else [])
    assert values(run, "--network") == ([network] if network else [])
    assert "/home/user/.cache/huggingface/hub" in mounts(run)


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


def test_another_image_is_taken(bench: Bench) -> None:
    bench.run(*MODEL, CPU, DOCKER_IMAGE="mine:2")
    assert "mine:2" in bench.docker_run()


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


# ------------------------------------------------------------------ the token


def places(bench: Bench) -> dict[str, dict[str, str]]:
    """Where a token may lie, as variables; the files are made."""
    hf_home = bench.home / "hf"
    files = {
        "HF_HOME": hf_home / "token",
        "HF_TOKEN_PATH": bench.home / "my token",
        "login": bench.home / ".cache" / "huggingface" / "token",
        "old": bench.home / ".huggingface" / "token",
    }
    return {
        "HF_TOKEN": {"HF_TOKEN": TOKEN},
        **{
            name: {name: str(path.parent if name == "HF_HOME" else path), "write": str(path)}
            for name, path in files.items()
        },
    }


@pytest.mark.parametrize("place", ["HF_TOKEN", "HF_HOME", "HF_TOKEN_PATH", "login", "old"])
def test_a_token_goes_as_a_file_of_the_containers_user_and_is_gone_afterwards(
    bench: Bench, place: str
) -> None:
    variables = places(bench)[place]
    path = variables.pop("write", None)
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f" {TOKEN}\n")
    variables = {name: text for name, text in variables.items() if name.isupper()}
    assert bench.run(*MODEL, CPU, **variables).returncode == 0
    (call,) = [call for call in bench.calls() if call["words"][0] == "run"]  # type: ignore[index]
    text, mode, owner, source = call["token"]  # type: ignore[misc]
    user = container_settings.ContainerUser.for_caller(rootless=False)
    assert (text, mode, owner) == (TOKEN, "0o400", user.uid)
    assert not Path(source).exists()
    assert not Path(source).parent.exists()
    words = bench.docker_run()
    assert mounts(words)["/run/secrets/hf_token"] == (source, True)
    assert "HF_TOKEN_PATH=/run/secrets/hf_token" in values(words, "--env")
    for other in bench.calls():
        assert TOKEN not in json.dumps({"words": other["words"], "env": other["env"]})


def test_offline_runs_get_no_token(bench: Bench) -> None:
    bench.run(*MODEL, CPU, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert "/run/secrets/hf_token" not in mounts(bench.docker_run())
    assert TOKEN not in bench.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_container_and_removes_the_token(
    bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    child = subprocess.Popen(
        [str(SCRIPT), *MODEL, CPU],
        cwd=bench.here,
        env={**bench.variables, "FAKE_HANG": "1", "HF_TOKEN": TOKEN, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: any(call["words"][0] == "run" for call in bench.calls()))  # type: ignore[index]
    assert list(scratch.rglob("hf_token"))
    child.send_signal(number)
    assert child.wait(timeout=30) == 130
    assert list(scratch.iterdir()) == []
    (name,) = values(bench.docker_run(), "--name")
    asked = [call["words"] for call in bench.calls()]
    assert ["stop", "--time", "10", name] in asked
    assert ["rm", "--force", name] in asked


# ------------------------------------------------------------------ without a container


def test_without_docker_the_core_runs_right_here(bench: Bench, tmp_path: Path) -> None:
    """From a folder that has files named like libraries; the token is a file here too."""
    build_zoo(bench.home / "hub", ["demo/tiny-llama-reasoner"])
    build_samples(bench.home / "samples")
    (bench.here / "datasets.py").write_text("raise SystemExit('the wrong module')\n")
    prompts = f"scenario.prompts_file={bench.home}/samples/text_generation.jsonl"
    done = bench.run(
        *("-n", "1", "--config-name", "text_generation"),
        *("backend.model=demo/tiny-llama-reasoner", CPU, prompts),
        USE_DOCKER="false",
        HF_HUB_CACHE=str(bench.home / "hub"),
        HF_HUB_OFFLINE="1",
        HF_TOKEN=TOKEN,
        OMP_NUM_THREADS="1",
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert bench.calls() == []
    report = json.loads((bench.here / "results" / "benchmark_report.json").read_text())
    assert report["summary"]["total_prompts"] == 1
    assert "docker inspect" not in done.stderr
    for path in (bench.here / "results").rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace")
    assert not list(tmp_path.glob("ai-energy-score.*"))


def test_without_docker_wrong_arguments_have_the_cores_code(bench: Bench) -> None:
    done = bench.run("--config-name", "text_generatoin", CPU, USE_DOCKER="0")
    assert done.returncode == 2
    assert "Did you mean text_generation?" in done.stderr


def test_the_checkout_may_lie_anywhere(bench: Bench, tmp_path: Path) -> None:
    """Without its environment, the python3 of the path runs the core of that checkout."""
    checkout = tmp_path / HOSTILE / "a checkout"
    checkout.mkdir()
    copied = shutil.copy(SCRIPT, checkout / "run_docker.sh")
    assert Path(copied).stat().st_mode & stat.S_IXUSR
    python = tmp_path / "tools" / "python3"
    python.write_text('#!/bin/sh\necho "$PYTHONPATH|$RESULTS_DIR|$*"\n')
    python.chmod(0o755)
    done = bench.run("a=b", script=checkout / "run_docker.sh", USE_DOCKER="no")
    assert done.stdout == f"{checkout}|{bench.here}/results|-m benchmark_core a=b\n"


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", "-x", "run_docker.sh", "docker/core_hash.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
