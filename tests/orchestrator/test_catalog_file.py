import csv
import io
from pathlib import Path

import pytest

from model_config_parser import ModelConfigParser
from orchestrator.errors import UsageError
from tests.support.catalogs import GOOD, HEADER, OPTIONAL, refusal, write


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "mine.csv"


def cell(column: str, value: str) -> str:
    """A faultless row but for one cell."""
    names = OPTIONAL.split(",")
    values = ["a/b", "1", "C", "text_gen", "On", *[""] * 7]
    values[names.index(column)] = value
    page = io.StringIO()
    csv.writer(page, lineterminator="\n").writerow(values)
    return page.getvalue().removesuffix("\n")


MODEL = "Models to Add"
PRIORITY = "Priority (1=hi)"
HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        (MODEL, "", "the cell is empty"),
        (MODEL, "gpt2", "not of the form org/name"),
        (MODEL, "a/b/c", "not of the form org/name"),
        (MODEL, "/b", "not of the form org/name"),
        (MODEL, "a/..", "contains '..'"),
        (MODEL, "../b", "contains '..'"),
        (MODEL, "a/b..c", "contains '..'"),
        (MODEL, "a/b--c", "contains '--'"),
        (MODEL, f"{HUB}/a/../b", "not of the form org/name"),
        (MODEL, f"{HUB}/%2e%2e/b", "no id that the Hub allows"),
        (MODEL, "a/b\x1b[31mc", r"'a/b\x1b[31mc' contains control"),
        (MODEL, "a/b\nc", "contains control"),
        (MODEL, "a/b\u200b", r"'a/b\u200b' contains control or invisible"),
        (MODEL, "a/b\u00e9", r"'a/b\xe9' is no id"),
        (MODEL, "a/b c", "no id that the Hub allows"),
        (MODEL, "-a/b", "no id that the Hub allows"),
        (MODEL, "a/b.", "no id that the Hub allows"),
        (MODEL, "a/b.git", "ends with .git"),
        (MODEL, "a/" + "b" * 97, "has a part of 97 characters"),
        (MODEL, "$(reboot)/b", "no id that the Hub allows"),
        (MODEL, HUB, "not of the form org/name"),
        (MODEL, f"{HUB}/gpt2", "not of the form org/name"),
        (MODEL, f"{HUB}/datasets/a/b", "something else than a model"),
        (MODEL, f"{HUB}/a/b/tree/v1.0", "names revision 'v1.0'"),
        (MODEL, f"{HUB}/a/b/tree/main/onnx", "not of the form org/name"),
        (MODEL, "https://example.com/a/b", "not an address at huggingface.co"),
        (MODEL, f"{HUB}@example.com/a/b", "not an address at huggingface.co"),
        (MODEL, "https://[/a/b", "no valid address"),
        (PRIORITY, "", "the cell is empty"),
        (PRIORITY, "high", "'high' is not a whole number"),
        (PRIORITY, "0", "not a whole number from 1 up"),
        (PRIORITY, "-1", "not a whole number from 1 up"),
        (PRIORITY, "1.5", "not a whole number from 1 up"),
        (PRIORITY, "\u0661", "not a whole number from 1 up"),
        (PRIORITY, "9" * 5000, "not a whole number from 1 up"),
        ("Class", "D", "'D' is not a class"),
        ("Class", "", "a text generation row needs a class"),
        ("Task", "poetry", "'poetry' is not a task"),
        ("Task", "", "the cell is empty"),
        ("Reasoning State", "Maybe", "'Maybe' is not a reasoning state"),
        ("Reasoning State", "On (Huge)", "is not a reasoning state"),
        ("Reasoning State", "", "a text generation row needs a reasoning state"),
        ("Revision", "v 1", "cannot be a branch, tag or commit"),
        ("Revision", "a/../b", "cannot be a branch, tag or commit"),
        ("Revision", "--upload-pack=x", "cannot be a branch, tag or commit"),
        ("Parameters (B)", "20B", "is not a number above 0"),
        ("Parameters (B)", "0.0", "is not a number above 0"),
        ("Parameters (B)", "nan", "is not a number above 0"),
        ("Parameters (B)", "inf", "is not a number above 0"),
        ("GPUs", "0", "not a whole number from 1 up"),
        ("GPUs", "two", "not a whole number from 1 up"),
        ("Processor", "tokenizer", "not of the form org/name"),
        ("Trust Remote Code", "maybe", "neither yes nor no"),
        ("Quantization", "8 bit", "cannot be the name of a quantization"),
    ],
)
def test_a_bad_cell(catalog: Path, column: str, value: str, part: str) -> None:
    write(catalog, GOOD.replace("a/b", "x/y"), cell(column, value), header=OPTIONAL)
    (message,) = refusal(catalog)
    assert message.startswith(f", line 3, column {column}: ")
    assert part in message


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("a/b,1,,asr,On,,,,,,,", "Reasoning State"),
        ("a/b,1,B,text_gen,On,,,,2,,,", "GPUs"),
        ("a/b,1,,image_gen,,,,,2,,,", "GPUs"),
    ],
)
def test_cells_that_contradict_each_other(catalog: Path, line: str, column: str) -> None:
    (message,) = refusal(write(catalog, line, header=OPTIONAL))
    assert message.startswith(f", line 2, column {column}: ")


@pytest.mark.parametrize("gone", HEADER.split(",")[:5])
def test_a_missing_column(catalog: Path, gone: str) -> None:
    names = HEADER.split(",")
    kept = [index for index, name in enumerate(names) if name != gone]
    header, line = (",".join(text.split(",")[i] for i in kept) for text in (HEADER, GOOD))
    (message,) = refusal(write(catalog, line, header=header))
    assert message.startswith(f", line 1, column {gone}: the column is missing")
    assert "the header has '" in message


ROWS = f"{HEADER}\n{GOOD}\n"
NEXT = "c/d,1,A,text_gen,On,"
BAD_FILES: dict[str, tuple[bytes | str, str]] = {
    "no byte": (b"", ": the file is empty"),
    "byte order mark only": (b"\xef\xbb\xbf", ": the file is empty"),
    "blank lines only": ("\r\n  \n,,,\n", ": the file is empty"),
    "header only": (f"{HEADER}\n", ": there is a header but no row"),
    "blank rows only": (f"{HEADER}\n,,,\n", ": there is a header but no row"),
    "column twice": (
        f"{HEADER},class\n{GOOD},B\n",
        ", line 1, column Class: the column occurs twice, as cells 3 and 7",
    ),
    "duplicate": (f"{ROWS}\n{GOOD}\n", ", line 4: the row asks for the same run of a/b as line 2"),
    "duplicate in capitals": (
        f"{ROWS}{GOOD.replace('a/b', 'A/b')}\n",
        ", line 3: the row asks for the same run of A/b as line 2",
    ),
    "semicolons": (
        ROWS.replace(",", ";"),
        ", line 1: the cells are separated by semicolons, not by commas",
    ),
    "tabs": ("\n" + ROWS.replace(",", "\t"), ", line 2: the cells are separated by tabs"),
    "comma without quotes": (
        f"{HEADER}\n{GOOD}, and more\n",
        ", line 2: 7 cells under a header of 6; too many is 'and more'",
    ),
    "latin-1": (ROWS.encode() + NEXT.encode() + b"caf\xe9\n", ", line 3: not UTF-8: byte 0xE9"),
    "NUL": (f"{ROWS}{NEXT}a\0b\n", ", line 3: a NUL byte"),
    "open quote": (f'{ROWS}{NEXT}"open\n\n', ", line 3: the quotes of the row that starts here"),
    "open quote in the header": (f'"{ROWS}', ", line 1: the quotes of the row that starts here"),
    "text behind a quote": (
        f'{HEADER}\n{NEXT}"a" b\n{GOOD}\n',
        ", line 2: the quotes of the row that starts here",
    ),
    "UTF-16": (ROWS.encode("utf-16"), ": the file is UTF-16 text"),
    "workbook": (b"PK\x03\x04\0\0", ": the file is an Excel or OpenDocument workbook"),
    "eleven megabytes": (b"x" * 10_000_001, ": the file is larger than 10 MB"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file(catalog: Path, kind: str) -> None:
    content, start = BAD_FILES[kind]
    catalog.write_bytes(content if isinstance(content, bytes) else content.encode())
    (message,) = refusal(catalog)
    assert message.startswith(start)


def test_a_file_that_is_no_catalog_names_every_column(catalog: Path) -> None:
    catalog.write_text("date,watts\n2025-10-01,350\n")
    messages = refusal(catalog)
    assert [message.split(":")[0] for message in messages] == [
        f", line 1, column {column}" for column in HEADER.split(",")[:5]
    ]


def test_too_many_rows(catalog: Path) -> None:
    catalog.write_text(f"{HEADER}\n" + "x\n" * 100_001)
    assert refusal(catalog)[0].startswith(": more than 100,000 rows")


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert refusal(tmp_path / "none.csv")[0].startswith(": there is no such file")
    assert refusal(tmp_path)[0].startswith(": this is a directory")
    assert refusal(loop)[0].startswith(": the file cannot be read")
    with pytest.raises(UsageError, match=r"'.*\\x1b.*\\x00.*': the file cannot be read"):
        ModelConfigParser(tmp_path / "a\x1b\0.csv").parse()


def test_all_problems_of_a_file_are_reported_together(catalog: Path) -> None:
    catalog.write_bytes(
        b"Models to Add;Priority (1=hi);Class;Task;Chat Template\n"
        b"a/..;1;A;text_gen;\n"
        b"a/b;soon;D;text_gen;\n"
        b"c/d;1;A;poetry;caf\xe9\n"
    )
    found = [message.partition(" ")[2] for message in refusal(catalog)]
    assert [message.split(":")[0] for message in found] == [
        "line 4",
        "line 1",
        "line 1, column Reasoning State",
        "line 2, column Models to Add",
        "line 3, column Priority (1=hi)",
        "line 3, column Class",
        "line 4, column Task",
    ]


def test_of_very_many_problems_the_first_thousand_are_kept(catalog: Path) -> None:
    messages = refusal(write(catalog, *(f"a/b{n},x,A,text_gen,On," for n in range(1_500))))
    assert len(messages) == 1_001
    assert messages[-1].startswith(": 500 more problems")


def test_long_values_are_cut_in_messages(catalog: Path) -> None:
    (message,) = refusal(write(catalog, f"a/b,1,A,text_gen,{'x' * 50_000},"))
    assert len(message) < 300
