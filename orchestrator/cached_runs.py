"""Runs that find all they read in the cache, so that the hub is not asked a second time."""

import re

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.documents import ContractError
from benchmark_core.hub import pinned_commit
from orchestrator.downloads.inventory import Inventory, known_files, repository_folder
from orchestrator.downloads.needed_files import needed_files
from orchestrator.downloads.unlike import hub_may_matter
from orchestrator.downloads.wanted import Wanted, read_by
from orchestrator.retries import not_loaded
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_planner import PlannedRun
from orchestrator.settings import Settings

DEFAULT_BRANCH = "main"
SWITCH_OF_A_TOKENIZER = re.compile(r'"fix_\w+_regex"')
"""transformers asks the hub whose model it is before it heeds such a one."""


class CachedRuns:
    """Of one sweep, by what its inventory heard of the hub. In doubt a run is none of them."""

    def __init__(self, inventory: Inventory, settings: Settings, directory: RunDirectory) -> None:
        self._commits = inventory.commits
        self._settings = settings
        self._directory = directory

    def has(self, run: PlannedRun) -> bool:
        """Looked up on the disk whenever it is asked: downloads end, and branches move."""
        spec = run.spec
        # Code of a repository may load whatever it likes. Nobody is there to try a submitted run
        # again.
        if spec.model.trust_remote_code or self._settings.detach:
            return False
        if not BACKEND_FACTS[spec.backend.name].reads_cache:
            return False
        if _failed_so(self._directory.folder(run.run_id)):
            return False
        try:
            return all(self._is_there(one) for one in read_by(run))
        except Exception:  # noqa: BLE001 - other programs write the cache, and libraries read it
            return False

    def _is_there(self, wanted: Wanted) -> bool:
        """Whole, at the commit that the hub named, and where a run looks for it."""
        commit = self._commits.get(wanted.key)
        if commit is None:
            return False
        folder = repository_folder(wanted, self._settings)
        files = known_files(wanted, commit, self._settings)
        if files is None or hub_may_matter(wanted, files):
            return False
        try:
            if pinned_commit(wanted.revision) is None:
                branch = folder / "refs" / (wanted.revision or DEFAULT_BRANCH)
                if branch.read_text(encoding="utf-8").strip() != commit:
                    return False
            snapshot = folder / "snapshots" / commit
            for name in needed_files(wanted, files):
                if (snapshot / name).stat().st_size != files[name].size_bytes:
                    return False
            config = snapshot / "tokenizer_config.json"
            told = config.read_text(encoding="utf-8") if config.exists() else ""
        except (OSError, ValueError):
            return False
        return SWITCH_OF_A_TOKENIZER.search(told) is None


def _failed_so(folder: RunFolder) -> bool:
    """Whether the last attempt read the cache alone and failed of what it read."""
    launch = folder.launch()
    try:
        outcome = folder.outcome()
    except ContractError:
        return False
    return bool(launch and launch.from_cache and outcome and not_loaded(outcome, folder))
