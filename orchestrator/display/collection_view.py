"""What `collect` found, and how to look at runs that were submitted and left alone."""

from pathlib import Path

from benchmark_core.terminal_text import printable
from orchestrator.collection import Collection
from orchestrator.command_line import command_line
from orchestrator.sweep_result import Submission

MOST_LINES = 200
LONGEST_NAME = 200


def show(collection: Collection) -> None:
    for outcome in collection.concluded[:MOST_LINES]:
        why = f": {outcome.error_message}" if outcome.error_message else ""
        print(printable(f"{outcome.outcome} {outcome.run_id}{why}")[:500])
    for run_id, where in list(collection.under_way.items())[:MOST_LINES]:
        print(printable(f"under way {run_id[:LONGEST_NAME]}: {where}"))
    counts = ", ".join(f"{count} {name}" for name, count in sorted(collection.counts.items()))
    print(f"{counts or 'nothing new has ended'}; {len(collection.under_way)} still under way.")
    print(printable(f"wrote {collection.master_path}"))


def show_submission(submission: Submission, output_dir: Path, impossible: int = 0) -> None:
    """`impossible` rows were asked for and cannot be run there."""
    print(
        f"{submission.submitted} jobs submitted, {submission.under_way} were there already,"
        f" {submission.skipped} runs have their outcome, {submission.failed} were refused."
    )
    if impossible:
        print(f"{impossible} rows cannot be run there; why is said above.")
    if submission.not_submitted:
        print(f"Stopped: {submission.not_submitted} were not submitted; the same command does it.")
    print(printable(f"Look at them:       {command_line('status', str(output_dir))}"))
    print(printable(f"Conclude the ended: {command_line('collect', str(output_dir))}"))
    print("The same command without --detach takes all of them over.")
