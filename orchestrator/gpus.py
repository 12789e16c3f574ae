"""Which GPUs this machine has, and which of them a sweep may use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX
from benchmark_core.meters.nvml_facts import describe, is_partitioned
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.gpu_driver import DriverTrouble, NoDriver, opened_driver

FLAG = "--gpus"
ALL = "all"
SIMULATED = "simulated:"
# More than any machine has, so a larger index or number is a slip of the hand.
MOST_GPUS = 1024
NUMBER = re.compile("0|[1-9][0-9]{0,3}")
NAME = re.compile(rf"(?P<index>{NUMBER.pattern})|GPU-[0-9A-F-]+|MIG-[0-9A-Z/-]+", re.IGNORECASE)
FORMS = "Give all, indices (0,1), UUIDs (GPU-...), or simulated:8 for a rehearsal."


@dataclass(frozen=True)
class Gpu:
    """`index` is the driver's, as nvidia-smi shows it. `mig`: cut into instances (MIG mode).

    None is what the driver does not tell. `persistence`: the driver stays loaded between programs.
    """

    index: int
    uuid: str
    name: str
    memory_bytes: int | None
    simulated: bool
    mig: bool = False
    power_limit_watts: float | None = None
    default_power_limit_watts: float | None = None
    ecc: bool | None = None
    persistence: bool | None = None


def find_gpus() -> list[Gpu]:
    """The GPUs the NVIDIA driver knows, in its order; none where there is no driver.

    Raises:
        HostError: there is a driver, and it does not answer as it should.
    """
    try:
        with opened_driver() as nvml:
            handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
            return [_describe(index, handle) for index, handle in enumerate(handles)]
    except NoDriver:
        return []
    except DriverTrouble as trouble:
        raise _broken_driver(trouble) from trouble


def choose_gpus(text: str, present: Sequence[Gpu]) -> list[Gpu]:
    """The GPUs that `text`, the value of --gpus, means among those present.

    `all`, or a list of indices and UUIDs in the order wanted, or `simulated:N`, which needs no
    driver and answers N made-up GPUs with the same UUIDs every time.

    Raises:
        UsageError: the text is malformed, with or without GPUs, or names one that is not there.
        HostError: this machine has no GPU, or a chosen one is in MIG mode.
    """
    check_form(text, present)
    text = text.strip()
    if is_simulated(text):
        return _simulate(int(text[len(SIMULATED) :]))
    words = _words(text)
    if not present:
        raise HostError(
            Problem(FLAG, "this machine shows no NVIDIA GPU", "Install or load its driver.")
        )
    chosen = list(present) if words == [ALL] else [_pick(word, present) for word in words]
    _refuse_twice(text, [gpu.uuid for gpu in chosen])
    _refuse_partitioned(chosen)
    return chosen


def is_simulated(text: str) -> bool:
    """Whether `text`, the value of --gpus, means GPUs that are made up."""
    return text.strip().lower().startswith(SIMULATED)


def named_gpus(text: str) -> list[Gpu]:
    """The GPUs of any machine that `text` names by UUID; none where it names one otherwise.

    Nobody is asked, so all that is known of them is the UUID, in the driver's way of writing.
    """
    words = _words(text)
    if not all(word.upper().startswith("GPU-") for word in words):
        return []
    return [
        Gpu(index, f"GPU-{word[4:].lower()}", name="", memory_bytes=None, simulated=False)
        for index, word in enumerate(words)
    ]


def check_form(text: str, present: Sequence[Gpu] = ()) -> None:
    """Refuse what no machine could understand; it asks no driver.

    Raises:
        UsageError: the text is malformed; the GPUs that are present, if any, are named.
    """
    text = text.strip()
    if is_simulated(text):
        _check_number(text[len(SIMULATED) :])
        return
    words = _words(text)
    if not all(words):
        raise _usage(f"{text!r} holds an empty entry" if text else "no GPU is named")
    if words == [ALL]:
        return
    if ALL in words:
        raise _usage(f"'{ALL}' stands alone, not in a list as in {text!r}")
    known = f"; present are {_list(present)}" if present else ""
    for word in words:
        name = NAME.fullmatch(word)
        if name is None or int(name["index"] or 0) >= MOST_GPUS:
            raise _usage(f"{word!r} is neither an index nor a UUID of a GPU{known}")
    _refuse_twice(text, [word.lower() for word in words])


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _check_number(text: str) -> None:
    if not (NUMBER.fullmatch(text) and 1 <= int(text) <= MOST_GPUS):
        raise _usage(f"{text!r} is not a number of simulated GPUs from 1 to {MOST_GPUS}")


def _simulate(count: int) -> list[Gpu]:
    return [
        Gpu(
            index=index,
            uuid=f"{SIMULATED_DEVICE_PREFIX}-GPU-{index}",
            name=f"{SIMULATED_DEVICE_PREFIX} GPU {index}",
            memory_bytes=None,
            simulated=True,
        )
        for index in range(count)
    ]


def _pick(word: str, present: Sequence[Gpu]) -> Gpu:
    if word.upper().startswith("MIG-"):
        raise HostError(
            Problem(
                FLAG,
                f"{word} is a MIG instance, and the energy counter covers the whole GPU",
                "Switch MIG mode off, or choose a whole GPU.",
            )
        )
    for gpu in present:
        if word == str(gpu.index) or word.lower() == gpu.uuid.lower():
            return gpu
    raise _usage(f"there is no GPU {word!r}; present are {_list(present)}")


def _refuse_twice(text: str, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise _usage(f"{text!r} names a GPU twice")


def _refuse_partitioned(chosen: Sequence[Gpu]) -> None:
    partitioned = [gpu for gpu in chosen if gpu.mig]
    if partitioned:
        raise HostError(
            Problem(
                FLAG,
                f"MIG mode is on for {_list(partitioned)}, and the energy counter covers all"
                " instances together",
                "Switch it off (nvidia-smi -mig 0), or choose other GPUs.",
            )
        )


def _describe(index: int, handle: Any) -> Gpu:
    facts = describe(handle)
    return Gpu(
        index=index,
        uuid=facts.uuid,
        name=facts.name,
        memory_bytes=facts.memory_bytes,
        simulated=facts.name.startswith(SIMULATED_DEVICE_PREFIX),
        mig=is_partitioned(handle),
        power_limit_watts=facts.power_limit_watts,
        default_power_limit_watts=facts.default_power_limit_watts,
        ecc=facts.ecc,
        persistence=facts.persistence,
    )


def _list(gpus: Sequence[Gpu]) -> str:
    return ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in gpus)


def _usage(what: str) -> UsageError:
    return UsageError(Problem(FLAG, what, FORMS))


def _broken_driver(error: Exception) -> HostError:
    return HostError(
        Problem(
            "",
            f"the NVIDIA driver of this machine does not answer: {error}",
            "Look at nvidia-smi and the kernel log, and reboot after a driver update.",
        )
    )
