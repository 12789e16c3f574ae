"""Half a second of sound each, made on the spot: tones, a chord, a glide, clicks."""

import io
from importlib import import_module
from typing import Any

SPEECH_RATE = 16_000
MUSIC_RATE = 44_100
SECONDS = 0.5
LOUDNESS = 0.4


def sounded_tones() -> dict[str, bytes]:
    """Encoded 16-bit sounds by file name; one at 44.1 kHz, one with two channels."""
    return {
        "low_tone.wav": _wav(_tone(220)),
        "high_tone.wav": _wav(_tone(880)),
        "chord.wav": _wav(sum(_tone(hertz) / 3 for hertz in (262, 330, 392))),
        "clicks.wav": _wav(_clicks()),
        "glide_at_44_1_khz.wav": _wav(_glide(200, 800), MUSIC_RATE),
        "two_channels.wav": _wav(_side_by_side(_tone(330), _tone(495))),
    }


def _moments(rate: int) -> Any:
    import numpy as np

    return np.arange(int(rate * SECONDS)) / rate


def _tone(hertz: float) -> Any:
    import numpy as np

    return LOUDNESS * np.sin(2 * np.pi * hertz * _moments(SPEECH_RATE))


def _glide(first_hertz: float, last_hertz: float) -> Any:
    import numpy as np

    moments = _moments(MUSIC_RATE)
    turns = first_hertz * moments + (last_hertz - first_hertz) * moments**2 / (2 * SECONDS)
    return LOUDNESS * np.sin(2 * np.pi * turns)


def _clicks() -> Any:
    moments = _moments(SPEECH_RATE)
    return LOUDNESS * (moments % 0.1 < 0.005)


def _side_by_side(left: Any, right: Any) -> Any:
    import numpy as np

    return np.stack([left, right], axis=1)


def _wav(sound: Any, rate: int = SPEECH_RATE) -> bytes:
    """`sound` has the shape (frames,) or (frames, channels), between -1 and 1."""
    import numpy as np

    soundfile: Any = import_module("soundfile")  # has no types
    stream = io.BytesIO()
    soundfile.write(stream, np.round(sound * 32767).astype(np.int16), rate, format="WAV")
    return stream.getvalue()
