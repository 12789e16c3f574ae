"""The YAML file that tells the simulated backend what to pretend.

default: {seconds_per_sample: 0.002, watts: 300}
runs:
  org_model_On_High: {fault: crash}
"""

from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.contract import Simulation
from orchestrator.errors import Problem, UsageError

EXAMPLE = "Write e.g. `default: {watts: 300}` and `runs: {RUN_ID: {fault: crash}}`."


@dataclass(frozen=True)
class Simulations:
    default: Simulation = field(default_factory=Simulation)
    runs: dict[str, Simulation] = field(default_factory=dict)

    def of(self, run_id: str) -> Simulation:
        return self.runs.get(run_id, self.default)


def read_simulations(path: Path) -> Simulations:
    """What `path` asks for; entries under `runs` start from the defaults of the file.

    Raises:
        UsageError: with every entry that is not understood.
    """
    content = _content(path)
    default = _section(path, "default", content.get("default") or {}, {})
    base = default.model_dump(exclude_unset=True)
    entries = content.get("runs") or {}
    unknown = sorted(set(map(str, content)) - {"default", "runs"})
    if unknown or not isinstance(entries, dict):
        wrong = f"unknown entries {', '.join(unknown)}" if unknown else "`runs` is not a mapping"
        raise UsageError(Problem(str(path), wrong, EXAMPLE))
    runs = {
        str(name): _section(path, f"runs.{name}", values, base) for name, values in entries.items()
    }
    return Simulations(default=default, runs=runs)


def _content(path: Path) -> dict[object, object]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(Problem(str(path), f"cannot be read: {reason}", EXAMPLE)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(Problem(str(path), "is not a YAML mapping", EXAMPLE))
    return content


def _section(path: Path, name: str, values: object, base: dict[str, object]) -> Simulation:
    from pydantic import ValidationError

    from benchmark_core.documents import one_line

    if not isinstance(values, dict):
        raise UsageError(Problem(f"{path}, {name}", "is not a mapping", EXAMPLE))
    try:
        return Simulation.model_validate({**base, **values})
    except ValidationError as error:
        raise UsageError(Problem(f"{path}, {name}", one_line(error), EXAMPLE)) from error
