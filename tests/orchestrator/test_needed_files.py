"""What a run loads of a repository, and what stays on the hub."""

import pytest

from orchestrator.downloads.needed_files import needed_files
from orchestrator.downloads.wanted import Wanted

MODEL = Wanted("model", "org/model", "", weights=True)
CONFIG = ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"]
DOCUMENTS = ["README.md", ".gitattributes", "picture.png", "LICENSE"]
SHARDS = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize(
    ("weights", "elsewhere"),
    [
        (["model.safetensors"], ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"]),
        ([*SHARDS, INDEX], ["consolidated.00.pth", "consolidated.safetensors", "original/a.pth"]),
        ([*SHARDS, INDEX], ["metal/model.bin", "original/model.safetensors", "onnx/model.onnx"]),
        (["pytorch_model.bin"], ["rust_model.ot", "model.onnx", "model-q4.gguf"]),
        (["pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"], []),
        (["model.safetensors"], ["model.fp16.safetensors", *SHARDS, "training_args.bin"]),
        (["model.safetensors"], ["1_Pooling/pytorch_model.bin", "runs/events.json"]),
    ],
)
def test_of_weights_in_several_formats_only_the_one_that_is_loaded(weights, elsewhere):
    needed = needed_files(MODEL, [*CONFIG, *DOCUMENTS, *weights, *elsewhere])
    assert sorted(needed) == sorted([*CONFIG, *weights])


def test_a_processor_of_another_model_comes_without_its_weights():
    wanted = Wanted("model", "org/model", "", weights=False)
    more = "additional_chat_templates/tool.jinja"
    names = [*CONFIG, *DOCUMENTS, more, "model.safetensors", "vocab.txt", "modeling_own.py"]
    assert sorted(needed_files(wanted, names)) == sorted(
        [*CONFIG, more, "vocab.txt", "modeling_own.py"]
    )


def test_a_pipeline_comes_with_each_of_its_parts_once():
    parts = [
        *("model_index.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json"),
        *("unet/config.json", "unet/diffusion_pytorch_model.safetensors"),
        *("text_encoder/config.json", "text_encoder/pytorch_model.bin"),
        *("vae/config.json", "vae/diffusion_pytorch_model-00001-of-00001.safetensors"),
    ]
    others = [
        *("sd_xl_base.safetensors", "unet/diffusion_pytorch_model.bin"),
        *("unet/diffusion_pytorch_model.fp16.safetensors", "vae_1_0/deep/config.json"),
        "text_encoder/model.onnx",
    ]
    assert sorted(needed_files(MODEL, [*parts, *others, *DOCUMENTS])) == sorted(parts)


def test_a_dataset_comes_whole():
    names = ["README.md", "data/train-00000-of-00001.parquet", ".gitattributes"]
    wanted = Wanted("dataset", "org/data", "", weights=False)
    assert needed_files(wanted, names) == ["README.md", "data/train-00000-of-00001.parquet"]
