"""What a run applied otherwise than it was asked."""

from pydantic import BaseModel

from benchmark_core.contract import Applied, RunReport, RunSpec


def differences(spec: RunSpec, report: RunReport) -> list[str]:
    """What a finished report applied otherwise than the spec asked, one phrase per setting."""
    if report.spec_hash != spec.spec_hash():
        return ["spec_hash: the report belongs to another spec"]
    applied = report.applied
    if applied is None:
        return []
    pairs: list[tuple[str, object, object]] = [
        ("run_id", spec.run_id, report.run_id),
        ("model", spec.model.id, applied.model_id),
        ("trust_remote_code", spec.model.trust_remote_code, applied.trust_remote_code),
        ("device", spec.device, applied.device),
        ("batch_size", spec.batch_size, applied.batch_size),
        ("limits", spec.limits, applied.limits),
        ("reasoning", spec.reasoning and spec.reasoning.state, applied.reasoning_state),
        ("prompts_sha256", spec.samples.prompts_sha256, applied.prompts_sha256),
        ("repetitions", spec.repetitions, len(report.repetitions)),
        ("samples", _expected_samples(spec, applied), applied.samples_used),
    ]
    if spec.precision != "auto" and not applied.quantized:
        pairs.append(("precision", spec.precision, applied.dtype))
    return [
        f"{name}: asked for {_show(asked)}, applied {_show(done)}"
        for name, asked, done in pairs
        if asked != done
    ]


def _expected_samples(spec: RunSpec, applied: Applied) -> int:
    wanted = spec.samples.count
    return applied.samples_available if wanted is None else min(wanted, applied.samples_available)


def _show(value: object) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_none=True)
    return "nothing" if value is None else str(value)
