"""Flags that cannot be meant together with --engine slurm, or without it."""

from collections.abc import Iterator
from contextlib import suppress

from orchestrator.errors import Problem
from orchestrator.model_server import asks_this_machine
from orchestrator.settings import Settings


def find_slurm_contradictions(settings: Settings) -> Iterator[Problem]:
    if not settings.is_scheduled:
        for flag, is_given in (
            ("--slurm-profile", settings.slurm_profile is not None),
            ("--detach", settings.detach),
        ):
            if is_given:
                what = f"does nothing with the {settings.engine} engine"
                yield Problem(flag, what, "Add --engine slurm, or leave it out.")
        return
    yield from _about_gpus(settings)
    yield from _about_servers(settings)
    if settings.detach and "parallel" in settings.given:
        what = "submits every run at once, because nobody stays to submit the next"
        yield Problem("--detach", what, "Leave --parallel out, or --detach.")
    if settings.share_model_load:
        what = "is not offered on Slurm, where each run is a job of its own"
        yield Problem("--share-model-load", what, "Leave the flag out.")


def _about_gpus(settings: Settings) -> Iterator[Problem]:
    if "gpus" in settings.given:
        what = "names GPUs of this machine, and Slurm chooses those of its nodes"
        yield Problem("--gpus", what, "Leave it out; name a type in the --slurm-profile file.")


def _about_servers(settings: Settings) -> Iterator[Problem]:
    """A server of this machine is not where the jobs are."""
    if settings.serve_image:
        what = "starts a server on this machine, and runs are on other ones"
        yield Problem("--serve-image", what, "Use another --engine, or name an --endpoint.")
        return
    with suppress(ValueError):
        if asks_this_machine(settings):
            what = "is an address of this machine, and runs are on other ones"
            yield Problem("--endpoint", what, "Name one that the nodes reach.")
