"""What a command says beside its output."""

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Final

from benchmark_core.terminal_text import printable

MOST: Final = 50
LONGEST: Final = 1000


def warn(sentences: Iterable[str]) -> None:
    """Each on a line of standard error; of very many the first ones, and how many there are."""
    every = iter(sentences)
    for sentence in islice(every, MOST):
        print(f"warning: {printable(sentence[:LONGEST])}", file=sys.stderr)
    more = sum(1 for _ in every)
    if more:
        print(f"warning: and {more} more like these", file=sys.stderr)
