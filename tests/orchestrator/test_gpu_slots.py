"""GPUs are claimed by one sweep of a host at a time, and left alone where others are at work."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.gpu_slots import GpuSlots
from orchestrator.gpus import Gpu, choose_gpus

GPUS = [
    Gpu(index, f"GPU-{index}", name="H100", memory_bytes=80 * 10**9, simulated=False)
    for index in range(3)
]
HOLD = """
import sys, time
from pathlib import Path
from orchestrator.gpu_slots import GpuSlots
from tests.orchestrator.test_gpu_slots import GPUS
slots = GpuSlots(GPUS, locks=Path(sys.argv[1]))
print([gpu.index for gpu in slots.claim(int(sys.argv[2]))], flush=True)
time.sleep(600)
"""


def indices(gpus):
    return None if gpus is None else [gpu.index for gpu in gpus]


def test_a_claim_takes_all_or_nothing_and_gives_back_what_it_took(tmp_path: Path) -> None:
    slots = GpuSlots(GPUS, locks=tmp_path)
    first = slots.claim(2)
    assert indices(first) == [0, 1]
    assert slots.claim(2) is None
    assert indices(slots.free()) == [2]
    slots.release(first)
    slots.release(first)
    assert indices(slots.claim(3)) == [0, 1, 2]


def test_what_another_process_holds_is_named_and_free_again_when_it_is_killed(
    tmp_path: Path,
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "2"], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "[0, 1]\n"
    slots = GpuSlots(GPUS, locks=tmp_path)
    assert slots.claim(2) is None
    assert set(slots.occupied()) == {"GPU-0", "GPU-1"}
    assert f"another sweep (process {other.pid} on " in slots.occupied()["GPU-0"]
    assert indices(slots.claim(1)) == [2]
    other.kill()
    other.wait()
    later = GpuSlots(GPUS, locks=tmp_path)
    assert indices(later.claim(2)) == [0, 1]


def test_a_gpu_where_others_are_at_work_is_left_alone(tmp_path: Path) -> None:
    busy = {"GPU-1": "process 4242 (python)"}
    slots = GpuSlots(GPUS, lambda: busy, locks=tmp_path)
    assert indices(slots.claim(2)) == [0, 2]
    assert slots.claim(1) is None
    assert slots.occupied() == busy
    # Those of a server that is watched are busy by design.
    assert indices(GpuSlots(GPUS, lambda: busy, exclusive=False).claim(3)) == [0, 1, 2]


def test_gpus_that_are_made_up_are_nobodys(tmp_path: Path) -> None:
    made_up = choose_gpus("simulated:2", [])
    assert indices(GpuSlots(made_up, locks=tmp_path).claim(2)) == [0, 1]
    assert indices(GpuSlots(made_up, locks=tmp_path).claim(2)) == [0, 1]
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_that_lost_two_runs_is_out_of_service(tmp_path: Path) -> None:
    slots = GpuSlots(GPUS, locks=tmp_path)
    assert indices(slots.note_loss([GPUS[1]])) == []
    assert indices(slots.free()) == [0, 2, 1]
    assert indices(slots.note_loss([GPUS[1]])) == [1]
    assert indices(slots.note_loss([GPUS[1]])) == []
    assert slots.total == 2
    assert indices(slots.claim(2)) == [0, 2]


def test_the_gpus_of_a_run_that_goes_on_are_taken_over(tmp_path: Path) -> None:
    slots = GpuSlots(GPUS, locks=tmp_path)
    assert indices(slots.take_over(["GPU-2", "GPU-elsewhere"])) == [2]
    assert indices(slots.claim(2)) == [0, 1]


def test_locks_that_cannot_be_used_are_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("in the way")
    with pytest.raises(HostError, match=r"locks of the GPUs cannot be used.*1777"):
        GpuSlots(GPUS, locks=tmp_path / "locks").claim(1)


def test_a_lock_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "GPU-0.lock").symlink_to(target)
    with pytest.raises(HostError):
        GpuSlots(GPUS, locks=tmp_path).claim(1)
    assert not target.exists()
