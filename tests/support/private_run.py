"""A recorded run that has private content in every place that can be redacted, and honest traces of
a cluster beside it."""

import json
from pathlib import Path

from benchmark_core.contract import BackendSpec, ModelSpec, SampleSource
from benchmark_core.energy_files import write_energy_files
from benchmark_core.report.run_report import RunReport
from tests.support.recorded_run import Shape, rebuild, record_run

MODEL = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
"""Of a family whose models are told by a system message; `/no_think` for off."""
RUN = "nvidia_Llama-3_3-Nemotron-Super-49B-v1_5_Off"
BESIDE = "secretive_Unreleased-70B_Off"
NODE, USER = "gpu-node-17", "bookworm"
PLACE = ("gpu-node", "login1", "login2", "workstation-4", USER)

PROMPTS = ("/no_think", "<|role|>system then", "9" * 64, "8" * 64)
OUTPUTS = ("forty-two", "died of", f"{RUN} begins")
MODEL_CONFIG = (
    *(MODEL, "Nemotron", RUN, BESIDE, "1" * 40, "7" * 64, "6" * 64, "Codename-Zebra"),
    *("registry.example", "mirror.example", "127.0.0.1", "</think>", "zebra_switch"),
)


def record_private_run(results: Path, run_id: str = RUN) -> Path:
    """Answers its folder."""
    folder = record_run(results, _shape(run_id))
    spec = _read(folder / "run_spec.json")
    report = _read(folder / "benchmark_report.json")
    assert report["reasoning"]["system_message"] == "/no_think"
    kwargs = {"zebra_switch": False}
    report["reasoning"] |= {
        "example_prompt": "<|role|>system then the rest",
        "prompts_sha256": {"off": "8" * 64},
        "end_marker": "</think>",
    }
    report["applied"] |= {"template_sha256": "7" * 64, "template_kwargs": kwargs}
    report["runs_beside"] = [BESIDE]
    report["verdict"] = {"verdict": "flagged", "reasons": ["other_runs_on_host"]}
    _write(folder / "benchmark_report.json", report)
    write_energy_files(folder, RunReport.model_validate(report))
    launch = _read(folder / "launch.json") | {
        "runs_beside": [BESIDE],
        "image": "mirror.example/runner",
        "endpoint": "http://127.0.0.1:8123/v1",
        "dcgm_endpoint": "http://127.0.0.1:9400/metrics",
        "serve_image_digest": "sha256:" + "6" * 64,
    }
    _write(folder / "launch.json", launch)
    _add_earlier_attempt(folder)
    _say_an_error(folder / "benchmark_results.csv")
    _add_records_of_place(results, folder, spec)
    rebuild(results)
    return folder


def _shape(run_id: str) -> Shape:
    serve_args = ("--max-num-seqs", "1", "--dtype", "float16", "--name=Codename-Zebra", "40")
    return Shape(
        run_id=run_id,
        model=MODEL,
        samples=40,
        repetitions=3,
        seconds_per_sample=0.1,
        changes={
            "model": ModelSpec(id=MODEL, model_class="A", revision="1" * 40),
            "samples": SampleSource(prompts_sha256="9" * 64, count=40),
            "backend": BackendSpec(
                name="vllm", serve_image="registry.example/serve:v9", serve_args=serve_args
            ),
        },
    )


def _add_earlier_attempt(folder: Path) -> None:
    """With a log of its own, and a lease of the node that it was lost with."""
    earlier = folder / "attempts" / "1"
    earlier.mkdir(parents=True)
    outcome = _read(folder / "outcome.json") | {
        "outcome": "failed",
        "error_message": "died of forty-two",
        "log_tail": ["it died of forty-two", "x"],
        "log_file": f"{folder.name}_20260101T000000000.log",
    }
    _write(earlier / "outcome.json", outcome)
    _write(earlier / "lease.json", {"node": "gpu-node-16", "job_id": "7"})


def _say_an_error(path: Path) -> None:
    header, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join((header, f'{first}"it said, ""forty-two"""', *rest, "")))


def _add_records_of_place(results: Path, folder: Path, spec: dict[str, object]) -> None:
    owner = {"host": "login1.cluster.example", "pid": 7, "started": "boot-1"}
    _write(
        folder / "job.json",
        {"run_id": spec["run_id"], "owner": owner, "output_dir": f"/home/{USER}/results"},
    )
    _write(folder / "lease.json", {"node": NODE, "job_id": "8"})
    _write(folder / "process.json", {"owner_host": "workstation-4"})
    _write(results / "sweep.json", {"host": "login2", "command": ["batch_runner.py"]})


def _read(path: Path) -> dict[str, object]:
    return json.loads(path.read_text())


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")
