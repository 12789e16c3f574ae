"""The flags of what to measure: backend, samples, repetitions, meters."""

import argparse

from benchmark_core.meter_facts import DEFAULT_IDLE_SECONDS
from orchestrator import flag_values, settings


def add_measurement(group: argparse._ArgumentGroup) -> None:
    _add_backend(group)
    _add_samples(group)
    _add_repetitions(group)
    _add_meters(group)


def _add_backend(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--backend", choices=settings.BACKENDS, help="default: pytorch")
    group.add_argument("--endpoint", metavar="URL", help="server of the vllm backend")
    group.add_argument(
        "--request-timeout",
        type=flag_values.seconds,
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
        type=flag_values.seconds,
        metavar="SECONDS",
        help=f"how long it may take to get well (default: {settings.DEFAULT_SERVE_SECONDS:g})",
    )
    group.add_argument(
        "--concurrency",
        type=flag_values.concurrency,
        metavar="N",
        help="requests to the server under way at a time (default: 1); more is never official",
    )


def _add_samples(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--num-prompts",
        type=flag_values.positive,
        metavar="N",
        help="default: all prompts of the dataset",
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
        "--seed",
        type=flag_values.seed,
        metavar="N",
        help="of the draw with --sample stratified (default: 0)",
    )


def _add_repetitions(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--repetitions",
        type=flag_values.positive,
        metavar="N",
        help=f"default: {settings.DEFAULT_REPETITIONS}",
    )
    group.add_argument(
        "--stop-at-ci",
        type=flag_values.percent,
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


def _add_meters(group: argparse._ArgumentGroup) -> None:
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
        type=flag_values.idle_seconds,
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
