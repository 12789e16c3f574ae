"""The flags of a batch, in groups: which rows, where, and the sweep itself.

What to measure is the largest of them, and in `measurement_flags`.
"""

import argparse

from orchestrator import flag_values, settings


def add_rows(group: argparse._ArgumentGroup) -> None:
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


def add_place(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--engine", choices=settings.ENGINES, help="default: docker; USE_DOCKER=false means process"
    )
    group.add_argument(
        "--slurm-profile",
        metavar="FILE",
        help="YAML with partition, account, runtime and more, for --engine slurm",
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
        "--parallel",
        type=flag_values.parallel,
        metavar="N|auto",
        help="runs at a time; auto: as many as the GPUs take (default: 1)",
    )
    group.add_argument(
        "--gpus-per-run",
        type=flag_values.positive,
        metavar="N",
        help="for class C rows without a GPUs column",
    )
    group.add_argument(
        "--simulation",
        metavar="FILE",
        help="YAML with durations, watts and faults for the simulated backend",
    )
    group.add_argument("--env-file", metavar="FILE", help="default: .env, where there is one")


def add_sweep(group: argparse._ArgumentGroup) -> None:
    _add_runs(group)
    _add_choice(group)
    group.add_argument(
        "--notify-url", metavar="URL", help="post a small JSON there when the sweep ends"
    )
    group.add_argument(
        "--detach",
        action="store_true",
        help="with --engine slurm: submit every job and end; `status` and `collect` look later",
    )


def _add_runs(group: argparse._ArgumentGroup) -> None:
    """How runs are made, and kept going."""
    group.add_argument(
        "--output-dir",
        default=settings.DEFAULT_OUTPUT_DIR,
        metavar="DIR",
        help="default: %(default)s",
    )
    group.add_argument("--timeout", type=flag_values.seconds, metavar="SECONDS", help="per run")
    group.add_argument(
        "--hang-timeout",
        type=flag_values.seconds,
        metavar="SECONDS",
        help="a run that writes no sample line for so long is stopped"
        f" (default: {settings.DEFAULT_HANG_SECONDS:g})",
    )
    group.add_argument(
        "--retries",
        type=flag_values.count,
        metavar="N",
        help="how often a run is tried again after what can pass: a lost network, engine or GPU"
        f" (default: {settings.DEFAULT_RETRIES})",
    )
    group.add_argument(
        "--share-model-load",
        action="store_true",
        help="rows of one model that differ only in reasoning share one loading of it",
    )
    group.add_argument(
        "--prefetch",
        choices=settings.PREFETCHES,
        default="before",
        help="when weights and datasets are downloaded (default: %(default)s the first run)",
    )


def _add_choice(group: argparse._ArgumentGroup) -> None:
    """Which of the rows' runs are made."""
    group.add_argument("--rerun-failed", action="store_true", help="run failed rows again")
    group.add_argument(
        "--rerun-failed-from",
        metavar="FILE",
        help="only the rows that failed in this master_results.csv",
    )
    group.add_argument(
        "--only-reason",
        metavar="WORD",
        help="with --rerun-failed or --rerun-failed-from: only what failed for this reason",
    )
    group.add_argument(
        "--replace",
        action="store_true",
        help="measure rows again that finished with other settings",
    )
    group.add_argument(
        "--budget-hours",
        type=flag_values.hours,
        metavar="H",
        help="rows by priority as long as the forecast stays within so many hours",
    )
    group.add_argument(
        "--budget-wh",
        type=flag_values.watt_hours,
        metavar="WH",
        help="likewise within so much GPU energy in Wh",
    )


def add_dry_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dry-run", action="store_true", help="show the plan and every problem; start nothing"
    )
    group.add_argument("--json", action="store_true", help="with --dry-run: for machines")
