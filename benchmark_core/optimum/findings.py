"""What the worker found in what it had loaded and run: `findings.json`."""

from benchmark_core.contract import DeviceKind, DeviceSpec, TokenLimits
from benchmark_core.documents import Frozen


class ModelFacts(Frozen):
    name: str
    commit: str | None
    dtype: str
    device: DeviceKind
    gpu_uuids: tuple[str, ...]
    attention: str | None
    quantization: str | None
    ran_own_code: bool
    seed: int

    @property
    def placed(self) -> DeviceSpec:
        return DeviceSpec(kind=self.device, gpu_count=len(self.gpu_uuids))


class ProcessorFacts(Frozen):
    name: str
    template_sha256: str | None


class Ran(Frozen):
    """The settings in force. Steps and tokens are None where none were asked for."""

    task: str
    samples: int
    batch_size: int
    max_new_tokens: int | None
    min_new_tokens: int | None
    steps: int | None

    @property
    def limits(self) -> TokenLimits | None:
        most, fewest = self.max_new_tokens, self.min_new_tokens
        if most is None or fewest is None:
            return None
        return TokenLimits(max_new_tokens=most, min_new_tokens=fewest)


class PromptFacts(Frozen):
    """Of all samples together; `tokens` is None where the inputs are no texts."""

    tokens: int | None
    cut: int


class TrackerFacts(Frozen):
    """What CodeCarbon tracked: None or 0 for what it did not."""

    cpu_mode: str | None
    cpu_tdp_watts: float | None
    tracks_ram: bool
    gpus: int


class Findings(Frozen):
    model: ModelFacts
    processor: ProcessorFacts
    ran: Ran
    prompts: PromptFacts
    tracker: TrackerFacts
    packages: dict[str, str]
    python_version: str


class WorkerFailure(Frozen):
    type: str
    message: str
