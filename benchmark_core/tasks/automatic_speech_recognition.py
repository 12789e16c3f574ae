"""Speech recognition: a sound in; 100 tokens out, or the letters of all its frames at once."""

from dataclasses import replace
from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column, read_audio
from benchmark_core.recipe import Encoded, Recipe, Sample
from benchmark_core.tasks.base import Prompts, Task

RATE_HERTZ = 16_000


class Listening(PlainRecipe):
    """Makes features of a sound, which is brought to one channel at 16 kHz first."""

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        sound = read_audio(sample["audio"], RATE_HERTZ)
        inputs = dict(processor(sound, sampling_rate=RATE_HERTZ, return_tensors="pt"))
        # Stated by those alone that hear a fixed time and drop the rest.
        features = getattr(processor, "feature_extractor", processor)
        heard = getattr(features, "n_samples", len(sound))
        return Encoded(inputs=inputs, cut=len(sound) > heard)


class Transcribing(Listening):
    """Generates text."""

    kind = "generate"
    processor_class = "AutoProcessor"
    model_classes = ("AutoModelForSpeechSeq2Seq",)
    kept_settings = (
        "is_multilingual",
        "lang_to_id",
        "task_to_id",
        "no_timestamps_token_id",
        "suppress_tokens",
        "begin_suppress_tokens",
        "forced_decoder_ids",
    )

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        # Whisper's own generate() gives back nothing of what starts the decoder.
        echoed = 0 if model.config.model_type == "whisper" else 1
        return replace(super().encode(sample, processor, model), echoed_tokens=echoed)


class Spelling(Listening):
    """Has no text to generate: a forward pass gives a letter for each frame.

    Nothing is spelled out, so the letters' tokenizer and language model are not needed.
    """

    kind = "forward"
    processor_class = "AutoFeatureExtractor"
    model_classes = ("AutoModelForCTC",)


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    def choose(checkpoint: Checkpoint) -> Recipe:
        generates = checkpoint.is_of("AutoModelForSpeechSeq2Seq")
        return Transcribing(checkpoint) if generates else Spelling(checkpoint)

    return ChosenRecipe(spec, choose)


TASK = Task(
    name="automatic_speech_recognition",
    spellings=("asr", "automatic_speech_recognition"),
    pipeline_tag="automatic-speech-recognition",
    dataset_id="AIEnergyScore/ASR",
    columns=(Column("audio", "audio"),),
    kinds=("generate", "forward"),
    recipe=make_recipe,
    # The published method states no number for this task, so its default holds.
    new_tokens=100,
)
