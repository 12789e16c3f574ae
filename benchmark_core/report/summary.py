"""The figures of a run."""

from pydantic import Field

from benchmark_core.contract import PhaseName
from benchmark_core.documents import Frozen
from benchmark_core.report.spread import Spread
from benchmark_core.report.token_counts import TokenCounts


class PartialSummary(Frozen):
    """The figures of a run, each None where nobody told it; in runs of others most may be."""

    total_prompts: int | None = None
    successful_prompts: int | None = None
    failed_prompts: int | None = None
    tokens: TokenCounts | None = None
    total_duration_seconds: Spread | None = None
    avg_latency_seconds: float | None = None
    throughput_tokens_per_second: float | None = None
    gpu_energy_wh: Spread | None = None
    cpu_energy_wh: Spread | None = None
    ram_energy_wh: Spread | None = None
    wh_per_1000_queries: float | None = None
    tokens_per_joule: float | None = None
    avg_time_to_first_token_seconds: float | None = None
    truncated_prompts: int | None = None
    joules_per_answer_token: float | None = None
    joules_per_reasoning_token: float | None = None
    phases_gpu_wh: dict[PhaseName, float | None] = Field(default_factory=dict)


class Summary(PartialSummary):
    """The figures of a run of ours; each is a mean per repetition. Wh per query count successes
    only. Its counts and times are always known.

    `joules_per_answer_token` and `joules_per_reasoning_token` are all scored GPU joules over the
    tokens of that kind: what such a token costs with all that was done for it. They are no parts
    that add up.
    """

    total_prompts: int
    successful_prompts: int
    failed_prompts: int
    tokens: TokenCounts
    total_duration_seconds: Spread
    avg_latency_seconds: float
    throughput_tokens_per_second: float | None
    gpu_energy_wh: Spread | None
    cpu_energy_wh: Spread | None
    ram_energy_wh: Spread | None
    wh_per_1000_queries: float | None
    tokens_per_joule: float | None
    phases_gpu_wh: dict[PhaseName, float | None]
