"""What the hub says: who may read which model, and how much is to be downloaded."""

from collections.abc import Iterator

from orchestrator.downloads.progress import gigabytes
from orchestrator.errors import Problem
from orchestrator.model_access import find_access_warnings
from orchestrator.prefetch import find_space_problems, free_space
from orchestrator.preflight.finding import Finding, trouble, warning, well
from orchestrator.preparation import Preparation


def check_access(prepared: Preparation) -> Iterator[Finding]:
    settings, access = prepared.settings, prepared.access
    if settings.is_simulated or not prepared.plan.runs:
        return
    warnings = list(find_access_warnings(prepared.plan, settings, access))
    yield from map(warning, warnings)
    if not settings.offline and not settings.token:
        yield warning(
            Problem(
                "Hugging Face",
                "no token was found, so gated models will fail",
                "Log in with `hf auth login`, or set HF_TOKEN.",
            )
        )
    if not warnings:
        how = "are in the cache" if settings.offline else "may be read"
        yield well(f"{len(access.models)} models {how}")


def check_downloads(prepared: Preparation) -> Iterator[Finding]:
    """Of models that nobody may read the access check speaks."""
    settings, inventory = prepared.settings, prepared.inventory
    for one, said in sorted(inventory.troubles.items()):
        yield warning(Problem(str(one), said.what, said.remedy))
    if inventory.hub_trouble is not None:
        what = f"what is to be downloaded is not known for all: {inventory.hub_trouble.what}"
        yield warning(Problem("model hub", what, inventory.hub_trouble.remedy))
    problems = list(find_space_problems(inventory, settings))
    yield from map(trouble, problems)
    if problems or not (inventory.missing or inventory.cached):
        return
    there = f"{inventory.cached} models and datasets are in the cache {settings.hub_cache}"
    if inventory.missing:
        free = gigabytes(free_space(settings.hub_cache))
        size = gigabytes(inventory.lacking_bytes)
        there += f", {len(inventory.missing)} are not: {size} to download, {free} free"
    yield well(there)
