"""`python -m benchmark_core build-dataset`: equal shares, the same bytes, and what is refused."""

import csv
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Its log keeps the standard error it is first imported under; that of a test is closed afterwards.
import datasets
import pyarrow
import pytest
from pyarrow import parquet

from benchmark_core.__main__ import FAILED, FINISHED, WRONG_USE, main
from benchmark_core.contract import Launch, SampleSource
from benchmark_core.dataset_manifest import Manifest
from benchmark_core.dataset_sources import SourceName, parse_source
from benchmark_core.faults import SpecFault
from benchmark_core.hub_dataset import HubDataset
from benchmark_core.local_samples import LocalSamples
from benchmark_core.media import read_audio, read_image
from benchmark_core.reported_run import run
from benchmark_core.sample_folder import open_samples, samples_sha256
from benchmark_core.tasks import registry as tasks
from demo.drawn_images import drawn_images
from demo.own_samples import build_samples
from demo.sounded_tones import sounded_tones
from demo.tiny_zoo import build_zoo
from tests.support import builders

TEXT = tasks.get("text_generation").columns
PAIR = tasks.get("question_answering").columns
DATA = "data/train-00000-of-00001.parquet"
COMMIT = "c" * 40


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv_file(path: Path, column: str, texts: list[str]) -> Path:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([column, "other"])
    writer.writerows([text, "x"] for text in texts)
    return write(path, table.getvalue())


def json_lines(path: Path, column: str, texts: list[str]) -> Path:
    return write(path, "".join(json.dumps({column: text}) + "\n" for text in texts))


def media_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        write(path / name, content)
    return path


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Three sources of 40 texts in three kinds of file, two of them with a column of other name."""
    folder = tmp_path / "sources"
    from_csv = csv_file(folder / "a.csv", "Article", [f"article, {i}\nmore" for i in range(40)])
    lines = json_lines(folder / "b.jsonl", "text", [f"line {i}" for i in range(40)])
    table = folder / "c" / "train.jsonl"
    json_lines(table, "prompt", [f"prompt ünï {i}" for i in range(40)])
    return [f"{from_csv}?text=Article", str(lines), f"{table.parent}?text=prompt"]


def build(out: Path, sources: list[str], *flags: str, task: str = "text_gen") -> int:
    given = [word for source in sources for word in ("--source", source)]
    return main(["build-dataset", "--task", task, *given, "--out", str(out), "--seed", "7", *flags])


def manifest_of(out: Path) -> Manifest:
    manifest = Manifest.read(out / "manifest.json")
    assert manifest.data_sha256 == hashlib.sha256((out / DATA).read_bytes()).hexdigest()
    return manifest


def rows_of(samples: LocalSamples) -> list[dict[str, Any]]:
    return [samples.row(index) for index in range(len(samples))]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one message on standard error, without the lines of progress."""
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in " ".join(lines)
    assert all(word in errors[0] for word in words), errors[0]
    return errors[0]


# ------------------------------------------------------------------ what is built


def test_shares_are_equal_and_the_folder_is_read_back(tmp_path: Path, sources: list[str]) -> None:
    out = tmp_path / "new" / "out"
    assert build(out, sources, "--per-source", "12") == FINISHED
    samples = open_samples(out, TEXT)
    assert samples.sources is not None
    assert Counter(samples.sources) == {"a.csv": 12, "b.jsonl": 12, "c": 12}
    texts = [row["text"] for row in rows_of(samples)]
    assert len(set(texts)) == 36
    begun = {"a.csv": "article, ", "b.jsonl": "line ", "c": "prompt ünï "}
    for text, source in zip(texts, samples.sources, strict=True):
        assert text.startswith(begun[source])
    assert set(contents(out)) == {DATA, "manifest.json", "README.md"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert out.stat().st_mode & 0o777 == 0o755


def test_the_first_rows_are_of_all_sources_and_not_in_their_order(
    tmp_path: Path, sources: list[str]
) -> None:
    build(tmp_path / "out", sources, "--per-source", "20")
    samples = open_samples(tmp_path / "out", TEXT)
    assert samples.sources is not None
    assert set(Counter(samples.sources[:30]).values()) == {10}
    numbers = [int(row["text"].split()[-1]) for row in rows_of(samples)[1::3]]
    assert numbers != sorted(numbers)


def test_same_seed_same_bytes_wherever_the_sources_lie(
    tmp_path: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tmp_path / "sources", tmp_path / "elsewhere")
    assert build(tmp_path / "one", sources, "--total", "20") == FINISHED
    monkeypatch.chdir(tmp_path / "elsewhere")
    moved = ["a.csv?text=Article", "b.jsonl", "c?text=prompt"]
    assert build(tmp_path / "two", moved, "--total", "20") == FINISHED
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert str(tmp_path).encode() not in b"".join(one.values())
    assert build(tmp_path / "three", sources, "--total", "20", "--seed", "8") == FINISHED
    assert contents(tmp_path / "three")[DATA] != one[DATA]


def test_a_larger_draw_holds_the_smaller_one(tmp_path: Path, sources: list[str]) -> None:
    texts = []
    for total in (10, 31):
        out = tmp_path / str(total)
        assert build(out, sources, "--total", str(total)) == FINISHED
        texts.append({row["text"] for row in rows_of(open_samples(out, TEXT))})
    assert texts[0] < texts[1]


@pytest.mark.parametrize(
    ("flags", "shares"),
    [
        (("--per-source", "4", "--total", "10"), [4, 3, 3]),
        (("--total", "11"), [4, 4, 3]),
        (("--per-source", "40"), [40, 40, 40]),
    ],
)
def test_the_manifest_states_what_was_drawn(
    tmp_path: Path, sources: list[str], flags: tuple[str, ...], shares: list[int]
) -> None:
    write(tmp_path / "sources" / "c" / "LICENSE", "\n# MIT License\n\nCopyright (c) A\nmore\n")
    out = tmp_path / "out"
    assert build(out, sources, *flags, "--licence", "2=CC-BY-4.0") == FINISHED
    manifest = manifest_of(out)
    assert [source.drawn for source in manifest.sources] == shares
    assert (manifest.task, manifest.seed, manifest.rows) == ("text_generation", 7, sum(shares))
    first, second, third = manifest.sources
    assert (first.rows, first.unusable, first.duplicates, first.available) == (40, 0, 0, 40)
    assert first.file_name == first.label == "a.csv"
    assert first.sha256 == samples_sha256(tmp_path / "sources" / "a.csv")
    assert first.columns == {"text": "Article"}
    assert (first.licence, first.licence_basis) == (None, None)
    assert (second.licence, second.licence_basis) == ("CC-BY-4.0", "the user")
    assert (third.licence, third.licence_basis) == (
        "MIT License, Copyright (c) A",
        "a licence file",
    )
    assert manifest.tokens is None
    page = (out / "README.md").read_text(encoding="utf-8")
    assert f"| b.jsonl | {second.sha256[:12]} | CC-BY-4.0 | 40 | 40 | {shares[1]} |" in page  # type: ignore[index]
    assert f"# {sum(shares)} samples for text generation" in page


def test_empty_rows_and_texts_seen_before_are_not_drawn(tmp_path: Path) -> None:
    first = csv_file(tmp_path / "a.csv", "text", ["same", " ", "same", "a1", "both", ""])
    second = json_lines(tmp_path / "b.jsonl", "text", ["both", "b1", "same", "b2", "b3"])
    out = tmp_path / "out"
    assert build(out, [str(first), str(second)], "--per-source", "3") == FINISHED
    texts = sorted(row["text"] for row in rows_of(open_samples(out, TEXT)))
    assert texts == ["a1", "b1", "b2", "b3", "both", "same"]
    counts = [(s.unusable, s.duplicates, s.available) for s in manifest_of(out).sources]
    assert counts == [(2, 1, 3), (0, 2, 3)]


def test_bad_rows_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ['{"text": "a"}', '{"text": 7}', "{", '{"text": "b"}', '{"text": "n\\u0000"}']
    path = write(tmp_path / "a.jsonl", "\n".join([*rows, '{"txt": "c"}']))
    out = tmp_path / "out"
    assert build(out, [str(path)], "--per-source", "2") == FINISHED
    assert sorted(row["text"] for row in rows_of(open_samples(out, TEXT))) == ["a", "b"]
    (source,) = manifest_of(out).sources
    assert (source.rows, source.unusable, source.available) == (6, 4, 2)
    lines = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert [line.split(": ")[1] for line in lines] == [f"{path}, line {n}" for n in (2, 3, 5)]


def test_a_dataset_of_the_hub_may_not_name_files_of_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:

    from benchmark_core import dataset_sources

    files = dict(drawn_images())
    private = write(tmp_path / "private.png", next(iter(files.values())))
    images = [{"bytes": content, "path": name} for name, content in files.items()]
    table = datasets.Dataset.from_dict({"image": [*images, {"bytes": None, "path": str(private)}]})

    def opened(name: str, revision: str | None, columns: Any, *others: Any) -> HubDataset:
        return HubDataset(name, COMMIT, table, columns, ["image"])

    monkeypatch.setattr(dataset_sources, "open_dataset", opened)
    out = tmp_path / "out"
    flags = ("--per-source", str(len(files)), "--licence", "1=MIT")
    assert build(out, ["org/pictures"], *flags, task="image_captioning") == FINISHED
    told = f"left out: dataset org/pictures, row {len(files) + 1}: the path {str(private)!r} leads"
    assert told in capsys.readouterr().err
    assert manifest_of(out).sources[0].unusable == 1


def test_tokens_that_are_not_counted_are_said_to_be(
    tmp_path: Path, sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "out", sources, "--total", "9")
    assert "tokens are not counted; --tokenizer ID counts them\n" in capsys.readouterr().err
    media = media_folder(tmp_path / "media", dict(drawn_images()))
    build(tmp_path / "pictures", [str(media)], "--total", "3", task="image_captioning")
    assert "tokens" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "hinted"),
    [
        (("--per-source", "334"), True),
        (("--per-source", "333"), False),
        (("--per-source", "335"), False),
        (("--per-source", "334", "--total", "1000"), False),
    ],
)
def test_a_thousand_rows_of_three_sources_are_a_total(
    tmp_path: Path,
    sources: list[str],
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    hinted: bool,
) -> None:
    build(tmp_path / "out", sources, *flags)
    hint = "1002 rows in all; --total 1000 gives as many as the methodology has\n"
    assert (hint in capsys.readouterr().err) == hinted


def test_pairs_are_told_apart_by_both_texts(tmp_path: Path) -> None:
    pairs = [("q1", "c"), ("q2", "c"), ("q1", "c"), ("q", "1c"), ("q1", "")]
    lines = "".join(json.dumps({"question": q, "context": c}) + "\n" for q, c in pairs)
    path = write(tmp_path / "a.jsonl", lines)
    out = tmp_path / "out"
    assert build(out, [str(path)], "--per-source", "3", task="extractive_qa") == FINISHED
    found = {(row["question"], row["context"]) for row in rows_of(open_samples(out, PAIR))}
    assert found == {("q1", "c"), ("q2", "c"), ("q", "1c")}


def test_one_source_is_allowed_and_said(
    tmp_path: Path, sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path / "out", sources[:1], "--total", "5") == FINISHED
    assert "one source only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "made", "feature"),
    [("image_captioning", drawn_images, "Image"), ("ASR", sounded_tones, "Audio")],
)
def test_images_and_sounds_keep_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, made: Any, feature: str
) -> None:

    files: dict[str, bytes] = dict(made())
    with_table = media_folder(tmp_path / "table", files)
    write(with_table / "metadata.csv", "file_name\n" + "".join(f"{n}\n" for n in files))
    # The second has the same files but one; they count as seen.
    name, content = "more" + Path(next(iter(files))).suffix, next(iter(files.values())) + b"\0"
    plain = media_folder(tmp_path / "plain", {**files, name: content})
    out = tmp_path / "out"
    given = [str(plain), str(with_table)]
    assert build(out, given, "--per-source", "1", task=task) == FAILED
    given = [str(plain)]
    count = str(len(files) + 1)
    assert build(out, given, "--per-source", count, task=task) == FINISHED
    (column,) = tasks.get(manifest_of(out).task).columns
    samples = open_samples(out, (column,))
    values = [row[column.name] for row in rows_of(samples)]
    assert {value["path"]: value["bytes"] for value in values} == {**files, name: content}
    for value in values:
        assert (read_image if column.media == "image" else read_audio)(value) is not None
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    loaded = datasets.load_dataset(str(out), split="train")
    assert type(loaded.features[column.name]).__name__ == feature


def test_row_groups_stay_small(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl", "text", [f"text {i}" for i in range(250)])
    assert build(tmp_path / "out", [str(path)], "--per-source", "250") == FINISHED
    metadata = parquet.ParquetFile(tmp_path / "out" / DATA).metadata
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [100, 100, 50]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("zoo") / "hub"
    build_zoo(directory, ["demo/tiny-bert-qa", "demo/tiny-vit"])
    return directory


@pytest.fixture
def hub(zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache of the test's own, with the hub itself shut off."""
    from huggingface_hub import constants

    directory = tmp_path / "hub"
    shutil.copytree(zoo, directory)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(directory))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    return directory


@pytest.mark.usefixtures("hub")
def test_tokens_are_counted_by_the_tokenizer_that_is_named(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    path = build_samples(tmp_path / "own")["question_answering"]
    out, model = tmp_path / "out", "demo/tiny-bert-qa"
    flags = ("--per-source", "6", "--tokenizer", model)
    assert build(out, [str(path)], *flags, task="question_answering") == FINISHED
    tokenizer = AutoTokenizer.from_pretrained(model)
    texts = [row[column.name] for row in rows_of(open_samples(out, PAIR)) for column in PAIR]
    expected = sum(len(tokenizer(text)["input_ids"]) - 2 for text in texts)
    tokens = manifest_of(out).tokens
    assert tokens is not None
    assert (tokens.tokenizer, tokens.total) == (model, expected)
    assert len(tokens.commit or "") == 40


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("task", "model"),
    [("question_answering", "demo/tiny-bert-qa"), ("image_classification", "demo/tiny-vit")],
)
def test_a_run_takes_its_samples_from_the_folder(tmp_path: Path, task: Any, model: str) -> None:
    path = build_samples(tmp_path / "own")[task]
    other = tmp_path / ("other" + path.suffix)
    path.rename(other)
    out = tmp_path / "out"
    assert build(out, [str(other)], "--per-source", "5", task=task) == FINISHED
    spec = builders.spec(
        task=task,
        model={"id": model},
        reasoning=None,
        limits=None,
        precision="float32",
        samples=SampleSource(folder_sha256=samples_sha256(out), count=3, seed=1),
        backend={"name": "pytorch"},
        device={"kind": "cpu", "gpu_count": 0},
        meters=(),
        repetitions=1,
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run_spec.json").write_text(spec.to_json())
    launch = Launch(engine="process", launched_at=builders.NOW, samples_path=str(out))
    (folder / "launch.json").write_text(launch.to_json())
    report = run(folder)
    assert report.failure is None
    assert report.summary is not None
    assert (report.summary.total_prompts, report.summary.successful_prompts) == (3, 3)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("bad", [1, 2])
def test_a_bad_row_of_a_table_fails_alone_in_a_run(tmp_path: Path, bad: int) -> None:
    images = [{"bytes": content, "path": name} for name, content in drawn_images().items()]
    images = [*[{"bytes": None, "path": "/etc/passwd"}] * bad, *(images * 3)[: 10 - bad]]
    path = tmp_path / "images.parquet"
    parquet.write_table(pyarrow.table({"image": images}), path)
    spec = builders.spec(
        task="image_classification",
        model={"id": "demo/tiny-vit"},
        reasoning=None,
        limits=None,
        precision="float32",
        samples=SampleSource(folder_sha256=samples_sha256(path)),
        backend={"name": "pytorch"},
        device={"kind": "cpu", "gpu_count": 0},
        meters=(),
        repetitions=1,
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run_spec.json").write_text(spec.to_json())
    launch = Launch(engine="process", launched_at=builders.NOW, samples_path=str(path))
    (folder / "launch.json").write_text(launch.to_json())
    report = run(folder)
    if bad == 2:
        assert report.failure is not None
        assert "2 of 10 samples failed" in report.failure.message
        return
    assert report.failure is None
    assert report.summary is not None and report.verdict is not None
    assert (report.summary.successful_prompts, report.summary.failed_prompts) == (9, 1)
    assert "samples_failed" in report.verdict.reasons
    errors = [line["error"] for line in csv.DictReader((folder / "benchmark_results.csv").open())]
    assert "row 1: '/etc/passwd' leads out" in errors[0] and not any(errors[1:])


# ------------------------------------------------------------------ datasets of the hub


def cached_dataset(tmp_path: Path, hub: Path, card: str, read_from: str = COMMIT) -> None:
    """org/talk as the caches of the hub and of `datasets` have it: configs, splits and a card."""

    folder = tmp_path / "made" / "talk"
    json_lines(folder / "formal.jsonl", "words", [f"formal {i}" for i in range(9)])
    lines = [f"loose {i}" for i in range(6)]
    rows = [{"words": text} for text in [*lines, "", None, "a\0b"]]
    write(folder / "loose.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    configs = [
        {"config_name": name, "data_files": [{"split": "test", "path": f"{name}.jsonl"}]}
        for name in ("formal", "loose")
    ]
    write(folder / "README.md", f"---\nconfigs: {json.dumps(configs)}\n---\n")
    for name in ("formal", "loose"):
        datasets.load_dataset(str(folder), name)
        (made,) = (tmp_path / "datasets" / "talk" / name / "0.0.0").glob("*/dataset_info.json")
        info = json.loads(made.read_text())
        address = f"hf://datasets/org/talk@{read_from}/{name}.jsonl"
        info["download_checksums"] = {address: {"num_bytes": 1, "checksum": None}}
        made.write_text(json.dumps(info))
        made.parent.rename(made.parent.with_name(read_from))
    (tmp_path / "datasets" / "talk").rename(tmp_path / "datasets" / "org___talk")
    home = hub / "datasets--org--talk"
    write(home / "refs" / "main", COMMIT)
    write(home / "snapshots" / COMMIT / "README.md", card)


HUB_SOURCES = ["org/talk@main:formal#test?text=words", "org/talk:loose#test?text=words"]


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc-by-4.0\n---\n", "cc-by-4.0"),
        ("---\nlicense: [mit, odc-by]\n---\n", "mit, odc-by"),
        ("---\nlicense: other\nlicense_name: own-terms\n---\n", "own-terms"),
        ("---\nlicense: unknown\n---\n", None),
        ("---\nlicense: [\n---\n", None),
        ("The licence is MIT.\n", None),
    ],
)
def test_datasets_of_the_hub(tmp_path: Path, hub: Path, card: str, licence: str | None) -> None:
    cached_dataset(tmp_path, hub, card)
    out = tmp_path / "out"
    assert build(out, HUB_SOURCES, "--per-source", "6") == FINISHED
    formal, loose = manifest_of(out).sources
    assert (formal.label, loose.label) == ("org/talk:formal#test", "org/talk:loose#test")
    assert (formal.dataset_id, formal.revision, formal.commit) == ("org/talk", "main", COMMIT)
    assert (loose.revision, loose.commit, loose.config, loose.split) == (
        None,
        COMMIT,
        "loose",
        "test",
    )
    assert (loose.rows, loose.unusable, loose.available, loose.drawn) == (9, 3, 6, 6)
    assert formal.licence == loose.licence == licence
    assert loose.licence_basis == ("the dataset card" if licence else None)
    texts = {row["text"] for row in rows_of(open_samples(out, TEXT))}
    assert texts >= {f"loose {number}" for number in range(6)}
    again = f"org/talk@{COMMIT}:formal#test?text=words"
    assert again in (out / "README.md").read_text(encoding="utf-8")


def test_a_cache_that_has_another_commit_is_refused(
    tmp_path: Path, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached_dataset(tmp_path, hub, "", read_from="d" * 40)
    assert build(tmp_path / "out", HUB_SOURCES, "--per-source", "2") == FAILED
    refused(capsys, f"asked for at commit {COMMIT} and was read from {'d' * 40}")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("org/talk:formal#test", "has no column text, it has words"),
        ("org/talk:formal#absent?text=words", "absent"),
        ("org/none", "org/none is not in the local cache"),
    ],
)
def test_a_dataset_that_cannot_be_used(
    tmp_path: Path, hub: Path, capsys: pytest.CaptureFixture[str], source: str, word: str
) -> None:
    cached_dataset(tmp_path, hub, "")
    assert build(tmp_path / "out", [source], "--per-source", "2") == FAILED
    message = refused(capsys, *word.split(", "))
    assert "ID@REVISION:CONFIG#SPLIT" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/name", SourceName("org/name")),
        (
            "org/name@refs/convert/parquet:a-b#train[:5%]?text=a=b",
            SourceName(
                "org/name", None, "refs/convert/parquet", "a-b", "train[:5%]", {"text": "a=b"}
            ),
        ),
        ("org/name#test", SourceName("org/name", split="test")),
        ("./absent", SourceName(path=Path("absent"))),
        ("absent.csv?text=a", SourceName(path=Path("absent.csv"), columns={"text": "a"})),
    ],
)
def test_sources_are_understood(text: str, expected: SourceName) -> None:
    assert parse_source(text, TEXT) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a/b/c", "neither a file or folder"),
        ("", "neither a file or folder"),
        ("org/name#test:config", "neither a file or folder"),
        ("org/name:config@main", "neither a file or folder"),
        ("org/name?text", "does not name one column"),
        ("org/name?question=", "does not name one column"),
        ("org/name?text=a", "has no column text; it has question, context"),
        ("org/name?question=a&question=b", "does not name one column"),
        ("org/name?question=a&context=a", "one column is named twice"),
    ],
)
def test_sources_that_mean_nothing(text: str, word: str) -> None:
    with pytest.raises(SpecFault, match=word):
        parse_source(text, PAIR)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ((), "no number of rows is given"),
        (("--per-source", "0"), "--per-source 0"),
        (("--total", "2"), "fewer rows than the 3 sources"),
        (("--per-source", "3", "--total", "10"), "Give --per-source 4"),
        (("--total", "9", "--seed", "-1"), "--seed -1"),
        (("--total", "9", "--task", "poetry"), "text_gen, summarization, question_answering"),
        (("--total", "9", "--licence", "4=MIT"), "--licence 4=MIT"),
        (("--total", "9", "--licence", "MIT"), "--licence MIT"),
        (("--total", "9", "--tokenizer", "x", "--task", "asr"), "has no texts to count"),
    ],
)
def test_wrong_use_is_one_message(
    tmp_path: Path,
    sources: list[str],
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    word: str,
) -> None:
    bare = [source.partition("?")[0] for source in sources]
    assert build(tmp_path / "out", bare, *flags) == WRONG_USE
    refused(capsys, word)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_used_is_left_alone(
    tmp_path: Path, sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    used = write(tmp_path / "used" / "file", "mine").parent
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for out in (used, used / "file", link):
        assert build(out, sources, "--total", "9") == WRONG_USE
        refused(capsys, f"--out {out}: is there and not empty")
    inside = tmp_path / "sources" / "c" / "out"
    assert build(inside, sources, "--total", "9") == WRONG_USE
    refused(capsys, "lies in the source")
    assert contents(used) == {"file": b"mine"}
    (tmp_path / "empty").mkdir()
    assert build(tmp_path / "empty", sources, "--total", "9") == FINISHED


def test_a_place_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "file", "mine")
    assert build(tmp_path / "file" / "out", sources, "--total", "9") == FAILED
    refused(capsys, "cannot be written")


def test_sources_of_one_name_are_refused(
    tmp_path: Path, sources: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    json_lines(tmp_path / "b.jsonl", "text", ["one"])
    assert build(tmp_path / "out", [sources[1], str(tmp_path / "b.jsonl")], "--total", "2") == 2
    refused(capsys, "two sources are called b.jsonl")


@pytest.mark.parametrize(("total", "needed"), [("9", 3), ("8", 2), ("6", 2)])
def test_too_few_rows_name_the_sources_and_their_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], total: str, needed: int
) -> None:
    texts = [["a1", "a1", ""], ["b1", "b2"], ["c1", "c2"]]
    files = [json_lines(tmp_path / f"{n}.jsonl", "text", rows) for n, rows in enumerate(texts)]
    assert build(tmp_path / "out", [str(file) for file in files], "--total", total) == FAILED
    message = refused(capsys, f"to draw {needed} from each source", "0.jsonl has 1")
    assert ("1.jsonl has 2" in message) == (total == "9")
    assert not (tmp_path / "out").exists()


def test_one_row_too_few_for_what_does_not_divide(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [json_lines(tmp_path / f"{n}.jsonl", "text", [f"{n}a", f"{n}b"]) for n in range(3)]
    assert build(tmp_path / "out", [str(file) for file in files], "--total", "7") == FAILED
    refused(capsys, "to draw 3 from each source", "0.jsonl has 2", "2.jsonl has 2")


def test_a_source_with_the_odd_row_too_few_gives_way_to_the_others(tmp_path: Path) -> None:
    texts = [["a1", "a2"], ["b1", "b2", "b3"], ["c1", "c2", "c3"]]
    files = [json_lines(tmp_path / f"{n}.jsonl", "text", rows) for n, rows in enumerate(texts)]
    out = tmp_path / "out"
    assert build(out, [str(file) for file in files], "--total", "8") == FINISHED
    assert [source.drawn for source in manifest_of(out).sources] == [2, 3, 3]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "words\none\n", ("no column text", "it has words")),
        ("a.jsonl", '{"text": 5}\n', ("line 1", "is a int, not a text")),
        ("a.csv", b"text\n\xff\n", ("not UTF-8",)),
        ("a.parquet", b"no", ("not a parquet file",)),
        ("a.txt", "one\n", ("cannot end in .txt",)),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | bytes,
    words: tuple[str, ...],
) -> None:
    path = write(tmp_path / name, content)
    assert build(tmp_path / "out", [str(path)], "--total", "1") == FAILED
    refused(capsys, str(path), *words)
    assert build(tmp_path / "out", [str(tmp_path / "absent.csv")], "--total", "1") == FAILED
    refused(capsys, "absent.csv", "No such file")


@pytest.mark.parametrize(
    ("task", "made", "word"),
    [("image_classification", drawn_images, "image"), ("asr", sounded_tones, "sound")],
)
def test_every_drawn_file_that_cannot_be_read_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task: str, made: Any, word: str
) -> None:
    files: dict[str, bytes] = dict(made())
    broken = sorted(files)[:2]
    empty = sorted(files)[2]
    files |= {name: files[name][: len(files[name]) // 2] for name in broken} | {empty: b""}
    folder = media_folder(tmp_path / "media", files)
    flags = ("--per-source", str(len(files) - 1))
    assert build(tmp_path / "out", [str(folder)], *flags, task=task) == FAILED
    refused(capsys, f"media: 2 of the {len(files) - 1} rows drawn", *broken, word)
    assert not (tmp_path / "out").exists()
