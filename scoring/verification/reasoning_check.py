"""Reasoning tokens, and samples that were cut in their reasoning, against the samples' lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmark_core.contract import REASONING_FILE, SAMPLES_FILE, TokenLimits
from benchmark_core.reasoning_journal import COLUMNS as REASONING_COLUMNS
from benchmark_core.report.repetition import Window
from benchmark_core.sample_journal import COLUMNS
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence
from scoring.verification.lines import count_of, lines


@dataclass
class _Outputs:
    """What of the outputs of one repetition was told apart."""

    told_apart: int = 0
    reasoning: int = 0
    answer: int = 0
    unended: set[int] = field(default_factory=set)
    cut: int = 0


def is_told_a_state(of: RunEvidence) -> bool:
    """Whether the outputs can contradict what the model was told."""
    return of.report.reasoning is not None and of.report.reasoning.effective in ("on", "off")


def check_reasoning(of: RunEvidence) -> Iterator[Finding]:
    """Raises csv.Error, ValueError, KeyError and OSError where the lines are none."""
    path = of.path(REASONING_FILE)
    last = {number: one.windows[-1] for number, one in enumerate(of.report.repetitions, start=1)}
    found = {number: _Outputs() for number in last}
    if path.exists():
        for row in lines(path, REASONING_COLUMNS, of.applied.samples_used * len(last)):
            _see(found[int(row["repetition"])], row)
        _see_cut(of, last, found)
    if is_told_a_state(of) and any(one.tokens.reasoning is None for one in last.values()):
        because = f"{REASONING_FILE} does not tell all outputs apart"
        yield of.not_checked("whether the model reasoned as it was told", because)
    for number, window in last.items():
        made = _told(window, found[number], of.applied.limits)
        for phrase in differences(
            {"reasoning": window.tokens.reasoning, "truncated": window.truncated},
            made,
            f"{window.name} {number}",
        ):
            yield of.failed("reasoning_tokens_differ", phrase, REASONING_FILE)
        if made["reasoning"] is not None:
            outputs = found[number].reasoning + found[number].answer
            if outputs != window.tokens.completion:
                what = f"{window.name} {number} has {outputs} tokens there"
                yield of.failed("reasoning_tokens_differ", what, REASONING_FILE)


def _see(outputs: _Outputs, row: dict[str, str]) -> None:
    """Raises ValueError."""
    outputs.told_apart += 1
    outputs.reasoning += count_of(row["reasoning_tokens"])
    outputs.answer += count_of(row["answer_tokens"])
    if row["reasoning_ended"] != "yes":
        outputs.unended.add(int(row["sample"]))


def _see_cut(of: RunEvidence, last: dict[int, Window], found: dict[int, _Outputs]) -> None:
    """Counts samples that reached the limit of tokens while they reasoned. Raises as the check."""
    for row in lines(of.path(SAMPLES_FILE), COLUMNS):
        number = int(row["repetition"])
        if number in last and row["pass"] == last[number].name and row["finish_reason"] == "length":
            found[number].cut += int(row["sample"]) in found[number].unended


def _told(window: Window, outputs: _Outputs, limits: TokenLimits | None) -> dict[str, int | None]:
    """What the report says of such outputs: a sum only where every one was told apart."""
    whole = outputs.told_apart > 0 and outputs.told_apart == window.successful
    truncated = None
    if outputs.told_apart and limits is not None:
        # At a fixed number of tokens every output ends at the limit, as it is meant to.
        truncated = 0 if limits.max_new_tokens == limits.min_new_tokens else outputs.cut
    return {"reasoning": outputs.reasoning if whole else None, "truncated": truncated}
