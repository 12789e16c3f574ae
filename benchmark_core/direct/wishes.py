"""What a user wants of one run: command line, config file and environment, put together."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import BackendName, Precision, ReasoningRequest
from benchmark_core.direct import config_file
from benchmark_core.direct.assignments import (
    Stated,
    contradiction,
    fixed_faults,
    of_arguments,
    of_assignments,
)
from benchmark_core.direct.keys import SETTINGS
from benchmark_core.direct.overrides import requested
from benchmark_core.direct.values import Misfit, as_given
from benchmark_core.faults import RunFault, SpecFault
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task

BACKEND_VARIABLE = "BENCHMARK_BACKEND"
ENDPOINT_VARIABLE = "VLLM_ENDPOINT"
SAMPLES_VARIABLE = "DEFAULT_NUM_SAMPLES"
"""Set by launchers that measure a few samples where nobody says how many."""


@dataclass(frozen=True)
class Wishes:
    """Each is None where nobody stated it, which means the default of the protocol.

    `by_hand` names those of the command line.
    """

    model: str | None = None
    processor: str | None = None
    revision: str | None = None
    trust_remote_code: bool | None = None
    precision: Precision | None = None
    backend: BackendName = "pytorch"
    endpoint: str | None = None
    device: str | None = None
    device_ids: tuple[str, ...] | None = None
    num_samples: int | None = None  # or values.ALL
    prompts_file: Path | None = None
    dataset_dir: Path | None = None
    dataset_name: str | None = None
    dataset_revision: str | None = None
    max_new_tokens: int | None = None
    min_new_tokens: int | None = None
    steps: int | None = None
    reasoning: ReasoningRequest | None = None
    repetitions: int | None = None
    by_hand: frozenset[str] = frozenset()


def find_wishes(
    options: argparse.Namespace, environ: Mapping[str, str]
) -> tuple[Wishes, Task | None, list[RunFault]]:
    """What is wanted, of which task, and everything that is wrong with how it is said."""
    stated = of_arguments(options.overrides)
    by_hand = frozenset(stated.fields)
    named: str | None = options.config_name
    file: config_file.ConfigFile | None = None
    try:
        if named is None:
            remedy = "Add --config-name text_generation, or another task."
            raise SpecFault("no config is named", remedy)
        path = config_file.find(named, options.config_dir)
        file = None if path is None else config_file.read(path)
    except SpecFault as fault:
        return Wishes(), None, [fault, *stated.faults]
    default_backend: Sequence[str] = ()
    if file is not None:
        stated, default_backend = _with_file(stated, file), file.backend
    _add_environment(stated, environ, default_backend)
    task = _task(stated, named if file is None else None)
    if stated.value("model") is None:
        stated.faults.append(SpecFault("no model is named", "Add backend.model=ORG/NAME."))
    if task is not None:
        stated.faults.extend(fixed_faults(stated.fixed, task))
    reasoning = None
    try:
        reasoning = requested(stated)
    except SpecFault as fault:
        stated.faults.append(fault)
    kept: dict[str, Any] = {
        name: value
        for name, (value, _) in stated.fields.items()
        if value is not None and name not in ("task", "thinking", "effort")
    }
    return Wishes(**kept, reasoning=reasoning, by_hand=by_hand), task, list(stated.faults)


def _with_file(stated: Stated, file: config_file.ConfigFile) -> Stated:
    """The command line wins; where it wants no reasoning, a level of the file's means nothing."""
    of_file = of_assignments(one for one in file.assignments if not stated.has(one.key))
    of_file.faults[:0] = file.faults
    if stated.value("thinking") is False:
        of_file.fields.pop("effort", None)
    for name in ("prompts_file", "dataset_dir"):
        if of_file.value(name) is not None:
            place, shown = of_file.fields[name]
            of_file.fields[name] = (file.path.parent / place, shown)
    return stated.over(of_file)


def _add_environment(
    stated: Stated, environ: Mapping[str, str], default_backend: Sequence[str]
) -> None:
    """What the variables say, and last a file's list of defaults, where nobody says otherwise."""
    variable = environ.get(BACKEND_VARIABLE, "").strip()
    shown = f"environment variable {BACKEND_VARIABLE} ({variable[:40]!r})"
    candidates = [(variable, shown)] if variable else []
    candidates += [(name, f"defaults: backend: {name[:40]!r}") for name in default_backend]
    for name, said in candidates:
        if stated.value("backend") is None:
            _read_into(stated, "backend", "backend.name", name, said)
    backend: BackendName | None = stated.value("backend")
    if backend and BACKEND_FACTS[backend].is_served and stated.value("endpoint") is None:
        address = environ.get(ENDPOINT_VARIABLE, "").strip()
        if address:
            stated.fields["endpoint"] = (address, f"environment variable {ENDPOINT_VARIABLE}")
    few = environ.get(SAMPLES_VARIABLE, "").strip()
    if few and stated.value("num_samples") is None:
        said = f"environment variable {SAMPLES_VARIABLE} ({few[:40]!r})"
        _read_into(stated, "num_samples", "scenario.num_samples", few, said)


def _read_into(stated: Stated, name: str, key: str, text: str, shown: str) -> None:
    try:
        stated.fields[name] = (SETTINGS[key].read(as_given(text)), shown)
    except Misfit as misfit:
        stated.faults.append(SpecFault(f"{shown} {misfit.complaint}", misfit.remedy))


def _task(stated: Stated, config_name: str | None) -> Task | None:
    """The task that is named by the config, by keys, or by both alike."""
    known = f"Known are: {', '.join(tasks.TASKS)}."
    word, shown = stated.fields.get("task", (None, ""))
    by_key = tasks.named(word) if word else None
    if word and by_key is None:
        stated.faults.append(SpecFault(f"{shown} names no task", known))
    if config_name is None:
        if not word:
            remedy = "Add backend.task to it, for example backend.task: text-generation."
            what = "the config file does not say which task it is of"
            stated.faults.append(SpecFault(what, remedy))
        return tasks.get(by_key) if by_key else None
    by_name = tasks.named(config_name)
    if by_name is None:
        stated.faults.append(_no_config(config_name))
    elif by_key and by_key != by_name:
        stated.faults.append(contradiction(f"--config-name {config_name}", shown))
    return tasks.get(by_name) if by_name else None


def _no_config(name: str) -> SpecFault:
    import difflib

    near = difflib.get_close_matches(name[:100].lower(), tasks.TASKS, n=1, cutoff=0.3)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(tasks.TASKS)}."
    own = "A file of your own is named with its folder (--config-dir), or by its path."
    return SpecFault(f"there is no config {name[:100]!r}", f"{hint} {own}")
