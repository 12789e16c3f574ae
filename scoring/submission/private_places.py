"""Where private content stands in the files of a run. Data.

A value is sealed where it stands and nowhere else: what is private in one place, as a "1" among a
server's arguments, is a count in another.
"""

from typing import Final

from benchmark_core.contract import LAUNCH_FILE, OUTCOME_FILE, REPORT_FILE, SPEC_FILE
from scoring.bundles.manifest import TABLE_FILE, Sealed

Place = tuple[str, str]
"""A file of the run folder with a field of it, or the table with a column. The outcomes of earlier
attempts have the places of `outcome.json`."""

_TOLD: Final[tuple[Place, ...]] = (
    (REPORT_FILE, "reasoning.system_message"),
    (REPORT_FILE, "reasoning.user_prefix"),
    (REPORT_FILE, "reasoning.example_prompt"),
    (REPORT_FILE, "reasoning.prompts_sha256"),
)
"""What a model is told; the marks of its template in it name the model's family, too."""

LAST_WORDS: Final[tuple[Place, ...]] = (
    (OUTCOME_FILE, "error_message"),
    (OUTCOME_FILE, "log_tail"),
)
"""Of earlier attempts; both may quote anything."""

PLACES: Final[dict[Sealed, tuple[Place, ...]]] = {
    "prompts": (
        *_TOLD,
        (SPEC_FILE, "samples.prompts_sha256"),
        (SPEC_FILE, "samples.folder_sha256"),
        (REPORT_FILE, "applied.prompts_sha256"),
        (REPORT_FILE, "applied.folder_sha256"),
    ),
    "outputs": LAST_WORDS,
    "model-config": (
        *_TOLD,
        *LAST_WORDS,
        (SPEC_FILE, "run_id"),
        (SPEC_FILE, "model.id"),
        (SPEC_FILE, "model.revision"),
        (SPEC_FILE, "model.processor"),
        (SPEC_FILE, "backend.endpoint"),
        (SPEC_FILE, "backend.serve_image"),
        (SPEC_FILE, "backend.serve_args"),
        (REPORT_FILE, "run_id"),
        (REPORT_FILE, "model_load_shared_with"),
        (REPORT_FILE, "runs_beside"),
        (REPORT_FILE, "applied.model_id"),
        (REPORT_FILE, "applied.model_commit"),
        (REPORT_FILE, "applied.processor"),
        (REPORT_FILE, "applied.processor_commit"),
        (REPORT_FILE, "applied.template_sha256"),
        (REPORT_FILE, "applied.template_kwargs"),
        (REPORT_FILE, "reasoning.family"),
        (REPORT_FILE, "reasoning.kwargs"),
        (REPORT_FILE, "reasoning.end_marker"),
        (LAUNCH_FILE, "image"),
        (LAUNCH_FILE, "endpoint"),
        (LAUNCH_FILE, "dcgm_endpoint"),
        (LAUNCH_FILE, "serve_image_digest"),
        (LAUNCH_FILE, "runs_beside"),
        (LAUNCH_FILE, "log_file"),
        (OUTCOME_FILE, "run_id"),
        (OUTCOME_FILE, "log_file"),
        (TABLE_FILE, "run_id"),
        (TABLE_FILE, "model_name"),
        (TABLE_FILE, "model_commit"),
        (TABLE_FILE, "template_sha256"),
        (TABLE_FILE, "runs_beside"),
    ),
}

SPEC_HASHES: Final[tuple[Place, ...]] = (
    (REPORT_FILE, "spec_hash"),
    (OUTCOME_FILE, "spec_hash"),
    (TABLE_FILE, "spec_hash"),
)
"""Sealed with anything of the spec: whoever knows the rest of it could try values until the hash
is the same."""

COMMON: Final[frozenset[Place]] = frozenset(
    {
        (SPEC_FILE, "backend.serve_args"),
        (REPORT_FILE, "applied.template_kwargs"),
        (REPORT_FILE, "reasoning.kwargs"),
        (REPORT_FILE, "reasoning.end_marker"),
        (LAUNCH_FILE, "image"),
    }
)
"""Words that other files may hold by chance, as `bfloat16`; no other file is searched for them."""
