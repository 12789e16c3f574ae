"""`key=value` pairs become settings of a run; whatever is wrong with them is said at once."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark_core.direct.keys import FIXED, KNOWN, LABELS, SETTINGS, Fixed, Key
from benchmark_core.direct.values import Given, Misfit, Word, as_given, is_null, plain
from benchmark_core.faults import SpecFault
from benchmark_core.tasks.base import Task

LONGEST_SHOWN = 100


@dataclass(frozen=True)
class Assignment:
    """`shown` is how a message names it."""

    key: str
    given: Given
    shown: str


@dataclass(frozen=True)
class Stated:
    """`fields` has the value of each setting that is stated, None for its default, and who says so.

    `fixed` has the assignments to keys that cannot be changed.
    """

    fields: dict[str, tuple[Any, str]] = field(default_factory=dict)
    fixed: dict[str, Assignment] = field(default_factory=dict)
    faults: list[SpecFault] = field(default_factory=list)

    def value(self, name: str) -> Any:
        return self.fields[name][0] if name in self.fields else None

    def has(self, key: str) -> bool:
        """Whether the key, or another one of the same setting, is stated."""
        return key in self.fixed or (key in SETTINGS and SETTINGS[key].field in self.fields)

    def over(self, other: "Stated") -> "Stated":
        """Both, this one winning."""
        return Stated(
            {**other.fields, **self.fields},
            {**other.fixed, **self.fixed},
            [*self.faults, *other.faults],
        )


def of_arguments(arguments: Iterable[str], known: Sequence[str] = KNOWN) -> Stated:
    """What `key=value` arguments state. A `+` or `++` before a key changes nothing."""
    assignments, faults = [], []
    for argument in arguments:
        shown = f"{argument[:LONGEST_SHOWN]!r}"
        name, equals, value = argument.partition("=")
        key = name.lstrip("+")
        if key.startswith("~"):
            what = f"{shown} takes a key away, and none has to be there"
            faults.append(SpecFault(what, "Leave it out."))
        elif not equals or key not in known:
            faults.append(_unknown(shown, key, known))
        else:
            assignments.append(Assignment(key, as_given(value), shown))
    stated = of_assignments(assignments, known)
    stated.faults[:0] = faults
    return stated


def of_assignments(assignments: Iterable[Assignment], known: Sequence[str] = KNOWN) -> Stated:
    """What they state; faults are of unknown keys, of values, and of contradictions among them."""
    stated = Stated()
    for one in assignments:
        if one.key not in known:
            stated.faults.append(_unknown(one.shown, one.key, known))
        elif _interpolates(one.given):
            what = f"{one.shown} refers to another value"
            stated.faults.append(SpecFault(what, "Write the value itself."))
        elif one.key in SETTINGS:
            _state(stated, one, SETTINGS[one.key])
        elif one.key in FIXED:
            before = stated.fixed.setdefault(one.key, one)
            if not _same(plain(before.given), plain(one.given)):
                stated.faults.append(contradiction(before.shown, one.shown))
        else:
            assert one.key in LABELS
    return stated


def fixed_faults(fixed: Mapping[str, Assignment], task: Task) -> Iterable[SpecFault]:
    """Why a key cannot have the value that it is given."""
    for one in fixed.values():
        rule: Fixed = FIXED[one.key]
        allowed = rule.allowed(task)
        if not is_null(one.given) and not any(_same(plain(one.given), value) for value in allowed):
            yield SpecFault(
                f"{one.shown} cannot be applied: {rule.because}",
                f"Write {_written(allowed)}, or leave the key out.",
            )


def contradiction(*shown: str) -> SpecFault:
    return SpecFault(f"{' and '.join(shown)} contradict each other", "Leave one of them out.")


def _state(stated: Stated, one: Assignment, key: Key) -> None:
    try:
        value = None if is_null(one.given) else key.read(one.given)
    except Misfit as misfit:
        stated.faults.append(SpecFault(f"{one.shown} {misfit.complaint}", misfit.remedy))
        return
    before = stated.fields.get(key.field)
    if before is not None and before[0] != value:
        stated.faults.append(contradiction(before[1], one.shown))
        return
    stated.fields[key.field] = (value, one.shown)


def _unknown(shown: str, key: str, known: Sequence[str]) -> SpecFault:
    if key.startswith("hydra."):
        return SpecFault(f"{shown} is Hydra's own", "Results go where RESULTS_DIR says.")
    near = difflib.get_close_matches(key[:LONGEST_SHOWN], known, n=1, cutoff=0.5)
    if near:
        return SpecFault(f"{shown} is not known", f"Did you mean {near[0]}=...?")
    few = f"Known are: {', '.join(known)}." if len(known) < len(KNOWN) else "Write key=value."
    return SpecFault(f"{shown} is not known", few)


def _interpolates(given: Given) -> bool:
    words = (given,) if isinstance(given, Word) else given
    return any("${" in word.text for word in words)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _written(values: Sequence[object]) -> str:
    return " or ".join("null" if value is None else str(value) for value in values)
