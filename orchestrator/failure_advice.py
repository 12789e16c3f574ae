"""What each reason of a failure mostly comes from, and what to do: docs/troubleshooting.md as data.

A reason with several rows there stands here once; the message of a run says which of them it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Advice:
    cause: str
    remedy: str


UNKNOWN: Final = Advice("", "look at the message and the log")

ADVICE: Final[Mapping[str, Advice]] = {
    "timeout": Advice(
        "slow model, many prompts, 8,192 tokens a prompt",
        "raise `--timeout`, or lower `--num-prompts`",
    ),
    "out_of_memory": Advice(
        "the model does not fit on its GPU, another program is on it, main memory was full while"
        " loading, or more than one sample in ten failed, mostly because they were too large",
        "free the GPU; for class C more GPUs (`--gpus-per-run`, or the row's `GPUs`)",
    ),
    "model_unusable": Advice(
        "the model is gated, not there, not whole, or none for this task",
        "what the message says; a gated model: accept its terms, then log in",
    ),
    "reasoning_not_applied": Advice(
        "the model's template does not do what the row's state asks for",
        "correct the state, or name another revision or `Processor` in the catalog",
    ),
    "samples_unusable": Advice(
        "the dataset cannot be read, has changed, or has no sample of this task",
        "what the message says; or `--prompts-file`, `--dataset-dir`",
    ),
    "server_failed": Advice(
        "the server of the vllm backend was stopped, ran out of memory, was too slow to answer, or"
        " is none with OpenAI's interface; the message says what it did",
        "its own log; `--request-timeout` for a slow one",
    ),
    "meter_failed": Advice(
        "a counter, a GPU or a driver that cannot be trusted, or CodeCarbon",
        "the message names it; `verdict_reasons` in the table has the word",
    ),
    "no_report": Advice(
        "the program died, or was killed from outside (exit code 137: often for want of memory)",
        "the end of the log; the kernel log",
    ),
    "vanished": Advice(
        "somebody removed the container, or the engine was away for a minute",
        "it was tried again, as often as `--retries` says; run it again",
    ),
    "engine_restarted": Advice(
        "the container engine was restarted or updated",
        "it was tried again, as often as `--retries` says; run it again",
    ),
    "terminated": Advice(
        "the engine was stopped, or somebody stopped the container",
        "it was tried again, as often as `--retries` says; run it again",
    ),
    "lost": Advice(
        "a node that was lost twice, or a job that Slurm forgot",
        "it was tried again, as often as `--retries` says; run it again",
    ),
    "cancelled": Advice(
        "`scancel` by somebody, or a preemption without a requeue",
        "run it again",
    ),
    "hang": Advice(
        "a driver or a library that waits for something that never comes; or samples that take"
        " longer than `--hang-timeout`",
        "the end of the log has the stack of each thread; raise `--hang-timeout` if it was only"
        " slow",
    ),
    "hub_unreachable": Advice(
        "not in the local cache, and no network, a hub that answers errors, or `HF_HUB_OFFLINE`",
        "it was tried again, as often as `--retries` says; fetch it into the cache first, or go"
        " online",
    ),
    "not_started": Advice(
        "the engine refused: no GPU runtime, a missing folder; on Slurm also a job that is held, or"
        " whose program cannot begin on its node",
        "the engine's words are in the message; the job's are in `logs/<run_id>_<time>.slurm.log`",
    ),
    "wrong_settings": Advice(
        "the run applied something else than was asked: an image from other code",
        "`./build.sh`, run again",
    ),
    "wrong_spec": Advice(
        "files of the run folder were edited, or image and host differ",
        "`./build.sh`; remove the folder",
    ),
    "exit_code": Advice(
        "it failed after its report, for example while letting go of the GPU",
        "the end of the log",
    ),
    "disk_full": Advice(
        "the disk of the output directory is full",
        "free it, then `--rerun-failed`",
    ),
    "failed_elsewhere": Advice(
        "an imported run that had failed before",
        "nothing to run again; measure the model here",
    ),
    "crashed": Advice(
        "an error nobody foresaw",
        "the log holds the traceback; report it with the run folder",
    ),
    "interrupted": Advice(
        "you stopped it, or the runner was killed",
        "the same command again",
    ),
}
