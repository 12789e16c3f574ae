"""A catalog, and an output directory in which each of its rows is finished, for benchmarks."""

import contextlib
import io
from pathlib import Path

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"


def write_rows(folder: Path, rows: int) -> None:
    """In `folder` the catalog `models.csv` and the directory `results`, as a sweep leaves them."""
    from benchmark_core.contract import (
        REPORT_FILE,
        BackendSpec,
        DeviceSpec,
        Launch,
        ModelSpec,
        ReasoningRequest,
        RunSpec,
        SampleSource,
        Simulation,
        TokenLimits,
    )
    from benchmark_core.reported_run import run
    from orchestrator.outcome import Outcome
    from orchestrator.run_directory import RunDirectory

    folder.mkdir()
    lines = [f"sim/m{n},1,A,text_gen,Off,\n" for n in range(rows)]
    (folder / "models.csv").write_text(HEADER + "".join(lines))
    directory = RunDirectory(folder / "results")
    directory.create()
    spec = RunSpec(
        run_id="sim_m0_Off",
        model=ModelSpec(id="sim/m0", model_class="A"),
        task="text_generation",
        reasoning=ReasoningRequest(state="Off", thinking=False),
        samples=SampleSource(synthetic=True, count=2),
        limits=TokenLimits(max_new_tokens=10, min_new_tokens=10),
        precision="float16",
        backend=BackendSpec(name="simulated", simulation=Simulation(seconds_per_sample=0.0)),
        device=DeviceSpec(kind="simulated", gpu_count=1),
        meters=("simulated",),
    )
    launch = Launch(engine="docker", launched_at="2026-01-01T00:00:00+00:00")
    first = directory.folder(spec.run_id)
    first.prepare(spec, launch)
    with contextlib.redirect_stdout(io.StringIO()):
        report = run(first.path).to_json()
    outcome = Outcome(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="finished",
        finished_at="2026-01-01T00:00:00+00:00",
        log_file="x.log",
        engine="docker",
    )
    first.record(spec, launch, outcome)
    texts = {
        "launch.json": launch.to_json(),
        REPORT_FILE: report,
        "outcome.json": outcome.to_json(),
    }
    for number in range(1, rows):
        name = f"sim_m{number}_Off"
        model = ModelSpec(id=f"sim/m{number}", model_class="A")
        own = spec.model_copy(update={"run_id": name, "model": model})
        path = directory.folder(name).path
        path.mkdir()
        (path / "run_spec.json").write_text(own.to_json())
        for file_name, text in texts.items():
            for found, replaced in (
                (spec.run_id, name),
                (spec.model.id, model.id),
                (spec.spec_hash(), own.spec_hash()),
            ):
                text = text.replace(found, replaced)
            (path / file_name).write_text(text)
