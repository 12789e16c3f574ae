"""Samples of the user's are looked at for each task before anything is planned."""

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from benchmark_core.contract import SampleSource
from benchmark_core.faults import SampleFault
from benchmark_core.sample_folder import samples_sha256
from demo.own_samples import build_samples
from orchestrator.batch import run_batch
from orchestrator.catalog import ModelConfig
from orchestrator.errors import UsageError
from orchestrator.own_samples import OwnSamples, find_own_samples
from orchestrator.run_planner import REFERENCE_GPUS, make_plan
from orchestrator.simulation_file import Simulations
from tests.support import catalogs
from tests.support.settings import settings

TEXT, IMAGE, DETECTION = "text_generation", "image_generation", "object_detection"
ROWS = (
    "org/writer,1,A,text_gen,On,",
    "org/finder,2,,object_detection,,",
    "org/reader,3,,question_answering,,",
)


def refusal(names, made):
    with pytest.raises(UsageError) as caught:
        find_own_samples(names, made)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("one\ntwo\n")
    return path


@pytest.fixture
def samples(tmp_path):
    return build_samples(tmp_path / "own")


def test_nothing_named_is_nothing_found():
    assert find_own_samples([TEXT], settings()) is None


def test_a_prompts_file_serves_the_tasks_that_take_texts(prompts):
    own = find_own_samples([TEXT, DETECTION, TEXT], settings(prompts_file=prompts))
    assert own.are_prompts
    assert own.sha256 == {TEXT: samples_sha256(prompts)}
    assert own.paths[TEXT] == prompts
    assert list(own.obstacles) == [DETECTION]
    assert "this task needs image" in own.obstacles[DETECTION].message
    assert "--dataset-dir" in own.obstacles[DETECTION].remedy


def test_a_prompts_file_that_fits_no_task_is_refused_once(prompts):
    tasks = [DETECTION, "image_classification"]
    (problem,) = refusal(tasks, settings(prompts_file=prompts))
    assert problem.where == "--prompts-file"
    assert "this task needs image" in problem.what
    assert problem.remedy


def test_a_folder_has_a_place_for_each_task(samples, tmp_path):
    own = find_own_samples(samples, settings(dataset_dir=tmp_path / "own"))
    assert not own.are_prompts
    assert own.obstacles == {}
    assert own.paths == samples
    assert own.sha256 == {name: samples_sha256(path) for name, path in samples.items()}


@pytest.mark.parametrize("name", ["image_gen.jsonl", "text_to_image.jsonl"])
def test_a_place_may_have_any_spelling_of_its_task(tmp_path, name):
    path = tmp_path / name
    path.write_text('{"prompt": "a cat"}\n')
    own = find_own_samples([IMAGE], settings(dataset_dir=tmp_path))
    assert own.paths == {IMAGE: path}


def test_a_single_table_serves_each_task_that_it_fits(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,question\none,two\n")
    names = [TEXT, IMAGE, "question_answering"]
    own = find_own_samples(names, settings(dataset_dir=path))
    assert own.sha256 == dict.fromkeys((TEXT, IMAGE), samples_sha256(path))
    assert own.paths[TEXT] == own.paths[IMAGE] == path
    assert "no column context" in own.obstacles["question_answering"].message


def test_a_table_alone_may_not_name_files_beside_it(samples, tmp_path):
    folder = samples[DETECTION]
    table = folder / "metadata.csv"
    (problem,) = refusal([DETECTION], settings(dataset_dir=table))
    assert f"{table}: names files beside it" in problem.what
    assert problem.remedy
    own = find_own_samples([DETECTION], settings(dataset_dir=folder))
    assert own.paths == {DETECTION: folder}


def test_a_folder_that_fits_no_task_is_refused_with_each_reason(tmp_path):
    (tmp_path / "mine.csv").write_text("words\none\n")
    problems = refusal([TEXT, DETECTION], settings(dataset_dir=tmp_path))
    assert {problem.where for problem in problems} == {"--dataset-dir"}
    assert len(problems) == 2
    assert all(problem.remedy for problem in problems)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    for named in ({"prompts_file": tmp_path / "no.csv"}, {"dataset_dir": tmp_path / "no"}):
        (problem,) = refusal([TEXT, IMAGE], settings(**named))
        assert str(tmp_path / "no") in problem.what


def dry_run(tmp_path, capsys, *flags):
    catalog = catalogs.write(tmp_path / "mine.csv", *ROWS)
    made = settings(
        *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
        *("--backend", "simulated", "--engine", "process", *flags),
    )
    code = run_batch(made, dry_run=True, as_json=False)
    return code, capsys.readouterr().out


def test_rows_that_the_prompts_do_not_fit_are_told_with_line_and_remedy(tmp_path, capsys, prompts):
    code, text = dry_run(tmp_path, capsys, "--prompts-file", str(prompts))
    assert code == 0
    assert "1 runs planned, 2 rows skipped" in text
    for line, why in ((3, "org/finder: "), (4, "org/reader: ")):
        start = f"skipped: {tmp_path}/mine.csv, line {line}: {why}{prompts}"
        (skipped,) = [shown for shown in text.splitlines() if shown.startswith(start)]
        assert "The row is skipped. " in skipped


def test_samples_that_fit_no_row_at_all_are_a_wrong_flag(tmp_path, capsys, prompts):
    flags = ("--prompts-file", str(prompts), "--task", "object_detection")
    with pytest.raises(UsageError, match="--prompts-file") as caught:
        dry_run(tmp_path, capsys, *flags)
    assert caught.value.exit_code == 2


def test_a_folder_for_all_tasks_leaves_no_row_out(tmp_path, capsys, samples):
    code, text = dry_run(tmp_path, capsys, "--dataset-dir", str(tmp_path / "own"))
    assert code == 0
    assert "3 runs planned, 0 rows skipped" in text


def test_too_few_samples_are_told_before_anything_starts(tmp_path, capsys, samples):
    flags = ("--dataset-dir", str(tmp_path / "own"), "--num-prompts", "5000")
    code, text = dry_run(tmp_path, capsys, *flags)
    assert code == 0
    for task in (TEXT, DETECTION, "question_answering"):
        line = f"warning: {samples[task]}, {task}: asked for 5000, 6 can be used. "
        assert line in text


def test_a_bad_row_is_told_with_file_and_line_and_the_task_is_run(tmp_path, capsys):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"text": "one"}\n{"text": 7}\n{"txt": "two"}\n')
    for flag in ("--prompts-file", "--dataset-dir"):
        code, text = dry_run(tmp_path, capsys, flag, str(path), "--task", "text_gen")
        assert code == 0
        assert "1 runs planned, 0 rows skipped" in text
        told = f"warning: {path}, {TEXT}: 2 of 3 rows cannot be used: {path}, line 2: text is a int"
        (line,) = [shown for shown in text.splitlines() if shown.startswith(told)]
        assert f"; {path}, line 3: no column text" in line
        assert "a run is lost if more than a tenth fails" in line


def test_rows_inside_parquet_are_looked_at_too(tmp_path):
    path = tmp_path / "images.parquet"
    images = [{"bytes": b"x", "path": "a.png"}, {"bytes": None, "path": "/etc/passwd"}]
    parquet.write_table(pyarrow.table({"image": images}), path)
    own = find_own_samples([DETECTION], settings(dataset_dir=path))
    assert own.obstacles == {}
    (warning,) = own.warnings
    assert warning.what.startswith(f"1 of 2 rows cannot be used: {path}, row 2: '/etc/passwd'")


@pytest.mark.parametrize("content", ["text\na\nb\n", "text,source\na,x\nb,\n"])
def test_a_draw_from_sources_that_are_not_told_is_refused_before_it_starts(tmp_path, content):
    path = tmp_path / "lines.csv"
    path.write_text(content)
    (problem,) = refusal([TEXT], settings(dataset_dir=path, seed=0))
    assert "no column source that is filled in every row" in problem.what
    assert "Leave --sample stratified out" in problem.remedy
    path.write_text("text,source\na,x\nb,y\n")
    assert find_own_samples([TEXT], settings(dataset_dir=path, seed=0)).obstacles == {}


# ---------------------------------------------------------------- plans

DIGEST = "a" * 64


def row(task, line=2):
    text = task == TEXT
    return ModelConfig(
        model_id="org/model",
        priority=1,
        model_class="A" if text else None,
        task=task,
        reasoning_state="On" if text else None,
        line=line,
    )


def plan_with(own, *rows, **changes):
    return make_plan(
        rows, settings("--csv", "mine.csv", **changes), REFERENCE_GPUS, own, Simulations()
    )


def test_a_prompts_file_replaces_the_dataset():
    own = OwnSamples(True, {TEXT: Path("a.txt")}, {TEXT: DIGEST})
    (run,) = plan_with(own, row(TEXT), num_prompts=7).runs
    assert run.spec.samples == SampleSource(prompts_sha256=DIGEST, count=7)
    assert run.samples_path == Path("a.txt")


def test_a_folder_of_samples_replaces_the_datasets_task_by_task():
    paths = {TEXT: Path("own/text.csv"), IMAGE: Path("own")}
    own = OwnSamples(False, paths, {TEXT: DIGEST, IMAGE: "b" * 64})
    text, image = plan_with(own, row(TEXT), row(IMAGE), seed=3).runs
    assert text.spec.samples == SampleSource(folder_sha256=DIGEST, seed=3)
    assert image.spec.samples == SampleSource(folder_sha256="b" * 64, seed=3)
    assert [text.samples_path, image.samples_path] == list(paths.values())


def test_a_rehearsal_uses_the_samples_that_were_named():
    own = OwnSamples(False, {TEXT: Path("own")}, {TEXT: DIGEST})
    simulated = {"backend": "simulated", "device": "simulated", "meters": ("simulated",)}
    (run,) = plan_with(own, row(TEXT), **simulated).runs
    assert run.spec.samples == SampleSource(folder_sha256=DIGEST)


def test_rows_whose_samples_do_not_fit_are_skipped_with_line_and_remedy():
    fault = SampleFault("a.txt: a prompts file holds texts", "Give a folder.")
    own = OwnSamples(
        True,
        {TEXT: Path("a.txt"), DETECTION: Path("a.txt")},
        {TEXT: DIGEST},
        {DETECTION: fault},
    )
    plan = plan_with(own, row(TEXT), row(DETECTION, line=9))
    assert [run.spec.task for run in plan.runs] == [TEXT]
    (skipped,) = plan.skipped
    assert skipped.where == "mine.csv, line 9"
    assert skipped.what == "org/model: a.txt: a prompts file holds texts"
    assert skipped.remedy == "The row is skipped. Give a folder."
