"""The benchmarks run and understand what they make; how fast they are is not a test's business."""

import json

from benchmarks import orchestration


def test_rows_made_for_the_benchmark_are_rows_the_program_believes(tmp_path, capsys):
    orchestration._write_rows(tmp_path / "rows", 12)
    assert orchestration._measure_rows(tmp_path / "rows") == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"plan_seconds", "aggregate_seconds", "peak_megabytes"}
    table = (tmp_path / "rows/results/master_results.csv").read_text().splitlines()
    assert len(table) == 1 + 12
    assert all(",finished," in line for line in table[1:])
