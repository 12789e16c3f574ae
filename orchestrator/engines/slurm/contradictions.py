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
    if settings.detach:
        yield from _about_leaving(settings)
    if settings.share_model_load:
        what = "is not offered on Slurm, where each run is a job of its own"
        yield Problem("--share-model-load", what, "Leave the flag out.")


def _about_leaving(settings: Settings) -> Iterator[Problem]:
    given = settings.given
    for flag, is_given, what in (
        ("--parallel", "parallel" in given, "submit the next run: all are submitted at once"),
        ("--hang-timeout", "hang_timeout" in given, "notice a hang. --timeout holds all the same"),
        ("--retries", "retries" in given, "try a run again"),
        ("--notify-url", bool(settings.notify_url), "tell of the end"),
        ("--prefetch background", settings.prefetch == "background", "download"),
    ):
        if is_given:
            remedy = f"Leave {flag} out, or --detach."
            yield Problem(f"{flag} with --detach", f"nobody stays to {what}", remedy)


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
