"""Texts, images and sounds as tasks take them: undecoded in a table, read one at a time."""

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmark_core import mp3
from benchmark_core.faults import SampleFault

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray
    from PIL.Image import Image

Media = Literal["text", "image", "audio"]

LARGEST_FILE_BYTES = 256 * 1024 * 1024
"""Of a picture, a sound, or a file that is read as a whole."""
MOST_PIXELS = 80_000_000
LONGEST_SECONDS = 1800.0
BLOCK_FRAMES = 65536
UNKNOWN_FRAMES = 2**62
"""About so many are stated where a file, written as a stream, leaves its length open."""

# Named, because Pillow starts other programs for some of the rest (EPS calls Ghostscript).
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")


class MediaError(Exception):
    """One image or sound cannot be read: fails its sample, not the run. One line, file first."""


@dataclass(frozen=True)
class Column:
    """A column that a task needs; `aliases` are other names it may have in the samples."""

    name: str
    media: Media = "text"
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


def is_empty(value: Any, media: Media) -> bool:
    """Whether there is nothing to run on: blank text, or neither bytes nor a path."""
    if isinstance(value, dict) and media != "text":
        return not value.get("bytes") and not value.get("path")
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == b""


def is_unsound(text: str) -> bool:
    """Whether it holds what no tokenizer takes: NUL, or half a surrogate pair (a JSON escape)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text


def undecoded(dataset: Any, columns: Sequence[Column]) -> Any:
    """The `datasets.Dataset` whose images and sounds come as {"bytes", "path"} from now on.

    Holds for every such column it has, named in `columns` or not. No row is read: an Audio column
    that is touched before its cast asks for a decoder that may not be installed.

    Raises:
        SampleFault: a column that a task takes images or sounds from holds something else.
    """
    from datasets import Audio, Image, Value

    kinds: dict[str, Any] = {"image": Image, "audio": Audio}
    wanted = {name: column.media for column in columns for name in column.names}
    for name, feature in dict(dataset.features).items():
        kind = kinds.get(wanted.get(name, "text"))
        castable = isinstance(feature, Value) and feature.dtype in ("string", "binary")
        pair = isinstance(feature, dict) and set(feature) == {"bytes", "path"}
        if kind is not None and not (castable or pair) and not isinstance(feature, kind):
            raise SampleFault(
                f"the dataset's column {name} holds {feature}, not {wanted[name]} files",
                "Name a dataset made for this task.",
            )
        if kind is None and isinstance(feature, Audio | Image):
            kind = type(feature)
        if kind is not None:
            dataset = dataset.cast_column(name, kind(decode=False))
    return dataset


def read_image(value: Any) -> "Image":
    """An RGB image from {"bytes", "path"}, bytes, a path or a PIL image.

    Transparency is dropped, 16-bit greys are scaled to 8, a camera's orientation is applied; of
    an animation the first picture is taken.

    Raises:
        MediaError: no image, damaged, cut off, or more than MOST_PIXELS.
    """
    from PIL import Image, UnidentifiedImageError

    content, label = (b"", "an image") if isinstance(value, Image.Image) else content_of(value)
    try:
        # Pillow warns of what is refused, and of harmless oddities, once for each sample.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(value, Image.Image):
                return _rgb(value)
            return _decoded(content, label)
    except MediaError:
        raise
    except UnidentifiedImageError as error:
        raise MediaError(f"{label}: is not an image in a format that is read") from error
    except Image.DecompressionBombError as error:
        raise MediaError(f"{label}: more than the {MOST_PIXELS} pixels read at most") from error
    except Exception as error:  # decoders of damaged files raise every kind of error
        raise MediaError(f"{label}: the image cannot be read: {_one_line(error)}") from error


def read_audio(value: Any, rate_hertz: int = 16000) -> "NDArray[float32]":
    """A sound from {"bytes", "path"}, bytes or a path: one channel, float32, shape (frames,).

    Channels are averaged. Read and resampled in blocks, so that a long sound in many channels
    takes no more memory than its result.

    Raises:
        MediaError: no sound, empty, damaged, cut off, or longer than LONGEST_SECONDS.
    """
    import numpy

    content, label = content_of(value)
    if _cut_off(content):
        raise MediaError(f"{label}: the sound is cut off after {len(content)} bytes")
    try:
        with _opened_sound(content) as sound:
            claimed = _claimed_frames(sound, content)
            if claimed is None:
                # After each block it would be told to go where it is, and at an end that it does
                # not know of it cannot.
                sound.seekable = lambda: False
            if claimed is not None and claimed > LONGEST_SECONDS * sound.samplerate:
                raise MediaError(
                    f"{label}: {claimed / sound.samplerate:.0f} s long,"
                    f" {LONGEST_SECONDS:.0f} s are read at most"
                )
            blocks = list(_resampled(sound, claimed, rate_hertz, label))
    except MediaError:
        raise
    except Exception as error:  # decoders of damaged files raise every kind of error
        raise MediaError(f"{label}: the sound cannot be read: {_one_line(error)}") from error
    samples: NDArray[float32] = numpy.concatenate(blocks) if blocks else numpy.empty(0, "float32")
    if not samples.size:
        raise MediaError(f"{label}: the sound is empty")
    return samples


def _opened_sound(content: bytes) -> Any:
    import soundfile  # type: ignore[import-untyped,unused-ignore]

    sound = soundfile.SoundFile(io.BytesIO(content))
    if sound.format != "MP3" or mp3.states_length(content):
        return sound
    sound.close()
    return soundfile.SoundFile(mp3.EndlessFile(content))


def _claimed_frames(sound: Any, content: bytes) -> int | None:
    """How long the file says to be; None where it does not say (a stream), or does not know."""
    guessed = sound.format == "MP3" and not mp3.states_length(content)
    return None if guessed or sound.frames >= UNKNOWN_FRAMES else int(sound.frames)


def _cut_off(content: bytes) -> bool:
    """Whether a WAV file ends too early, which its decoder takes for a shorter sound.

    Programs that write into a pipe claim about the largest size there is; an odd last byte may
    lack its filler.
    """
    claimed_bytes = int.from_bytes(content[4:8], "little") + 8
    return content[:4] == b"RIFF" and len(content) + 1 < claimed_bytes < 0x7FFF0000


def _resampled(
    sound: Any, claimed: int | None, rate_hertz: int, label: str
) -> "Iterator[NDArray[float32]]":
    import numpy
    import soxr  # type: ignore[import-untyped,unused-ignore]

    same = sound.samplerate == rate_hertz
    stream = None if same else soxr.ResampleStream(sound.samplerate, rate_hertz, 1)
    block_frames = max(1, BLOCK_FRAMES // sound.channels)
    frames = 0
    while (block := sound.read(block_frames, dtype="float32", always_2d=True)).size:
        frames += len(block)
        if frames > LONGEST_SECONDS * sound.samplerate:
            raise MediaError(f"{label}: longer than {LONGEST_SECONDS:.0f} s")
        mono = block.mean(axis=1, dtype="float32")
        if not numpy.isfinite(mono).all():
            raise MediaError(f"{label}: the sound holds values that are no numbers")
        yield mono if stream is None else stream.resample_chunk(mono)
    if claimed is not None and frames < claimed:
        raise MediaError(f"{label}: the sound is cut off after {frames} of {claimed} frames")
    if stream is not None and frames:
        yield stream.resample_chunk(numpy.empty(0, "float32"), last=True)


def _decoded(content: bytes, label: str) -> "Image":
    from PIL import Image

    Image.init()
    formats = [name for name in IMAGE_FORMATS if name in Image.OPEN]
    with Image.open(io.BytesIO(content), formats=formats) as image:
        if image.width * image.height > MOST_PIXELS:
            size = f"{image.width} x {image.height}"
            raise MediaError(f"{label}: {size} pixels, {MOST_PIXELS} are read at most")
        image.load()
        return _rgb(_upright(image))


def _rgb(image: "Image") -> "Image":
    if image.mode.startswith("I"):
        # Pillow would cut every level above 255 to white instead of scaling it.
        deep = image.convert("I")
        _, highest = deep.getextrema()
        if image.mode != "I" or (not isinstance(highest, tuple) and highest > 255):
            deep = deep.point(lambda level: level * (1 / 256))
        return deep.convert("L").convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _upright(image: "Image") -> "Image":
    from PIL import ImageOps

    # A damaged note of the camera spoils no picture.
    with contextlib.suppress(Exception):
        return ImageOps.exif_transpose(image)
    return image


def content_of(value: Any) -> tuple[bytes, str]:
    """The bytes of a file, and what to call it. Bytes that are there go before a path.

    Raises MediaError.
    """
    if isinstance(value, bytes):
        value = {"bytes": value}
    elif isinstance(value, str | Path):
        value = {"path": str(value)}
    if not isinstance(value, dict):
        raise MediaError(f"a {type(value).__name__} where bytes or a path is needed")
    content, path = value.get("bytes"), value.get("path")
    label = str(path) if path else "a file without a name"
    if content is None:
        if not path:
            raise MediaError(f"{label}: neither bytes nor a path")
        content = _file_content(str(path))
    if not isinstance(content, bytes):
        raise MediaError(f"{label}: a {type(content).__name__} where bytes are needed")
    if not content:
        raise MediaError(f"{label}: the file is empty")
    if len(content) > LARGEST_FILE_BYTES:
        raise MediaError(f"{label}: more than {LARGEST_FILE_BYTES} bytes")
    return content, label


def _file_content(path: str) -> bytes:
    try:
        # A pipe without a writer would otherwise never come back from being opened.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise MediaError(f"{path}: is not a file")
            return file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise MediaError(f"{path}: cannot be read: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    # The plain messages: what stands around them names the file again, or an address in memory.
    plain = getattr(error, "strerror", None) or getattr(error, "error_string", None)
    text = plain or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]
