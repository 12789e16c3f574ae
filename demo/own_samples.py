"""Small data sets for all ten tasks: sentences written for the purpose, drawn shapes, tones.

    python -m demo.own_samples DIRECTORY

makes, in the columns of each task's own data set,

    DIRECTORY/TASK.jsonl                              what is text: six rows
    DIRECTORY/TASK/metadata.csv, *.png, *.jpg         images: six, of every mode that occurs
    DIRECTORY/TASK/metadata.csv, *.wav                sound: six, half a second each

The same bytes every time; a file that is right already is not touched.
"""

import csv
import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmark_core.atomic_file import write_bytes
from demo.drawn_images import drawn_images
from demo.sounded_tones import sounded_tones

PROMPTS = Path(__file__).parent / "prompts"
FILE_NAME = "file_name"
METADATA = "metadata.csv"

TEXT_TASKS = (
    "text_generation",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
    "image_generation",
)
MEDIA_TASKS: dict[str, Callable[[], Mapping[str, bytes]]] = {
    "image_classification": drawn_images,
    "object_detection": drawn_images,
    "image_captioning": drawn_images,
    "automatic_speech_recognition": sounded_tones,
}


def build_samples(directory: Path) -> dict[str, Path]:
    """Put the data sets into `directory`. Gives each task's file or folder by the task's name."""
    _make_folder(directory)
    found: dict[str, Path] = {}
    for task in TEXT_TASKS:
        found[task] = directory / f"{task}.jsonl"
        _write_where_different(found[task], (PROMPTS / f"{task}.jsonl").read_bytes())
    for task, make in MEDIA_TASKS.items():
        found[task] = directory / task
        _write_folder(found[task], make())
    return found


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    _make_folder(folder)
    for name, content in files.items():
        _write_where_different(folder / name, content)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([FILE_NAME])
    writer.writerows([name] for name in files)
    _write_where_different(folder / METADATA, table.getvalue().encode())


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)  # a container reads it as another user


def _write_where_different(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        write_bytes(path, content)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m demo.own_samples DIRECTORY", file=sys.stderr)
        return 2
    found = build_samples(Path(arguments[0]))
    print(f"samples for {len(found)} tasks are in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
