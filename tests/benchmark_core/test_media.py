"""Images and sounds, whatever they come as, and what is said of those that cannot be read."""

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile
from datasets import Audio, Dataset, Image as ImageFeature
from PIL import Image

from benchmark_core import media
from benchmark_core.faults import SampleFault
from benchmark_core.media import Column, MediaError, is_empty, read_audio, read_image, undecoded

RED = (200, 30, 40)


def image_bytes(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tone(rate: int, channels: int = 1, seconds: float = 0.5) -> Any:
    """440 Hz at half amplitude on the first channel, silence on the others."""
    times = numpy.arange(int(rate * seconds)) / rate
    sound = numpy.zeros((len(times), channels))
    sound[:, 0] = 0.5 * numpy.sin(2 * numpy.pi * 440 * times)
    return sound


def sound_bytes(sound: Any, rate: int, kind: str = "WAV", **options: Any) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format=kind, **options)
    return buffer.getvalue()


def loudest_hertz(sound: Any, rate: int) -> float:
    return float(numpy.abs(numpy.fft.rfft(sound)).argmax() * rate / len(sound))


@pytest.mark.parametrize(
    ("value", "kind", "empty"),
    [
        ("a text", "text", False),
        (" \n\t", "text", True),
        (None, "text", True),
        (0, "text", False),
        (None, "image", True),
        (b"", "audio", True),
        ({"bytes": None, "path": None}, "image", True),
        ({"bytes": b"", "path": ""}, "audio", True),
        ({"bytes": None, "path": "a.png"}, "image", False),
        ({"bytes": b"x", "path": None}, "audio", False),
        ("a.wav", "audio", False),
    ],
)
def test_what_is_empty(value: Any, kind: Any, empty: bool) -> None:
    assert is_empty(value, kind) is empty


def test_a_pil_image_is_not_empty() -> None:
    assert not is_empty(Image.new("RGB", (1, 1)), "image")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_an_image_reads_the_same_from_bytes_a_path_and_pillow(tmp_path: Path, kind: str) -> None:
    picture = Image.new("RGB", (8, 5), RED)
    content = image_bytes(picture, kind)
    path = tmp_path / "picture"
    path.write_bytes(content)
    expected = numpy.asarray(Image.open(path).convert("RGB"))
    for value in (content, {"bytes": content, "path": None}, str(path), path):
        read = read_image(value)
        assert (read.mode, read.size) == ("RGB", (8, 5))
        assert (numpy.asarray(read) == expected).all()
    assert (numpy.asarray(read_image({"bytes": None, "path": str(path)})) == expected).all()
    assert read_image(picture).getpixel((0, 0)) == RED


def test_bytes_go_before_the_path_that_names_them() -> None:
    content = image_bytes(Image.new("RGB", (2, 2), RED))
    assert read_image({"bytes": content, "path": "nowhere.png"}).getpixel((0, 0)) == RED


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    read = read_image(Image.new("RGB", (3, 3), (255, 255, 255)).convert(mode))
    assert (read.mode, read.getpixel((1, 1))) == ("RGB", (255, 255, 255))


def test_a_cmyk_photo_keeps_its_colour() -> None:
    red, green, blue = read_image(
        image_bytes(Image.new("RGB", (8, 8), RED).convert("CMYK"), "JPEG", quality=95)
    ).getpixel((4, 4))
    assert max(abs(red - RED[0]), abs(green - RED[1]), abs(blue - RED[2])) < 8


def test_a_palette_with_transparency_keeps_its_colours_and_warns_of_nothing() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 30, 40, 10, 220, 30])
    picture.putpixel((1, 0), 1)
    content = image_bytes(picture, transparency=b"\x00\x80")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_image(content)
    assert [read.getpixel((0, 0)), read.getpixel((1, 0))] == [RED, (10, 220, 30)]


def test_deep_greys_are_scaled_not_cut() -> None:
    levels = numpy.array([[0, 100, 256, 32768, 65535]], dtype="uint16")
    for value in (Image.fromarray(levels), image_bytes(Image.fromarray(levels))):
        read = numpy.asarray(read_image(value))[0]
        assert read[:, 0].tolist() == read[:, 2].tolist() == [0, 0, 1, 128, 255]


def test_a_photo_taken_sideways_is_turned_upright() -> None:
    picture = Image.new("RGB", (6, 2), RED)
    notes = Image.Exif()
    notes[0x0112] = 6
    assert read_image(image_bytes(picture, "JPEG", exif=notes)).size == (2, 6)


def noisy_png() -> bytes:
    levels = numpy.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype="uint8")
    return image_bytes(Image.fromarray(levels))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"no image at all", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "not an image"),
        (noisy_png()[:3000], "truncated"),
        (noisy_png()[:20], "cannot be read"),
    ],
    ids=["empty", "text", "eps", "truncated", "head"],
)
def test_an_image_that_cannot_be_read_is_one_line_with_its_file(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and words in message and "\n" not in message


@pytest.mark.parametrize("size", [(9000, 9000), (20000, 20000)])
def test_a_picture_that_swells_when_unpacked_is_refused(size: tuple[int, int]) -> None:
    content = image_bytes(Image.new("1", size))
    assert len(content) < 200_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MediaError, match="pixels"):
            read_image({"bytes": content, "path": "bomb.png"})


@pytest.mark.parametrize("read", [read_image, read_audio])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, read: Any) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, words in [
        (pipe, "not a file"),
        (tmp_path, "Is a directory"),
        (Path("/dev/zero"), "not a file"),
        (tmp_path / "absent", "No such file"),
        ("a\0b", "cannot be read"),
    ]:
        with pytest.raises(MediaError, match=words):
            read(path)
    for value in (None, 7, {"bytes": None, "path": None}, {"bytes": "text"}):
        with pytest.raises(MediaError):
            read(value)


def test_a_file_beyond_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "LARGEST_FILE_BYTES", 50)
    path = tmp_path / "large.png"
    path.write_bytes(noisy_png())
    for value in (path, path.read_bytes()):
        with pytest.raises(MediaError, match="more than 50 bytes"):
            read_image(value)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_sound_comes_as_one_channel_at_the_rate_asked_for(
    tmp_path: Path, kind: str, rate: int, channels: int
) -> None:
    content = sound_bytes(tone(rate, channels), rate, kind)
    path = tmp_path / "sound"
    path.write_bytes(content)
    for value in ({"bytes": content, "path": None}, path):
        sound = read_audio(value)
        assert (sound.dtype, sound.ndim, len(sound)) == ("float32", 1, 8000)
        assert loudest_hertz(sound, 16000) == 440
        middle = sound[2000:6000]
        assert float(numpy.sqrt((middle**2).mean())) == pytest.approx(
            0.5 / channels / numpy.sqrt(2), rel=0.05
        )


def test_at_the_same_rate_the_samples_are_untouched() -> None:
    sound = tone(16000).astype("float32")
    content = sound_bytes(sound, 16000, subtype="FLOAT")
    assert (read_audio(content) == sound[:, 0]).all()


def test_another_rate_can_be_asked_for() -> None:
    sound = read_audio(sound_bytes(tone(48000), 48000), rate_hertz=22050)
    assert len(sound) == 11025
    assert loudest_hertz(sound, 22050) == 440


@pytest.mark.parametrize("rate", [7, 655350])
def test_rates_that_nobody_uses_are_read_too(rate: int) -> None:
    sound = read_audio(sound_bytes(numpy.ones(rate), rate))
    assert len(sound) == 16000


def test_blocks_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    content = sound_bytes(tone(44100, 2), 44100)
    whole = read_audio(content)
    monkeypatch.setattr(media, "BLOCK_FRAMES", 997)
    assert numpy.abs(read_audio(content) - whole).max() < 1e-6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"no sound at all", "cannot be read"),
        (noisy_png(), "cannot be read"),
        (sound_bytes(numpy.zeros(0), 16000), "the sound is empty"),
        (sound_bytes(tone(16000), 16000)[:8000], "cut off"),
        (sound_bytes(tone(16000), 16000, "FLAC")[:3000], "flac decoder lost sync"),
        (sound_bytes(tone(16000), 16000, "MP3")[:1500], "cut off"),
        (
            sound_bytes(numpy.array([0.0, numpy.nan]), 16000, subtype="FLOAT"),
            "values that are no numbers",
        ),
    ],
    ids=["nothing", "text", "image", "silent", "cut wav", "cut flac", "cut mp3", "nan"],
)
def test_a_sound_that_cannot_be_read_is_one_line_with_its_file(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        read_audio(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and words in message
    assert "\n" not in message and "BytesIO" not in message


def test_a_wav_written_into_a_pipe_claims_no_true_length() -> None:
    content = bytearray(sound_bytes(tone(16000), 16000))
    content[4:8] = b"\xff\xff\xff\xff"
    assert len(read_audio(bytes(content))) == 8000


BIT_RATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def frames_of(content: bytes) -> list[bytes]:
    """The frames of an MP3 without tags, the first of which states its length."""
    frames = []
    while content:
        version = 1 if content[1] & 8 else 2
        rate = (44100, 48000, 32000)[content[2] >> 2 & 3] // version
        kilobits = BIT_RATES[version][content[2] >> 4]
        size = 144 // version * kilobits * 1000 // rate + (content[2] >> 1 & 1)
        frames.append(content[:size])
        content = content[size:]
    return frames


def headless_mp3(rate: int, mode: str) -> tuple[bytes, int]:
    """Four seconds of silence, then of noise; without its first frame, and how long it is then.

    In a variable bit rate the first frames are far smaller than the others.
    """
    noise = numpy.random.default_rng(0).uniform(-0.5, 0.5, 4 * rate)
    sound = numpy.concatenate([numpy.zeros(4 * rate), noise, tone(rate, seconds=1.0)[:, 0]])
    frames = frames_of(sound_bytes(sound, rate, "MP3", bitrate_mode=mode))
    assert b"Info" in frames[0] or b"Xing" in frames[0]
    return b"".join(frames[1:]), (len(frames) - 1) * (1152 if rate >= 32000 else 576)


ID3 = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)


@pytest.mark.parametrize("before", [b"", ID3], ids=["bare", "id3"])
@pytest.mark.parametrize("after", [b"", b"TAG" + bytes(125)], ids=["", "id3v1"])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [44100, 16000])
def test_an_mp3_that_does_not_state_its_length_is_read_to_its_end(
    rate: int, mode: str, before: bytes, after: bytes
) -> None:
    content, frames = headless_mp3(rate, mode)
    sound = read_audio(before + content + after, rate)
    assert len(sound) == frames
    # To its end, and not filled up: the tone is there.
    assert loudest_hertz(sound[-rate:], rate) == pytest.approx(440, abs=5)


def test_an_mp3_that_starts_loud_is_read_to_its_end_too() -> None:
    noise = numpy.random.default_rng(0).uniform(-0.5, 0.5, 44100)
    sound = numpy.concatenate([noise, numpy.zeros(4 * 44100)])
    frames = frames_of(sound_bytes(sound, 44100, "MP3", bitrate_mode="VARIABLE"))[1:]
    assert len(read_audio(b"".join(frames), 44100)) == len(frames) * 1152


@pytest.mark.parametrize("before", [b"", ID3], ids=["bare", "id3"])
def test_an_mp3_that_states_its_length_keeps_to_it(before: bytes) -> None:
    content = before + sound_bytes(tone(16000, seconds=3.0), 16000, "MP3")
    assert len(read_audio(content)) == 48000
    with pytest.raises(MediaError, match=r"cut off after \d+ of 48000 frames"):
        read_audio(content[: len(content) // 2])


def test_a_flac_written_as_a_stream_states_no_length() -> None:
    content = bytearray(sound_bytes(tone(16000), 16000, "FLAC"))
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    assert len(read_audio(bytes(content))) == 8000
    with pytest.raises(MediaError, match="lost sync"):
        read_audio(bytes(content[: len(content) // 2]))


def test_a_sound_that_states_no_length_is_bounded_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content, _ = headless_mp3(16000, "VARIABLE")
    monkeypatch.setattr(media, "LONGEST_SECONDS", 5)
    with pytest.raises(MediaError, match="longer than 5 s"):
        read_audio(content)


def test_a_sound_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = sound_bytes(tone(8000, seconds=2.0), 8000, "FLAC")
    assert len(read_audio(content)) == 32000
    monkeypatch.setattr(media, "LONGEST_SECONDS", 1.5)
    with pytest.raises(MediaError, match="2 s long, 2 s are read at most"):
        read_audio({"bytes": content, "path": "long.flac"})


def test_a_dataset_gives_its_files_undecoded() -> None:
    sound = sound_bytes(tone(8000), 8000)
    picture = image_bytes(Image.new("RGB", (2, 2), RED))
    dataset = Dataset.from_dict(
        {
            "audio": [{"bytes": sound, "path": None}],
            "sound": [{"bytes": sound, "path": None}],
            "thumb": [{"bytes": picture, "path": "thumb.png"}],
            "photo": ["photo.png"],
            "text": ["words"],
        }
    )
    # Casts of what is there already: making either feature anew would want its encoder.
    dataset = dataset.cast_column("audio", Audio()).cast_column("thumb", ImageFeature())
    columns = (
        Column("audio", "audio", ("sound",)),
        Column("image", "image", ("photo",)),
        Column("text"),
    )
    row = undecoded(dataset, columns)[0]
    assert row == {
        "audio": {"bytes": sound, "path": None},
        "sound": {"bytes": sound, "path": None},
        "thumb": {"bytes": picture, "path": "thumb.png"},
        "photo": {"bytes": None, "path": "photo.png"},
        "text": "words",
    }
    assert len(read_audio(row["audio"])) == 8000
    assert read_image(row["thumb"]).getpixel((0, 0)) == RED


def test_a_dataset_with_numbers_for_images_is_refused() -> None:
    with pytest.raises(SampleFault, match=r"column image holds .*int64.*, not image files"):
        undecoded(Dataset.from_dict({"image": [1]}), [Column("image", "image")])
