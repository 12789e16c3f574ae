import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from model_config_parser import ModelConfig, ModelConfigParser
from tests.support.catalogs import GOOD, HEADER, write

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "model_config_parser.py"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "mine.csv"


def run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_script_prints_whole_ids_when_piped(catalog: Path) -> None:
    long_id = "o" * 96 + "/" + "n" * 96
    write(catalog, f"{long_id},1,A,text_gen,On,[bold]a \x1b[31m[/bold]", GOOD)
    done = run("--csv", catalog)
    assert (done.returncode, done.stderr) == (0, "")
    assert long_id in done.stdout
    assert "[bold]a ?[31m[/bold]" in done.stdout
    assert "\x1b" not in done.stdout
    assert "2 rows, 2 models" in done.stdout


def test_script_prints_json_that_parses_back(catalog: Path) -> None:
    write(catalog, GOOD, "c/d,2,,image_gen,,caf\u00e9")
    done = run("--csv", catalog, "--json")
    rows = [ModelConfig.model_validate(item) for item in json.loads(done.stdout)]
    assert rows == ModelConfigParser(catalog).parse()


def test_script_filters(catalog: Path) -> None:
    write(catalog, GOOD, "c/d,1,B,text_gen,On (High),", "e/f,1,C,text_gen,On (High),")
    flags = ("--class", "B,A", "--reasoning-state", "HIGH", "--task", "text_gen", "--json")
    done = run("--csv", catalog, "--model-name", "D", *flags)
    assert [item["model_id"] for item in json.loads(done.stdout)] == ["c/d"]


def test_script_reads_models_csv_by_default() -> None:
    assert len(json.loads(run("--json").stdout)) == 60


def test_script_refuses_with_2_and_without_traceback(catalog: Path) -> None:
    write(catalog, "a/..,0,D,poetry,Perhaps,")
    done = run("--csv", catalog)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"error: {catalog}, line 2, column ") for line in lines)


@pytest.mark.parametrize("flags", [("--csv", "none.csv"), ("--csv", "."), ("--class", "Z")])
def test_script_refuses_user_mistakes_in_one_line(tmp_path: Path, flags: tuple[str, str]) -> None:
    write(tmp_path / "models.csv", GOOD)
    done = run(*flags, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_script_lints(catalog: Path) -> None:
    write(catalog, GOOD + ",abc,x", header=f"{HEADER},Revison,Owner")
    done = run("--csv", catalog, "--lint")
    assert done.returncode == 1
    assert "the column 'Revison' is not read. Did you mean 'Revision'?" in done.stdout
    assert "the column 'Owner' is not read" in done.stdout
    (first, second) = json.loads(run("--csv", catalog, "--lint", "--json").stdout)
    assert first["where"] == second["where"] == str(catalog)


def test_script_lints_a_sound_catalog_to_nothing(catalog: Path) -> None:
    write(catalog, GOOD, "Qwen/Qwen3-0.6B,1,A,text_gen,Off,enable_thinking=False")
    done = run("--csv", catalog, "--lint")
    assert done.returncode == 0
    assert "warning" not in done.stdout + done.stderr


def test_script_explains_every_doubt_about_the_shipped_catalog() -> None:
    done = run("--lint")
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line for line in done.stdout.splitlines() if line.startswith("warning: models.csv")]
    assert len(lines) == 7
    assert all("not enforced" in line for line in lines)


def test_script_warns_of_the_rows_it_prints_after_the_table(catalog: Path) -> None:
    write(
        catalog,
        "deepseek-ai/DeepSeek-R1,1,C,text_gen,Off,",
        "google/gemma-3-1b-it,1,A,text_gen,On,",
        GOOD,
    )
    done = run("--csv", catalog)
    assert done.returncode == 0
    assert "3 rows, 3 models" in done.stdout
    assert "warning" not in done.stdout
    first, second = done.stderr.splitlines()
    start = f"warning: {catalog}, line"
    assert first.startswith(f"{start} 2, column Reasoning State: 'Off', and deepseek-ai/")
    assert second.startswith(f"{start} 3, column Reasoning State: 'On', and google/gemma-3-1b-it")
    assert second.endswith("Write Off (N/A).")

    chosen = run("--csv", catalog, "--model-name", "gemma", "--json")
    assert [item["line"] for item in json.loads(chosen.stdout)] == [3]
    assert chosen.stderr == f"{second}\n"
    assert run("--csv", catalog, "--model-name", "a/b").stderr == ""


def test_script_survives_a_reader_that_stops(catalog: Path) -> None:
    write(catalog, *(f"a/b{n},1,A,text_gen,On," for n in range(5_000)))
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, str(SCRIPT), "--csv", str(catalog)]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_script_fits_a_narrow_terminal(catalog: Path) -> None:
    write(catalog, f"{'o' * 40}/{'n' * 40},1,A,text_gen,On (High),note")
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, str(SCRIPT), "--csv", str(catalog)]
    subprocess.run(command, stdout=slave, check=True, env=environment)
    os.close(slave)
    screen = b""
    while True:
        try:
            chunk = os.read(master, 65_536)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
    os.close(master)
    lines = screen.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.count("n") for line in lines) >= 40
    assert any("On (High)" in line for line in lines)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['p', '--help']\n"
        "import model_config_parser\n"
        "try: model_config_parser.main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'pydantic', 'rich', 'csv', 'pandas', 'torch'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
