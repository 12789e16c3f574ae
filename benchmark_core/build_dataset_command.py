"""`python -m benchmark_core build-dataset`: a dataset drawn equally from several sources."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.dataset_builder import build_dataset
from benchmark_core.dataset_folder import refuse_used
from benchmark_core.dataset_manifest import Manifest
from benchmark_core.dataset_sources import SourceName, open_source, overlapping, parse_source
from benchmark_core.dataset_tokens import TokenCounter
from benchmark_core.faults import SpecFault
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task

METHOD_ROWS = 1000
"""Of the datasets of the methodology."""


def build(options: argparse.Namespace) -> None:
    """Build the dataset and say what it holds.

    Raises:
        RunFault: the arguments mean nothing, or a source cannot be used.
        OSError: the dataset cannot be written.
    """
    task = _task(options.task)
    names = [parse_source(text, task.columns) for text in options.source]
    total = _total(options, len(names))
    licences = _licences(options.licence, len(names))
    _refuse_places(names, options.out)
    counter = _counter(options.tokenizer, task)
    if counter is None and any(column.media == "text" for column in task.columns):
        _say("tokens are not counted; --tokenizer ID counts them")
    if options.total is None and METHOD_ROWS < total < METHOD_ROWS + len(names):
        _say(f"{total} rows in all; --total {METHOD_ROWS} gives as many as the methodology has")
    if len(names) == 1:
        _say("one source only; the methodology draws from three")
    sources = []
    for number, name in enumerate(names, start=1):
        _say(f"opening {name.label}")
        sources.append(open_source(name, task.columns, licences.get(number)))
        if sources[-1].licence.name is None:
            _say(f"{name.label}: no licence is stated; --licence {number}=NAME states it")
    manifest = build_dataset(task, sources, total, options.seed, options.out, counter, _say)
    print(_summary(manifest, options.out))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _task(spelling: str) -> Task:
    name = tasks.named(spelling)
    if name is None:
        raise SpecFault(
            f"--task {spelling}: there is no such task",
            f"Name one of {', '.join(tasks.PREFERRED_SPELLINGS)}.",
        )
    return tasks.get(name)


def _total(options: argparse.Namespace, sources: int) -> int:
    per_source: int | None = options.per_source
    total: int | None = options.total
    if options.seed < 0:
        raise SpecFault(f"--seed {options.seed}: is negative", "Give 0 or more.")
    for flag, number in (("--per-source", per_source), ("--total", total)):
        if number is not None and number < 1:
            raise SpecFault(f"{flag} {number}: is no number of rows", "Give 1 or more.")
    if total is None:
        if per_source is None:
            raise SpecFault(
                "no number of rows is given", "Give --per-source N, --total N, or both."
            )
        return per_source * sources
    if total < sources:
        raise SpecFault(
            f"--total {total}: fewer rows than the {sources} sources", "Give at least one each."
        )
    if per_source is not None and total > per_source * sources:
        raise SpecFault(
            f"--total {total}: more than --per-source {per_source} of {sources} sources gives",
            f"Give --per-source {-(-total // sources)}, or leave it out.",
        )
    return total


def _licences(texts: Sequence[str], sources: int) -> dict[int, str]:
    stated: dict[int, str] = {}
    for text in texts:
        number, _, licence = text.partition("=")
        known = number.isdecimal() and 1 <= int(number) <= sources and int(number) not in stated
        if not known or not licence.strip():
            raise SpecFault(
                f"--licence {text}: does not state the licence of one source",
                f"Write NUMBER=NAME, once for a source; the first --source is 1 of {sources}.",
            )
        stated[int(number)] = " ".join(licence.split())
    return stated


def _refuse_places(names: Sequence[SourceName], out: Path) -> None:
    refuse_used(out)
    for label in overlapping(names):
        raise SpecFault(
            f"two sources are called {label}", "Rename one; the rows are told apart by that."
        )
    for name in names:
        if name.label != name.label.encode("utf-8", "replace").decode():
            raise SpecFault(
                f"--source {name.label!a}: the name is not UTF-8", "Rename the file or folder."
            )
        if name.path is not None and out.resolve().is_relative_to(name.path.resolve()):
            raise SpecFault(
                f"--out {out}: lies in the source {name.path}", "Name a folder outside of it."
            )


def _counter(tokenizer: str | None, task: Task) -> TokenCounter | None:
    if tokenizer is None:
        return None
    if all(column.media != "text" for column in task.columns):
        raise SpecFault(
            f"--tokenizer {tokenizer}: {task.name} has no texts to count", "Leave it out."
        )
    return TokenCounter(tokenizer)


def _summary(manifest: Manifest, out: Path) -> str:
    drawn = ", ".join(f"{source.label} {source.drawn}" for source in manifest.sources)
    tokens = "" if manifest.tokens is None else f"; {manifest.tokens.total} tokens"
    return f"{out}: {manifest.rows} rows for {manifest.task} ({drawn}){tokens}"
