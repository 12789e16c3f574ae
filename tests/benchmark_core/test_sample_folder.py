"""Local samples: tables, folders of tables, of images and of sounds; and what is wrong in them."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
import soundfile
from PIL import Image
from pyarrow import parquet

from benchmark_core import sample_json, sample_parquet, sample_tables
from benchmark_core.faults import SampleFault
from benchmark_core.local_samples import LocalSamples
from benchmark_core.media import Column, read_audio, read_image
from benchmark_core.sample_folder import open_samples, samples_sha256

ROOT = Path(__file__).resolve().parents[2]
TEXT = (Column("text", aliases=("prompt",)),)
PAIR = (Column("question"), Column("context"))
IMAGE = (Column("image", "image"),)
AUDIO = (Column("audio", "audio"),)
ODD_TEXTS = [
    "plain",
    'with "quotes", and commas',
    "two\nlines\r\nor three",
    "ünï \u2028 codé 🎵",
    "",
]


def picture(red: int = 200) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (red, 1, 2)).save(buffer, "PNG")
    return buffer.getvalue()


def rows(samples: LocalSamples) -> list[dict[str, Any]]:
    return [samples.row(index) for index in range(len(samples))]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_table(path: Path, columns: dict[str, list[Any]], group_rows: int = 2) -> Path:
    """One table in the format that the path's ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = zip(*columns.values(), strict=True)
    records = [dict(zip(columns, row, strict=True)) for row in cells]
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table(columns), path, row_group_size=group_rows)
    elif path.suffix == ".json":
        write(path, json.dumps(records))
    elif path.suffix == ".jsonl":
        write(path, "\n\n".join(json.dumps(row, ensure_ascii=False) for row in records))
    else:
        import csv

        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(records)
    return path


def fault(path: Path, columns: Sequence[Column], *words: str) -> SampleFault:
    """Why nothing of it can be used; one message of one line with these words."""
    with pytest.raises(SampleFault) as caught:
        open_samples(path, columns)
    return told(caught.value, *words)


def bad_row(path: Path, columns: Sequence[Column], *words: str) -> SampleFault:
    """The fault of the only row that cannot be used; it comes when the row is looked into."""
    samples = open_samples(path, columns)
    overview = samples.overview
    assert overview.good == len(rows(samples)) - 1 > 0
    (index,), (known,) = overview.bad, overview.faults
    row = samples.row(index)
    for read in (lambda: row[columns[0].name], lambda: f"{{{columns[0].name}}}".format_map(row)):
        with pytest.raises(SampleFault) as caught:
            read()
        assert (caught.value.message, caught.value.remedy) == (known.message, known.remedy)
    assert overview.told().startswith(f"1 of {len(samples)} rows cannot be used: {known.message}")
    return told(known, *words)


def told(found: SampleFault, *words: str) -> SampleFault:
    assert found.remedy and "\n" not in found.message
    for word in words:
        assert word in found.message
    return found


ENDINGS = pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])


@ENDINGS
def test_a_table_gives_its_rows_in_any_order(tmp_path: Path, ending: str) -> None:
    path = write_table(
        tmp_path / f"samples.{ending}",
        {"id": list("abcde"), "prompt": ODD_TEXTS, "source": ["x", "y", "x", "y", "x"]},
    )
    samples = open_samples(path, TEXT)
    assert rows(samples) == [{"text": text} for text in ODD_TEXTS]
    assert [samples.row(index)["text"] for index in (4, 0, 3, 1, 2, 2)] == [
        ODD_TEXTS[index] for index in (4, 0, 3, 1, 2, 2)
    ]
    assert samples.sources == ["x", "y", "x", "y", "x"]
    assert samples.overview.usable == [0, 1, 2, 3]
    with pytest.raises(IndexError):
        samples.row(5)


@ENDINGS
def test_two_columns_and_no_source(tmp_path: Path, ending: str) -> None:
    columns = {"context": ["c1", "c2"], "other": ["o", "o"], "question": ["q1", "q2"]}
    samples = open_samples(write_table(tmp_path / f"samples.{ending}", columns), PAIR)
    assert rows(samples)[1] == {"question": "q2", "context": "c2"}
    assert samples.sources is None


@ENDINGS
def test_sources_that_are_not_all_known_are_none(tmp_path: Path, ending: str) -> None:
    columns = {"text": ["a", "b"], "source": ["x", ""]}
    path = write_table(tmp_path / f"samples.{ending}", columns)
    assert open_samples(path, TEXT).sources is None


@ENDINGS
def test_a_missing_column_is_told_with_those_there(tmp_path: Path, ending: str) -> None:
    path = write_table(tmp_path / f"samples.{ending}", {"words": ["a"], "id": ["1"]})
    refused = fault(path, TEXT, str(path), "no column text or prompt", "words, id")
    assert "text" in refused.remedy


@ENDINGS
def test_a_table_without_rows(tmp_path: Path, ending: str) -> None:
    path = write_table(tmp_path / f"samples.{ending}", {"text": []})
    fault(path, TEXT, str(path), "no rows")


@ENDINGS
def test_an_image_named_by_a_table_lies_in_the_folder_of_the_table(
    tmp_path: Path, ending: str
) -> None:
    write(tmp_path / "pictures/a.png", picture())
    path = write_table(tmp_path / f"samples.{ending}", {"image": ["pictures/a.png"]})
    (row,) = rows(open_samples(path, IMAGE))
    assert row == {"image": {"bytes": None, "path": str(tmp_path / "pictures/a.png")}}
    assert read_image(row["image"]).getpixel((0, 0)) == (200, 1, 2)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("inner", ["", "train", "data"])
def test_a_folder_with_metadata(tmp_path: Path, ending: str, inner: str) -> None:
    folder = tmp_path / inner
    names = ["b.png", "deep/a.png"]
    for red, name in enumerate(names, start=10):
        write(folder / name, picture(red))
    write(folder / "not_named.png", picture())
    write_table(
        folder / f"metadata.{ending}",
        {
            "file_name": names,
            "image": ["label", "label"],
            "text": ["t1", "t2"],
            "source": ["s"] * 2,
        },
    )
    samples = open_samples(tmp_path, (*IMAGE, *TEXT))
    assert [row["text"] for row in rows(samples)] == ["t1", "t2"]
    assert [read_image(row["image"]).getpixel((0, 0)) for row in rows(samples)] == [
        (10, 1, 2),
        (11, 1, 2),
    ]
    assert samples.sources == ["s", "s"]


def test_a_folder_of_sounds_without_metadata_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "c/d.WAV", ".hidden.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, numpy.full(800, 0.5), 8000)
    write(tmp_path / "notes.txt", "not a sound")
    write(tmp_path / "cover.png", picture())
    samples = open_samples(tmp_path, AUDIO)
    assert [Path(row["audio"]["path"]).name for row in rows(samples)] == [
        "a.flac",
        "b.wav",
        "d.WAV",
    ]
    assert len(read_audio(samples.row(2)["audio"])) == 1600
    assert [Path(row["image"]["path"]).name for row in rows(open_samples(tmp_path, IMAGE))] == [
        "cover.png"
    ]


@pytest.mark.parametrize("inner", ["", "data"])
def test_a_folder_of_tables_is_read_in_the_order_of_names(tmp_path: Path, inner: str) -> None:
    for number in (1, 0, 2):
        name = f"train-0000{number}-of-00003.parquet"
        write_table(tmp_path / inner / name, {"text": [f"{number}a", f"{number}b", f"{number}c"]})
    write_table(tmp_path / inner / "test-00000-of-00001.parquet", {"text": ["no"]})
    write(tmp_path / "dataset_info.json", "{}")
    samples = open_samples(tmp_path, TEXT)
    assert [row["text"] for row in rows(samples)] == [a + b for a in "012" for b in "abc"]
    assert samples.place(4) == f"{tmp_path / inner}/train-00001-of-00003.parquet, row 2"


def test_tables_of_two_kinds_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "text\nx\n")
    write(tmp_path / "b.jsonl", '{"text": "y"}')
    fault(tmp_path, TEXT, "several kinds", "a.csv, b.jsonl")


@pytest.mark.parametrize("group_rows", [1, 3, 100])
def test_images_inside_parquet(
    tmp_path: Path, group_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_parquet, "BATCH_BYTES", 400)
    images = [{"bytes": picture(red), "path": f"{red}.png"} for red in range(10)]
    path = tmp_path / "images.parquet"
    table = pyarrow.table({"image": images, "source": ["a", "b"] * 5})
    parquet.write_table(table, path, row_group_size=group_rows)
    samples = open_samples(path, IMAGE)
    for order in (range(10), range(9, -1, -1), (3, 9, 3, 0, 5)):
        assert [samples.row(index) for index in order] == [{"image": images[i]} for i in order]
    assert samples.sources == ["a", "b"] * 5
    assert samples.overview.usable == list(range(10))


def test_bytes_without_a_name_and_nothing_at_all(tmp_path: Path) -> None:
    path = write_table(tmp_path / "images.parquet", {"image": [picture(), None, b""]})
    samples = open_samples(path, IMAGE)
    assert rows(samples)[:2] == [
        {"image": {"bytes": picture(), "path": None}},
        {"image": {"bytes": None, "path": None}},
    ]
    assert samples.overview.usable == [0]


def test_a_path_inside_parquet_may_not_lead_out_either(tmp_path: Path) -> None:
    path = tmp_path / "images.parquet"
    parquet.write_table(pyarrow.table({"image": [{"bytes": None, "path": "/etc/passwd"}]}), path)
    fault(path, IMAGE, f"{path}, row 1", "/etc/passwd", "leads out")
    for name, words in (("/etc/passwd", "leads out"), ("absent.png", "there is no file")):
        images = [{"bytes": picture(), "path": "a.png"}, {"bytes": None, "path": name}]
        parquet.write_table(pyarrow.table({"image": images}), path)
        bad_row(path, IMAGE, f"{path}, row 2", name, words)
        assert not open_samples(path, IMAGE).names_files


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "leads out"),
        ("../outside.png", "leads out"),
        ("deep/../../outside.png", "leads out"),
        (".hidden.png", "begins with a dot"),
        ("link.png", "leads out"),
        ("linked/outside.png", "leads out"),
        ("absent.png", "there is no file 'absent.png'"),
        ("a" * 300, "cannot be read"),
        ("loop.png", "cannot be read"),
        ("deep", "is not a file"),
        ("pipe.png", "is not a file"),
    ],
)
def test_a_file_name_that_cannot_be_used_is_told_with_its_line(
    tmp_path: Path, ending: str, name: str, words: str
) -> None:
    outside = write(tmp_path / "outside.png", picture())
    folder = tmp_path / "samples"
    write(folder / "good.png", picture())
    write(folder / ".hidden.png", picture())
    (folder / "deep").mkdir()
    (folder / "link.png").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "pipe.png")
    table = write_table(folder / f"metadata.{ending}", {"file_name": ["good.png", name]})
    known = bad_row(folder, IMAGE, words)
    if not name.startswith("link"):
        place = {"csv": "line 3", "jsonl": "line 3", "parquet": "row 2"}[ending]
        assert known.message.startswith(f"{table}, {place}: ")


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "a.png", picture())
    (tmp_path / "b.png").symlink_to("a.png")
    write(tmp_path / "metadata.csv", "file_name\nb.png\n")
    assert len(open_samples(tmp_path, IMAGE)) == 1


def test_a_file_named_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    write(tmp_path / "a.png", picture())
    path = write(tmp_path / "metadata.csv", "file_name\na.png\n./a.png\n")
    fault(tmp_path, IMAGE, f"{path}, line 3", "stands in line 2 already")


def test_links_out_are_refused_where_no_table_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "link.png").symlink_to(write(tmp_path / "outside.png", picture()))
    fault(folder, IMAGE, "link.png", "leads out of the folder")
    with pytest.raises(SampleFault, match="leads out"):
        samples_sha256(folder)
    (folder / "train.csv").symlink_to(write(tmp_path / "train.csv", "text\nx\n"))
    fault(folder, TEXT, "train.csv", "leads out of the folder")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"text\nfine\nb\xe4d\n", ("line 3", "not UTF-8", "0xe4")),
        ("a.csv", b'text\nfine\n"two\nb\xe4d"\n', ("line 4", "not UTF-8")),
        ("a.jsonl", b'{"text": "fine"}\n{"text": "b\xe4d"}\n', ("line 2", "not UTF-8")),
        ("a.json", b'[{"text": "fine"},\n{"text": "b\xe4d"}]\n', ("line 2", "not UTF-8")),
        ("a.csv", 'text\nfine\n"never\nclosed\n', ("line 3", "not valid CSV")),
        ("a.csv", "text,Text \na,b\n", ("line 1", "two columns are named text")),
        ("a.csv", "", ("no column",)),
        ("a.csv", "text\nnul\0\n", ("line 2", "text holds a character that is no character")),
        ("a.jsonl", "[" * 100_000, ("line 1", "not valid JSON")),
        ("a.jsonl", '{"text": 7}\n', ("line 1", "text is a int, not a text")),
        ("a.jsonl", "", ("no rows",)),
        ("a.json", '{"text": "a"}', ("a dict where a list of objects is needed",)),
        ("a.json", '[{"text": "a"}', ("not valid JSON",)),
        ("a.parquet", b"", ("not a parquet file",)),
        ("a.parquet", b"PAR1 and nothing after it", ("not a parquet file",)),
        ("a.txt", "text\n", ("cannot end in .txt",)),
        ("a", "text\n", ("cannot end in nothing",)),
    ],
)
def test_a_wrong_file_is_one_message(
    tmp_path: Path, name: str, content: str | bytes, words: tuple[str, ...]
) -> None:
    path = write(tmp_path / name, content)
    fault(path, TEXT, str(path), *words)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "text,id\na,1\nb,2,3\n", ("line 3", "3 cells where the header has 2")),
        ("a.jsonl", '{"text": "a"}\n{"text": "\\ud800"}\n', ("line 2", "no character")),
        ("a.jsonl", '{"text": "a"}\n\n{"text" "b"}\n', ("line 3", "not valid JSON")),
        ("a.jsonl", '{"text": "a"}\n["b"]\n', ("line 2", "a list where an object is needed")),
        ("a.jsonl", '{"text": "a"}\n{"txt": "b"}\n', ("line 2", "no column text", "txt")),
        ("a.json", '[{"text": "a"}, 7]', ("element 2", "a int where an object is needed")),
        ("a.json", '[{"text": "a"}, {"txt": "b"}]', ("element 2", "no column text", "txt")),
        ("a.csv", "text\na\nnul\0\n", ("line 3", "no character")),
        ("a.jsonl", '{"text": "a"}\n{"text": "n\\u0000"}\n', ("line 2", "no character")),
        ("a.jsonl", '{"text": "a"}\n{"text": 7}\n', ("line 2", "text is a int, not a text")),
        ("a.jsonl", '{"text": "a"}\n{"text": ["b"]}\n', ("line 2", "text is a list")),
        ("a.jsonl", '{"text": "a"}\n{"text": "b"', ("line 2", "not valid JSON")),
    ],
)
def test_a_bad_row_fails_alone(
    tmp_path: Path, name: str, content: str, words: tuple[str, ...]
) -> None:
    path = write(tmp_path / name, content)
    bad_row(path, TEXT, str(path), *words)
    assert open_samples(path, TEXT).row(0) == {"text": "a"}


def test_where_no_row_is_good_the_first_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": 1}\n{"text": ""}\n{"text": 2}\n{"text": 3}\n')
    fault(path, TEXT, f"{path}, line 1: text is a int", "none of the 2 others can be used")


def test_bad_rows_are_counted_and_the_first_ones_named(tmp_path: Path) -> None:
    lines = ['{"text": "fine"}', "", *('{"text": 7}' for _ in range(5)), '{"text": " "}']
    samples = open_samples(write(tmp_path / "a.jsonl", "\n".join(lines)), TEXT)
    assert samples.overview.usable == [0, 1, 2, 3, 4, 5]
    assert samples.overview.bad == {1, 2, 3, 4, 5}
    message = samples.overview.told()
    assert message.startswith("5 of 6 rows cannot be used: ") and message.endswith("; and 2 more")
    assert [f"line {number}:" in message for number in range(3, 8)] == [True] * 3 + [False] * 2


def test_a_row_that_cannot_be_read_takes_no_sources_away(tmp_path: Path) -> None:
    lines = ["{", '{"text": "a", "source": "x"}', '{"text": 7, "source": "y"}', "[]"]
    samples = open_samples(write(tmp_path / "a.jsonl", "\n".join(lines)), TEXT)
    assert samples.sources == ["x", "x", "y", "y"]


def test_an_image_that_is_a_number(tmp_path: Path) -> None:
    for name, place in (("a.jsonl", "line 1"), ("b.parquet", "row 1")):
        path = write_table(tmp_path / name, {"image": [7]})
        fault(path, IMAGE, f"{path}, {place}", "image is a int, not the name of a file")
    path = write_table(tmp_path / "c.parquet", {"text": [7]})
    fault(path, TEXT, f"{path}, row 1", "text is a int, not a text")


def test_parquet_that_is_damaged_in_the_middle(tmp_path: Path) -> None:
    texts = [f"{number} " + "x" * 50 for number in range(200)]
    path = write_table(tmp_path / "a.parquet", {"text": texts}, group_rows=50)
    content = bytearray(path.read_bytes())
    middle = parquet.ParquetFile(path).metadata.row_group(2).column(0).file_offset
    start = parquet.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    content[(start or middle) : (start or middle) + 60] = b"\xff" * 60
    path.write_bytes(content)
    fault(path, TEXT, str(path), "damaged")
    path.write_bytes(path.read_bytes()[:-20])
    fault(path, TEXT, str(path), "damaged")


def test_parquet_with_a_text_that_is_not_utf8(tmp_path: Path) -> None:
    array = pyarrow.array([b"fine", b"b\xe4d"]).view(pyarrow.string())
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": array}), path)
    bad_row(path, TEXT, f"{path}, row 2", "not UTF-8")


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.jsonl", "pipe.json", "pipe.parquet"])
def test_a_pipe_is_refused_without_waiting(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    fault(tmp_path / name, TEXT, name, "is a pipe, not a file")
    with pytest.raises(SampleFault, match="is a pipe"):
        samples_sha256(tmp_path / name)
    with pytest.raises(SampleFault, match="is a pipe"):
        samples_sha256(tmp_path)


def test_what_is_no_samples_at_all(tmp_path: Path) -> None:
    (tmp_path / "device.csv").symlink_to("/dev/null")
    fault(tmp_path / "device.csv", TEXT, "is a device, not a file")
    fault(tmp_path / "absent.csv", TEXT, "absent.csv: cannot be read: No such file")
    fault(tmp_path / "absent", TEXT, "absent: cannot be read: No such file")
    empty = tmp_path / "empty"
    empty.mkdir()
    fault(empty, TEXT, f"{empty}: no rows", "metadata.csv")
    fault(empty, AUDIO, f"{empty}: no rows", "no audio file")
    write(empty / "a.png", picture())
    fault(empty, (*IMAGE, *TEXT), f"{empty}: no rows")


@ENDINGS
def test_more_rows_than_the_bound(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_table(tmp_path / f"a.{ending}", {"text": list("abcd")})
    for module in (sample_tables, sample_parquet, sample_json):
        monkeypatch.setattr(module, "MOST_ROWS", 4)
    assert len(open_samples(path, TEXT)) == 4
    for module in (sample_tables, sample_parquet, sample_json):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    fault(path, TEXT, str(path), "rows")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_larger_row_than_the_bound(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "y\n" * 200
    path = write_table(tmp_path / f"a.{ending}", {"text": ["fine", lines, "fine too"]})
    monkeypatch.setattr(sample_tables, "LARGEST_ROW_BYTES", 300)
    monkeypatch.setattr(sample_parquet, "LARGEST_FILE_BYTES", 300)
    # Where a row of a csv ends is known only once all of it is read.
    found = fault if ending == "csv" else bad_row
    found(path, TEXT, "row 2" if ending == "parquet" else "line 3", "more than 300 bytes")
    if ending != "csv":
        assert open_samples(path, TEXT).row(2) == {"text": "fine too"}


def test_a_picture_inside_parquet_may_be_as_large_as_one_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    images = [{"bytes": bytes(70_000_000), "path": "a.png"}]
    parquet.write_table(pyarrow.table({"image": images}), path)
    assert len(open_samples(path, IMAGE).row(0)["image"]["bytes"]) == 70_000_000


def test_a_larger_row_group_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "a.parquet", {"text": ["a", "b", "c", "d" * 1000]})
    monkeypatch.setattr(sample_parquet, "LARGEST_GROUP_BYTES", 500)
    refused = fault(path, TEXT, f"{path}, row 3", "500 are read at most")
    assert "smaller row groups" in refused.remedy


def test_a_cell_longer_than_what_csv_takes_by_itself(tmp_path: Path) -> None:
    long = "word " * 60_000
    path = write_table(tmp_path / "a.csv", {"text": [long, "short"]})
    assert [row["text"] for row in rows(open_samples(path, TEXT))] == [long, "short"]


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    for name, content in [
        ("a.csv", "\ufeffText\r\none\r\n\r\ntwo\r\n"),
        ("a.jsonl", '\ufeff{"text": "one"}\r\n{"text": "two"}\r\n'),
        ("a.json", '\ufeff[{"text": "one"}, {"text": "two"}]'),
    ]:
        samples = open_samples(write(tmp_path / name, content), TEXT)
        assert rows(samples) == [{"text": "one"}, {"text": "two"}]


def test_the_checksum_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\nx\n")
    assert samples_sha256(path) == hashlib.sha256(b"text\nx\n").hexdigest()
    assert samples_sha256(path.rename(tmp_path / "b.csv")) == samples_sha256(tmp_path / "b.csv")


def test_the_checksum_of_a_folder_is_over_names_and_contents(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, str]) -> str:
        for file, content in files.items():
            write(tmp_path / name / file, content)
        return samples_sha256(tmp_path / name)

    one = folder("one", {"a.txt": "1", "b/c.txt": "2"})
    assert folder("same", {"b/c.txt": "2", "a.txt": "1", ".DS_Store": "x", ".git/x": "y"}) == one
    others = [
        folder("renamed", {"A.txt": "1", "b/c.txt": "2"}),
        folder("moved", {"a.txt": "1", "c.txt": "2"}),
        folder("swapped", {"a.txt": "2", "b/c.txt": "1"}),
        folder("changed", {"a.txt": "1", "b/c.txt": "3"}),
        folder("more", {"a.txt": "1", "b/c.txt": "2", "d": ""}),
        folder("fewer", {"a.txt": "1"}),
    ]
    assert len({one, *others}) == 7


# Not getrusage: its peak begins at that of the process which started this one.
MEMORY = """
import sys
from pathlib import Path
from benchmark_core.media import Column
from benchmark_core.sample_folder import open_samples, samples_sha256

def peak_kib():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1])

path, media = Path(sys.argv[1]), sys.argv[2]
open_samples(Path(sys.argv[3]), [Column("value", media)]).row(0)
before = peak_kib()
samples = open_samples(path, [Column("value", media)])
read = 0
for index in range(len(samples)):
    value = samples.row(index)["value"]
    read += len(value["bytes"] if media == "image" else value)
samples_sha256(path)
print(len(samples), read, (peak_kib() - before) // 1024)
"""


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, ending: str) -> None:
    """10,000 rows of 10 kB, 100 MB in all; parquet in row groups of 5 MB."""
    numbers = numpy.random.default_rng(1)
    if ending == "parquet":
        made: list[Any] = [numbers.bytes(10_000) for _ in range(10_000)]
    else:
        made = [f"{number:05}" * 2000 for number in range(10_000)]
    path = write_table(tmp_path / f"many.{ending}", {"value": made}, group_rows=500)
    few = write_table(tmp_path / f"few.{ending}", {"value": made[:5]})
    media = "image" if ending == "parquet" else "text"
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), media, str(few)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    count, read, grown_mib = map(int, done.stdout.split())
    assert (count, read) == (10_000, 100_000_000)
    assert grown_mib < 50
