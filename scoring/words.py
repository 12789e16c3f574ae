"""Words for what labels, pages and screens all say."""

from typing import Final

from benchmark_core.tasks import registry as tasks
from scoring.figures import number_of

REHEARSAL: Final = "REHEARSAL"
UNIT: Final = "Wh of GPU energy per 1,000 queries"
PUBLISHED_LEADERBOARD: Final = "https://huggingface.co/spaces/AIEnergyScore/Leaderboard"
"""Stars that are shown outside a label have to link to it."""
ALL_RESULTS: Final = "All results"
"""What a leaderboard calls rows that no edition has chosen."""
SIMULATED: Final = f"{REHEARSAL}: simulated parts took part; these are not measurements."
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def month_words(month: str) -> str:
    """Of `2026-12`: "December 2026". Empty stays empty."""
    year, _, number = month.partition("-")
    return f"{MONTHS[int(number) - 1]} {year}" if number else ""


def task_words(task: str) -> str:
    """By any of its spellings: `text_gen` is "text generation"."""
    return (tasks.named(task) or task).replace("_", " ")


def hardware_words(gpu_name: str, gpu_count: str) -> str:
    """With how many, where it was more than one: "2 × NVIDIA H100 80GB HBM3"."""
    count = number_of(gpu_count)
    return f"{count:f} × {gpu_name}" if gpu_name and count and count > 1 else gpu_name
