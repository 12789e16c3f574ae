"""What the documentation says of the ten tasks and their samples is what the code does."""

import re
from typing import get_args

from benchmark_core import (
    __main__ as run_command,
    contract,
    dataset_folder,
    dataset_manifest,
    media,
)
from benchmark_core.backends.prepared_inputs import BYTES_IN_MEMORY
from benchmark_core.checkpoints import text_to_text
from benchmark_core.kinds import passes_of
from benchmark_core.local_samples import METADATA
from benchmark_core.sample_folder import DATA_FOLDERS
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import REASONING_LIMITS
from orchestrator.own_samples import TABLES
from tests.support.pages import coded, rows, section, text
from tests.support.parsers import actions, commands_of

# Modules of `checkpoints/` that name classes for several tasks.
RECIPES = ("forward_text", "forward_image", "text_to_text", "pipeline")


def test_the_table_of_tasks_is_that_of_the_code() -> None:
    table = rows(text("docs/tasks.md").split("\n## ")[0])
    assert [coded(cells[:1]) for cells in table] == [[name] for name in tasks.TASKS]
    for task, cells in zip(tasks.TASKS.values(), table, strict=True):
        assert [coded([cell]) for cell in cells[1:7]] == [
            list(task.spellings),
            [task.pipeline_tag],
            [task.dataset_id],
            [column.name for column in task.columns],
            list(task.kinds),
            [task.precision],
        ]
        assert cells[7:] == [str(number or "") for number in (task.new_tokens, task.steps)]
    in_catalogs = rows(text("docs/catalog.md").split("### Tasks")[1].split("\n### ")[0])
    assert [coded(cells[1:]) for cells in in_catalogs] == [
        list(task.spellings) for task in tasks.TASKS.values()
    ]


def classes(content: str) -> set[str]:
    return set(re.findall(r"\bAuto(?!Config|Pipeline\b)[A-Z]\w*", content))


def test_what_each_task_loads_is_what_its_file_names() -> None:
    table = rows(section(text("docs/tasks.md"), "What runs per sample"))
    loaded = [cells for cells in table if len(cells) == 5]
    words = {name: classes(text(f"benchmark_core/checkpoints/{name}.py")) for name in RECIPES}
    for name, task in tasks.TASKS.items():
        source = text(f"benchmark_core/tasks/{name}.py")
        used = [words[recipe] for recipe in RECIPES if f"import {recipe}" in source]
        used += [words[recipe] for recipe in RECIPES if f"checkpoints.{recipe} import" in source]
        own = [cells for cells in loaded if coded(cells[:1]) == [name]]
        assert {word for cells in own for word in coded(cells[3:])} == classes(source).union(*used)
        assert {coded(cells[2:3])[0] for cells in own} == set(task.kinds)
    kinds = [cells for cells in table if len(cells) == 3]
    assert [coded(cells[:1])[0] for cells in kinds] == list(get_args(contract.Kind))
    for kind, _passes, phases in kinds:
        passes = {step.name for step in passes_of(coded([kind])[0], REASONING_LIMITS, 1)}
        # The phase decode is what the pass generate has beyond prefill.
        assert set(phases.split(", ")) - {"decode"} == passes - {"generate"}


def test_the_tokens_of_each_task_are_those_of_the_code() -> None:
    table = rows(section(text("docs/methodology.md"), "How many tokens"))
    said = {
        (name, bool(state)): tuple(cells)
        for names, state, *cells in table
        for name in coded([names])
    }
    for name, task in tasks.TASKS.items():
        limits = task.limits(reasons=False)
        tokens = (str(limits.max_new_tokens), str(limits.min_new_tokens)) if limits else ("", "")
        assert said.get((name, task.can_reason), ("", "")) == tokens
    most = [cells for cells in table if cells[2] == str(REASONING_LIMITS.max_new_tokens)]
    assert [cells[3] for cells in most] == [str(REASONING_LIMITS.min_new_tokens)]


def test_limits_and_names_of_samples_are_those_of_the_code() -> None:
    page = text("docs/tasks.md")
    numbers = (text_to_text.ONE_TEXT, text_to_text.TWO_TEXTS, text_to_text.PLAIN_TEXT)
    assert "Cut to {} tokens; to {} for two texts; to {} for".format(*numbers) in page
    assert (
        set(coded(re.findall(r"whose `model_type` is (.*?): they", page)))
        == text_to_text.MODEL_TYPES
    )
    assert f"up to {BYTES_IN_MEMORY // 2**20} MB" in page
    assert f"up to {media.LARGEST_FILE_BYTES // 2**20} MiB" in page
    assert f"up to {media.MOST_PIXELS // 10**6} million pixels" in page
    assert f"up to {media.LONGEST_SECONDS / 60:.0f} minutes" in page
    assert {name for name in DATA_FOLDERS if name} <= set(coded([page]))
    own = page.split("## Your own samples")[1]
    assert set(TABLES) <= {word if word[0] == "." else "" for word in coded([own])}
    assert set(METADATA) <= set(coded([own]))


def test_the_flags_of_build_dataset_are_those_of_the_code() -> None:
    command = commands_of(run_command.build_parser())["build-dataset"]
    known = [action.option_strings[0] for action in actions(command)]
    page = section(text("docs/tasks.md"), "Building a dataset")
    assert [coded(cells[:1])[0] for cells in rows(page)] == known
    files = {dataset_folder.DATA_FILE, dataset_manifest.MANIFEST_FILE, dataset_manifest.CARD_FILE}
    assert files <= set(coded([page]))
