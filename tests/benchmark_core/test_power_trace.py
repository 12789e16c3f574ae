"""The trace file: every whole row comes back, and damage costs only the lines that it hit."""

import csv
import io
import math
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark_core import power_trace
from benchmark_core.power_trace import (
    COLUMNS,
    HEADER,
    TraceRow,
    format_row,
    integrate,
    rows,
    tail,
    throttle_words,
)

FULL = TraceRow(
    seconds=1234.567891,
    gpu=3,
    phase="generate 1",
    watts=350.123,
    instant_watts=351.0,
    counter_joules=123456789.012,
    celsius=45.0,
    sm_clock_mhz=1980.0,
    utilisation_percent=100.0,
    throttle_reasons=("sw_power_cap", "0x200"),
    power_limit_watts=700.0,
    processes=2,
)
BARE = TraceRow(seconds=1234.6, gpu=0, phase="")


def write(path: Path, *contents: TraceRow) -> Path:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        stream.writelines(map(format_row, contents))
    return path


def row_at(number: int, phase: str = "load") -> TraceRow:
    """Two devices take turns, every 50 ms."""
    return TraceRow(seconds=100 + (number // 2) / 20, gpu=number % 2, phase=phase, watts=350.0)


def test_a_row_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert list(rows(write(tmp_path / "trace.csv", FULL, BARE))) == [FULL, BARE]


def test_the_file_is_a_table_that_others_can_read(tmp_path: Path) -> None:
    with write(tmp_path / "trace.csv", FULL, BARE).open(encoding="utf-8", newline="") as stream:
        full, bare = csv.DictReader(stream)
    assert tuple(full) == COLUMNS
    assert full["time_seconds"] == "1234.567891"
    assert full["counter_joules"] == "123456789.012"
    assert full["throttle_reasons"] == "sw_power_cap+0x200"
    assert bare["time_seconds"] == "1234.600000"
    assert {name for name, cell in bare.items() if cell} == {"time_seconds", "gpu"}


@pytest.mark.parametrize("phase", ["a,b", 'a "b", c', "größe 1", "prefill\t2"])
def test_any_label_stays_in_its_cell(tmp_path: Path, phase: str) -> None:
    labelled = BARE._replace(phase=phase)
    assert list(rows(write(tmp_path / "trace.csv", labelled, FULL))) == [labelled, FULL]


def test_a_label_stays_on_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "trace.csv", BARE._replace(phase="two\r\nlines"), FULL)
    assert [row.phase for row in rows(path)] == ["two  lines", FULL.phase]


@pytest.mark.parametrize("cut", range(1, len(format_row(FULL)) + 1))
def test_a_torn_last_line_is_no_row(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "trace.csv", BARE, FULL)
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(rows(path)) == [BARE]
    assert tail(path, 0) == [BARE]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"#",
        b"\0" * 5000,
        b"1234.5",
        b"1234.5,0,load",
        b"1234.5,0,load" + b"," * 10,
        b"1234.5,zero,load" + b"," * 9,
        b"1234.5,0,load,many" + b"," * 8,
        b"1234.5,0,load,nan" + b"," * 8,
        b"inf,0,load" + b"," * 9,
        b"1234.5,0,load" + b"," * 9 + b"1.5",
        b"1234.5,0,l\xff\xfed" + b"," * 9,
        b'1234.5,0,"lo' + b"," * 9,
        b"1234.5,0," + b"l" * 5000 + b"," * 9,
        ",".join(COLUMNS).encode(),
    ],
    ids=lambda damage: damage[:20].decode(errors="replace") + f" {len(damage)}",
)
def test_a_damaged_line_costs_no_other(tmp_path: Path, damage: bytes) -> None:
    path = write(tmp_path / "trace.csv", BARE)
    with path.open("ab") as stream:
        stream.write(damage + b"\n" + format_row(FULL).encode())
    assert list(rows(path)) == [BARE, FULL]
    assert tail(path, 0) == [BARE, FULL]


def test_a_run_without_a_trace_has_no_rows(tmp_path: Path) -> None:
    assert list(rows(tmp_path / "absent.csv")) == []
    assert tail(tmp_path / "absent.csv", 0) == []
    assert tail(write(tmp_path / "only_header.csv"), 0) == []


@pytest.mark.parametrize("block_bytes", [1, 7, 31, 64, 1000])
def test_lines_across_blocks_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(power_trace, "READ_BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(power_trace, "TAIL_BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(power_trace, "LONGEST_LINE_BYTES", 100)
    written = [row_at(number) for number in range(40)]
    path = write(tmp_path / "trace.csv", *written)
    with path.open("ab") as stream:
        stream.write(b"1234.5,0," + b"l" * 300 + b"," * 9 + b"\n")
        stream.write(format_row(FULL).encode() + b"1235.1,0,tor")
    assert list(rows(path)) == [*written, FULL]
    assert tail(path, 101) == [*written[40:], FULL]
    assert tail(path, 100.5) == [*written[20:], FULL]
    assert tail(path, 0) == [*written, FULL]
    assert tail(path, 2000) == []


def test_the_tail_reads_no_more_than_it_has_to(tmp_path: Path) -> None:
    """What lies before the end is a hole that would take minutes to read."""
    path = write(tmp_path / "trace.csv")
    with path.open("r+b") as stream:
        stream.seek(1 << 40)
        stream.write(b"\n" + "".join(format_row(row_at(number)) for number in range(4000)).encode())
    found = tail(path, 195)
    assert found == [row_at(number) for number in range(3800, 4000)]


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0, ()),
        (0x1, ("gpu_idle",)),
        (0x2, ("applications_clocks",)),
        (0x4, ("sw_power_cap",)),
        (0x8, ("hw_slowdown",)),
        (0x10, ("sync_boost",)),
        (0x20, ("sw_thermal",)),
        (0x40, ("hw_thermal",)),
        (0x80, ("hw_power_brake",)),
        (0x100, ("display_clocks",)),
        (0x48, ("hw_slowdown", "hw_thermal")),
        (0x8000000000000604, ("sw_power_cap", "0x200", "0x400", "0x8000000000000000")),
    ],
)
def test_the_reasons_for_lower_clocks_have_words(bits: int, words: tuple[str, ...]) -> None:
    assert throttle_words(bits) == words


def test_the_instant_power_is_the_better_one_where_there_is_one() -> None:
    assert BARE._replace(watts=300.0, instant_watts=350.0).best_watts == 350
    assert BARE._replace(watts=300.0, instant_watts=0.0).best_watts == 0
    assert BARE._replace(watts=300.0).best_watts == 300
    assert BARE.best_watts is None


def test_the_header_goes_to_any_stream() -> None:
    stream = io.StringIO()
    stream.write(HEADER)
    assert stream.getvalue().startswith("time_seconds,gpu,phase,watts,")
    assert stream.getvalue().endswith(",processes\n")


# ------------------------------------------------------------------------------------- energy


def ramp(seconds: float) -> float:
    return 100 + 50 * seconds


def ramp_joules(start: float, end: float) -> float:
    return 100 * (end - start) + 25 * (end**2 - start**2)


RAMP = [(second, ramp(second)) for second in (0.0, 0.05, 0.13, 0.9, 1.0, 1.9, 2.0, 3.0)]


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 3), (0.05, 2), (0.01, 2.99), (0.2, 0.3), (0.06, 0.07), (0.9, 0.95), (0.85, 0.9), (1, 1)],
)
def test_a_straight_line_is_integrated_exactly(start: float, end: float) -> None:
    joules = integrate(RAMP, start, end)
    assert joules == pytest.approx(ramp_joules(start, end), rel=1e-12, abs=1e-12)


def test_a_sine_is_integrated_by_its_closed_formula() -> None:
    samples = [(number / 20, 400 + 300 * math.sin(number / 20)) for number in range(400)]
    truth = 400 * (15.03 - 2.01) + 300 * (math.cos(2.01) - math.cos(15.03))
    assert integrate(samples, 2.01, 15.03) == pytest.approx(truth, rel=2e-4)


def test_windows_beside_each_other_add_up() -> None:
    edges = [0, 0.07, 0.13, 0.5, 1.95, 2.2, 3]
    parts = [integrate(RAMP, *pair) for pair in pairwise(edges)]
    assert sum(part or math.nan for part in parts) == pytest.approx(ramp_joules(0, 3))


def test_an_edge_just_outside_takes_the_nearest_sample() -> None:
    samples = [(1.0, 100.0), (1.5, 300.0)]
    assert integrate(samples, 0.9, 1.6) == pytest.approx(100 * 0.1 + 200 * 0.5 + 300 * 0.1)
    assert integrate(samples, 0.86, 0.96) == pytest.approx(100 * 0.1)
    assert integrate(samples, 1.53, 1.63) == pytest.approx(300 * 0.1)
    assert integrate([(1.0, 100.0)], 0.9, 1.1) == pytest.approx(20)


@pytest.mark.parametrize(("start", "end"), [(0.84, 1.2), (1.2, 1.66), (0.5, 0.6), (2.0, 2.1)])
def test_edges_farther_outside_are_refused(start: float, end: float) -> None:
    assert integrate([(1.0, 100.0), (1.5, 300.0)], start, end) is None


def test_a_gap_is_refused_where_it_matters() -> None:
    samples = [(0.0, 100.0), (0.5, 100.0), (1.6, 100.0), (2.0, 100.0)]
    assert integrate(samples, 0.1, 1.9) is None
    assert integrate(samples, 0.7, 1.0) is None
    assert integrate(samples, 0.1, 0.6) is None
    assert integrate(samples, 1.5, 1.9) is None
    assert integrate(samples, 0.0, 0.5) == pytest.approx(50)
    assert integrate(samples, 1.6, 2.0) == pytest.approx(40)


def test_without_samples_or_time_there_is_no_energy() -> None:
    assert integrate([], 0, 1) is None
    assert integrate(RAMP, 2, 1) is None
