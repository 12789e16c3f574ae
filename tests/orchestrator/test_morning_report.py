"""The page of the morning: whole in itself, true to the folders, and safe whatever they say."""

import html
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from benchmark_core.report.judgement import Verdict
from orchestrator.__main__ import main
from orchestrator.morning.comparison import compare
from orchestrator.morning.runs import MorningRun
from orchestrator.morning.template import energy, figure, mass
from orchestrator.morning.timeline import NARROWEST, WIDTH, make_timeline
from orchestrator.morning_report import MOST_TOLD, make_page
from orchestrator.sweep_record import SweepRecord
from tests.support.night import BEGIN, Night
from tests.support.runner import ROOT, batch, environment, table, write_catalog

COMMAND = ("batch_runner.py", "--csv", "my models.csv", "--output-dir", "night")
VOID = {"meta"}
EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Checks that every element is closed where it should be, and keeps what is asked about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [given[name] for name in ("href", "src", "action") if name in given]
        if tag == "th":
            self.headings.append(given)
        assert not any(name.startswith("on") for name in given)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def written(night, *flags):
    assert main(["report", str(night.directory.root), *flags]) == 0
    return night.directory.page_path.read_text(encoding="utf-8")


def looked_at(night):
    return Page(written(night))


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path / "night")


def test_it_tells_what_ran_what_failed_and_what_it_took(night):
    flagged = Verdict(verdict="flagged", reasons=("throttled",))
    night.add("a_good", 30, wh=12.5)
    night.add("b_flagged", 60, wh=50.0, verdict=flagged, gpu_count=4)
    night.add("c_slow", 90, wh=None, failure=("timeout", "stopped after 5400 s."),
              log_tail=["loading", "sample 3 of 9"], model_id="org/big one")  # fmt: skip
    night.expect("d_never", 60.0, None)
    night.end(COMMAND)
    text = looked_at(night).text
    assert "Runs 4" in text and "not started 1" in text
    assert "2 1 valid, 1 flagged" in text
    assert "12.5 ± 0.42" in text and "50.0 ± 1.7" in text
    assert "650 Wh not known of 1 attempt" in text  # 62.5 Wh times 10.4
    assert "307 g" in text and "473 g/kWh, WORLD (Our World in Data, 2024)" in text
    assert "timeout : 1 run" in text and "stopped after 5400 s." in text
    assert "loading sample 3 of 9" in text and "logs/c_slow.log" in text
    base = "python batch_runner.py --csv 'my models.csv' --output-dir night --rerun-failed"
    assert f"{base} --only-reason timeout" in text
    one = "--model-name 'org/big one' --class B --task text_generation --reasoning-state Off"
    assert f"{base} {one}" in text
    assert "GPU 7" in text and "REHEARSAL" not in text
    assert "2 of 2 finished runs within the forecast" in text


def test_it_is_whole_in_itself_and_can_be_read_by_everybody(night):
    night.add("a", 30)
    night.add("b", 30, failure=("timeout", "too slow"), log_tail=["x"])
    night.end(COMMAND)
    raw = written(night)
    page = Page(raw)
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == page.tags["iframe"] == 0
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)
    assert all(heading.get("scope") in ("col", "row") for heading in page.headings)
    assert "default-src 'none'" in raw and "prefers-color-scheme: dark" in raw
    assert "url(" not in raw.replace("url(#hatch)", "") and "@import" not in raw
    assert page.tags["h1"] == page.tags["main"] == 1


def test_nothing_that_a_folder_says_becomes_markup_or_moves_the_page(night):
    night.add("a", 30, failure=("timeout", f"{EVIL} \x1b[31m\u202e"), model_id=f"org/{EVIL}",
              log_tail=[EVIL, "=cmd()", "</pre>"])  # fmt: skip
    night.add("b", 30, verdict=Verdict(verdict="flagged", reasons=(EVIL,)))
    night.end((*COMMAND, f"--x={EVIL}"))
    raw = written(night)
    page = Page(raw)
    assert page.tags["script"] == 0 and EVIL not in raw
    assert "\x1b" not in raw and "\u202e" not in raw
    assert page.text.count(EVIL) >= 4


def test_a_sweep_at_work_and_one_that_was_killed_are_told_apart(night, capsys):
    night.add("a", 30)
    folder = night.begin("b")
    night.end(COMMAND, finished=False)
    assert "The last sweep did not come to its end" in looked_at(night).text
    record = SweepRecord.read(night.directory.sweep_path)
    left = record.model_copy(update={"detached": True})
    night.directory.sweep_path.write_text(left.to_json())
    text = looked_at(night).text
    assert "was submitted and left alone" in text
    assert "did not come to its end" not in text
    with night.directory.lock(), folder.lock():
        text = looked_at(night).text
    assert "A sweep is at work here (process" in text and "running 1" in text
    assert "did not come to its end" not in text
    assert str(night.directory.page_path) in capsys.readouterr().out


def test_rehearsals_damage_and_no_figures_are_said_aloud(night, tmp_path):
    night.add("a", 30, wh=None, rehearsal=True)
    night.add("b", 30)
    (night.directory.runs_path / "b" / "outcome.json").write_text("{")
    text = looked_at(night).text
    assert "REHEARSAL" in text and "1 run of 2 had simulated parts" in text
    assert "unreadable 1" in text and "outcome.json is not valid" in text
    assert "No run has a GPU energy that can be used." in text
    out = tmp_path / "elsewhere.html"
    assert main(["report", str(night.directory.root), "--out", str(out)]) == 0
    assert "<h1>Sweep report: night</h1>" in out.read_text()


def test_a_long_night_makes_a_page_of_bounded_parts(night):
    for number in range(100):
        failure = ("timeout", "too slow") if number % 2 else None
        night.add(f"run_{number:03d}", 1, wh=1.0 + number, failure=failure, log_tail=["x" * 300])
    night.end(COMMAND)
    page = make_page(night.directory, BEGIN + timedelta(days=1))
    (section,) = page.failures
    assert (len(section.told), len(section.named)) == (MOST_TOLD, 50 - MOST_TOLD)
    assert (len(page.bars.bars), page.bars.left_out) == (40, 10)
    assert page.bars.bars[0].run.run_id == "run_098"
    text = looked_at(night).text
    assert "25 more runs" in text and "run_099" in text


def test_narrow_runs_of_a_lane_are_drawn_as_one_and_keep_the_worst_state():
    def run(number, state="finished", seconds=1):
        begin = BEGIN + timedelta(seconds=10 * number)
        end = begin + timedelta(seconds=seconds)
        return MorningRun(str(number), state, started=begin, ended=end, gpu_uuids=("u",))

    runs = [run(n, "failed" if n == 7 else "finished") for n in range(10_000)]
    timeline = make_timeline([*runs, run(10_000, seconds=50_000)], {"u": "GPU 3"}, None, BEGIN)
    (lane,) = timeline.lanes
    assert lane.name == "GPU 3" and len(lane.spans) < WIDTH / NARROWEST + 2
    assert lane.spans[0].state == "failed" and "1 failed, " in lane.spans[0].words
    assert lane.spans[-1].words.startswith("10000, ")
    assert lane.busy_share == pytest.approx(60_000 / 150_000)
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d", timeline.ticks[0][1])


def test_runs_without_gpus_lie_beside_each_other_only_where_they_overlap():
    def run(name, begin, end):
        times = {"started": BEGIN + timedelta(hours=begin), "ended": BEGIN + timedelta(hours=end)}
        return MorningRun(name, "finished", **times)

    runs = [run("a", 0, 2), run("b", 1, 3), run("c", 2, 4)]
    timeline = make_timeline(runs, {}, None, BEGIN)
    assert {lane.name: len(lane.spans) for lane in timeline.lanes} == {"no GPU 1": 2, "no GPU 2": 1}
    assert make_timeline(runs, {}, BEGIN + timedelta(hours=9), BEGIN) is None


def test_a_forecast_is_held_against_finished_runs_alone(night):
    night.add("near", 10, wh=10.0)
    night.add("far", 10, wh=None)
    night.add("failed", 10, failure=("timeout", "x"))
    night.end(COMMAND)
    page = make_page(night.directory, BEGIN)
    assert page.comparison is not None and page.comparison.seconds and page.comparison.wh
    assert page.comparison.seconds.count == 2 and page.comparison.wh.count == 1
    assert page.comparison.seconds.truth == pytest.approx(1200)
    assert page.comparison.wh.truth == pytest.approx(104)
    record = SweepRecord.read(night.directory.sweep_path)
    assert compare(record.runs[2:], {run.run_id: run for run in page.runs}) is None


def test_the_command_of_the_page_runs_the_failed_run_again(tmp_path):
    """A real sweep, and the command as it stands on its page, in a shell."""
    write_catalog(tmp_path / "my models.csv", ["one", "two"])
    (tmp_path / "faults.yaml").write_text("runs: {sim_two_Off: {fault: crash}}\n")
    flags = ["--csv", "my models.csv", "--backend", "simulated", "--engine", "process"]
    flags += ["--num-prompts", "2", "--repetitions", "2", "--output-dir", "night"]
    flags += ["--simulation", "faults.yaml"]
    assert batch(*flags, cwd=tmp_path).returncode == 1
    record = SweepRecord(
        host="h", process=1, started_at="2026-01-01T00:00:00+00:00", engine="process", parallel=1,
        command=("batch_runner.py", *flags, "--notify-url", "..."),
    )  # fmt: skip
    (tmp_path / "night" / "sweep.json").write_text(record.to_json())
    assert main(["report", str(tmp_path / "night")]) == 0
    raw = (tmp_path / "night" / "report.html").read_text()
    blocks = re.findall(r'<pre class="command"[^>]*>(.*?)</pre>', raw)
    commands = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
    assert len(commands) == 2 and "sim/two" in commands[1]
    (tmp_path / "faults.yaml").write_text("runs: {}\n")
    shutil.copy(ROOT / "batch_runner.py", tmp_path)
    for command in commands:
        line = command.replace("python ", f"{sys.executable} ", 1)
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if command is commands[0]:
            assert done.returncode == 0, done.stderr
            assert "1 runs to do" in done.stdout
    row = table(tmp_path / "night")["sim_two_Off"]
    assert (row["outcome"], row["attempts"]) == ("finished", "2")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (0.0, "0.00"),
        (12.5, "12.5"),
        (320.0, "320"),
        (1234.5, "1,234"),
        (1e-6, "1.00e-06"),
    ],
)
def test_figures_have_three_digits(value, shown):
    assert figure(value) == shown


def test_large_sums_are_in_thousands():
    assert (energy(9999.0), energy(10_000.0), mass(2_500_000.0)) == (
        "9,999 Wh",
        "10.0 kWh",
        "2,500 kg",
    )
    assert energy(None) is None


def test_no_output_directory_and_no_place_to_write_are_one_message_each(night, tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no individual_runs folder" in capsys.readouterr().err
    night.add("a", 1)
    assert main(["report", str(night.directory.root), "--out", str(tmp_path / "no/x.html")]) == 3
    assert "cannot be written" in capsys.readouterr().err
