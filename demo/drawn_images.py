"""Images drawn on the spot: coloured, grey, with a palette, and with transparency."""

import io
from typing import Any

RED, GREEN, BLUE, WHITE = (200, 40, 40), (40, 150, 60), (40, 70, 190), (245, 245, 245)


def drawn_images() -> dict[str, bytes]:
    """Encoded images by file name; sizes and sides' ratios differ."""
    return {
        "circle.png": _png(_circle()),
        "square.jpg": _jpeg(_square()),
        "triangle.png": _png(_triangle()),
        "gradient.jpg": _jpeg(_gradient()),
        "grey_stripes.png": _png(_grey_stripes()),
        "palette_with_transparency.png": _png(_palette(), transparency=0),
    }


def _circle() -> Any:
    image, pen = _canvas("RGB", (96, 96), WHITE)
    pen.ellipse((20, 20, 76, 76), fill=RED)
    return image


def _square() -> Any:
    image, pen = _canvas("RGB", (120, 80), WHITE)
    pen.rectangle((35, 15, 85, 65), fill=BLUE)
    return image


def _triangle() -> Any:
    image, pen = _canvas("RGB", (64, 100), (230, 220, 180))
    pen.polygon([(32, 15), (8, 80), (56, 80)], fill=GREEN)
    return image


def _gradient() -> Any:
    image, pen = _canvas("RGB", (128, 72), WHITE)
    for column in range(128):
        pen.line((column, 0, column, 71), fill=(2 * column, 128, 255 - 2 * column))
    return image


def _grey_stripes() -> Any:
    image, pen = _canvas("L", (90, 60), 30)
    for left in range(0, 90, 20):
        pen.rectangle((left, 0, left + 9, 59), fill=220)
    return image


def _palette() -> Any:
    """Colour 0 is the ground, which is saved as transparent."""
    image, pen = _canvas("P", (80, 80), 0)
    image.putpalette([*WHITE, *RED, *BLUE])
    pen.ellipse((10, 10, 50, 50), fill=1)
    pen.rectangle((40, 40, 70, 70), fill=2)
    return image


def _canvas(mode: str, size: tuple[int, int], ground: Any) -> tuple[Any, Any]:
    from PIL import Image, ImageDraw

    image = Image.new(mode, size, ground)
    return image, ImageDraw.Draw(image)


def _png(image: Any, **options: Any) -> bytes:
    return _encoded(image, "PNG", **options)


def _jpeg(image: Any) -> bytes:
    return _encoded(image, "JPEG", quality=90)


def _encoded(image: Any, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
