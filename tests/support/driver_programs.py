"""Programs that ask the simulated driver through the real bindings, in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# What every program finds: the devices, and their readings, timed or with the driver's refusals.
PRELUDE = """
import json, time
import pynvml
from tests.support import simulated_driver

pynvml.nvmlInit()
count = pynvml.nvmlDeviceGetCount()
devices = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]

def counter(index=0):
    return pynvml.nvmlDeviceGetTotalEnergyConsumption(devices[index]) / 1000

def milliwatts(field, index=0):
    (answer,) = pynvml.nvmlDeviceGetFieldValues(devices[index], [field])
    if answer.nvmlReturn:
        return {"error": answer.nvmlReturn}
    is_double = answer.valueType == pynvml.NVML_VALUE_TYPE_DOUBLE
    return answer.value.dVal if is_double else answer.value.uiVal

def timed(read, *arguments):
    before = time.monotonic()
    value = read(*arguments)
    return [before, value, time.monotonic()]

def refused(read, *arguments):
    try:
        return read(*arguments)
    except pynvml.NVMLError as error:
        return {"error": error.value}
"""


def start(environment: dict[str, str], program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{PRELUDE}\n{program}\nprint(json.dumps(answer))"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Any:
    said, complained = process.communicate()
    assert process.returncode == 0, complained
    return json.loads(said)


def ask(environment: dict[str, str], program: str) -> Any:
    """What `program` leaves in the variable `answer`."""
    return finish(start(environment, program))
