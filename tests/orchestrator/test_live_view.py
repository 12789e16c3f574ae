"""The live view on real terminals: of a sweep, and of `status --watch` beside it."""

import re
import signal
import subprocess
import sys

import pytest

from orchestrator.__main__ import main
from tests.support.runner import ROOT, command, environment, start, wait_for, write_catalog
from tests.support.terminal import Screen, Terminal

FLAGS = (
    *("--csv", "models.csv", "--backend", "simulated", "--engine", "process"),
    *("--num-prompts", "10", "--repetitions", "2", "--simulation", "simulation.yaml"),
    *("--output-dir", "results"),
)
WATCH = (sys.executable, "-m", "orchestrator", "status", "--watch")


@pytest.fixture
def place(tmp_path):
    write_catalog(tmp_path / "models.csv", ["one", "two"])
    (tmp_path / "simulation.yaml").write_text("default: {seconds_per_sample: 0.06}\n")
    return tmp_path


def pictures(lines):
    """How many pictures of a sweep stand on a screen, by each of their parts."""
    starts = ("GPU  run", "sweep   ", "queue   ", "energy  ")
    return [sum(line.startswith(start) for line in lines) for start in starts]


def shows(terminal, what):
    return lambda: any(re.search(what, line) for line in terminal.seen())


@pytest.mark.parametrize("sizes", [((80, 24), (60, 14)), ((200, 50), (80, 24))])
def test_one_picture_stands_on_the_screen_and_survives_a_smaller_one(place, sizes):
    (columns, lines), smaller = sizes
    terminal = Terminal(command(*FLAGS), place, environment(), columns, lines)
    wait_for(shows(terminal, r"sim_one_Off +(prefill|generate) ./2 .* \d+ %"))
    assert pictures(terminal.seen()) == [1, 1, 1, 1]
    assert shows(terminal, r"^queue   1 run(, |$)")()
    terminal.resize(*smaller)
    wait_for(shows(terminal, r"(finished|●) .*sim_one_Off"))
    wait_for(shows(terminal, r"two_Off +(prefill|generate) "))
    assert pictures(terminal.seen()) == [1, 1, 1, 1]
    assert terminal.wait() == 0
    seen = terminal.seen()
    assert pictures(seen) == [0, 0, 0, 0], "it goes away in the end"
    assert any("2 finished" in line for line in seen)
    above = [*terminal.screen.history, *seen]
    assert sum(line.startswith("● finished sim_") for line in above) == 2
    assert terminal.screen.cursor_shown
    assert not terminal.screen.unknown


def test_a_narrow_terminal_grows(place):
    terminal = Terminal(command(*FLAGS), place, environment(NO_COLOR="1"), 40, 9)
    wait_for(shows(terminal, "^sweep "))
    terminal.resize(132, 30)
    wait_for(shows(terminal, r"sim_one_Off .* \d+/40 "))
    assert pictures(terminal.seen()) == [1, 1, 1, 1]
    terminal.process.send_signal(signal.SIGINT)
    wait_for(shows(terminal, "finishing this run first"))
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 130
    assert terminal.screen.cursor_shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.raw), "colours that nobody wants"


def test_another_terminal_sees_the_same_until_the_sweep_ends(place, capsys):
    sweep = start(*FLAGS, cwd=place)
    wait_for((place / "results/individual_runs/sim_one_Off/benchmark_results.csv").exists)
    terminal = Terminal([*WATCH, str(place / "results")], ROOT, environment(), 80, 24)
    wait_for(shows(terminal, r"sim_one_Off +(prefill|generate) "))
    assert pictures(terminal.seen()) == [1, 1, 1, 1]
    piped = subprocess.Popen(
        [*WATCH, str(place / "results")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert piped.stdout.readline().endswith("at work, 1 waiting\n")
    piped.send_signal(signal.SIGINT)
    assert piped.wait() == 0
    text, _ = sweep.communicate()
    assert sweep.returncode == 0, text
    assert terminal.wait() == 0
    seen = terminal.seen()
    assert pictures(seen)[1:] == [1, 1, 1]
    assert any("2 of 2 runs" in line for line in seen)
    assert any(line == "The sweep has ended." for line in seen)
    assert terminal.screen.cursor_shown
    assert main(["status", "--watch", str(place / "results")]) == 0
    assert capsys.readouterr().out == (
        "2 of 2 runs ended, 0 at work, 0 waiting\nThe sweep has ended.\n"
    )


def test_watching_needs_a_sweep(tmp_path, capsys):
    (tmp_path / "individual_runs").mkdir()
    assert main(["status", "--watch", str(tmp_path)]) == 2
    assert "shows no sweep to watch" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["status", "--watch", "--json", str(tmp_path)])


def test_the_screen_of_these_tests_is_one():
    screen = Screen(5, 3)
    screen.feed("abcdefg\r\nh\r\ni\r\x1b[2K\x1b[1Aj\x1b[31mk\x1b[0m")
    assert screen.rows == ["fg", "jk", ""]
    assert screen.history == ["abcde"]
