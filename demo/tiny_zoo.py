"""Builds a tiny model of every kind that the ten tasks are measured on: random weights, no hub.

They load by their id from the folder they are put in (see `demo.hub_layout`). Their answers mean
nothing; what they do costs what such an architecture of that size costs.

    python -m demo.tiny_zoo DIRECTORY
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from demo import tiny_models, zoo_audio, zoo_diffusion, zoo_images, zoo_text
from demo.hub_layout import HubModel, place_models, rewrite_json

SEED = 20251002

WRITERS: dict[str, Callable[[Path], None]] = {
    "demo/tiny-bart": zoo_text.write_bart,
    "demo/tiny-t5": zoo_text.write_t5,
    "demo/tiny-bert-qa": zoo_text.write_bert_qa,
    "demo/tiny-distilbert-classifier": zoo_text.write_distilbert_classifier,
    "demo/tiny-bert-classifier": zoo_text.write_bert_classifier,
    "demo/tiny-bert-similarity": zoo_text.write_bert_similarity,
    "demo/tiny-vit": zoo_images.write_vit,
    "demo/tiny-resnet": zoo_images.write_resnet,
    "demo/tiny-yolos": zoo_images.write_yolos,
    "demo/tiny-detr": zoo_images.write_detr,
    "demo/tiny-whisper": zoo_audio.write_whisper,
    "demo/tiny-wav2vec2": zoo_audio.write_wav2vec2,
    "demo/tiny-blip": zoo_images.write_blip,
    "demo/tiny-git": zoo_images.write_git,
    "demo/tiny-stable-diffusion": zoo_diffusion.write_stable_diffusion,
}


def zoo_models() -> dict[str, HubModel]:
    """Every model of the zoo by its id, the two that write text among them."""
    text_writers = {model.id: model for model in tiny_models.hub_models()}
    others = {id_: HubModel(id_, _seeded(write)) for id_, write in WRITERS.items()}
    return {**text_writers, **others}


def build_zoo(directory: Path, ids: Sequence[str] | None = None) -> list[str]:
    """Put the models of these ids, by default all, into `directory`.

    What is there, whole and current, stays untouched. Gives the ids of those that were built.

    Raises:
        ValueError: an id that the zoo does not have; nothing is built then.
    """
    models = zoo_models()
    unknown = sorted(set(ids or ()) - set(models))
    if unknown:
        raise ValueError(f"the zoo has no {', '.join(unknown)}. Choose from: {', '.join(models)}.")
    return place_models(directory, models.values() if ids is None else [models[id_] for id_ in ids])


def _seeded(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same, from the same random numbers each time, the caller's left as they were."""

    def write_seeded(folder: Path) -> None:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            write(folder)
        _name_tokenizer_class(folder)

    return write_seeded


def _name_tokenizer_class(folder: Path) -> None:
    """Name the class as every version of the library does; the newest one has a name of its own."""
    for path in folder.rglob("tokenizer_config.json"):
        if json.loads(path.read_text())["tokenizer_class"] == "TokenizersBackend":
            rewrite_json(path, tokenizer_class="PreTrainedTokenizerFast")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m demo.tiny_zoo DIRECTORY", file=sys.stderr)
        return 2
    # Read when the library is imported, which is only when there is something to build.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    built = build_zoo(Path(arguments[0]))
    print(f"{len(zoo_models())} demo models are in {arguments[0]}, {len(built)} of them made now")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
