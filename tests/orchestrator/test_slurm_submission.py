"""What is asked of Slurm and of container commands, word by word; and what a profile may say."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.engines.base import Order
from orchestrator.engines.slurm.job_record import read_job
from orchestrator.engines.slurm.profile import SlurmProfile, read_profile
from orchestrator.engines.slurm.queue import OVER, QueuedJob
from orchestrator.engines.slurm.runtimes import apptainer, pyxis
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.engines.slurm.runtimes.command import plain_paths_alone
from orchestrator.engines.slurm.submission import job_script, sbatch_arguments, time_limit
from orchestrator.errors import UsageError
from tests.support import builders
from tests.support.slurm_jobs import submitted

PROFILE = """
partition: h100,h200
account: energy
qos: night
constraint: nvlink&ib
gpu_type: h100
cpus_per_gpu: 12
memory: 128G
options: [--nice=100, --reservation=bench]
setup: [module load cuda/12, "export X='a b'"]
python: /shared/my env/bin/python
program_root: /shared/runner
runtime: pyxis
image: /shared/ai.sqsh
"""


def read(folder: Path, text: str) -> SlurmProfile:
    path = folder / "profile.yaml"
    path.write_text(text)
    return read_profile(path)


def test_a_profile_becomes_one_command_and_a_script_without_a_shell(tmp_path: Path) -> None:
    profile = read(tmp_path, PROFILE)
    command = sbatch_arguments(profile, "name", "comment", Path("/o/50%j.slurm.log"), 2, 90)
    assert command == [
        *("sbatch", "--parsable", "--job-name=name", "--comment=comment"),
        *("--nodes=1", "--ntasks=1", "--chdir=/", "--export=ALL"),
        *("--requeue", "--signal=B:TERM@60"),
        *("--open-mode=append", "--output=/o/50%%j.slurm.log"),
        *("--partition=h100,h200", "--account=energy", "--qos=night", "--constraint=nvlink&ib"),
        *("--mem=128G", "--time=90", "--gres=gpu:h100:2", "--cpus-per-task=24"),
        *("--nice=100", "--reservation=bench"),
    ]
    assert job_script(profile, Path("/o/it's")).splitlines() == [
        "#!/bin/bash",
        "module load cuda/12",
        "export X='a b'",
        "export PYTHONPATH=/shared/runner PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1",
        "exec '/shared/my env/bin/python' -m orchestrator.engines.slurm.job '/o/it'\"'\"'s'",
    ]


def test_without_a_profile_only_the_gpus_are_asked_for() -> None:
    command = sbatch_arguments(SlurmProfile(), "n", "c", Path("/o/l"), 1, None)
    assert command[-1] == "--gres=gpu:1"
    assert not [word for word in command if word.startswith(("--partition", "--time", "--mem"))]
    on_cpu = sbatch_arguments(SlurmProfile(), "n", "c", Path("/o/l"), 0, None)
    assert on_cpu == command[:-1]


def test_nodes_out_of_service_join_those_that_the_profile_leaves_out() -> None:
    stated = SlurmProfile(options=("--exclude=n[1-2]", "--nice=1"))
    given = (stated, "n", "c", Path("/o/l"), 1, None)
    assert sbatch_arguments(*given, ("n4", "n7"))[-2:] == ["--nice=1", "--exclude=n[1-2],n4,n7"]
    assert sbatch_arguments(*given)[-2:] == ["--exclude=n[1-2]", "--nice=1"]
    plain = (SlurmProfile(), "n", "c", Path("/o/l"), 1, None)
    assert sbatch_arguments(*plain, ("n4",)) == [*sbatch_arguments(*plain), "--exclude=n4"]


def test_a_job_may_take_longer_than_its_run() -> None:
    profile = SlurmProfile(time_limit_minutes=30)
    assert time_limit(profile, None) == 30
    assert time_limit(profile, 3600) == 64
    assert time_limit(SlurmProfile(), 1) == 5


def test_whole_names_that_begin_like_those_of_this_program_are_options(tmp_path: Path) -> None:
    options = ("--time-min=5", "--gres-flags=enforce-binding", "--exclusive", "--nodelist=n[1-2]")
    assert read(tmp_path, f"options: {list(options)}").options == options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partion: a", "'partion' is no entry of a profile. Did you mean partition?"),
        ("xyz: 1", "'xyz' is no entry of a profile. Known are partition, account"),
        ("runtime: podman", "runtime: Input should be 'docker', 'apptainer', 'pyxis' or 'process'"),
        ("options: [--output=/x]", "--output is set by this program"),
        ("options: [--exclud=n1]", "--exclud is short for --exclude: write names of options whole"),
        ("options: [--gre=gpu:1]", "--gre is short for --gres"),
        ("options: [--no]", "--no is short for --no-requeue or --nodes"),
        ("options: [--]", "'--' is no long option"),
        ("options: [--nice 100]", "'--nice 100' is no long option such as --nice=100"),
        ("options: ['--exclude=n1 --time=1']", "is no long option"),
        ("options: [-N2]", "is no long option such as --nice=100"),
        ("options: [--exclude=./broken]", "--exclude takes a list of nodes here, no file"),
        ("partition: 'a --uid=0'", "partition: String should match"),
        ('setup: ["a\\nb"]', "setup.0: String should match"),
        ("gpus_per_node: 0", "gpus_per_node: Input should be greater than or equal to 1"),
        ("- a", "is not a YAML mapping"),
        ("a: [", "cannot be read"),
    ],
)
def test_what_a_profile_may_not_say(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert message in str(refused.value)


def settings_of(tmp_path: Path, **changes: Any) -> tuple[RuntimeSettings, Order]:
    """A run with weights, samples, two GPUs and a token, on a node."""
    samples = tmp_path / "prompts.txt"
    samples.write_text("hello\n")
    fields: dict[str, Any] = {
        "image": "/shared/ai.sif",
        "needs_model": True,
        "wants_gpus": True,
        "offline": False,
        "samples": samples,
        "hub_cache": tmp_path / "hub",
        "datasets_cache": tmp_path / "datasets",
    }
    folder = submitted(tmp_path, **(fields | changes))
    launch = builders.launch(engine="slurm", gpu_uuids=("GPU-a", "GPU-b"))
    (folder / "launch.json").write_text(launch.to_json())
    record = read_job(folder)
    assert record is not None
    given = {"HF_ENDPOINT": "http://hub", "HF_HOME": "/home/me"}
    settings = RuntimeSettings(record, "n1", token="hf_hidden", environment=given)
    return settings, record.order(folder)


def test_the_command_of_apptainer(tmp_path: Path) -> None:
    settings, order = settings_of(tmp_path)
    command = apptainer.make_command(settings, order, Path("/scratch"), Path("/run/token"))
    hub = "/home/user/.cache/huggingface"
    bind = "type=bind,source={},destination={}"
    assert command.arguments == (
        *("apptainer", "run", "--containall", "--cleanenv", "--home", "/scratch:/home/user"),
        *("--pwd", "/", "--nv"),
        *("--mount", bind.format(order.folder, "/results")),
        *("--mount", bind.format(tmp_path / "hub", f"{hub}/hub")),
        *("--mount", bind.format(tmp_path / "datasets", f"{hub}/datasets")),
        *("--mount", bind.format(tmp_path / "prompts.txt", "/inputs/prompts.txt") + ",ro"),
        *("--mount", bind.format("/run/token", "/run/secrets/hf_token") + ",ro"),
        *("/shared/ai.sif", "run", "/results"),
    )
    assert command.environment == {
        "APPTAINERENV_USER": "user",
        "APPTAINERENV_LOGNAME": "user",
        "APPTAINERENV_HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
        "APPTAINERENV_HF_ENDPOINT": "http://hub",
        "APPTAINERENV_HF_TOKEN_PATH": "/run/secrets/hf_token",
        "APPTAINERENV_CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b",
    }


def test_the_command_of_pyxis(tmp_path: Path) -> None:
    settings, order = settings_of(tmp_path)
    command = pyxis.make_command(settings, order, Path("/scratch"), Path("/run/token"))
    hub = "/home/user/.cache/huggingface"
    mounts = [
        "/scratch:/home/user",
        f"{order.folder}:/results",
        f"{tmp_path}/hub:{hub}/hub",
        f"{tmp_path}/datasets:{hub}/datasets",
        f"{tmp_path}/prompts.txt:/inputs/prompts.txt:ro",
        "/run/token:/run/secrets/hf_token:ro",
    ]
    assert command.arguments == (
        *("srun", "--nodes=1", "--ntasks=1", "--container-image=/shared/ai.sif"),
        f"--container-mounts={','.join(mounts)}",
        *("--no-container-mount-home", "--container-workdir=/", "--container-writable"),
        "--container-env=CUDA_VISIBLE_DEVICES,HF_ENDPOINT,HF_TOKEN_PATH,"
        "HF_XET_CHUNK_CACHE_SIZE_BYTES,HOME,LOGNAME,NVIDIA_VISIBLE_DEVICES,USER",
        *("--container-entrypoint", "run", "/results"),
    )
    assert command.environment == {
        "HOME": "/home/user",
        "USER": "user",
        "LOGNAME": "user",
        "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
        "HF_ENDPOINT": "http://hub",
        "HF_TOKEN_PATH": "/run/secrets/hf_token",
        "NVIDIA_VISIBLE_DEVICES": "GPU-a,GPU-b",
        "CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b",
    }
    assert "hf_hidden" not in repr(settings) + repr(command)


def test_a_run_on_the_cpu_gets_no_gpu(tmp_path: Path) -> None:
    settings, order = settings_of(tmp_path, wants_gpus=False, offline=True)
    boxed = apptainer.make_command(settings, order, Path("/scratch"), None)
    assert "--nv" not in boxed.arguments
    assert "APPTAINERENV_CUDA_VISIBLE_DEVICES" not in boxed.environment
    assert boxed.environment["APPTAINERENV_HF_HUB_OFFLINE"] == "1"
    stepped = pyxis.make_command(settings, order, Path("/scratch"), None)
    assert stepped.environment["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_paths_that_a_list_of_mounts_would_split_are_refused() -> None:
    (problem,) = plain_paths_alone([Path("/a/b c"), Path("/a,b")])
    assert "has a comma, a colon or a quote" in str(problem)


@pytest.mark.parametrize(
    ("state", "reason", "is_held"),
    [
        ("PENDING", "JobHeldUser", True),
        ("PENDING", "launch failed requeued held", True),
        ("PENDING", "DependencyNeverSatisfied", True),
        ("PENDING", "BadConstraints", True),
        ("REQUEUE_HOLD", "None", True),
        ("PENDING", "Resources", False),
        ("PENDING", "BeginTime", False),
        ("RUNNING", "None", False),
        ("COMPLETED", "None", False),
    ],
)
def test_which_jobs_wait_for_a_person(state: str, reason: str, is_held: bool) -> None:
    job = QueuedJob("1", state, "name", "comment", "", reason)
    assert job.is_held is is_held
    assert job.is_over is (state in OVER)
