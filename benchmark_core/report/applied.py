"""What a run was really made with, to be compared with what was asked."""

from datetime import date

from pydantic import Field

from benchmark_core.contract import DeviceSpec, Kind, MeterName, PromptForm, TokenLimits
from benchmark_core.documents import Frozen


class Applied(Frozen):
    """The settings that were really in force, read from what was loaded and run, not from the spec.

    `device` is what the model's weights lie on; which GPUs were metered is in the environment.
    `limits`, `batch_size`, `prompt_form` and `template_kwargs` are those of the last pass.
    `ran_own_code` says whether program code from the model's repository was run. `template_sha256`
    is that of the tokenizer's chat template, `template_day` the day that it took for today, None
    where it asks for none or a server renders in a way of its own. `gpu_uuids` are the model's own
    GPUs, where the framework tells. `server` names the kind and version of the server that ran the
    model; nobody knows then in which type and on what its weights lie. `concurrency` is how many
    samples may have been under way at a time. `server_processes` are how many of the server's
    processes computed on each GPU, by UUID; empty where nobody could see them.
    """

    model_id: str
    model_commit: str | None
    kind: Kind
    processor: str
    processor_commit: str | None
    dtype: str | None
    quantization: str | None
    attention: str | None
    ran_own_code: bool
    device: DeviceSpec | None
    batch_size: int
    limits: TokenLimits | None
    steps: int | None
    prompt_form: PromptForm | None
    template_kwargs: dict[str, bool | str]
    prompts_cut: int
    samples_available: int
    samples_used: int
    dataset_id: str | None
    dataset_commit: str | None
    prompts_sha256: str | None
    folder_sha256: str | None = None
    meters: tuple[MeterName, ...]
    gpu_uuids: tuple[str, ...] = ()
    template_sha256: str | None = None
    template_day: date | None = None
    seed: int | None = None
    server: str | None = None
    server_processes: dict[str, int] = Field(default_factory=dict)
    concurrency: int = 1
