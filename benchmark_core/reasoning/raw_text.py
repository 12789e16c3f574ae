"""What a reasoning state means where the model gets the bare text, whatever its template. Pure."""

from typing import Literal

from benchmark_core.contract import ReasoningRequest, RunSpec
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.reasoning.families import NOTHING, Effective, Family, family_of
from benchmark_core.reasoning.resolution import Resolution, resolve


def planned(spec: RunSpec) -> Resolution | None:
    """How the spec's model will answer; None where the table of families does not know it."""
    family = family_of(spec.model.id)
    if spec.reasoning is None or family is None:
        return None
    if spec.backend.gives_raw_text:
        return resolve_raw(spec.reasoning, family)
    return resolve(spec.reasoning, family)


def resolve_raw(request: ReasoningRequest, family: Family) -> Resolution:
    """A model that has a template, and can reason, is told nothing without it."""
    if family.raw:
        return resolve(request, family)
    effective: Effective = "unforced" if family.can_reason else "none"
    return Resolution(effective, effective == "none" and not request.thinking, (NOTHING,))


def raw_facts(
    model_id: str, request: ReasoningRequest | None, has_template: bool
) -> ReasoningFacts | None:
    """For the report of a run that gave its model bare texts; None without a request.

    A stranger without a chat template counts as a base model, as it does for the probe; of one that
    has a template nothing is known, because nothing of it is rendered.
    """
    if request is None:
        return None
    family = family_of(model_id)
    name = family.name if family else None
    basis: Literal["table", "probe"] | None = "table"
    if family is None:
        basis = None if has_template else "probe"
        family = Family(model_id, "", "unforced" if has_template else "none", raw=not has_template)
    found = resolve_raw(request, family)
    return ReasoningFacts(
        requested=request.state,
        effective=found.effective,
        enforced=found.enforced,
        family=name,
        basis=basis,
        mechanism="raw_text",
    )
