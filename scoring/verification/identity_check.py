"""Whether all files of a run are of one run, and it did what it was asked."""

from collections.abc import Iterator
from typing import Final

from benchmark_core import differences
from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import LAUNCH_FILE, OUTCOME_FILE, REPORT_FILE, SPEC_FILE
from scoring.bundles.manifest import SEAL
from scoring.failed_point import Finding
from scoring.verification.evidence import RunEvidence

INSTRUCTION: Final = "instruction"
"""What the model was told beside its samples, as the table of families has it."""


def check_identity(of: RunEvidence) -> Iterator[Finding]:
    run_id, spec_hash = of.run.run_id, of.report.spec_hash
    ids = {SPEC_FILE: of.spec.run_id, REPORT_FILE: of.report.run_id, OUTCOME_FILE: of.end.run_id}
    for name, told in ids.items():
        if told != run_id:
            yield of.failed("runs_mixed_up", f"it is of the run {told}, not of {run_id}", name)
    if of.end.spec_hash != spec_hash:
        yield of.failed("runs_mixed_up", "it belongs to another spec than the report", OUTCOME_FILE)
    if of.launch.image_digest != of.environment.image_digest:
        yield of.failed("runs_mixed_up", "it names another image than the report", LAUNCH_FILE)
    if of.end.image_digest != of.launch.image_digest:
        yield of.failed("runs_mixed_up", "it names another image than the launch", OUTCOME_FILE)
    if of.end.engine != of.launch.engine:
        yield of.failed("runs_mixed_up", "it names another engine than the launch", OUTCOME_FILE)
    if of.launch.log_file and of.run.log not in ("", of.launch.log_file):
        yield of.failed("runs_mixed_up", "it names another log than the manifest", LAUNCH_FILE)
    if of.applied.server and not BACKEND_FACTS[of.spec.backend.name].is_served:
        # The programs of a server are no foreign ones.
        yield of.failed("settings_differ", "it had a server, and its backend asks none")
    if "model-config" in of.sealed:
        if not of.spec.model.id.startswith(SEAL):
            what = "the manifest says that it is redacted, and it can be read"
            yield of.failed("settings_differ", what, SPEC_FILE)
        yield of.not_checked(
            "spec hash, and settings applied as asked", "the model's configuration is redacted"
        )
        return
    report = of.report
    if "prompts" in of.sealed:
        because = "the prompts are redacted"
        yield of.not_checked(INSTRUCTION, because)
        if of.spec.samples.prompts_sha256 or of.spec.samples.folder_sha256:
            # The hash of the user's samples is in it, and sealed.
            yield of.not_checked("spec hash", because)
            report = report.model_copy(update={"spec_hash": of.spec.spec_hash()})
    if of.spec.spec_hash() != report.spec_hash:
        yield of.failed("runs_mixed_up", "it belongs to another spec than the one here")
        return
    for phrase in differences.differences(of.spec, report):
        if "prompts" not in of.sealed or not phrase.startswith(f"{INSTRUCTION}:"):
            yield of.failed("settings_differ", phrase)
