"""`open`: one redacted item of a bundle, proven to be what was sealed."""

import argparse
from pathlib import Path

from benchmark_core.terminal_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE.zip")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="the key file of the bundle"
    )
    parser.add_argument(
        "--item", metavar="ID", help="the item; without it all that the key opens are listed"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="a key file for this item alone, to hand on"
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when the item is the one that was sealed, 1 when it is not."""
    from scoring.submission.opening import names, open_item, read_key, write_single_key

    key = read_key(options.key)
    if options.item is None:
        for name in names(options.bundle, key):
            print(printable(name))
        return 0
    opened = open_item(options.bundle, key, options.item)
    if not opened.holds:
        print(printable(f"{options.item}: is not what was sealed: {opened.seal} is in the bundle"))
        return 1
    if options.out:
        write_single_key(options.out, key, opened)
    print(printable(f"{options.item}: is what was sealed as {opened.seal}"))
    for line in opened.value.splitlines():
        print(printable(line))
    return 0
