"""No code knows a family by name but the table of families."""

import re
from pathlib import Path

from benchmark_core.reasoning.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "benchmark_core" / "reasoning" / "families.py"
PROGRAM_NAMES = ("Makefile", "Dockerfile")

# Words of family names; a letter before or after makes it another word, as in `algorithm`.
FAMILY_WORDS = re.compile(
    r"(?<![a-z])(gpt[-_ ]?oss|qwen|smollm|phi[-_ ]?\d|deepseek|exaone|hunyuan|nemotron|glm"
    r"|gemma|mistral|magistral|granite|kimi|apertus|minimax|harmony)(?![a-z])",
    re.IGNORECASE,
)


def program_files() -> list[Path]:
    """Every file of code outside the tests. Hidden folders hold tools, but for `.ci`."""
    found = [*(path for path in (ROOT / ".ci").rglob("*") if path.is_file())]
    for path in ROOT.rglob("*"):
        folders = path.relative_to(ROOT).parts[:-1]
        if any(part.startswith(".") or part == "tests" for part in folders):
            continue
        if any((ROOT / folders[0] / "pyvenv.cfg").exists() for _ in folders[:1]):
            continue
        if path.suffix in (".py", ".sh") or path.name in PROGRAM_NAMES:
            found.append(path)
    return sorted(found)


def family_words(text: str) -> list[str]:
    return [match.group() for match in FAMILY_WORDS.finditer(text)]


def test_no_family_is_named_in_code_outside_the_table() -> None:
    files = program_files()
    names = {str(path.relative_to(ROOT)) for path in files}
    assert {"batch_runner.py", "build.sh", "Makefile", "docker/Dockerfile"} <= names
    assert {"benchmark_core/reasoning/probe.py", "orchestrator/catalog_lint.py"} <= names
    named = {
        str(path.relative_to(ROOT)): words
        for path in files
        if path != TABLE and (words := family_words(path.read_text(encoding="utf-8")))
    }
    assert named == {}


def test_the_search_for_names_finds_them() -> None:
    known = {word.lower() for word in family_words(TABLE.read_text(encoding="utf-8"))}
    assert {"qwen", "glm", "harmony", "magistral", "gpt-oss", "phi-4"} <= known
    for family in FAMILIES[:-1]:
        assert family_words(family.ids.replace("\\", "")), family.name
    assert family_words("# as for Qwen3, and GPT_OSS") == ["Qwen", "GPT_OSS"]
    assert family_words('if "qwen" in name:') == ["qwen"]
    assert family_words("openai_gpt-oss-20b_On") == ["gpt-oss"]
    assert family_words("philosophy, algorithm, granites in harmonyless words") == []
