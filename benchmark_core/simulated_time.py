"""How long what is simulated takes: the backend sleeps so long, and forecasts say so. Pure."""

from benchmark_core.contract import Kind, Simulation, TokenLimits
from benchmark_core.kinds import MeasuredPass, passes_of

ANSWER_TOKENS = 48
FIRST_TOKEN_SHARE = 0.1
"""Of the time of a whole answer; the other tokens share the rest evenly."""
PREPROCESS_SHARE = 0.02
"""Of the same time, for making one sample ready."""


def answer_tokens(limits: TokenLimits) -> int:
    return max(limits.min_new_tokens, min(limits.max_new_tokens, ANSWER_TOKENS))


def share_of_answer(tokens: int, limits: TokenLimits | None) -> float:
    """The time of so many tokens as a part of that of the longest answer of a run of `limits`."""
    whole = answer_tokens(limits) if limits else tokens
    if tokens >= whole:
        return 1.0
    return FIRST_TOKEN_SHARE + (1 - FIRST_TOKEN_SHARE) * (tokens - 1) / (whole - 1)


def run_seconds(
    simulation: Simulation,
    kind: Kind,
    limits: TokenLimits | None,
    steps: int | None,
    samples: int,
    repetitions: int,
) -> float:
    """Of a whole run: loading, warming up, and every pass over the samples in each repetition."""
    passes = sum(_share(step, limits) for step in passes_of(kind, limits, steps))
    answers = 1 + PREPROCESS_SHARE + repetitions * samples * passes
    return simulation.load_seconds + simulation.seconds_per_sample * answers


def _share(step: MeasuredPass, limits: TokenLimits | None) -> float:
    """What one sample takes of the time of a whole answer in a pass."""
    if step.name == "preprocess":
        return PREPROCESS_SHARE
    return share_of_answer(answer_tokens(step.limits), limits) if step.limits else 1.0
