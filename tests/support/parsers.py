"""What a command's parser takes."""

import argparse
from collections.abc import Iterator


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.dest != "help")


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands of a program, by their names."""
    (commands,) = (a for a in actions(parser) if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)
