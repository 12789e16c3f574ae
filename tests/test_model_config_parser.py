import os
import re
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


STATE, NOTE = "Reasoning State", "Chat Template"
CANNOT_STOP, CANNOT_REASON = "cannot stop reasoning", "cannot reason"
UNFORCED, SWITCHED = "nothing in the prompt keeps", "has a switch and reasons unless told not to"
NO_EFFECT = "the note names enable_thinking, which does nothing"
DOUBTS_ABOUT_THE_REFERENCE = [
    (16, STATE, CANNOT_STOP, "microsoft/Phi-4-reasoning-plus"),
    (30, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1"),
    (34, STATE, CANNOT_REASON, "Qwen/Qwen3-Next-80B-A3B-Instruct"),
    (36, STATE, SWITCHED, "zai-org/GLM-4.6"),
    (47, STATE, SWITCHED, "zai-org/GLM-4.5"),
    (48, STATE, CANNOT_STOP, "MiniMaxAI/MiniMax-M1-80k"),
    (49, STATE, CANNOT_STOP, "openai/gpt-oss-20b"),
    (57, STATE, UNFORCED, "mistralai/Magistral-Small-2507"),
    (59, STATE, SWITCHED, "zai-org/GLM-4.5-Air"),
    (65, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-0528"),
    (66, NOTE, NO_EFFECT, "deepseek-ai/DeepSeek-R1-0528"),
    (70, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
    (70, NOTE, NO_EFFECT, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
    (71, NOTE, NO_EFFECT, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
    (72, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
    (72, NOTE, NO_EFFECT, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
    (73, NOTE, NO_EFFECT, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
    (74, STATE, CANNOT_REASON, "google/gemma-3-270m-it"),
    (75, STATE, CANNOT_REASON, "google/gemma-3-1b-it"),
    (76, STATE, CANNOT_REASON, "google/gemma-3-12b-it"),
    (77, STATE, CANNOT_REASON, "google/gemma-3-27b-it"),
]
DOUBTS_ABOUT_OURS = [
    (8, STATE, CANNOT_STOP, "microsoft/Phi-4-reasoning-plus"),
    (28, STATE, UNFORCED, "mistralai/Magistral-Small-2507"),
    (29, STATE, CANNOT_STOP, "openai/gpt-oss-20b"),
    (36, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1"),
    (54, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-0528"),
    (56, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
    (58, STATE, CANNOT_STOP, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
]
# What the reference says, and what the model can be told.
CORRECTED_STATES = {
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", "On"): "Off (N/A)",
    ("google/gemma-3-270m-it", "On"): "Off (N/A)",
    ("google/gemma-3-1b-it", "On"): "Off (N/A)",
    ("google/gemma-3-12b-it", "On"): "Off (N/A)",
    ("google/gemma-3-27b-it", "On"): "Off (N/A)",
    ("MiniMaxAI/MiniMax-M1-80k", "Off (N/A)"): "On",
    ("zai-org/GLM-4.5", "Off (N/A)"): "Off",
    ("zai-org/GLM-4.5-Air", "Off (N/A)"): "Off",
    ("zai-org/GLM-4.6", "Off (N/A)"): "Off",
}


def check_doubts(path: Path, expected: list[tuple[int, str, str, str]]) -> None:
    """That each is there, in its place, about its model, with what to do; and no other."""
    found = ModelConfigParser(path).lint()
    assert [problem.where for problem in found] == [
        f"{path}, line {line}, column {column}" for line, column, _, _ in expected
    ]
    for problem, (_, _, what, model) in zip(found, expected, strict=True):
        assert what in problem.what
        assert re.search(rf"{re.escape(model)}(?![\w.-])", problem.what), problem.what
        assert problem.remedy


def test_what_is_doubtful_about_the_reference_catalog(reference: Path) -> None:
    check_doubts(reference, DOUBTS_ABOUT_THE_REFERENCE)


def test_the_shipped_catalog_covers_the_reference_but_for_corrected_states(
    reference: Path,
) -> None:
    ours = {identity(row) for row in ModelConfigParser(ROOT / "models.csv").parse()}
    theirs = ModelConfigParser(reference).parse()
    corrected = [
        row.model_copy(update={"reasoning_state": CORRECTED_STATES[found]})
        if (found := (row.model_id, row.reasoning_state)) in CORRECTED_STATES
        else row
        for row in theirs
    ]
    assert sum(one != other for one, other in zip(corrected, theirs, strict=True)) == 9
    assert len(ours) == len(theirs)
    assert {identity(row) for row in corrected} == ours


def test_the_shipped_catalog_is_sound() -> None:
    """The rows that remain doubtful are of models that nothing keeps from reasoning."""
    path = ROOT / "models.csv"
    check_doubts(path, DOUBTS_ABOUT_OURS)
    rows = ModelConfigParser(path).parse()
    assert len(rows) == 60
    assert all(row.chat_template for row in rows)
    by_line = {row.line: row for row in rows}
    assert {by_line[line].model_id for line, _, _, _ in DOUBTS_ABOUT_OURS} == {
        model for _, _, _, model in DOUBTS_ABOUT_OURS
    }


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
