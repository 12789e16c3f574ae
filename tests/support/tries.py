"""What the tests of one module share, made anew for a further try of one of them."""

from collections.abc import Callable
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def per_try(
    request: pytest.FixtureRequest, made: dict[int, Made], make: Callable[[], Made]
) -> Made:
    """What was made for this try of the test; `made` outlives the test."""
    number: int = getattr(request.node, "execution_count", 1)
    if number not in made:
        made[number] = make()
    return made[number]
