"""What a state means where no template is applied, and that a report must say it."""

import pytest

from benchmark_core.contract import BackendSpec
from benchmark_core.differences import differences
from benchmark_core.reasoning.families import family_of
from benchmark_core.reasoning.raw_text import planned, raw_facts, resolve_raw
from benchmark_core.reasoning.states import parse_state
from tests.support import builders

OPTIMUM = BackendSpec(name="optimum")
SWITCHED, ALWAYS, NEVER, BASE = (
    *("HuggingFaceTB/SmolLM3-3B", "openai/gpt-oss-20b"),
    *("google/gemma-3-4b-it", "google/gemma-3-4b-pt"),
)


@pytest.mark.parametrize(
    ("model", "state", "effective", "enforced"),
    [
        (SWITCHED, "Off", "unforced", False),
        (ALWAYS, "Off", "unforced", False),
        (NEVER, "Off", "none", True),
        (BASE, "Off", "none", True),
        (BASE, "On", "none", False),
    ],
)
def test_a_model_that_reasons_is_told_nothing_by_a_bare_text(model, state, effective, enforced):
    family = family_of(model)
    assert family is not None
    found = resolve_raw(parse_state(state), family)
    assert (found.effective, found.enforced) == (effective, enforced)
    facts = raw_facts(model, parse_state(state), has_template=True)
    assert (facts.effective, facts.enforced, facts.basis) == (effective, enforced, "table")
    assert facts.mechanism == "raw_text"
    assert facts.requested == state


def test_a_stranger_without_a_template_is_a_base_model():
    facts = raw_facts("org/stranger", parse_state("Off"), has_template=False)
    assert (facts.effective, facts.enforced, facts.basis) == ("none", True, "probe")


def test_of_a_stranger_with_a_template_nothing_is_known():
    facts = raw_facts("org/stranger", parse_state("Off"), has_template=True)
    assert (facts.effective, facts.enforced, facts.basis) == ("unforced", False, None)


def test_without_a_request_nothing_is_said():
    assert raw_facts(SWITCHED, None, has_template=True) is None


def spec_of(model):
    base = builders.spec()
    return base.model_copy(
        update={
            "model": base.model.model_copy(update={"id": model}),
            "reasoning": parse_state("Off"),
            "backend": OPTIMUM,
        }
    )


def test_the_plan_knows_it_beforehand():
    assert planned(spec_of(SWITCHED)).effective == "unforced"
    rendered = spec_of(SWITCHED).model_copy(update={"backend": BackendSpec(name="pytorch")})
    assert planned(rendered).effective == "off"
    assert planned(spec_of("org/stranger")) is None


def test_a_report_that_says_otherwise_is_a_difference():
    spec = spec_of(SWITCHED)
    honest = raw_facts(SWITCHED, spec.reasoning, has_template=True)

    def told(facts, form):
        report = builders.report(
            spec, applied=builders.applied(spec, prompt_form=form), reasoning=facts
        )
        return differences(spec, report)

    assert told(honest, "raw") == []
    assert told(honest, "chat") == ["prompt form: asked for raw, applied chat"]
    assert told(honest.model_copy(update={"effective": "off", "enforced": True}), "raw") == [
        "effective reasoning: asked for unforced, applied off",
        "enforced reasoning: asked for False, applied True",
    ]
