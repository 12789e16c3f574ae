"""What each task makes of texts: which tokens the model is given, and how many."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmark_core.checkpoints.texts import most_tokens, padded_with_end
from benchmark_core.contract import TaskName
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning.states import parse_state
from benchmark_core.recipe import Encoded, Sample
from benchmark_core.tasks import registry as tasks
from tests.support.task_runs import (  # noqa: F401
    T5,
    Bench,
    Encoder,
    built_zoo,
    recipe_of,
    task_spec,
    zoo,
)

LONG = "the river meets the lighthouse " * 700
SHORT = "the river meets"
DIALOGUE = {"question": "who keeps the lamp?", "context": "the lighthouse keeper."}


def tokens_of(encoded: Encoded) -> int:
    ids = encoded.inputs["input_ids"]
    assert ids.shape == (1, encoded.prompt_tokens)
    return int(ids.shape[1])


# ---------------------------------------------------------------- how long a text may be


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("GPT2Config", 1024),
        ("BartConfig", 1024),
        ("BertConfig", 512),
        ("LlamaConfig", 2048),
        ("T5Config", 512),
        ("LEDConfig", 512),
        ("BloomConfig", 512),
        ("WhisperConfig", 512),
        ("BlipConfig", 512),
        ("LlavaConfig", 512),
        ("XLNetConfig", 512),
    ],
)
def test_a_text_has_the_stated_positions_and_512_where_none_are(name: str, tokens: int) -> None:
    import transformers

    assert most_tokens(getattr(transformers, name)()) == tokens


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("task", "model", "positions"),
    [
        ("summarization", "demo/tiny-bart", 512),
        ("question_answering", "demo/tiny-bert-qa", 128),
        ("text_classification", "demo/tiny-distilbert-classifier", 128),
        ("text_classification", "demo/tiny-bert-classifier", 128),
        ("sentence_similarity", "demo/tiny-bert-similarity", 128),
    ],
)
def test_a_text_is_cut_to_the_positions_of_its_model(
    task: TaskName, model: str, positions: int
) -> None:
    encode = Encoder(task, model)
    columns = {
        "question_answering": ("question", "context"),
        "sentence_similarity": ("sentence1", "sentence2"),
    }.get(task, ("text",))
    whole = encode(**dict.fromkeys(columns, SHORT))
    assert tokens_of(whole) < 40
    assert not whole.cut
    shortened = encode(**dict.fromkeys(columns, LONG))
    assert tokens_of(shortened) == positions
    assert shortened.cut
    assert shortened.form == whole.form == "raw"
    assert shortened.echoed_tokens == 0


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("stated", [None, 64])
def test_a_config_without_positions_counts_as_512(stated: int | None) -> None:
    encode = Encoder("text_classification", "demo/tiny-bert-classifier")
    encode.model = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=stated))
    assert tokens_of(encode(text=LONG)) == (stated or 512)


@pytest.mark.usefixtures("zoo")
def test_a_text_that_just_fits_is_not_cut() -> None:
    encode = Encoder("text_classification", "demo/tiny-bert-classifier")
    fits = encode(text="river " * 126)
    assert (tokens_of(fits), fits.cut) == (128, False)
    over = encode(text="river " * 127)
    assert (tokens_of(over), over.cut) == (128, True)


# ---------------------------------------------------------------- words that name the task


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("task", "sample", "words"),
    [
        ("summarization", {"text": "ships {pass}"}, "summarize: ships {pass}"),
        ("text_classification", {"text": "ships"}, "sst2 sentence: ships"),
        ("question_answering", {"question": "who?", "context": "she."}, ""),
        ("text_generation", {"text": "ships"}, "ships"),
    ],
)
def test_a_text_to_text_model_is_told_its_task_in_words(
    task: TaskName, sample: Sample, words: str
) -> None:
    encode = Encoder(task, T5)
    encoded = encode(**sample)
    assert encode.text(encoded) == (words or "question: who? context: she.") + "</s>"
    assert encoded.echoed_tokens == 1
    assert (encoded.form, encoded.cut) == ("raw", False)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("task", "sample", "limit"),
    [
        ("summarization", {"text": LONG}, 510),
        ("text_classification", {"text": LONG}, 510),
        ("question_answering", {"question": "who keeps it?", "context": LONG}, 508),
        ("text_generation", {"text": LONG}, 502),
    ],
)
def test_the_inputs_of_a_text_to_text_model_have_their_own_limits(
    task: TaskName, sample: Sample, limit: int
) -> None:
    encode = Encoder(task, T5)
    encoded = encode(**sample)
    assert tokens_of(encoded) == limit
    assert encoded.cut
    expected = {"summarization": "summarize: the river", "text_generation": "the river"}
    assert encode.text(encoded).startswith(expected.get(task, ""))
    assert encode.text(encoded).endswith("</s>")


# ---------------------------------------------------------------- pairs


@pytest.mark.usefixtures("zoo")
def test_question_and_context_are_one_sequence_in_that_order() -> None:
    encode = Encoder("question_answering", "demo/tiny-bert-qa")
    encoded = encode(question="the lamp", context="the river")
    assert encode.text(encoded) == "[CLS] the lamp [SEP] the river [SEP]"
    assert encoded.inputs["token_type_ids"].tolist() == [[0] * 4 + [1] * 3]


@pytest.mark.usefixtures("zoo")
def test_a_long_context_leaves_its_question_whole() -> None:
    encode = Encoder("question_answering", "demo/tiny-bert-qa")
    encoded = encode(question="the lamp", context=LONG)
    assert encode.text(encoded).startswith("[CLS] the lamp [SEP] the river")
    assert tokens_of(encoded) == 128


@pytest.mark.usefixtures("zoo")
def test_two_sentences_are_one_sequence() -> None:
    encode = Encoder("sentence_similarity", "demo/tiny-bert-similarity")
    encoded = encode(sentence1="a lamp", sentence2="the river")
    assert encode.text(encoded) == "[CLS] a lamp [SEP] the river [SEP]"
    assert encoded.inputs["input_ids"].shape == (1, 7)


# ---------------------------------------------------------------- tokenizers


@pytest.mark.parametrize("own", [None, "<pad>"])
def test_a_tokenizer_pads_with_its_end_where_it_has_nothing_else(own: str | None) -> None:
    tokenizer = SimpleNamespace(pad_token=own, eos_token="</s>")
    assert padded_with_end(tokenizer).pad_token == (own or "</s>")


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("task", ["text_generation", "text_classification"])
def test_a_tokenizer_without_padding_is_given_its_end(task: TaskName) -> None:
    tokenizer = recipe_of(task_spec(task, "demo/tiny-gpt2-reasoner")).load_processor()
    assert tokenizer.pad_token == tokenizer.eos_token == "<|end|>"


@pytest.mark.usefixtures("zoo")
def test_a_model_that_writes_on_is_given_no_segments() -> None:
    encode = Encoder("text_generation", "demo/tiny-llama-reasoner")
    encode.processor.model_input_names = ["input_ids", "attention_mask", "token_type_ids"]
    assert set(encode(text=SHORT).inputs) == {"input_ids", "attention_mask"}


# ---------------------------------------------------------------- what is recorded, and drawing


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("summarization", "demo/tiny-bart"),
        ("summarization", T5),
        ("text_classification", "demo/tiny-bert-classifier"),
    ],
)
def test_how_many_texts_were_cut_is_recorded(task: TaskName, model: str, tmp_path: Path) -> None:
    bench = Bench(task_spec(task, model), tmp_path / "run")
    prepared = bench.backend.preprocess([{"text": text} for text in (SHORT, LONG, SHORT, LONG)])
    bench.backend.run(prepared[0], bench.longest)
    found = bench.backend.conditions()
    assert (found.prompts_cut, found.prompt_form, found.template_kwargs) == (2, "raw", {})


@pytest.mark.usefixtures("zoo")
def test_only_the_prompt_reaches_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(task_spec("image_generation", "demo/tiny-stable-diffusion"), tmp_path / "run")
    pipeline, calls = bench.model._pipeline, []

    def listening(*arguments: Any, **named: Any) -> Any:
        calls.append((arguments, named))
        return pipeline(*arguments, **named)

    monkeypatch.setattr(bench.model, "_pipeline", listening)
    row = {"prompt": "a red circle", "source": "here", "image": b"", "negative_prompt": "blue"}
    (prepared,) = bench.backend.preprocess([row])
    bench.backend.run(prepared, bench.longest)
    ((arguments, named),) = calls
    assert (arguments, named.pop("prompt")) == ((), "a red circle")
    assert named == {"num_inference_steps": 30, "num_images_per_prompt": 1}


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(("state", "enforced"), [("On", False), ("Off", True)])
def test_a_text_to_text_model_is_labelled_as_one_that_cannot_reason(
    state: str, enforced: bool
) -> None:
    spec = task_spec("text_generation", T5, reasoning=parse_state(state))
    prompts = Prompts(spec.model.id, spec.reasoning)
    tasks.get("text_generation").recipe(spec, prompts).load_processor()
    facts = prompts.facts()
    assert facts is not None
    assert (facts.effective, facts.enforced, facts.mechanism) == ("none", enforced, "raw_text")
