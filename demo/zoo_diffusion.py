"""A tiny pipeline that draws images: 16 times 16 pixels."""

from pathlib import Path
from typing import Any

from demo.zoo_tokenizers import CLIP_POSITIONS, clip_tokenizer

HIDDEN_SIZE = 32
CHANNELS = (8, 16)


def write_stable_diffusion(folder: Path) -> None:
    """A Stable Diffusion pipeline without a safety checker, each part in a folder of its own."""
    from diffusers import StableDiffusionPipeline

    make: Any = StableDiffusionPipeline
    tokenizer = clip_tokenizer()
    pipeline = make(
        vae=_image_coder(),
        text_encoder=_text_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=_denoiser(),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def _text_encoder(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    make_config: Any = CLIPTextConfig
    config = make_config(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN_SIZE,
        intermediate_size=2 * HIDDEN_SIZE,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CLIP_POSITIONS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def _denoiser() -> Any:
    from diffusers import UNet2DConditionModel

    make: Any = UNet2DConditionModel
    return make(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        cross_attention_dim=HIDDEN_SIZE,
        attention_head_dim=4,
    )


def _image_coder() -> Any:
    from diffusers import AutoencoderKL

    make: Any = AutoencoderKL
    return make(
        sample_size=16,
        block_out_channels=CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * len(CHANNELS),
        up_block_types=("UpDecoderBlock2D",) * len(CHANNELS),
        latent_channels=4,
        norm_num_groups=4,
    )


def _scheduler() -> Any:
    from diffusers import DDIMScheduler

    make: Any = DDIMScheduler
    return make(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
