"""What a run should take by the size of its model: a stated physical rule, right to a factor.

One walk of tokens through a model takes the longest of three times:

- reading the weights that these tokens pass through once, at 60 % of the memory's bandwidth;
- two operations for each token and each of these weights, at 40 % of the peak throughput;
- 20 ms, which a model of some thirty layers costs in starting its kernels. So a small model writes
  fifty tokens a second, at batch size 1.

A GPU that waits for kernels draws a fifth of its power limit, a busy one four fifths. Layers that
are spread over several GPUs run one after the other, and the other GPUs wait meanwhile.

Of the 24 models named with their size that fit on one GPU in the published text generation results
of February 2025 (ten tokens, 1,000 prompts, H100), 23 took at most twice and at least half of this
energy. Those spread over several GPUs took up to fifteen times as much.
"""

import math
from dataclasses import dataclass

from benchmark_core.contract import FEWEST_REPETITIONS_TO_STOP, RunSpec, TaskName, TokenLimits
from benchmark_core.kinds import ONE_TOKEN, MeasuredPass, passes_of
from benchmark_core.named_size import ModelSize
from benchmark_core.tasks import registry as tasks
from orchestrator.estimate import Estimate
from orchestrator.gpu_speeds import GpuSpeed

BANDWIDTH_SHARE = 0.6
FLOPS_SHARE = 0.4
SHORTEST_WALK_SECONDS = 0.02
WAITING_SHARE, BUSY_SHARE = 0.2, 0.8
START_SECONDS = 20.0
"""From starting a run until it loads its model: container, libraries, samples."""
LOADED_BYTES_PER_SECOND = 1e9
REST_WINDOWS = 6
"""Times the seconds at rest: once before, once after, and four times for coming to rest."""

TEXT_FACTOR, OTHER_FACTOR = 3.0, 5.0
UNKNOWN_GPU_FACTOR = 2.0
SEVERAL_GPUS_FACTOR = 5.0
CENTRAL_SHARE, LENGTH_FACTOR = 0.25, 4.0
"""How much of a limit is written by a model that may end before it, and how uncertain that is."""

INPUT_TOKENS: dict[TaskName, int] = {
    "text_generation": 369,
    "summarization": 384,
    "question_answering": 11,
    "text_classification": 157,
    "sentence_similarity": 23,
    "image_classification": 200,
    "object_detection": 1000,
    "automatic_speech_recognition": 1500,
    "image_generation": 1500,
    "image_captioning": 600,
}
"""Of one sample. Texts: the methodology's counts for 1,000; else patches or frames, roughly."""


@dataclass(frozen=True)
class Place:
    """What the model runs on. `is_known` is false where another GPU than thought may do it."""

    speed: GpuSpeed
    is_known: bool


@dataclass(frozen=True)
class _Cost:
    """`joules` are those of the GPU that computes."""

    seconds: float
    joules: float

    def times(self, number: float) -> "_Cost":
        return _Cost(self.seconds * number, self.joules * number)

    def __add__(self, other: "_Cost") -> "_Cost":
        return _Cost(self.seconds + other.seconds, self.joules + other.joules)


def expected_new_tokens(limits: TokenLimits) -> tuple[float, float]:
    """Of one sample, and the factor by which that is uncertain."""
    if limits.min_new_tokens == limits.max_new_tokens:
        return limits.max_new_tokens, 1.0
    central = max(limits.min_new_tokens, limits.max_new_tokens * CENTRAL_SHARE)
    return central, LENGTH_FACTOR


def by_parameters(
    spec: RunSpec, samples: int, size: ModelSize, place: Place
) -> tuple[Estimate, Estimate | None]:
    """Seconds of the whole run, and its GPU energy in Wh, None where it computes on no GPUs."""
    walks = _Walks(spec, size, place.speed)
    measured = walks.of_one_repetition(samples)
    fixed = walks.before_and_after()
    together = fixed + measured.times(spec.repetitions)
    fewest = spec.repetitions if spec.stop_at_ci is None else FEWEST_REPETITIONS_TO_STOP
    shortened = min(1.0, fewest / spec.repetitions)
    factor = _factor(spec, place)
    seconds = around(together.seconds, factor, shortened)
    gpus = spec.device.gpu_count
    if not gpus or spec.device.kind == "cpu":
        return seconds, None
    waiting = (gpus - 1) * place.speed.limit_watts * WAITING_SHARE * together.seconds
    return seconds, around((together.joules + waiting) / 3600, factor, shortened)


def around(central: float, factor: float, shortened: float = 1.0) -> Estimate:
    """`shortened` is the share that is left of it at the least, for another reason."""
    return Estimate(low=central * shortened / factor, central=central, high=central * factor)


def joint_factor(*factors: float) -> float:
    """Of doubts that have nothing to do with each other."""
    return math.exp(math.hypot(*(math.log(factor) for factor in factors)))


def _factor(spec: RunSpec, place: Place) -> float:
    of_rule = TEXT_FACTOR if spec.task == "text_generation" else OTHER_FACTOR
    of_place = 1.0 if place.is_known else UNKNOWN_GPU_FACTOR
    of_spread = SEVERAL_GPUS_FACTOR if spec.device.gpu_count > 1 else 1.0
    of_length = expected_new_tokens(spec.limits)[1] if spec.limits else 1.0
    of_overlap = math.sqrt(spec.backend.concurrency or 1)
    return joint_factor(of_rule, of_place, of_spread, of_length, of_overlap)


class _Walks:
    """The walks of a run through its model, and what they cost."""

    def __init__(self, spec: RunSpec, size: ModelSize, speed: GpuSpeed) -> None:
        self._spec = spec
        self._size = size
        self._speed = speed
        single = spec.precision == "float32"
        self._bytes_per_parameter = 4 if single else 2
        self._flops = speed.single_flops if single else speed.half_flops

    def of_one_repetition(self, samples: int) -> _Cost:
        """All passes over all samples. Requests that overlap save half of what they could."""
        spec = self._spec
        passes = passes_of(tasks.get(spec.task).kinds[0], spec.limits, spec.steps)
        total = _Cost(0.0, 0.0)
        for step in passes:
            total += self._of_one_sample(step)
        return total.times(samples / math.sqrt(spec.backend.concurrency or 1))

    def before_and_after(self) -> _Cost:
        """Starting, loading the weights, and watching the GPUs at rest."""
        rest = (self._spec.idle_seconds or 0.0) * REST_WINDOWS
        loading = self._size.parameters * self._bytes_per_parameter / LOADED_BYTES_PER_SECOND
        return self._waited(START_SECONDS + loading + rest)

    def _of_one_sample(self, step: MeasuredPass) -> _Cost:
        if step.name == "preprocess":
            return _Cost(0.0, 0.0)
        whole = self._walk(INPUT_TOKENS[self._spec.task])
        if step.steps:
            return whole.times(step.steps)
        if step.limits is None or step.limits == ONE_TOKEN:
            return whole
        further = max(expected_new_tokens(step.limits)[0] - 1, 0)
        return whole + self._walk(1).times(further)

    def _walk(self, tokens: int) -> _Cost:
        passed = self._size.active if tokens == 1 else self._size.parameters
        reading = passed * self._bytes_per_parameter / self._speed.bytes_per_second
        computing = 2 * self._size.active * tokens / self._flops
        busy = max(reading / BANDWIDTH_SHARE, computing / FLOPS_SHARE)
        seconds = max(busy, SHORTEST_WALK_SECONDS)
        share = WAITING_SHARE + (BUSY_SHARE - WAITING_SHARE) * busy / seconds
        return _Cost(seconds, seconds * share * self._speed.limit_watts)

    def _waited(self, seconds: float) -> _Cost:
        return _Cost(seconds, seconds * WAITING_SHARE * self._speed.limit_watts)
