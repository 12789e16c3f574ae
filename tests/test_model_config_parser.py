import os
from collections import Counter
from pathlib import Path

import pytest

from model_config_parser import ModelConfig, ModelConfigParser, filter_configs
from orchestrator.errors import UsageError
from tests.support.catalogs import GOOD, HEADER, OPTIONAL, parse, write

ROOT = Path(__file__).parents[1]


@pytest.fixture
def reference() -> Path:
    folder = os.environ.get("AIES_REFERENCE_DATA")
    if not folder:
        pytest.skip("AIES_REFERENCE_DATA does not name the folder with the reference catalog")
    return Path(folder) / "oct_2025_models.csv"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "mine.csv"


def identity(config: ModelConfig) -> tuple[object, ...]:
    return (
        config.model_id,
        config.priority,
        config.model_class,
        config.task,
        config.reasoning_state,
    )


def test_the_reference_catalog(reference: Path) -> None:
    rows = ModelConfigParser(reference).parse()
    assert len(rows) == 60
    assert Counter(row.task for row in rows) == {"text_generation": 57, "image_generation": 3}
    assert Counter(row.reasoning_state for row in rows) == {
        "On": 18,
        "On (High)": 2,
        "On (Medium)": 2,
        "On (Low)": 2,
        "Off": 12,
        "Off (N/A)": 21,
        None: 3,
    }
    apertus = filter_configs(rows, model_name="apertus-8b")
    assert [row.model_id for row in apertus] == ["swiss-ai/Apertus-8B-Instruct-2509"]
    first, second = rows[:2]
    assert identity(first) == ("openai/gpt-oss-20b", 1, "B", "text_generation", "On (High)")
    assert first.chat_template.splitlines() == [
        "reasoning: True",
        "  reasoning_params:",
        "    reasoning_effort: high",
    ]
    assert (first.line, second.line, rows[-1].line) == (2, 5, 77)
    assert rows[-1].model_id == "google/gemma-3-27b-it"
    pictures = [row.model_id for row in rows if row.model_class is None]
    assert pictures == [
        "Qwen/Qwen-Image",
        "black-forest-labs/FLUX.1-dev",
        "HiDream-ai/HiDream-I1-Full",
    ]
    assert ModelConfigParser(reference).lint() == []


def test_the_shipped_catalog_covers_the_reference(reference: Path) -> None:
    ours = ModelConfigParser(ROOT / "models.csv").parse()
    theirs = ModelConfigParser(reference).parse()
    assert sorted(map(str, map(identity, ours))) == sorted(map(str, map(identity, theirs)))


def test_the_shipped_catalog_is_sound() -> None:
    parser = ModelConfigParser(ROOT / "models.csv")
    rows = parser.parse()
    assert parser.lint() == []
    assert len(rows) == 60
    assert all(row.chat_template for row in rows)


@pytest.mark.parametrize(
    "spelling",
    [
        "org/na.me_1-x",
        " org/na.me_1-x \u00a0",
        "https://huggingface.co/org/na.me_1-x",
        "https://huggingface.co/org/na.me_1-x/ ",
        "HTTPS://HuggingFace.co/org/na.me_1-x",
        "http://www.huggingface.co/org/na.me_1-x",
        "huggingface.co/org/na.me_1-x",
        "https://hf.co/org/na.me_1-x",
        "https://huggingface.co/org/na.me_1-x/tree/main",
        "https://huggingface.co/org/na.me_1-x/tree/main/",
        "https://huggingface.co/org/na.me_1-x/blob/main/README.md",
        "https://huggingface.co/org/na.me_1-x?library=transformers#usage",
    ],
)
def test_ids_and_addresses(catalog: Path, spelling: str) -> None:
    (row,) = parse(catalog, f"{spelling},1,A,text_gen,On,")
    assert row.model_id == "org/na.me_1-x"


def test_ids_that_are_accepted_are_accepted_by_the_hub_client(catalog: Path) -> None:
    validators = pytest.importorskip("huggingface_hub.utils")
    alphabet = ("a", "_", "-", ".", "9", "..", "--", ".git", "a" * 96, "a" * 97, "a-b", "")
    accepted = 0
    for name in (
        left + middle + right for left in alphabet for middle in "a.-" for right in alphabet
    ):
        try:
            (row,) = parse(catalog, f"org/{name},1,A,text_gen,On,")
        except UsageError:
            continue
        accepted += 1
        validators.validate_repo_id(row.model_id)
    assert accepted > 40


def test_variants_of_one_catalog_parse_equal(catalog: Path) -> None:
    lines = [
        HEADER,
        'a/b,1,A,text_gen,On (High),"two\nlines, one comma, a ""quote"" and caf\u00e9"',
        "c/d,2,,image_gen,,",
    ]
    plain = "\n".join(lines) + "\n"
    expected = ModelConfigParser(write(catalog, *lines[1:])).parse()
    assert expected[0].chat_template == 'two\nlines, one comma, a "quote" and caf\u00e9'
    assert [row.line for row in expected] == [2, 4]
    variants = {
        "crlf": plain.replace("\n", "\r\n").encode(),
        "cr": plain.replace("\n", "\r").encode(),
        "bom": b"\xef\xbb\xbf" + plain.encode(),
        "bom, crlf": b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode(),
        "no last line end": plain.rstrip().encode(),
        "blank rows after": (plain + "\n,,,,,\n   \n").encode(),
    }
    for name, content in variants.items():
        catalog.write_bytes(content)
        assert ModelConfigParser(catalog).parse() == expected, name


def test_columns_in_any_order_with_others_between(catalog: Path) -> None:
    straight = parse(catalog, "a/b,1,A,text_gen,Off,note", "c/d,2,,asr,,")
    header = ",owner,TASK, reasoning  state ,chat template,CLASS,models to add,Priority (1=HI),"
    mixed = parse(
        catalog,
        ",me,text_gen,off,note,a,a/b,1,",
        'x,"me, you",ASR,,,,c/d,2',
        header=header,
    )
    assert mixed == straight


def test_leading_blank_rows_count_as_lines(catalog: Path) -> None:
    catalog.write_text(f"\n\n{HEADER}\n\n{GOOD}\n")
    (row,) = ModelConfigParser(catalog).parse()
    assert row.line == 5


@pytest.mark.parametrize(
    ("cell", "state"),
    [("on", "On"), ("ON (high)", "On (High)"), ("On(Low)", "On (Low)"), ("off (n/a)", "Off (N/A)")],
)
def test_states_are_spelled_canonically(catalog: Path, cell: str, state: str) -> None:
    (row,) = parse(catalog, f"a/b,1,A,text_gen,{cell},")
    assert row.reasoning_state == state


def test_an_off_on_a_task_without_reasoning_is_no_state(catalog: Path) -> None:
    (row,) = parse(catalog, "a/b,1,,summarization,Off (N/A),")
    assert row.reasoning_state is None


def test_the_note_column_may_be_absent(catalog: Path) -> None:
    (row,) = parse(catalog, "a/b,1,A,text_gen,On", header=HEADER.removesuffix(",Chat Template"))
    assert row.chat_template == ""


def test_optional_columns(catalog: Path) -> None:
    full, bare = parse(
        catalog,
        "a/b,1,C,text_gen,On,,refs/pr/1,20.9,8,https://huggingface.co/c/d,Yes,gptq",
        "a/b,1,C,text_gen,On,,,,,,,",
        header=OPTIONAL,
    )
    assert full == bare.model_copy(
        update={
            "line": 2,
            "revision": "refs/pr/1",
            "parameters_billion": 20.9,
            "gpus": 8,
            "processor": "c/d",
            "trust_remote_code": True,
            "quantization": "gptq",
        }
    )
    assert (bare.revision, bare.gpus, bare.trust_remote_code) == (None, None, False)


def test_the_same_model_may_differ_in_revision_quantization_or_state(catalog: Path) -> None:
    rows = parse(
        catalog,
        "a/b,1,A,text_gen,On,,,,,,,",
        "a/b,1,A,text_gen,Off,,,,,,,",
        "a/b,1,A,text_gen,On,,v2,,,,,",
        "a/b,1,A,text_gen,On,,,,,,,awq",
        header=OPTIONAL,
    )
    assert len(rows) == 4
