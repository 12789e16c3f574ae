"""What the sides of a comparison are given, and what they answer. For every Python of the rig."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

OURS, BARE, BARE_AGAIN = "ours", "bare", "bare again"
THEIRS, THEIR_BARE = "energy_star", "bare beside energy_star"

TIMES = dict[str, float]
"""Seconds of each pass over all samples, by the pass's name, in the order of the passes."""


@dataclass(frozen=True)
class Job:
    """One model and its samples. `model`, `samples` and `place` (for scratch) are folders.

    The folder of samples holds `train.jsonl`, or nothing but images. `architectures` are the
    classes whose forward passes are watched, as `library.Class`. `new_tokens` and `steps` are None
    where nothing is generated or drawn.
    """

    task: str
    model: str
    samples: str
    place: str
    architectures: tuple[str, ...]
    precision: str
    new_tokens: int | None = None
    steps: int | None = None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_job(path: Path) -> Job:
    content = json.loads(path.read_text())
    return Job(**{**content, "architectures": tuple(content["architectures"])})


def text_column(job: Job) -> str:
    return "prompt" if job.task == "image_generation" else "text"


def read_texts(job: Job, count: int) -> list[str]:
    lines = (Path(job.samples) / "train.jsonl").read_text().splitlines()[:count]
    return [json.loads(line)[text_column(job)] for line in lines]


def image_files(job: Job, count: int) -> list[Path]:
    return sorted(Path(job.samples).glob("*.png"))[:count]
