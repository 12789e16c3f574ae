"""`failures`: what failed, by its reasons, with what to do and the command that runs it again."""

import json
import re
import shlex

import pytest

import batch_runner
from benchmark_core.contract import DeviceSpec, ModelSpec
from orchestrator.__main__ import main
from orchestrator.contradictions import find_contradictions
from orchestrator.failure_advice import ADVICE
from orchestrator.outcome import IMPORT_ENGINE
from orchestrator.rerun_command import DROPPED, DROPPED_WITH_VALUE, OF_ROWS, RerunCommand
from orchestrator.run_record import Asked
from tests.support import builders
from tests.support.night import Night
from tests.support.pages import coded, rows, section, text
from tests.support.parsers import actions
from tests.support.settings import settings


@pytest.fixture
def night(tmp_path):
    made = Night(tmp_path / "night")
    made.add("good", 1)
    for name in ("b", "a", "c"):
        made.add(name, 1, failure=("timeout", f"stopped {name}\x1b[31m"))
    made.add("gone", 1, failure=("vanished", "lost sight of"))
    made.begin("cut_off")
    return made


def shown(capsys, night, *flags):
    assert main(["failures", str(night.directory.root), *flags]) == 0
    return capsys.readouterr().out


def test_each_reason_has_its_runs_a_message_advice_and_a_command(capsys, night):
    night.end(["ai-energy-score run", "--csv", "my models.csv", "--model-name", "x", "--json"])
    (night.directory.runs_path / "gone" / "outcome.json").write_text("{")
    document = json.loads(shown(capsys, night, "--json"))
    assert [(group["reason"], group["run_ids"]) for group in document["groups"]] == [
        ("timeout", ["a", "b", "c"]),
        ("interrupted", ["cut_off"]),
    ]
    slow = document["groups"][0]
    assert slow["example_message"].startswith("timeout: stopped a")
    assert slow["remedy"] == ADVICE["timeout"].remedy
    assert slow["command"] == (
        "ai-energy-score run --csv 'my models.csv' --model-name x --rerun-failed"
        " --only-reason timeout"
    )
    assert document["unreadable"] == ["gone"] and document["commands_are_whole"]


def test_people_read_the_same_and_no_control_character(capsys, night):
    out = shown(capsys, night)
    assert "timeout: 3 runs\n  a\n  b\n  c\n" in out
    assert "\x1b" not in out
    assert "run again:  --rerun-failed --only-reason timeout\n" in out
    assert "How the sweep was started is not known" in out


def test_nothing_failed_is_said_and_imports_cannot_run_again(capsys, tmp_path):
    night = Night(tmp_path / "night")
    night.add("good", 1)
    assert shown(capsys, night) == "nothing failed\n"
    night.add("theirs", 1, failure=("failed_elsewhere", "Docker failed"))
    path = night.directory.folder("theirs").outcome_path
    path.write_text(path.read_text().replace('"docker"', f'"{IMPORT_ENGINE}"'))
    (group,) = json.loads(shown(capsys, night, "--json"))["groups"]
    assert (group["reason"], group["command"]) == ("failed_elsewhere", None)
    assert main(["failures", str(tmp_path)]) == 2


def test_the_advice_is_that_of_the_documentation():
    documented: dict[str, list[tuple[str, str]]] = {}
    for kind, cause, remedy in rows(section(text("docs/troubleshooting.md"), "When a run fails")):
        (reason, *_) = coded([kind])
        plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell) for cell in (cause, remedy)]
        documented.setdefault(reason, []).append((plain[0], plain[1]))
    assert documented.keys() == ADVICE.keys()
    for reason, lines in documented.items():
        if len(lines) == 1:
            said = (ADVICE[reason].cause, ADVICE[reason].remedy)
            assert all(
                line in (own, "likewise") for line, own in zip(lines[0], said, strict=True)
            ), reason


def test_the_flags_that_a_rerun_leaves_out_are_those_of_the_command():
    takes_value = {
        option: action.nargs != 0
        for action in actions(batch_runner.build_parser())
        for option in action.option_strings
    }
    assert not any(takes_value[flag] for flag in DROPPED)
    assert all(takes_value[flag] for flag in (*DROPPED_WITH_VALUE, *OF_ROWS))


@pytest.mark.parametrize("joined", [False, True])
def test_a_rerun_is_a_command_that_can_be_typed(joined):
    flags = {"--csv": "a b.csv", "--only-reason": "x", "--rerun-failed-from": "t.csv",
             "--notify-url": "http://h/key", "--class": "A,B", "--budget-hours": "3",
             "--output-dir": "o"}  # fmt: skip
    pairs = ([f"{flag}={value}"] if joined else [flag, value] for flag, value in flags.items())
    given = [word for pair in pairs for word in pair]
    command = RerunCommand(["batch_runner.py", *given, "--replace", "--rerun-failed", "--lock"])
    line = command.of_run(Asked.of_spec(builders.spec(), "hash"))
    program, script, *words = shlex.split(line)
    assert (program, script) == ("python", "batch_runner.py")
    asked = settings(*words)
    assert (str(asked.csv), str(asked.output_dir), asked.rerun_failed) == ("a b.csv", "o", True)
    assert (asked.model_name, asked.model_class, asked.reasoning_state) == ("org/model", "A", "Off")
    assert asked.notify_url is asked.only_reason is asked.budget_hours is None
    assert not asked.replace and not asked.lock and not list(find_contradictions(asked))
    of_reason = settings(*shlex.split(command.of_reason("timeout"))[2:])
    assert (of_reason.only_reason, of_reason.model_class) == ("timeout", "A,B")


@pytest.mark.parametrize(
    ("model_class", "typed", "expected"),
    [("C", ["--gpus-per-run=2"], 4), ("A", ["--gpus-per-run", "2"], None), ("C", [], None)],
)
def test_a_rerun_of_one_run_asks_for_gpus_only_where_its_row_takes_them(
    model_class, typed, expected
):
    spec = builders.spec(
        model=ModelSpec(id="org/model", model_class=model_class),
        device=DeviceSpec(kind="cuda", gpu_count=4),
    )
    line = RerunCommand(["batch_runner.py", *typed]).of_run(Asked.of_spec(spec, "hash"))
    assert settings(*shlex.split(line)[2:]).gpus_per_run == expected
