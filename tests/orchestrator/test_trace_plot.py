"""The picture of a power trace: shows what was, breaks on nothing, and is the same every time."""

import os
import tracemalloc
import xml.etree.ElementTree as ElementTree

import pytest

from benchmark_core.power_trace import HEADER, TraceRow, format_row
from benchmark_core.report.environment import Environment
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.judgement import Verdict
from orchestrator.__main__ import main
from orchestrator.errors import HostError, UsageError
from orchestrator.trace_plot import plot
from orchestrator.trace_plot.columns import MOST_COLUMNS, Stretch, TraceColumns
from orchestrator.trace_plot.plot import draw, draw_if_possible
from tests.support import builders

START = 5000.0
PNG_BEGINS = b"\x89PNG\r\n\x1a\n"


def course(seconds, gpus=1, hertz=20, **fields):
    """Idle, then a window of 400 W and one of 600 W; each lasts a third."""
    for number in range(int(seconds * hertz)):
        share = number / (seconds * hertz)
        third = int(share * 3)
        for gpu in range(gpus):
            watts = (70.0, 400.0, 600.0)[third]
            values = {
                "watts": watts - 10,
                "instant_watts": watts - gpu,
                "celsius": 40 + 30 * share,
                "sm_clock_mhz": 1980.0,
                "power_limit_watts": 700.0,
            }
            yield TraceRow(
                START + number / hertz,
                gpu,
                ("idle_before", "prefill 1", "generate 1")[third],
                **(values | fields),
            )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "org_model_Off"


@pytest.fixture
def write(folder):
    def write_trace(samples, to=folder):
        to.mkdir(parents=True, exist_ok=True)
        with (to / "power_trace.csv").open("w") as stream:
            stream.write(HEADER)
            stream.writelines(map(format_row, samples))
        return to

    return write_trace


def report_to(folder, gpu_name="NVIDIA H100 80GB HBM3", gpus=2, **changes):
    facts = tuple(GpuFacts(uuid=f"GPU-{n}", name=gpu_name) for n in range(gpus))
    environment = Environment(
        runner_version="0", python_version="3", packages={}, gpus=facts, cpu_count=1
    )
    report = builders.report(builders.spec(), environment=environment, **changes)
    (folder / "benchmark_report.json").write_text(report.to_json())
    return report


def texts(path):
    return ["".join(part.itertext()) for part in ElementTree.parse(path).iter() if is_text(part)]


def is_text(part):
    return part.tag.endswith("}text")


# ---------------------------------------------------------------- the picture


def test_the_picture_names_what_it_shows(write, folder):
    write(course(30, gpus=2))
    report_to(folder, verdict=Verdict(verdict="flagged", reasons=("samples_failed",)))
    path = draw(folder)
    assert path == folder / "power_trace.svg"
    shown = texts(path)
    assert "org_model_Off" in shown
    assert "2 × NVIDIA H100 80GB HBM3  |  flagged: samples_failed" in shown
    for words in (
        "power (W)",
        "time since the start of the trace (s)",
        "GPU 0",
        "GPU 1",
        "the driver's average",
        "power limit",
    ):
        assert words in shown
    assert {"idle", "prefill", "generate"} <= set(shown)
    assert not {"load", "decode", "REHEARSAL", "throttled"} & set(shown)
    assert any("temperature (°C)" in words for words in shown)
    assert any("SM clock (MHz)" in words for words in shown)


def test_a_rehearsal_is_marked_across_the_picture(write, folder):
    write(course(2))
    report_to(folder, rehearsal=True)
    assert "REHEARSAL" in texts(draw(folder))


def test_a_report_in_hand_is_not_read_again_for_the_caption(write, folder):
    write(course(2))
    report = report_to(folder, gpus=1, verdict=Verdict(verdict="valid", reasons=()))
    (folder / "benchmark_report.json").unlink()
    assert draw_if_possible(folder, report) is None
    assert "NVIDIA H100 80GB HBM3  |  valid" in texts(folder / "power_trace.svg")


def test_png_is_another_form_of_it(write, folder):
    write(course(2))
    path = draw(folder, "png")
    assert path == folder / "power_trace.png"
    assert path.read_bytes().startswith(PNG_BEGINS)


@pytest.mark.parametrize("image_format", ["svg", "png"])
def test_the_same_trace_gives_the_same_bytes(write, folder, image_format):
    write(course(20, gpus=2))
    first = draw(folder, image_format).read_bytes()
    assert draw(folder, image_format).read_bytes() == first
    write(course(20, gpus=1))
    assert draw(folder, image_format).read_bytes() != first


def test_without_a_report_the_folder_gives_the_title(write, folder):
    write(course(2, gpus=3))
    (folder / "benchmark_report.json").write_text("{")
    shown = texts(draw(folder))
    assert "org_model_Off" in shown
    assert "3 GPUs" in shown


def test_what_the_driver_did_not_say_is_not_in_the_picture(write, folder):
    nothing = dict.fromkeys(("instant_watts", "celsius", "sm_clock_mhz", "power_limit_watts"))
    write(course(2, **nothing))
    shown = texts(draw(folder))
    assert "GPU 0" in shown
    assert not {"the driver's average", "power limit"} & set(shown)
    assert not any("temperature" in words or "clock" in words for words in shown)
    write(course(2, **nothing, utilisation_percent=99.0))
    assert "utilisation (%)" in texts(draw(folder))


def test_text_of_a_report_stays_text(write, folder):
    write(course(2))
    name = r"$\frac{1}{0$ <script>&]]> \x1b[31m" + "\x1b\x07\ufffe" + "模" * 500
    report_to(folder, gpu_name=name, gpus=1, verdict=Verdict(verdict="valid", reasons=()))
    (subtitle,) = (words for words in texts(draw(folder)) if "script" in words)
    assert subtitle.startswith(r"$\frac{1}{0$ <script>&]]>")
    assert len(subtitle) <= plot.MOST_SUBTITLE_CHARACTERS
    assert draw(folder, "png").read_bytes().startswith(PNG_BEGINS)


def test_the_settings_of_the_user_change_nothing(write, folder, tmp_path, monkeypatch):
    import matplotlib

    write(course(2))
    first = draw(folder).read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "font.size": 30}):
        assert draw(folder).read_bytes() == first
        assert matplotlib.rcParams["font.size"] == 30


# ---------------------------------------------------------------- columns


def test_a_short_trace_keeps_every_sample_and_its_phases():
    columns = TraceColumns(course(3))
    assert [column.watts.value for column in columns.of(0)] == [
        row.instant_watts for row in course(3)
    ]
    idle, prefill, generate = columns.phases()
    assert (idle.name, prefill.name, generate.name) == ("idle", "prefill", "generate")
    assert idle.start == 0
    assert prefill.start == pytest.approx(1.0, abs=0.06)
    assert prefill.end == generate.start == pytest.approx(2.0, abs=0.06)


def test_a_long_trace_keeps_mean_and_extremes_in_few_columns():
    def two_hours():
        for row in course(7200, hertz=2):
            peak = row.seconds == START + 1234
            yield row._replace(instant_watts=699.0) if peak else row

    columns = TraceColumns(two_hours())
    drawn = list(columns.of(0))
    assert MOST_COLUMNS / 2 <= len(drawn) <= MOST_COLUMNS
    assert max(column.highest_watts for column in drawn) == 699.0
    assert min(column.lowest_watts for column in drawn) == 70.0
    total = sum(column.watts.total for column in drawn)
    count = sum(column.watts.count for column in drawn)
    assert count == 14400
    assert total == sum(row.instant_watts for row in two_hours())
    assert [phase.name for phase in columns.phases()] == ["idle", "prefill", "generate"]
    assert columns.phases()[1].start == pytest.approx(2400, abs=columns.width_seconds)


def test_memory_does_not_grow_with_the_trace():
    def peak_bytes(seconds):
        tracemalloc.start()
        try:
            TraceColumns(course(seconds, hertz=4))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes(20_000) < 1.5 * peak_bytes(2_000)


def test_gaps_are_neither_bridged_nor_shaded():
    kept = [row for row in course(30) if not START + 12 < row.seconds < START + 18]
    columns = TraceColumns(kept)
    assert list(columns.of(0)).count(None) == 1
    shaded = [(phase.start, phase.end) for phase in columns.phases() if phase.name == "prefill"]
    assert len(shaded) == 2
    assert shaded[0][1] == pytest.approx(12, abs=0.1)
    assert shaded[1][0] == pytest.approx(18, abs=0.1)


def test_slow_downs_are_told_apart_and_harmless_reasons_are_none():
    def slowed():
        for row in course(9):
            second = int(row.seconds - START)
            reasons = {2: ("gpu_idle",), 4: ("sw_power_cap",), 6: ("sw_power_cap", "hw_thermal")}
            yield row._replace(throttle_reasons=reasons.get(second, ()))

    capped, throttled = TraceColumns(slowed()).slow_downs()
    assert (capped.name, throttled.name) == ("capped", "throttled")
    assert (capped.start, capped.end) == pytest.approx((4, 5), abs=0.06)
    assert (throttled.start, throttled.end) == pytest.approx((6, 7), abs=0.06)


def test_slow_downs_are_in_the_picture(write, folder):
    write(course(4, throttle_reasons=("hw_thermal",)))
    assert "throttled" in texts(draw(folder))
    write(course(4, throttle_reasons=("sw_power_cap",)))
    assert "held by the power limit" in texts(draw(folder))


def test_windows_of_an_unknown_name_are_shaded_as_other():
    rows = [row._replace(phase="dance 7" if row.gpu == 0 else "") for row in course(1)]
    assert TraceColumns(rows).phases() == [Stretch("other", 0.0, pytest.approx(1.0, abs=0.06))]


@pytest.mark.parametrize(
    "damage",
    [
        {"seconds": START + 1e12},
        {"seconds": START - 5},
        {"gpu": 10**9},
        {"gpu": -1},
        {"instant_watts": 1e300},
        {"instant_watts": -5.0},
    ],
)
def test_damaged_lines_do_not_reach_the_picture(damage):
    good = list(course(5))
    with_damage = [*good[:50], good[50]._replace(**damage), *good[50:]]
    clean, damaged = TraceColumns(good), TraceColumns(with_damage)
    assert damaged.gpus == [0]
    assert damaged.end_seconds == clean.end_seconds
    assert list(damaged.of(0)) == list(clean.of(0))


# ---------------------------------------------------------------- what can be wrong


def test_there_has_to_be_a_trace_with_samples(write, folder):
    folder.mkdir()
    with pytest.raises(UsageError, match=r"holds no power_trace\.csv"):
        draw(folder)
    write([])
    with pytest.raises(UsageError, match="holds no samples"):
        draw(folder)
    (folder / "power_trace.csv").unlink()
    os.mkfifo(folder / "power_trace.csv")
    with pytest.raises(UsageError, match="is no plain file"):
        draw(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["power_trace.csv"]


def test_a_trace_of_a_terabyte_is_refused_before_it_is_read(write, folder, monkeypatch):
    write(course(1))
    with (folder / "power_trace.csv").open("r+b") as stream:
        stream.truncate(10**12)

    def read(*_):
        raise AssertionError("it was read")

    monkeypatch.setattr(plot, "rows", read)
    with pytest.raises(UsageError, match=r"larger than a trace can be \(1,000 GB, at most 2\)"):
        draw(folder)
    assert "larger than a trace" in draw_if_possible(folder, None)


def test_a_picture_that_cannot_be_written_is_told(write, folder):
    write(course(1))
    (folder / "power_trace.svg").mkdir()
    with pytest.raises(HostError, match="cannot be drawn"):
        draw(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["power_trace.csv", "power_trace.svg"]


def test_a_link_in_the_place_of_the_picture_is_replaced_and_not_followed(write, folder, tmp_path):
    write(course(1))
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (folder / "power_trace.svg").symlink_to(outside)
    draw(folder)
    assert outside.read_text() == "mine"
    assert not (folder / "power_trace.svg").is_symlink()


def test_drawing_a_run_never_fails_it(write, folder, monkeypatch):
    folder.mkdir()
    assert draw_if_possible(folder, None) is None
    write(course(1))
    assert draw_if_possible(folder, None) is None
    assert (folder / "power_trace.svg").is_file()
    write([])
    assert "holds no samples" in draw_if_possible(folder, None)
    write(course(1))

    def broken(*_):
        raise ZeroDivisionError("a library's own\nmistake")

    monkeypatch.setattr(plot, "render", broken)
    notice = draw_if_possible(folder, None)
    assert notice.startswith("no plot: org_model_Off: ZeroDivisionError")
    assert "\n" not in notice


# ---------------------------------------------------------------- the command


def test_the_command_draws_one_run(write, folder, capsys):
    write(course(1))
    assert main(["plot", str(folder), "--format", "png"]) == 0
    assert capsys.readouterr().out == f"drew {folder / 'power_trace.png'}\n"


def test_the_command_draws_all_runs_of_a_directory(write, tmp_path, capsys):
    runs = tmp_path / "individual_runs"
    for name in ("a", "b", "empty"):
        write(course(1) if name != "empty" else [], to=runs / name)
    (runs / "on_cpu").mkdir()
    assert main(["plot", str(tmp_path)]) == 3
    told = capsys.readouterr()
    assert told.out.splitlines()[:2] == [f"drew {runs / n / 'power_trace.svg'}" for n in "ab"]
    assert told.out.splitlines()[2].startswith("runs without a power trace")
    assert told.out.splitlines()[2].endswith(": 1")
    assert "holds no samples" in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["absent", "."])
def test_the_command_refuses_what_is_no_folder_of_runs(tmp_path, capsys, name):
    assert main(["plot", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / name}")
