"""What each backend is. Loads nothing, so that flags and settings can read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmark_core.names import BackendName, MeterName


@dataclass(frozen=True)
class BackendFacts:
    """One backend, as all that is not the backend itself must know it.

    `meters_on_gpus` and `meters_on_cpu` are those of a run where nobody says otherwise, by where it
    computes; `meters_on_own_server` those where its server was started for it on GPUs here. A
    backend that measures by itself can be given no others.
    """

    meters_on_gpus: tuple[MeterName, ...]
    meters_on_cpu: tuple[MeterName, ...]
    meters_on_own_server: tuple[MeterName, ...] = ()
    is_served: bool = False
    """Whether a server runs the models, and runs only ask it."""
    measures_itself: bool = False
    """Whether no meter of this program watches it."""
    is_simulated: bool = False
    """Whether no model runs, so that nothing it gives is a measurement."""
    gives_raw_text: bool = False
    """Whether every model gets the bare text, its chat template or not."""
    keeps_model: bool = False
    """Whether a run can leave the model that it loaded to the next run of its program."""
    reads_cache: bool = False
    """Whether a run loads the same from the cache alone as with the hub at hand."""
    named_in_run_id: bool = True
    """The usual one is not named, and a rehearsal has the names of what it rehearses."""

    @property
    def has_own_device(self) -> bool:
        """Whether nobody chooses where a run computes: at a server's, or nowhere."""
        return self.is_served or self.is_simulated


BACKEND_FACTS: Mapping[BackendName, BackendFacts] = MappingProxyType(
    {
        "pytorch": BackendFacts(
            meters_on_gpus=("nvml", "codecarbon"),
            meters_on_cpu=("codecarbon",),
            keeps_model=True,
            reads_cache=True,
            named_in_run_id=False,
        ),
        "vllm": BackendFacts(
            meters_on_gpus=(),
            meters_on_cpu=(),
            meters_on_own_server=("nvml",),
            is_served=True,
        ),
        "optimum": BackendFacts(
            meters_on_gpus=("codecarbon",),
            meters_on_cpu=("codecarbon",),
            measures_itself=True,
            gives_raw_text=True,
        ),
        "simulated": BackendFacts(
            meters_on_gpus=("simulated",),
            meters_on_cpu=("simulated",),
            is_simulated=True,
            keeps_model=True,
            named_in_run_id=False,
        ),
    }
)


def usual_meters(
    backend: BackendName, device: str, sees_server: bool = False
) -> tuple[MeterName, ...]:
    """`device` is `cuda` or `cpu`; it says nothing of backends that do not compute here.

    `sees_server`: the run has a server of its own on GPUs here, and sees its processes.
    """
    facts = BACKEND_FACTS[backend]
    if facts.is_served and sees_server:
        return facts.meters_on_own_server
    return facts.meters_on_cpu if device == "cpu" else facts.meters_on_gpus
