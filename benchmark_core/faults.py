"""What can go wrong inside a run.

    RunFault
    ├── SpecFault       the run folder does not hold what a run needs
    ├── SampleFault     the samples cannot be read
    ├── HubFault        the hub that has the model or the samples is out of reach
    ├── ModelFault      the model or its tokenizer cannot be loaded or used
    ├── ReasoningFault  the prompt does not ask for the reasoning that the run is labelled with
    ├── MemoryFault     the device ran out of memory
    ├── ServerFault     the server that runs the model is not there, breaks off, or talks nonsense
    ├── MeterFault      a meter that was asked for does not give true figures
    └── DiskFault       the output directory is full

Each carries one message (what and where) and one remedy. `kind` stands in the report.
"""


class RunFault(Exception):
    """Ends the run with a report that says why."""

    kind = "run_failed"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class SpecFault(RunFault):
    kind = "wrong_spec"


class SampleFault(RunFault):
    kind = "samples_unusable"


class HubFault(RunFault):
    kind = "hub_unreachable"


class ModelFault(RunFault):
    kind = "model_unusable"


class ReasoningFault(RunFault):
    kind = "reasoning_not_applied"


class MemoryFault(RunFault):
    kind = "out_of_memory"


class ServerFault(RunFault):
    kind = "server_failed"


class MeterFault(RunFault):
    """`reason` is one of the verdict's words for what happened to the meter."""

    kind = "meter_failed"

    def __init__(self, message: str, remedy: str, reason: str = "meter_failed") -> None:
        super().__init__(message, remedy)
        self.reason = reason


class DiskFault(RunFault):
    kind = "disk_full"
