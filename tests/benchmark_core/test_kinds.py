"""The passes of each kind, the phases that come of their windows, and which tasks have which."""

import pytest

from benchmark_core.contract import Kind, PassName, TaskName, TokenLimits
from benchmark_core.faults import SpecFault
from benchmark_core.kinds import MeasuredPass, passes_of, phases_of
from benchmark_core.report.energy import Reading
from benchmark_core.report.repetition import Window
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.tasks import registry as tasks

ONE = TokenLimits(max_new_tokens=1, min_new_tokens=1)
TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)
LONG = TokenLimits(max_new_tokens=8192, min_new_tokens=1)


def window(name: PassName, seconds: float, gpu: float | None, cpu: float | None) -> Window:
    return Window(
        name=name,
        duration_seconds=seconds,
        reading=Reading(gpu_joules=gpu, cpu_joules=cpu),
        tokens=TokenCounts(prompt=1, completion=1),
        successful=1,
        failed=0,
    )


def walks(
    kind: Kind, limits: TokenLimits | None, steps: int | None
) -> list[tuple[str, TokenLimits | None, int | None]]:
    return [(step.name, step.limits, step.steps) for step in passes_of(kind, limits, steps)]


def test_a_model_that_generates_makes_one_token_and_then_all() -> None:
    assert walks("generate", LONG, None) == [
        ("preprocess", None, None),
        ("prefill", ONE, None),
        ("generate", LONG, None),
    ]


@pytest.mark.parametrize(("kind", "lacks"), [("generate", "no limits"), ("call", "no steps")])
def test_a_spec_without_what_the_kind_needs_is_refused(kind: Kind, lacks: str) -> None:
    with pytest.raises(SpecFault, match=lacks) as caught:
        passes_of(kind, None, None)
    assert caught.value.remedy


@pytest.mark.parametrize("limits", [None, TEN])
def test_a_forward_pass_generates_nothing_whatever_the_limits(limits: TokenLimits | None) -> None:
    assert walks("forward", limits, None) == [("preprocess", None, None), ("forward", None, None)]


def test_steps_are_those_of_the_call_alone() -> None:
    assert walks("call", None, 30) == [("preprocess", None, None), ("call", None, 30)]
    assert [step.steps for step in passes_of("generate", TEN, 30)] == [None, None, None]
    assert [step.steps for step in passes_of("forward", None, 30)] == [None, None]


def test_decode_is_generate_minus_prefill_for_each_quantity() -> None:
    phases = phases_of(
        "generate",
        [
            window("preprocess", 1.0, 5.0, None),
            window("prefill", 2.0, 30.0, 7.0),
            window("generate", 12.0, 130.5, None),
        ],
    )
    assert list(phases) == ["preprocess", "prefill", "decode"]
    assert phases["prefill"].gpu_joules == 30.0
    assert phases["decode"].duration_seconds == 10.0
    assert phases["decode"].gpu_joules == 100.5
    assert phases["decode"].cpu_joules is None
    assert phases["decode"].ram_joules is None


@pytest.mark.parametrize("kind", ["forward", "call"])
def test_other_kinds_keep_their_windows(kind: Kind) -> None:
    name: PassName = "forward" if kind == "forward" else "call"
    phases = phases_of(kind, [window("preprocess", 1.0, None, 1.0), window(name, 4.0, 9.0, 2.0)])
    assert list(phases) == ["preprocess", kind]
    assert phases[name].gpu_joules == 9.0
    assert phases["preprocess"].gpu_joules is None


@pytest.mark.parametrize(
    ("kind", "wanted", "names"),
    [
        ("generate", "preprocess, prefill, generate", ()),
        ("generate", "preprocess, prefill, generate", ("preprocess", "prefill")),
        (
            "generate",
            "preprocess, prefill, generate",
            ("preprocess", "prefill", "generate", "generate"),
        ),
        ("generate", "preprocess, prefill, generate", ("preprocess", "forward")),
        ("forward", "preprocess, forward", ("preprocess", "prefill", "generate")),
        ("forward", "preprocess, forward", ("preprocess", "forward", "call")),
        ("call", "preprocess, call", ("preprocess", "forward")),
        ("call", "preprocess, call", ("call",)),
    ],
)
def test_windows_that_do_not_fit_the_kind_are_refused(
    kind: Kind, wanted: str, names: tuple[PassName, ...]
) -> None:
    got = ", ".join(names) or "none"
    with pytest.raises(ValueError, match=f"kind {kind} has the windows {wanted}; got {got}$"):
        phases_of(kind, [window(name, 1.0, 1.0, 1.0) for name in names])


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.name)
def test_each_task_says_what_its_kinds_need(task: tasks.Task) -> None:
    assert task.kinds
    assert len(set(task.kinds)) == len(task.kinds)
    assert ("generate" in task.kinds) == (task.new_tokens is not None)
    assert ("call" in task.kinds) == (task.steps is not None)
    for kind in task.kinds:
        passes = passes_of(kind, task.limits(reasons=False), task.steps)
        assert passes[0] == MeasuredPass("preprocess")


@pytest.mark.parametrize(
    ("name", "kinds", "new_tokens", "steps", "precision"),
    [
        ("text_generation", ("generate",), 10, None, "float16"),
        ("summarization", ("forward", "generate"), 10, None, "float32"),
        ("question_answering", ("forward", "generate"), 100, None, "float32"),
        ("text_classification", ("forward", "generate"), 10, None, "float32"),
        ("sentence_similarity", ("forward",), None, None, "float32"),
        ("image_classification", ("forward",), None, None, "float32"),
        ("object_detection", ("forward",), None, None, "float32"),
        ("automatic_speech_recognition", ("generate", "forward"), 100, None, "float32"),
        ("image_generation", ("call",), None, 30, "float32"),
        ("image_captioning", ("generate",), 100, None, "float32"),
    ],
)
def test_the_protocol_of_each_task(
    name: TaskName,
    kinds: tuple[Kind, ...],
    new_tokens: int | None,
    steps: int | None,
    precision: str,
) -> None:
    task = tasks.get(name)
    assert (task.kinds, task.steps, task.precision) == (kinds, steps, precision)
    exactly = new_tokens and TokenLimits(max_new_tokens=new_tokens, min_new_tokens=new_tokens)
    assert task.limits(reasons=False) == exactly
    alone = name == "text_generation"
    assert (task.has_classes, task.can_reason) == (alone, alone)
