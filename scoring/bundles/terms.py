"""What a submitter has to accept, point by point."""

import hashlib

LONGEST_NAME = 200
"""Of whoever accepts them."""

POINTS: dict[str, str] = {
    "public_data_sharing": (
        "The energy figures of this submission may be published. Nothing else about the model, and"
        " nothing of a private configuration, will be."
    ),
    "data_integrity": (
        "The files are what the benchmark wrote while it tested the model in the prescribed way:"
        " complete, correct and not touched since."
    ),
    "model_representation": (
        "The model that was tested is the one that runs in production, quantization and everything"
        " else that changes its energy or quality included."
    ),
}

EARLIER_WORDINGS: frozenset[str] = frozenset()
"""Hashes of texts that bundles were accepted with before the points were worded as above."""


def text() -> str:
    """All points, as they are shown to whoever has not accepted them."""
    return "\n".join(
        f"{number}. {name.replace('_', ' ').capitalize()}. {point}"
        for number, (name, point) in enumerate(POINTS.items(), start=1)
    )


def wording_sha256() -> str:
    """Of the points as they are shown: which text somebody accepted."""
    return hashlib.sha256(text().encode()).hexdigest()


def is_known_wording(sha256: str) -> bool:
    """Whether this is the text of today, or one that was shown earlier."""
    return sha256 == wording_sha256() or sha256 in EARLIER_WORDINGS
