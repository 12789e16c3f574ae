#!/usr/bin/env python3
"""The command: flags in, exit code out."""

import argparse
import sys
from collections.abc import Sequence

from benchmark_core.meter_facts import DEFAULT_IDLE_SECONDS
from benchmark_core.terminal_text import flush_or_forget, make_output_unbreakable
from orchestrator import settings

DESCRIPTION = "Measures the models of a catalog, one container each, into master_results.csv."
INTERRUPTED = 130
EXIT_CODES = (
    "exit codes: 0 everything finished, 1 some runs failed, 2 wrong flags or catalog,"
    " 3 host not ready, 130 interrupted"
)
PROGRAM = "batch_runner.py"


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    flags = build_parser(prog).parse_args(arguments)
    from orchestrator.errors import BatchRunnerError

    make_output_unbreakable()
    try:
        from orchestrator.batch import run_batch

        return run_batch(settings.from_arguments(flags), dry_run=flags.dry_run, as_json=flags.json)
    except BatchRunnerError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted before anything was started", file=sys.stderr)
        return INTERRUPTED
    finally:
        flush_or_forget(sys.stdout)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, epilog=EXIT_CODES, allow_abbrev=False
    )
    _add_rows(parser.add_argument_group("which rows"))
    _add_measurement(parser.add_argument_group("what to measure"))
    _add_place(parser.add_argument_group("where it runs"))
    _add_sweep(parser.add_argument_group("the sweep"))
    return parser


def _add_rows(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--csv",
        default=settings.DEFAULT_CATALOG,
        metavar="FILE",
        help="model catalog (default: %(default)s)",
    )
    group.add_argument("--model-name", metavar="TEXT", help="rows whose model id contains TEXT")
    group.add_argument(
        "--class",
        dest="model_class",
        metavar="A|B|C",
        help="rows of this class; a list such as A,B too",
    )
    group.add_argument(
        "--reasoning-state",
        metavar="TEXT",
        help='rows whose state contains TEXT: High finds "On (High)"',
    )
    group.add_argument("--task", metavar="NAME", help="rows of this task")
    group.add_argument(
        "--lock",
        action="store_true",
        help="ask the hub which commits the rows are of now, and keep to them: writes a lock file"
        " beside the catalog, which every later plan takes them from",
    )


def _add_measurement(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--backend", choices=settings.BACKENDS, help="default: pytorch")
    group.add_argument("--endpoint", metavar="URL", help="server of the vllm backend")
    group.add_argument(
        "--request-timeout",
        type=_seconds,
        metavar="SECONDS",
        help="how long the server may say nothing (default: 120)",
    )
    group.add_argument(
        "--serve-image",
        metavar="IMAGE",
        help="start the server of the vllm backend from this image, one for each run",
    )
    group.add_argument(
        "--serve-args", metavar="TEXT", help='more arguments for it: "--max-model-len 16384"'
    )
    group.add_argument(
        "--serve-timeout",
        type=_seconds,
        metavar="SECONDS",
        help=f"how long it may take to get well (default: {settings.DEFAULT_SERVE_SECONDS:g})",
    )
    group.add_argument(
        "--concurrency",
        type=_concurrency,
        metavar="N",
        help="requests to the server under way at a time (default: 1); more is never official",
    )
    group.add_argument(
        "--num-prompts", type=_positive, metavar="N", help="default: all prompts of the dataset"
    )
    group.add_argument(
        "--prompts-file",
        metavar="FILE",
        help="own prompts instead of the dataset: csv, jsonl or txt",
    )
    group.add_argument(
        "--dataset-dir",
        metavar="PATH",
        help="own samples of any kind instead of the dataset: a table, or a folder of tables,"
        " images or sounds; or a folder that has one for each task, under its name",
    )
    group.add_argument(
        "--sample",
        choices=settings.SAMPLINGS,
        default="first",
        help="which samples: the first, or stratified, drawn equally from their sources",
    )
    group.add_argument(
        "--seed", type=_seed, metavar="N", help="of the draw with --sample stratified (default: 0)"
    )
    group.add_argument(
        "--repetitions",
        type=_positive,
        metavar="N",
        help=f"default: {settings.DEFAULT_REPETITIONS}",
    )
    group.add_argument(
        "--stop-at-ci",
        type=_percent,
        metavar="P%",
        help="end the repetitions early, after at least 3, once the 95 %% confidence interval of"
        " the GPU energy is within P%% of its mean (default: never)",
    )
    group.add_argument(
        "--preset",
        choices=settings.PRESETS,
        default="official",
        help="overnight: 50 prompts, 3 repetitions, never official",
    )
    group.add_argument(
        "--meters",
        metavar="A,B",
        help=f"{', '.join(settings.METERS)} (default: what the device allows)",
    )
    group.add_argument(
        "--dcgm-endpoint",
        metavar="URL",
        help="DCGM exporter of the host whose GPUs the dcgm meter watches",
    )
    group.add_argument(
        "--idle-seconds",
        type=_idle_seconds,
        metavar="S",
        help="how long the GPUs' power at rest is watched before and after"
        f" (default: {DEFAULT_IDLE_SECONDS:g} with a meter of real GPUs)",
    )
    group.add_argument(
        "--region",
        default=settings.DEFAULT_REGION,
        metavar="ISO3",
        help="electricity grid for CO2 (default: %(default)s, the world average)",
    )


def _add_place(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--engine", choices=settings.ENGINES, help="default: docker; USE_DOCKER=false means process"
    )
    group.add_argument("--image", metavar="NAME", help=f"default: {settings.DEFAULT_IMAGE}")
    group.add_argument(
        "--device", choices=settings.DEVICES, help=f"default: {settings.DEFAULT_DEVICE}"
    )
    group.add_argument(
        "--gpus",
        metavar="all|0,1|UUID",
        help="GPUs that may be used; simulated:8 for rehearsals (default: all)",
    )
    group.add_argument(
        "--gpus-per-run", type=_positive, metavar="N", help="for class C rows without a GPUs column"
    )
    group.add_argument(
        "--simulation",
        metavar="FILE",
        help="YAML with durations, watts and faults for the simulated backend",
    )
    group.add_argument("--env-file", metavar="FILE", help="default: .env, where there is one")


def _add_sweep(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output-dir",
        default=settings.DEFAULT_OUTPUT_DIR,
        metavar="DIR",
        help="default: %(default)s",
    )
    group.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="per run")
    group.add_argument("--rerun-failed", action="store_true", help="run failed rows again")
    group.add_argument(
        "--replace",
        action="store_true",
        help="measure rows again that finished with other settings",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="show the plan and every problem; start nothing"
    )
    group.add_argument("--json", action="store_true", help="with --dry-run: for machines")


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _concurrency(text: str) -> int:
    value = _positive(text)
    if value > settings.MOST_CONCURRENT:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {settings.MOST_CONCURRENT}")
    return value


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 999999999")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _idle_seconds(text: str) -> float:
    value = _seconds(text)
    shortest, longest = settings.SHORTEST_IDLE_SECONDS, settings.LONGEST_IDLE_SECONDS
    if not shortest <= value <= longest:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {shortest:g} and {longest:g}")
    return value


def _percent(text: str) -> float:
    """The share that a percentage such as 0.5% means: 0.005."""
    number, sign, rest = text.strip().partition("%")
    if not sign or rest:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; 1% means one hundredth")
    try:
        # Shifting the decimal point in the text keeps 0.7 % at 0.007; dividing does not.
        share = float(f"{number.strip()}e-2")
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0% and below 100%")
    return share


if __name__ == "__main__":
    sys.exit(main())
