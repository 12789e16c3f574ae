"""A token is planted, and searched for in everything that a sweep starts, writes and prints."""

import subprocess
import sys

import pytest

from tests.support.hub_server import knowing_hub
from tests.support.runner import ROOT, start, table
from tests.support.tiny_hub import GPT2, built_hub, snapshot  # noqa: F401
from tests.support.token_search import TOKEN, Watch, files_with_token

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
RUN_ID = "demo_tiny-gpt2-reasoner_Off"
FLAGS = (
    *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--num-prompts", "2"),
    *("--engine", "process", "--device", "cpu", "--repetitions", "1"),
)


def plant(way, home, work):
    """Leaves the token where a user would; gives the variables for the runner."""
    if way == "variable":
        return {"HF_TOKEN": TOKEN}
    if way == "login":
        (home / ".cache/huggingface").mkdir(parents=True)
        (home / ".cache/huggingface/token").write_text(TOKEN)
    else:
        (work / ".env").write_text(f"HF_TOKEN={TOKEN}\n")
    return {}


@pytest.mark.parametrize("way", ["variable", "login", "env file"])
def test_a_token_is_found_nowhere_but_where_it_was_planted(way, built_hub, tmp_path):  # noqa: F811
    folders = home, work, scratch, runtime = [
        tmp_path / name for name in ("home", "work", "scratch", "runtime")
    ]
    for folder in folders:
        folder.mkdir(mode=0o700)
    (work / "models.csv").write_text(f"{HEADER}{GPT2},1,A,text_gen,Off,\n")
    variables = plant(way, home, work)
    planted = files_with_token(*folders)
    seen = []
    with knowing_hub({f"models/{GPT2}": snapshot(built_hub, GPT2).name}, seen=seen) as address:
        runner = start(
            *FLAGS,
            cwd=work,
            HOME=str(home),
            TMPDIR=str(scratch),
            XDG_RUNTIME_DIR=str(runtime),
            HF_ENDPOINT=address,
            HF_HUB_CACHE=str(built_hub),
            OMP_NUM_THREADS="1",
            **variables,
        )
        with Watch(runner.pid) as watch:
            output, _ = runner.communicate(timeout=240)
    assert runner.returncode == 0, output
    assert table(work / "batch_results")[RUN_ID]["outcome"] == "finished"
    # It did reach the run, which asked the hub for the commit with it.
    asked = {request.path: request.token for request in seen}
    assert asked[f"/api/models/{GPT2}"] == TOKEN
    assert any("-m benchmark_core run" in arguments for arguments in watch.watched)
    assert watch.found == set()
    assert TOKEN not in output
    assert files_with_token(*folders, built_hub) == planted
    assert [path for path in runtime.rglob("*") if path.is_file()] == []


def test_the_search_finds_what_is_there(tmp_path):
    """Else the test above could not fail."""
    program = "import subprocess, sys; subprocess.run(['sleep', '0.5'], env={'A': sys.argv[1]})"
    (tmp_path / "a").write_text(f"x{TOKEN}x")
    (tmp_path / f"b{TOKEN}").touch()
    assert len(files_with_token(tmp_path)) == 2
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess; subprocess.run([{sys.executable!r}, '-c', "
            f"{program!r}, {TOKEN!r}])",
        ]
    )
    with Watch(parent.pid) as watch:
        parent.wait()
    found = "\n".join(watch.found)
    assert "sleep 0.5" in found, "its environment was not seen"
    assert TOKEN in found, "its arguments were not seen"


@pytest.mark.parametrize(
    "arguments", [f"--hf-token {TOKEN}", f"--hf_token={TOKEN}", f"--api-ke {TOKEN}", TOKEN]
)
def test_a_token_for_a_server_of_our_own_stops_before_anything_holds_it(arguments, tmp_path):
    """On the runner's own command line it stands by the user's will; nowhere else may it come."""
    runner = start(
        *("--backend", "vllm", "--serve-image", "acme/vllm:1", "--engine", "process"),
        *("--csv", str(ROOT / "demo/catalog.csv"), f"--serve-args={arguments}"),
        cwd=tmp_path,
        HOME=str(tmp_path),
    )
    with Watch(runner.pid) as watch:
        output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 2, output
    assert "would stand in the list of processes" in output
    assert TOKEN not in output
    assert watch.found == set()
    assert files_with_token(tmp_path) == []
