"""The table of families: what every row of the catalogs means, and which ids are whose."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from benchmark_core.contract import Effort
from benchmark_core.reasoning.families import FAMILIES, NOTHING, Family, Instruction, family_of
from benchmark_core.reasoning.resolution import at_level, resolve
from model_config_parser import ModelConfigParser
from orchestrator.run_planner import GpuSet, PlannedRun, make_plan
from orchestrator.simulation_file import Simulations
from tests.support.settings import settings

ROOT = Path(__file__).resolve().parents[2]
OWN_CATALOG = ROOT / "models.csv"
REFERENCE = os.environ.get("AIES_REFERENCE_DATA")
EIGHT = GpuSet(count=8, memory_bytes=80 * 10**9)
THINKS, TEN = (8192, 1), (10, 10)


class Reading(NamedTuple):
    """What a row of a catalog is to become. `form` is that of the prompt."""

    effective: str
    enforced: bool
    limits: tuple[int, int]
    kwargs: dict[str, bool | str] = {}  # noqa: RUF012 - never changed
    system: str | None = None
    system_file: str | None = None
    user_prefix: str = ""
    form: str = "chat"


def effort(level: str) -> Reading:
    return Reading("on", True, THINKS, {"reasoning_effort": level})


ENABLED = Reading("on", True, THINKS, {"enable_thinking": True})
DISABLED = Reading("off", True, TEN, {"enable_thinking": False})
ALWAYS = Reading("on", True, THINKS)
NEVER_STOPS = Reading("on", False, TEN)
CANNOT = Reading("none", True, TEN)
ASKED_IN_VAIN = Reading("none", False, TEN)
BASE = Reading("none", True, TEN, form="raw")

BOTH_CATALOGS: dict[tuple[str, str], Reading] = {
    ("openai/gpt-oss-20b", "On (High)"): effort("high"),
    ("openai/gpt-oss-20b", "On (Medium)"): effort("medium"),
    ("openai/gpt-oss-20b", "On (Low)"): effort("low"),
    ("openai/gpt-oss-20b", "Off (N/A)"): NEVER_STOPS,
    ("openai/gpt-oss-120b", "On (High)"): effort("high"),
    ("openai/gpt-oss-120b", "On (Medium)"): effort("medium"),
    ("openai/gpt-oss-120b", "On (Low)"): effort("low"),
    ("google/gemma-3-270m", "Off (N/A)"): BASE,
    ("google/gemma-3-1b-pt", "Off (N/A)"): BASE,
    ("google/gemma-3-4b-pt", "Off (N/A)"): BASE,
    ("google/gemma-3-27b-pt", "Off (N/A)"): BASE,
    ("HuggingFaceTB/SmolLM3-3B", "On"): ENABLED,
    ("HuggingFaceTB/SmolLM3-3B", "Off"): DISABLED,
    ("microsoft/Phi-4-reasoning-plus", "On"): ALWAYS,
    ("microsoft/Phi-4-reasoning-plus", "Off"): NEVER_STOPS,
    ("Qwen/Qwen2.5-Coder-14B", "Off (N/A)"): BASE,
    ("Qwen/Qwen3-0.6B", "On"): ENABLED,
    ("Qwen/Qwen3-0.6B", "Off"): DISABLED,
    ("Qwen/Qwen3-30B-A3B", "On"): ENABLED,
    ("Qwen/Qwen3-30B-A3B", "Off"): DISABLED,
    ("Qwen/Qwen3-235B-A22B", "On"): ENABLED,
    ("Qwen/Qwen3-235B-A22B", "Off"): DISABLED,
    ("Qwen/Qwen3-Next-80B-A3B-Thinking", "On"): ALWAYS,
    ("mistralai/Mistral-Nemo-Instruct-2407", "Off (N/A)"): CANNOT,
    ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", "Off (N/A)"): CANNOT,
    ("mistralai/Magistral-Small-2507", "Off (N/A)"): Reading("unforced", False, TEN),
    ("deepseek-ai/DeepSeek-R1", "On"): ALWAYS,
    ("deepseek-ai/DeepSeek-R1", "Off"): NEVER_STOPS,
    ("deepseek-ai/DeepSeek-R1-0528", "On"): ALWAYS,
    ("deepseek-ai/DeepSeek-R1-0528", "Off"): NEVER_STOPS,
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "On"): ALWAYS,
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "Off"): NEVER_STOPS,
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "On"): ALWAYS,
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "Off"): NEVER_STOPS,
    ("deepseek-ai/DeepSeek-V3", "Off (N/A)"): CANNOT,
    ("deepseek-ai/DeepSeek-V3.2-Exp", "Off (N/A)"): Reading("off", True, TEN, {"thinking": False}),
    ("ibm-granite/granite-4.0-micro", "Off (N/A)"): CANNOT,
    ("ibm-granite/granite-4.0-h-tiny", "Off (N/A)"): CANNOT,
    ("ibm-granite/granite-4.0-h-small", "Off (N/A)"): CANNOT,
    ("moonshotai/Kimi-K2-Instruct", "Off (N/A)"): CANNOT,
    ("swiss-ai/Apertus-8B-Instruct-2509", "Off (N/A)"): DISABLED,
    ("swiss-ai/Apertus-70B-Instruct-2509", "Off (N/A)"): DISABLED,
    ("tencent/Hunyuan-1.8B-Instruct", "On"): ENABLED,
    ("tencent/Hunyuan-1.8B-Instruct", "Off"): DISABLED,
    ("LGAI-EXAONE/EXAONE-4.0-32B", "On"): ENABLED,
    ("LGAI-EXAONE/EXAONE-4.0-32B", "Off"): DISABLED,
    ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", "On"): ALWAYS,
    ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", "Off"): Reading(
        "off", True, TEN, system="/no_think"
    ),
}
PUBLIC_ONLY: dict[tuple[str, str], Reading] = {
    # A switch that is there is used, whichever way Off is written.
    ("zai-org/GLM-4.5", "Off (N/A)"): DISABLED,
    ("zai-org/GLM-4.5-Air", "Off (N/A)"): DISABLED,
    ("zai-org/GLM-4.6", "Off (N/A)"): DISABLED,
    ("MiniMaxAI/MiniMax-M1-80k", "Off (N/A)"): NEVER_STOPS,
    # Errors of that catalog: these models cannot reason.
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", "On"): ASKED_IN_VAIN,
    ("google/gemma-3-270m-it", "On"): ASKED_IN_VAIN,
    ("google/gemma-3-1b-it", "On"): ASKED_IN_VAIN,
    ("google/gemma-3-12b-it", "On"): ASKED_IN_VAIN,
    ("google/gemma-3-27b-it", "On"): ASKED_IN_VAIN,
}
OWN_ONLY: dict[tuple[str, str], Reading] = {
    ("zai-org/GLM-4.5", "Off"): DISABLED,
    ("zai-org/GLM-4.5-Air", "Off"): DISABLED,
    ("zai-org/GLM-4.6", "Off"): DISABLED,
    ("MiniMaxAI/MiniMax-M1-80k", "On"): ALWAYS,
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", "Off (N/A)"): CANNOT,
    ("google/gemma-3-270m-it", "Off (N/A)"): CANNOT,
    ("google/gemma-3-1b-it", "Off (N/A)"): CANNOT,
    ("google/gemma-3-12b-it", "Off (N/A)"): CANNOT,
    ("google/gemma-3-27b-it", "Off (N/A)"): CANNOT,
}

# Ids of each family, more than the catalogs name; every family has to have one.
MEMBERS = {
    "gpt-oss": ("openai/gpt-oss-20b", "openai/gpt-oss-120b"),
    "Qwen3-Next Thinking": ("Qwen/Qwen3-Next-80B-A3B-Thinking",),
    "Qwen3-Next Instruct": ("Qwen/Qwen3-Next-80B-A3B-Instruct",),
    "Qwen3 hybrid": ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "Qwen/Qwen3-235B-A22B"),
    "Qwen base": ("Qwen/Qwen2.5-Coder-14B", "Qwen/Qwen3-8B-Base", "Qwen/Qwen3-30B-A3B-Base"),
    "SmolLM3": ("HuggingFaceTB/SmolLM3-3B",),
    "Phi-4-reasoning": ("microsoft/Phi-4-reasoning-plus",),
    "DeepSeek-R1": (
        "deepseek-ai/DeepSeek-R1",
        "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    ),
    "DeepSeek-R1-0528": ("deepseek-ai/DeepSeek-R1-0528",),
    "DeepSeek-V3.2-Exp": ("deepseek-ai/DeepSeek-V3.2-Exp",),
    "DeepSeek-V3": ("deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V3-0324"),
    "EXAONE 4.0": ("LGAI-EXAONE/EXAONE-4.0-32B", "LGAI-EXAONE/EXAONE-4.0-1.2B"),
    "Hunyuan dense": ("tencent/Hunyuan-1.8B-Instruct", "tencent/Hunyuan-7B-Instruct"),
    "Nemotron Super v1.5": ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5",),
    "GLM-4.5 and 4.6": ("zai-org/GLM-4.5", "zai-org/GLM-4.5-Air", "zai-org/GLM-4.6"),
    "Gemma 3 base": ("google/gemma-3-270m", "google/gemma-3-1b-pt", "google/gemma-3-27b-pt"),
    "Gemma 3 it": ("google/gemma-3-270m-it", "google/gemma-3-1b-it", "google/gemma-3-27b-it"),
    "Magistral Small": ("mistralai/Magistral-Small-2507",),
    "Mistral Nemo and Small 3.1": (
        "mistralai/Mistral-Nemo-Instruct-2407",
        "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
    ),
    "Granite 4.0": ("ibm-granite/granite-4.0-micro", "ibm-granite/granite-4.0-h-small"),
    "Kimi-K2": ("moonshotai/Kimi-K2-Instruct",),
    "Apertus": ("swiss-ai/Apertus-8B-Instruct-2509", "swiss-ai/Apertus-70B-Instruct-2509"),
    "MiniMax-M1": ("MiniMaxAI/MiniMax-M1-80k", "MiniMaxAI/MiniMax-M1-40k"),
    "base models by their names": (
        "ibm-granite/granite-4.0-micro-base",
        "google/gemma-2-2b-pt",
    ),
}
# What a prompt without any switch gives; of all other families no member can reason.
NOTHING_SAID = {
    "on": {
        "gpt-oss",
        "Qwen3-Next Thinking",
        "Qwen3 hybrid",
        "SmolLM3",
        "Phi-4-reasoning",
        "DeepSeek-R1",
        "DeepSeek-R1-0528",
        "Hunyuan dense",
        "Nemotron Super v1.5",
        "GLM-4.5 and 4.6",
        "MiniMax-M1",
    },
    "off": {"DeepSeek-V3.2-Exp", "EXAONE 4.0", "Apertus"},
    "unforced": {"Magistral Small"},
}
STRANGERS = (
    "openai/gpt-oss-20b-copy",
    "unsloth/gpt-oss-20b",
    "openai/gpt-oss-safeguard-20b",
    "someone/Qwen3-0.6B",
    "Qwen/Qwen3-0.6B-GGUF",
    "Qwen/Qwen3-30B-A3B-Instruct-2507",
    "Qwen/Qwen3-30B-A3B-Thinking-2507",
    "Qwen/Qwen3-235B-A22B-Thinking-2507",
    "Qwen/Qwen2.5-Coder-14B-Instruct",
    "Qwen/Qwen-Image",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    "microsoft/phi-4",
    "microsoft/Phi-4-mini-reasoning",
    "deepseek-ai/DeepSeek-V3.1",
    "deepseek-ai/DeepSeek-V3x2-Exp",
    "deepseek-ai/DeepSeek-R1-Zero",
    "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
    "unsloth/DeepSeek-R1-Distill-Qwen-32B",
    "LGAI-EXAONE/EXAONE-3.5-32B-Instruct",
    "LGAI-EXAONE/EXAONE-4.0-32B-GGUF",
    "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
    "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1",
    "zai-org/GLM-4.5V",
    "zai-org/GLM-4-9B-0414",
    "THUDM/GLM-4.5",
    "google/gemma-2-2b-it",
    "google/gemma-3-27b-it-qat-q4_0-gguf",
    "mistralai/Magistral-Small-2509",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "ibm-granite/granite-3.3-8b-instruct",
    "moonshotai/Kimi-K2-Thinking",
    "swiss-ai/Apertus-8B-2509",
    "MiniMaxAI/MiniMax-M2",
    "gpt-oss-20b",
    "",
)


def planned(catalog: Path) -> dict[tuple[str, str], PlannedRun]:
    plan = make_plan(ModelConfigParser(catalog).parse(), settings(), EIGHT, None, Simulations())
    assert plan.skipped == ()
    texts = [run for run in plan.runs if run.spec.task == "text_generation"]
    assert {run.spec.task for run in plan.runs} == {"text_generation", "image_generation"}
    runs = {(run.spec.model.id, str(run.config.reasoning_state)): run for run in texts}
    assert len(runs) == len(texts)
    return runs


def reading(run: PlannedRun) -> Reading:
    spec, family = run.spec, family_of(run.spec.model.id)
    assert family is not None, spec.model.id
    assert spec.reasoning is not None
    assert spec.limits is not None
    found = resolve(spec.reasoning, family)
    given = found.instructions[0]
    return Reading(
        effective=found.effective,
        enforced=found.enforced,
        limits=(spec.limits.max_new_tokens, spec.limits.min_new_tokens),
        kwargs=given.kwargs,
        system=given.system,
        system_file=given.system_file,
        user_prefix=given.user_prefix,
        form="raw" if family.raw else "chat",
    )


@pytest.mark.skipif(REFERENCE is None, reason="AIES_REFERENCE_DATA names no folder of catalogs")
def test_every_text_row_of_the_public_catalog_is_read_as_it_has_to_be() -> None:
    runs = planned(Path(str(REFERENCE)) / "oct_2025_models.csv")
    expected = BOTH_CATALOGS | PUBLIC_ONLY
    assert len(expected) == 57
    assert {row: reading(run) for row, run in runs.items()} == expected


def test_every_text_row_of_our_own_catalog_is_read_as_it_has_to_be() -> None:
    runs = planned(OWN_CATALOG)
    assert {row: reading(run) for row, run in runs.items()} == BOTH_CATALOGS | OWN_ONLY


def test_our_own_catalog_has_every_model_of_the_public_one() -> None:
    public = {model for model, _ in BOTH_CATALOGS | PUBLIC_ONLY}
    assert {model for model, _ in planned(OWN_CATALOG)} == public


def test_truth_values_are_no_texts() -> None:
    """A comparison of readings would not tell True from 1."""
    for model, state in BOTH_CATALOGS | PUBLIC_ONLY | OWN_ONLY:
        expected = (BOTH_CATALOGS | PUBLIC_ONLY | OWN_ONLY)[model, state].kwargs
        for value in expected.values():
            assert type(value) is bool or value in get_args(Effort)


@pytest.mark.parametrize(
    ("model", "family"), [(model, name) for name, ids in MEMBERS.items() for model in ids]
)
@pytest.mark.parametrize("alter", [str, str.upper, str.lower], ids=["as is", "upper", "lower"])
def test_an_id_belongs_to_its_family_in_any_case(model: str, family: str, alter: Any) -> None:
    found = family_of(alter(model))
    assert found is not None
    assert found.name == family


@pytest.mark.parametrize("model", STRANGERS)
def test_what_only_resembles_a_known_id_is_unknown(model: str) -> None:
    assert family_of(model) is None


def test_only_a_name_that_ends_in_base_as_authors_write_it_is_that_of_a_base_model() -> None:
    found = family_of("org/anything-Base")
    assert found is not None
    assert found.raw
    for model in ("org/knowledge-base", "org/ANYTHING-BASE", "org/database", "org/-Base-Instruct"):
        assert family_of(model) is None


def test_every_family_has_members_in_this_file_and_a_name_of_its_own() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert set(names) == set(MEMBERS)


def test_what_a_prompt_without_any_switch_gives() -> None:
    found: dict[str, set[str]] = {}
    for family in FAMILIES:
        found.setdefault(family.unswitched, set()).add(family.name)
    cannot = set(MEMBERS) - set().union(*NOTHING_SAID.values())
    assert found == {**NOTHING_SAID, "none": cannot}


def sides(family: Family) -> Iterator[Instruction]:
    for way in family.ways:
        yield from (side for side in (way.on, way.off) if side is not None)
    for level in family.levels:
        yield at_level(NOTHING, family, level)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_row_of_the_table_is_consistent(family: Family) -> None:
    assert (family.marker is not None) == family.can_reason
    assert bool(family.levels) == (family.level_switch is not None)
    assert family.plain_level in (*family.levels, None)
    assert set(family.levels) <= set(get_args(Effort))
    if family.raw:
        assert (family.ways, family.levels, family.can_reason) == ((), (), False)
    if not family.can_reason:
        assert (family.ways, family.levels) == ((), ())
    for way in family.ways:
        assert way.on != way.off
    for side in sides(family):
        for name, value in side.kwargs.items():
            is_level = name == family.level_switch and value in family.levels
            assert is_level or type(value) is bool
