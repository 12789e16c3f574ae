"""A label as PNG, drawn with the fonts that it names and none else."""

from typing import Final

from scoring.label.spare_fonts import Spares
from scoring.label.typeface import FILES

SCALES: Final = (1, 2)
FAMILY: Final = "Inter"


def draw_picture(svg: str, scale: int, spares: Spares) -> bytes:
    """260 x 364 pixels times `scale`, transparent outside of the card.

    A character that neither Inter nor one of `spares` has is drawn as a box.
    """
    import resvg_py

    fonts = [str(path) for path in (*FILES.values(), *spares.files)]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            skip_system_fonts=True,
            font_files=fonts,
            font_family=FAMILY,
            sans_serif_family=FAMILY,
        )
    )
