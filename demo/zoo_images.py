"""Tiny models that look at images: they name, find or describe what is shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.zoo_tokenizers import save_word_pieces

SIDE = 32
PATCH = 8
SHAPES = ("circle", "square", "triangle")
SCENES = (*SHAPES, "stripes", "nothing")
ENCODER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
# Detectors keep the sides' ratio: the shorter one has 64 pixels, the longer one 96 at most.
DETECTOR_SIZE = {"shortest_edge": 64, "longest_edge": 96}


def write_vit(folder: Path) -> None:
    """Names what is shown, by patches of 8 times 8 pixels."""
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.models.vit import ViTImageProcessorPil

    _save(
        ViTForImageClassification,
        ViTConfig(**ENCODER, image_size=SIDE, patch_size=PATCH, **_labels(SCENES)),
        ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}),
        folder,
    )


def write_resnet(folder: Path) -> None:
    """Names what is shown, by convolutions."""
    from transformers import ResNetConfig, ResNetForImageClassification
    from transformers.models.convnext import ConvNextImageProcessorPil

    _save(
        ResNetForImageClassification,
        ResNetConfig(
            embedding_size=8,
            hidden_sizes=[8, 16],
            depths=[1, 1],
            layer_type="basic",
            **_labels(SCENES),
        ),
        ConvNextImageProcessorPil(size={"shortest_edge": 64}),
        folder,
    )


def write_yolos(folder: Path) -> None:
    """Finds shapes: five guesses an image."""
    from transformers import YolosConfig, YolosForObjectDetection
    from transformers.models.yolos import YolosImageProcessorPil

    _save(
        YolosForObjectDetection,
        YolosConfig(
            **ENCODER, image_size=[64, 64], patch_size=16, num_detection_tokens=5, **_labels(SHAPES)
        ),
        YolosImageProcessorPil(size=DETECTOR_SIZE),
        folder,
    )


def write_detr(folder: Path) -> None:
    """Finds shapes: six guesses an image, on top of convolutions that it brings itself."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig
    from transformers.models.detr import DetrImageProcessorPil

    make_backbone: Any = ResNetConfig
    backbone = make_backbone(
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage4"],
    )
    make_config: Any = DetrConfig
    config = make_config(
        backbone_config=backbone,
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_queries=6,
        **_labels(SHAPES),
    )
    processor = DetrImageProcessorPil(size=DETECTOR_SIZE)
    _save(DetrForObjectDetection, config, processor, folder)


def write_blip(folder: Path) -> None:
    """Describes what is shown; its lengths stand in the part of its config on text."""
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipProcessor
    from transformers.models.blip import BlipImageProcessorPil

    tokenizer = save_word_pieces(folder)
    text = {
        **ENCODER,
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 32,
        "projection_dim": 32,
        "bos_token_id": tokenizer.cls_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    # The default range is so small that all images would look the same to random weights.
    vision = {**ENCODER, "image_size": SIDE, "patch_size": PATCH, "initializer_range": 0.02}
    make_config: Any = BlipConfig
    config = make_config(
        text_config=text, vision_config=vision, projection_dim=32, image_text_hidden_size=32
    )
    images: Any = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    make_processor: Any = BlipProcessor
    _save(BlipForConditionalGeneration, config, make_processor(images, tokenizer), folder)


def write_git(folder: Path) -> None:
    """Describes what is shown by going on after the image as if it were text."""
    from transformers import GitConfig, GitForCausalLM, GitProcessor
    from transformers.models.clip import CLIPImageProcessorPil

    tokenizer = save_word_pieces(folder)
    make_config: Any = GitConfig
    config = make_config(
        **ENCODER,
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        vision_config={**ENCODER, "image_size": SIDE, "patch_size": PATCH},
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    square = {"height": SIDE, "width": SIDE}
    images: Any = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square)
    make_processor: Any = GitProcessor
    _save(GitForCausalLM, config, make_processor(images, tokenizer), folder)


def _labels(names: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: at for at, name in enumerate(names)},
    }


def _save(network: Any, config: Any, processor: Any, folder: Path) -> None:
    network(config).save_pretrained(folder)
    processor.save_pretrained(folder)
