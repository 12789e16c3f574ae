"""Samples from prompts files and datasets, and every way in which such a file can be wrong."""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_core import hub_dataset, sample_folder, samples
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    Launch,
    ModelSpec,
    RunSpec,
    SampleSource,
    TokenLimits,
)
from benchmark_core.faults import HubFault, SampleFault, SpecFault
from benchmark_core.local_samples import LocalSamples
from benchmark_core.media import Column
from benchmark_core.sample_folder import samples_sha256
from benchmark_core.samples import LoadedSamples, OwnCheck, check_samples, load_samples
from tests.support import builders
from tests.support.file_hub import FileHub, serving
from tests.support.hub_server import refusing_hub

TEXT = (Column("text"),)
PAIR = (Column("question"), Column("context"))
PROMPT = (Column("prompt", aliases=("text",)),)
IMAGE = (Column("image", "image"),)
ROOT = Path(__file__).parents[2]


def make_spec(source: SampleSource, backend: str = "pytorch") -> RunSpec:
    return RunSpec(
        run_id="samples",
        model=ModelSpec(id="org/name"),
        task="text_generation",
        samples=source,
        limits=TokenLimits(max_new_tokens=10, min_new_tokens=10),
        precision="float16",
        backend=BackendSpec(name=backend),
        device=DeviceSpec(kind="cpu", gpu_count=0),
        meters=(),
    )


def launch(samples: Path | None = None) -> Launch:
    return builders.launch(samples_path=str(samples) if samples else None)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def check_prompts(path: Path, columns: tuple[Column, ...]) -> OwnCheck:
    return check_samples(path, columns, are_prompts=True)


def read(path: Path, columns: tuple[Column, ...] = TEXT, count: int | None = None) -> list[object]:
    """The samples of a file that is named by its own SHA-256: their texts, or their columns."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = SampleSource(prompts_sha256=digest, count=count)
    loaded = load_samples(make_spec(source), launch(path), columns)
    assert loaded.prompts_sha256 == digest
    assert loaded.used == len(loaded.samples)
    check = check_prompts(path, columns)
    assert (check.available, check.sha256) == (loaded.available, digest)
    return [sample["text"] if columns == TEXT else sample for sample in loaded.samples]


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.csv", 'id,text\n1,one\n2,"two, with\na break and ""quotes"""\n', None),
        ("a.csv", "Prompt \r\none\r\ntwo\r\n", ["one", "two"]),
        ("a.csv", "prompt,text\nno,yes\n", ["yes"]),
        ("A.CSV", "\ufefftext\none\n\n  \ntwo", ["one", "two"]),
        ("a.jsonl", '{"text": "one", "id": 3}\n\n{"prompt": "two"}\n"three"\n', None),
        ("a.jsonl", '\ufeff{"text": "a\u2028b"}\r\n{"text": null}\n{"text": " "}\n', ["a\u2028b"]),
        ("a.txt", "\ufeffone\n\n  \ntwo \r\n\tthree", ["one", "two ", "\tthree"]),
        ("a.txt", "one\u2028still one\x0cstill\n", ["one\u2028still one\x0cstill"]),
    ],
)
def test_rows_are_read_in_order_without_the_blank_ones(
    tmp_path: Path, name: str, content: str, texts: list[str] | None
) -> None:
    expected = {
        "a.csv": ["one", 'two, with\na break and "quotes"'],
        "a.jsonl": ["one", "two", "three"],
    }
    assert read(write(tmp_path, name, content)) == (texts or expected[name])


def test_the_first_rows_that_hold_something_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\none\n\ntwo\nthree\n")
    assert read(path, count=2) == ["one", "two"]
    assert read(path, count=1000) == ["one", "two", "three"]
    source = SampleSource(prompts_sha256=hashlib.sha256(path.read_bytes()).hexdigest(), count=1000)
    loaded = load_samples(make_spec(source), launch(path), TEXT)
    assert (loaded.available, loaded.used, loaded.dataset_commit) == (3, 3, None)


def test_a_task_with_two_columns_needs_both(tmp_path: Path) -> None:
    rows = 'context,question\nc1,q1\n,q2\nc3," "\n'
    assert read(write(tmp_path, "a.csv", rows), PAIR) == [{"question": "q1", "context": "c1"}]
    line = json.dumps({"question": "q", "context": "c", "more": 1})
    assert read(write(tmp_path, "a.jsonl", line), PAIR) == [{"question": "q", "context": "c"}]
    for name, content in (("b.csv", "question,prompt\na,b\n"), ("b.jsonl", '{"question": "q"}')):
        with pytest.raises(SampleFault, match="context"):
            check_prompts(write(tmp_path, name, content), PAIR)
    for name, content in (("b.txt", "one\n"), ("b.jsonl", '"one"\n')):
        with pytest.raises(SampleFault):
            check_prompts(write(tmp_path, name, content), PAIR)


def test_a_long_prompt_fits_into_a_csv_cell(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    assert check_prompts(write(tmp_path, "a.csv", f"text\n{'x' * 300_000}\n"), TEXT).available == 1
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.md", "one", "cannot end in .md"),
        ("prompts", "one", "cannot end in nothing"),
        ("a.txt", b"one\ntwo\n\xff\xfe", "line 3: not UTF-8"),
        ("a.txt", "one\n".encode("utf-16"), "line 1: not UTF-8"),
        ("a.txt", "", "no rows"),
        ("a.txt", " \n\n\t\n", "no row without an empty text"),
        ("a.csv", "", "no column text or prompt; it has none"),
        ("a.csv", "text\n", "no rows"),
        ("a.csv", "id,words\n1,one\n", "no column text or prompt; it has id, words"),
        ("a.csv", "text;id\none;1\n", "no column text or prompt; it has text;id"),
        ("a.csv", "text,Text\none,two\n", "line 1: two columns are named text"),
        ("a.csv", 'text\none\n"two\n', "not valid CSV"),
        ("a.jsonl", "[" * 100_000, "line 1: not valid JSON"),
        ("a.jsonl", '{"words": "one"}\n', "line 1: no column text or prompt; it has words"),
        ("a.jsonl", '{"text": 5}\n', "line 1: text is a int, not a text"),
        ("a.jsonl", '{"text": "a\\u0000b"}\n', "line 1: text holds a character"),
        ("a.jsonl", '"fine"\n{"text": "b\xe4d"}\n'.encode("latin-1"), "line 2: not UTF-8"),
    ],
)
def test_a_wrong_file_is_named_with_line_and_remedy(
    tmp_path: Path, name: str, content: str | bytes, what: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(SampleFault) as caught:
        check_prompts(path, TEXT)
    assert caught.value.message.startswith(str(path))
    assert what in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "text\nshort\none, two\n", "line 3: 2 cells where the header has 1"),
        ("a.csv", "id,text\n1,one\n2\n", "line 3: 1 cells where the header has 2"),
        ("a.txt", b"one\nt\0wo\n", "line 2: text holds a character"),
        ("a.csv", b"text\none\n\0\n", "line 3: text holds a character"),
        ("a.jsonl", '{"text": "one"}\n{"text": \n', "line 2: not valid JSON"),
        ("a.jsonl", '{"text": "one"}\n[1]\n', "line 2: a list where an object is needed"),
        ("a.jsonl", '{"text": "one"}\n{"words": "two"}\n', "line 2: no column text or prompt"),
        ("a.jsonl", '"one"\n{"text": 5}\n', "line 2: text is a int, not a text"),
        ("a.jsonl", '"one"\n{"text": "a\\ud83d"}\n', "line 2: text holds a character"),
    ],
)
def test_a_bad_line_fails_alone_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | bytes, what: str
) -> None:
    path = write(tmp_path, name, content)
    message = f"1 of 2 rows cannot be used: {path}, {what}"
    assert check_prompts(path, TEXT).bad_rows.startswith(message)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = load_samples(make_spec(SampleSource(prompts_sha256=digest)), launch(path), TEXT)
    good, bad = loaded.samples
    assert good == {"text": "one" if name != "a.csv" or "short" not in str(content) else "short"}
    with pytest.raises(SampleFault, match=what):
        bad["text"]
    assert f"warning: {path}: {message}" in capsys.readouterr().err


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleFault, match="No such file"):
        check_prompts(tmp_path / "absent.txt", TEXT)
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(SampleFault, match="is a folder, not a file"):
        check_prompts(tmp_path / "folder.txt", TEXT)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(sample_folder.LARGEST_FILE_BYTES + 1)
    with pytest.raises(SampleFault, match="are read at most"):
        check_prompts(path, TEXT)


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\n")
    source = SampleSource(prompts_sha256=hashlib.sha256(b"two\n").hexdigest())
    with pytest.raises(SampleFault, match="have changed since the run was planned"):
        load_samples(make_spec(source), launch(path), TEXT)
    with pytest.raises(SpecFault, match="names no path") as caught:
        load_samples(make_spec(source), launch(), TEXT)
    assert "samples_path" in caught.value.remedy


def test_rows_are_read_when_they_are_asked_for_and_can_be_cut_out(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\ntwo\nthree\n")
    source = SampleSource(prompts_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    rows = load_samples(make_spec(source), launch(path), TEXT).samples
    assert [row["text"] for row in rows[1:]] == ["two", "three"]
    assert rows[-1] == {"text": "three"}
    assert len(rows[:2]) == 2


def test_prompts_for_pictures_are_read_too(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", "prompt\na cat\n"),
        ("a.csv", "text\na cat\n"),
        ("a.csv", "text,prompt\na dog,a cat\n"),
        ("a.jsonl", '{"text": "a cat"}\n'),
        ("a.txt", "a cat\n"),
        ("a.jsonl", '"a cat"\n'),
    ):
        assert read(write(tmp_path, name, content), PROMPT) == [{"prompt": "a cat"}]


def test_pictures_are_not_looked_for_in_a_prompts_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "image,text\na.png,one\n")
    with pytest.raises(SampleFault, match="holds texts, and this task needs image") as caught:
        check_prompts(path, IMAGE)
    assert "--dataset-dir" in caught.value.remedy


# ---------------------------------------------------------------- folders of the user's


def load_folder(path: Path, **of_source: int) -> LoadedSamples:
    source = SampleSource(folder_sha256=samples_sha256(path), **of_source)
    return load_samples(make_spec(source), launch(path), TEXT)


def test_a_table_of_samples_is_read_without_the_empty_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text\none\n \ntwo\nthree\n")
    loaded = load_folder(path, count=2)
    assert list(loaded.samples) == [{"text": "one"}, {"text": "two"}]
    assert (loaded.available, loaded.used) == (3, 2)
    assert loaded.folder_sha256 == samples_sha256(path)
    assert (loaded.prompts_sha256, loaded.dataset_id) == (None, None)


def test_a_draw_takes_equally_from_the_sources(tmp_path: Path) -> None:
    rows = "".join(f"{source}{number},{source}\n" for source in "abc" for number in range(20))
    path = write(tmp_path, "a.csv", f"text,source\n{rows}")
    drawn = [str(row["text"]) for row in load_folder(path, count=9, seed=1).samples]
    assert sorted(text[0] for text in drawn) == [*"aaabbbccc"]
    assert drawn == [str(row["text"]) for row in load_folder(path, count=9, seed=1).samples]
    assert drawn != [str(row["text"]) for row in load_folder(path, count=9, seed=2).samples]
    assert {str(row["text"])[0] for row in load_folder(path, count=9).samples} == {"a"}


def test_samples_that_changed_since_the_plan_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text\none\n")
    source = SampleSource(folder_sha256=samples_sha256(path))
    write(tmp_path, "a.csv", "text\ntwo\n")
    with pytest.raises(SampleFault, match="have changed since the run was planned"):
        load_samples(make_spec(source), launch(path), TEXT)
    with pytest.raises(SpecFault, match="names no path"):
        load_samples(make_spec(source), launch(), TEXT)


def test_samples_with_empty_rows_alone_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,id\n ,1\n")
    with pytest.raises(SampleFault, match="no row without an empty text"):
        load_folder(path)


def test_synthetic_samples_are_for_rehearsals_alone() -> None:
    source = SampleSource(synthetic=True, count=3)
    loaded = load_samples(make_spec(source, "simulated"), launch(), PAIR)
    assert (loaded.available, loaded.used) == (3, 3)
    assert all(list(sample) == ["question", "context"] for sample in loaded.samples)
    with pytest.raises(SpecFault, match="synthetic"):
        load_samples(make_spec(source), launch(), TEXT)


def test_the_demos_prompts_can_be_used() -> None:
    assert check_prompts(ROOT / "demo" / "prompts.jsonl", TEXT).available == 8


def test_a_prompts_file_that_is_edited_during_the_run_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\ntwo\n")
    source = SampleSource(prompts_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    loaded = load_samples(make_spec(source), launch(path), TEXT)
    path.write_text("three\n")
    assert list(loaded.samples) == [{"text": "one"}, {"text": "two"}]


def test_a_prompts_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.txt", "one\n")
    source = SampleSource(prompts_sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    def opened_late(path: Path, columns: Sequence[Column]) -> LocalSamples:
        path.write_text("two\n")
        return sample_folder.open_prompts(path, columns)

    monkeypatch.setattr(samples, "open_prompts", opened_late)
    with pytest.raises(SampleFault, match="have changed"):
        load_samples(make_spec(source), launch(path), TEXT)


@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
def test_fewer_samples_than_asked_for_are_told_with_both_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = write(tmp_path, name, "text\none\n\n \ntwo\n")
    many = 3 if name == "a.txt" else 2
    told = f"asked for 5000, {many} can be used"
    prompts = name == "a.txt"
    assert check_samples(path, TEXT, prompts, count=5000).shortage == told
    assert check_samples(path, TEXT, prompts, count=many).shortage == ""
    assert check_samples(path, TEXT, prompts).shortage == ""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    kind = "prompts_sha256" if prompts else "folder_sha256"
    for count in (5000, many):
        source = SampleSource(**{kind: digest}, count=count)
        load_samples(make_spec(source), launch(path), TEXT)
        assert (f"warning: {path}: {told}\n" in capsys.readouterr().err) == (count == 5000)


# ---------------------------------------------------------------- datasets


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset as a local folder with one split, and a cache of the test's own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "dataset"
    folder.mkdir()
    rows = [{"text": "one"}, {"text": " "}, {"text": None}, {"text": "two"}, {"text": "three"}]
    lines = (json.dumps({**row, "id": number}) for number, row in enumerate(rows))
    (folder / "train.jsonl").write_text("\n".join(lines))
    return folder


def test_rows_of_a_dataset_without_the_empty_ones(dataset: Path) -> None:
    source = SampleSource(dataset_id=str(dataset), count=2)
    loaded = load_samples(make_spec(source), launch(), TEXT)
    assert list(loaded.samples) == [{"text": "one"}, {"text": "two"}]
    assert (loaded.available, loaded.used) == (3, 2)
    assert loaded.prompts_sha256 is None
    assert loaded.dataset_id == str(dataset)


def test_a_dataset_that_is_too_short_is_told_in_the_log(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_samples(make_spec(SampleSource(dataset_id=str(dataset), count=5000)), launch(), TEXT)
    assert f"warning: dataset {dataset}: asked for 5000, 3 can be used\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "kind"), [(["b"], "list"), ({"b": "c"}, "dict"), (7, "int"), (True, "bool")]
)
def test_a_column_of_a_dataset_that_holds_no_texts_fails_sample_by_sample(
    dataset: Path, capsys: pytest.CaptureFixture[str], value: object, kind: str
) -> None:
    source = SampleSource(dataset_id=str(dataset))
    (dataset / "train.jsonl").write_text(json.dumps({"text": value}) + "\n")
    words = f"dataset {dataset}, row 1: text is a {kind}, not a text"
    with pytest.raises(SampleFault, match=words):
        load_samples(make_spec(source), launch(), TEXT)
    opened = hub_dataset.open_dataset(str(dataset), None, TEXT, "")
    mixed = replace(opened, table=MixedTable([{"text": "a"}, {"text": value}]))
    assert (mixed.overview.good, mixed.overview.bad) == (1, {1})
    with pytest.raises(SampleFault, match=f"row 2: text is a {kind}"):
        mixed.row(1)["text"]


class MixedTable(list[dict[str, object]]):
    """Rows as a table with a column of mixed kinds gives them, which some sources have."""

    def select_columns(self, names: list[str]) -> "MixedTable":
        return self


def test_a_dataset_may_not_name_files_of_this_machine(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", str(tmp_path / "downloads"))
    good = ("hub/blobs/a.png", "downloads/a.png", "cache/a.png")
    for name in (*good, "private.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path, name, b"a picture")
    (tmp_path / "hub" / "link.png").symlink_to(tmp_path / "private.png")
    (tmp_path / "hub" / "fine.png").symlink_to("blobs/a.png")
    bad = ("private.png", "hub/link.png", "hub/../private.png")
    paths = [*(str(tmp_path / name) for name in (*good, "hub/fine.png", *bad)), "private.png"]
    images = [{"bytes": None, "path": path} for path in paths]
    images.append({"bytes": b"x", "path": "/etc/passwd"})
    table = datasets.Dataset.from_dict({"image": images})
    opened = hub_dataset.HubDataset("org/name", None, table, IMAGE, ["image"])
    assert opened.overview.bad == {4, 5, 6, 7}
    assert opened.row(0) == {"image": images[0]}
    assert opened.row(8) == {"image": images[8]}
    with pytest.raises(SampleFault, match=r"org/name, row 5: the path .* leads out of the cache"):
        opened.row(4)["image"]


def test_a_dataset_that_is_not_at_the_commit_asked_for_is_refused(dataset: Path) -> None:
    source = SampleSource(dataset_id=str(dataset), dataset_revision="a" * 40)
    with pytest.raises(SampleFault, match=f"at commit {'a' * 40} and was read from a place"):
        load_samples(make_spec(source), launch(), TEXT)


def test_a_dataset_without_the_column_is_refused(dataset: Path) -> None:
    source = SampleSource(dataset_id=str(dataset))
    with pytest.raises(SampleFault, match="has no column question; it has text, id"):
        load_samples(make_spec(source), launch(), (Column("question"), *TEXT))


def test_a_dataset_with_empty_rows_alone_is_refused(dataset: Path) -> None:
    (dataset / "train.jsonl").write_text('{"text": ""}\n')
    with pytest.raises(SampleFault, match="no row without an empty text"):
        load_samples(make_spec(SampleSource(dataset_id=str(dataset))), launch(), TEXT)


def test_a_dataset_whose_files_are_all_there_is_read_without_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    from huggingface_hub import constants, snapshot_download

    commit, cache = "c" * 40, tmp_path / "hub"
    parts = {f"part-{number}.jsonl": b'{"text": "%d"}\n' % number for number in (1, 2)}
    with serving(FileHub({"datasets/org/data": parts | {".gitattributes": b"*"}})) as hub:
        snapshot_download(
            "org/data",
            repo_type="dataset",
            cache_dir=cache,
            endpoint=hub.address,
            allow_patterns=list(parts),
        )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "tables")
    source = SampleSource(dataset_id="org/data")
    loaded = load_samples(make_spec(source), launch(), TEXT)
    assert list(loaded.samples) == [{"text": "1"}, {"text": "2"}]
    assert loaded.dataset_commit == commit
    # One part less is another dataset.
    (cache / f"datasets--org--data/snapshots/{commit}/part-2.jsonl").unlink()
    with pytest.raises(HubFault, match="org/data is not in the local cache"):
        load_samples(make_spec(source), launch(), TEXT)


def test_a_dataset_that_cannot_be_reached_names_the_ways_out(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    source = SampleSource(dataset_id="org/absent", dataset_revision="v1")
    with pytest.raises(HubFault, match="org/absent at revision v1 is not in the") as caught:
        load_samples(make_spec(source), launch(), TEXT)
    assert "HF_HUB_OFFLINE" in caught.value.remedy
    assert "--prompts-file" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "RepoNotFound", "is not on the hub, or is private"),
        (403, "GatedRepo", "is gated"),
        (404, "RevisionNotFound", "has no such revision"),
    ],
)
def test_a_dataset_the_hub_refuses(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, message: str
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with refusing_hub(status, code) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        with pytest.raises(SampleFault, match=f"dataset org/absent {message}") as caught:
            load_samples(make_spec(SampleSource(dataset_id="org/absent")), launch(), TEXT)
    assert "HF_TOKEN" in caught.value.remedy or "tag" in caught.value.remedy
