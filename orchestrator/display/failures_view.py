"""What failed and why, for people and for programs."""

import json
from collections.abc import Iterator

from benchmark_core.terminal_text import printable
from orchestrator.failures import FailureGroup, Failures
from orchestrator.words import counted

MOST_NAMED = 20
LONGEST_NAME = 200
LONGEST_MESSAGE = 1000


def show(failures: Failures, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(failures), indent=2))
        return
    if not failures.groups:
        print("nothing failed")
    for group in failures.groups:
        for line in _lines(group):
            print(printable(line))
        print()
    if failures.groups and not failures.has_whole_commands:
        print("How the sweep was started is not known: add these flags to its command.")
    if failures.unreadable:
        count = counted(len(failures.unreadable), "folder")
        print(f"{count} cannot be read; `status` names each with the reason")


def _lines(group: FailureGroup) -> Iterator[str]:
    yield f"{group.reason}: {counted(len(group.failures), 'run')}"
    for failure in group.failures[:MOST_NAMED]:
        yield f"  {failure.run_id[:LONGEST_NAME]}"
    if len(group.failures) > MOST_NAMED:
        yield f"  and {len(group.failures) - MOST_NAMED} more; --json names all"
    yield f"  message:    {' '.join(group.example.message.split())[:LONGEST_MESSAGE]}"
    if group.advice.cause:
        yield f"  mostly:     {group.advice.cause}"
    yield f"  what to do: {group.advice.remedy}"
    if group.command:
        yield f"  run again:  {group.command}"


def _document(failures: Failures) -> dict[str, object]:
    return {
        "groups": [
            {
                "reason": group.reason,
                "count": len(group.failures),
                "run_ids": [failure.run_id for failure in group.failures],
                "example_run_id": group.example.run_id,
                "example_message": group.example.message,
                "cause": group.advice.cause,
                "remedy": group.advice.remedy,
                "command": group.command,
            }
            for group in failures.groups
        ],
        "commands_are_whole": failures.has_whole_commands,
        "unreadable": failures.unreadable,
    }
