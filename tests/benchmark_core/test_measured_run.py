"""The one algorithm, on the simulated backend and meter: order, counts, faults, files."""

import csv
import json
from dataclasses import replace
from hashlib import sha256

import pytest

from benchmark_core.backends.simulated import SimulatedBackend
from benchmark_core.backends.walks import one_by_one
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    ModelSpec,
    SampleSource,
    Simulation,
    TokenLimits,
)
from benchmark_core.differences import differences
from benchmark_core.faults import MeterFault, ModelFault, SpecFault
from benchmark_core.meters.simulated import SimulatedMeter
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.reasoning.states import parse_state
from benchmark_core.report.energy import Reading
from benchmark_core.report.run_report import RunReport
from benchmark_core.reported_run import run
from benchmark_core.tasks import registry as tasks
from demo.tiny_models import ON_CHAIN, THOUGHT
from tests.support import builders
from tests.support.chat_templates import TELLS_THE_DATE
from tests.support.tiny_hub import (  # noqa: F401
    GPT2,
    LLAMA,
    altered_copy,
    built_hub,
    make_spec,
    tiny_hub,
    with_template,
)

SHORT = TokenLimits(max_new_tokens=3, min_new_tokens=3)


@pytest.fixture
def prepared(tmp_path):
    """Writes a spec into a run folder and gives the folder back."""

    def prepare(spec):
        folder = tmp_path / spec.run_id
        folder.mkdir()
        (folder / "run_spec.json").write_text(spec.to_json())
        (folder / "launch.json").write_text(builders.launch().to_json())
        return folder

    return prepare


def simulated(**settings):
    settings = {"seconds_per_sample": 0.002, "watts": 200.0} | settings
    return BackendSpec(name="simulated", simulation=Simulation(**settings))


def test_a_simulated_run_gives_known_joules_and_says_that_it_is_a_rehearsal(prepared):
    spec = builders.spec(backend=simulated(seconds_per_sample=0.01))
    report = run(prepared(spec))
    assert report.outcome == "finished"
    assert report.rehearsal
    assert "rehearsal" in report.verdict.reasons
    assert report.energy_sources.gpu.kind == "simulated"
    assert differences(spec, report) == []
    for repetition in report.repetitions:
        for window in repetition.windows:
            expected = 200.0 * window.duration_seconds
            assert window.reading.gpu_joules == pytest.approx(expected, abs=200 * 0.01)
        phases = repetition.phases
        assert phases["decode"].gpu_joules == pytest.approx(
            repetition.windows[2].reading.gpu_joules - phases["prefill"].gpu_joules
        )


def test_off_rows_count_ten_tokens_a_prompt(prepared):
    report = run(prepared(builders.spec(backend=simulated())))
    assert report.summary.tokens.completion == 4 * 10
    assert report.summary.successful_prompts == 4
    assert len(report.repetitions) == 2


def test_every_sample_leaves_a_line(prepared):
    folder = prepared(builders.spec(backend=simulated()))
    run(folder)
    with (folder / "benchmark_results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 2 * 4
    assert {row["pass"] for row in rows} == {"prefill", "generate"}
    assert [row["completion_tokens"] for row in rows if row["pass"] == "prefill"] == ["1"] * 8
    answers = [row for row in rows if row["pass"] == "generate"]
    assert all(float(row["seconds"]) >= 0.002 for row in answers)


def test_the_energy_files_hold_the_score(prepared):
    folder = prepared(builders.spec(backend=simulated()))
    report = run(folder)
    assert float((folder / "GPU_ENERGY_WH.txt").read_text()) == report.summary.gpu_energy_wh.mean
    summary = json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())
    assert summary["units"] == "Wh"
    assert summary["total"] == report.summary.gpu_energy_wh.mean
    parts = sum(summary[f"{name}_wh"] for name in ("preprocess", "prefill", "decode"))
    assert parts == pytest.approx(summary["total"])
    assert summary["rehearsal"] is True


OF_KIND = {
    "object_detection": ("forward", ["preprocess", "forward"], None),
    "summarization": ("forward", ["preprocess", "forward"], None),
    "image_generation": ("call", ["preprocess", "call"], 30),
    "image_captioning": ("generate", ["preprocess", "prefill", "decode"], None),
}


@pytest.mark.parametrize("name", OF_KIND)
def test_each_kind_has_phases_and_files_of_its_own(prepared, name):
    kind, phases, steps = OF_KIND[name]
    task = tasks.get(name)
    spec = builders.spec(
        task=name,
        reasoning=None,
        model=ModelSpec(id="org/model"),
        precision=task.precision,
        limits=task.limits(reasons=False),
        steps=task.steps,
        backend=simulated(),
    )
    folder = prepared(spec)
    report = run(folder)
    assert report.outcome == "finished"
    assert differences(spec, report) == []
    assert (report.applied.kind, report.applied.steps) == (kind, steps)
    assert report.applied.limits == (spec.limits if kind == "generate" else None)
    for repetition in report.repetitions:
        assert list(repetition.phases) == phases
    summary = json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())
    parts = sum(summary[f"{phase}_wh"] for phase in phases)
    assert parts == pytest.approx(summary["total"])
    with (folder / "benchmark_results.csv").open(newline="") as stream:
        passes = {row["pass"] for row in csv.DictReader(stream)}
    assert passes == ({"prefill", "generate"} if kind == "generate" else {kind})


@pytest.mark.parametrize("device", ["simulated", "cpu"])
def test_what_the_model_used_does_not_depend_on_what_was_metered(prepared, device):
    spec = builders.spec(
        backend=simulated(), device=DeviceSpec(kind=device, gpu_count=1), meters=()
    )
    report = run(prepared(spec))
    assert report.outcome == "finished"
    assert report.environment.gpus == ()
    assert report.applied.device.gpu_count == (0 if device == "cpu" else 1)
    assert "gpu_energy_not_measured" in report.verdict.reasons
    assert differences(spec, report) == []


def test_a_meter_on_other_gpus_than_the_model_flags_the_run(prepared):
    folder = prepared(builders.spec(backend=simulated()))
    launch = builders.launch(gpu_uuids=("SIMULATED-GPU-0", "SIMULATED-GPU-1"))
    (folder / "launch.json").write_text(launch.to_json())
    assert "meter_watches_other_gpus" in run(folder).verdict.reasons


def test_a_model_on_other_gpus_than_the_metered_ones_is_not_measured(prepared, monkeypatch):
    load = SimulatedBackend.load
    monkeypatch.setattr(
        SimulatedBackend, "load", lambda self: replace(load(self), gpu_uuids=("GPU-7",))
    )
    report = run(prepared(builders.spec(backend=simulated())))
    assert report.failure.kind == "meter_failed"
    assert "GPU-7" in report.failure.message
    assert "SIMULATED-GPU-0" in report.failure.message
    assert report.verdict.reasons == ("meter_watches_other_gpus",)
    assert report.verdict.verdict == "invalid"


@pytest.mark.parametrize("reason", ["gpu_lost", "edges_not_found"])
def test_a_gpu_that_is_lost_is_named_though_the_model_failed_first(prepared, monkeypatch, reason):
    """Another complaint of the meter does not stand in for what went wrong."""
    broken = []

    def fail(self, prepared, step):
        broken.append(True)
        raise RuntimeError("unspecified launch failure")

    def approach(self):
        if broken:
            raise MeterFault("the GPU is gone", "Look for it.", reason)

    monkeypatch.setattr(SimulatedBackend, "run", fail)
    monkeypatch.setattr(SimulatedMeter, "approach", approach)
    report = run(prepared(builders.spec(backend=simulated())))
    lost = reason == "gpu_lost"
    assert report.failure.kind == ("meter_failed" if lost else "model_unusable")
    assert (report.verdict is not None) is lost
    assert ("launch failure" in report.failure.message) is not lost


def test_a_phase_below_zero_leaves_a_run_without_a_figure(prepared, monkeypatch):
    """In the second repetition prefill reads more than the pass it is a part of."""
    opened, read = [], SimulatedMeter.read

    def open_window(self, label, really=SimulatedMeter.open):
        opened.append(label)
        really(self, label)

    def read_window(self):
        reading = read(self)
        factor = 100 if opened[-1] == "prefill 2" else 1
        joules = {uuid: value * factor for uuid, value in reading.gpu_joules_by_device.items()}
        return Reading(gpu_joules=sum(joules.values()), gpu_joules_by_device=joules)

    monkeypatch.setattr(SimulatedMeter, "open", open_window)
    monkeypatch.setattr(SimulatedMeter, "read", read_window)
    folder = prepared(builders.spec(backend=simulated(), repetitions=3))
    report = run(folder)
    assert report.repetitions[1].phases["decode"].gpu_joules < 0
    assert report.verdict.verdict == "invalid"
    assert "phase_not_positive" in report.verdict.reasons
    assert report.summary.gpu_energy_wh is None
    assert report.summary.wh_per_1000_queries is None
    assert not (folder / "GPU_ENERGY_WH.txt").exists()
    assert json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())["total"] is None


def test_the_order_in_which_meters_are_named_changes_nothing(prepared):
    order, reports = ("simulated", "codecarbon"), []
    for name, meters in (("one", order), ("two", order[::-1])):
        spec = builders.spec(run_id=name, backend=simulated(), meters=meters)
        reports.append(run(prepared(spec)))
        assert differences(spec, reports[-1]) == []
    assert reports[0].applied.meters == reports[1].applied.meters == order


@pytest.mark.parametrize("target", [0.9, 1e-9])
def test_repetitions_end_early_only_where_the_mean_is_known_well_enough(prepared, target):
    """Sleeps differ by some percent, so by less than 90 and by more than a billionth."""
    spec = builders.spec(
        backend=simulated(seconds_per_sample=0.01), repetitions=5, stop_at_ci=target
    )
    report = run(prepared(spec))
    stopped = target == 0.9
    assert len(report.repetitions) == (3 if stopped else 5)
    assert (report.stopped_at_ci is not None) is stopped
    assert differences(spec, report) == []
    early = "repetitions: asked all 5 vs found an early stop after 3"
    assert (early in report.official.deviations) is stopped


def test_mean_spread_and_interval_follow_from_the_ten_repetitions_of_the_file(prepared):
    """Recomputed from the JSON alone, by other libraries than the program's."""
    import numpy
    import scipy.stats

    folder = prepared(builders.spec(backend=simulated(), repetitions=10))
    run(folder)
    report = json.loads((folder / "benchmark_report.json").read_text())
    scored = numpy.array(
        [
            sum(phase["gpu_joules"] for phase in repetition["phases"].values()) / 3600
            for repetition in report["repetitions"]
        ]
    )
    assert len(scored) == 10
    found = report["summary"]["gpu_energy_wh"]
    half_width = scipy.stats.t.ppf(0.975, 9) * scored.std(ddof=1) / numpy.sqrt(10)
    assert found["mean"] == pytest.approx(scored.mean(), rel=1e-9)
    assert found["stdev"] == pytest.approx(scored.std(ddof=1), rel=1e-9)
    assert found["ci95"] == pytest.approx(half_width, rel=1e-9)


def test_a_rehearsal_of_a_row_with_every_setting_applies_them_all(prepared):
    model = ModelSpec(
        id="org/model",
        revision="a" * 40,
        processor="org/words",
        quantization="GPTQ",
        trust_remote_code=True,
    )
    spec = builders.spec(backend=simulated(), model=model)
    assert differences(spec, run(prepared(spec))) == []


def test_the_report_states_what_ran_and_not_what_was_asked(prepared, monkeypatch):
    from benchmark_core.backends.simulated import SimulatedBackend

    original = SimulatedBackend.run

    def lose_limits(self, sample, step):
        return original(self, sample, replace(step, limits=SHORT))

    monkeypatch.setattr(SimulatedBackend, "run", lose_limits)
    spec = builders.spec(backend=simulated())
    report = run(prepared(spec))
    assert report.applied.meters == ("simulated",)
    assert [line.split(":")[0] for line in differences(spec, report)] == ["limits"]


@pytest.mark.parametrize(
    ("fault", "kind"), [("out_of_memory", "out_of_memory"), ("meter_failure", "meter_failed")]
)
def test_a_fault_leaves_a_failed_report_and_no_energy(prepared, fault, kind):
    folder = prepared(builders.spec(backend=simulated(fault=fault)))
    report = run(folder)
    assert report.outcome == "failed"
    assert report.failure.kind == kind
    assert report.failure.remedy
    assert report.summary is None
    assert RunReport.read(folder / "benchmark_report.json") == report
    assert not (folder / "GPU_ENERGY_WH.txt").exists()
    assert json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())["total"] is None


def test_settings_applied_otherwise_are_visible_to_the_host(prepared):
    spec = builders.spec(backend=simulated(fault="wrong_settings"))
    report = run(prepared(spec))
    assert [line.split(":")[0] for line in differences(spec, report)] == ["precision"]


def test_samples_asked_for_beyond_those_there_are_flag_the_run(prepared, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one\n\ntwo\n")
    import hashlib

    digest = hashlib.sha256(prompts.read_bytes()).hexdigest()
    spec = builders.spec(backend=simulated(), samples=SampleSource(prompts_sha256=digest, count=5))
    folder = prepared(spec)
    (folder / "launch.json").write_text(builders.launch(samples_path=str(prompts)).to_json())
    report = run(folder)
    assert report.outcome == "finished"
    assert report.applied.samples_used == report.applied.samples_available == 2
    assert "fewer_samples_than_asked" in report.verdict.reasons
    assert differences(spec, report) == []


def test_a_folder_without_a_spec_is_refused(tmp_path):
    with pytest.raises(SpecFault, match=r"run_spec.json"):
        run(tmp_path)


def test_a_message_that_no_file_can_hold_does_not_cost_the_report(prepared, monkeypatch):
    def load(self):
        raise ModelFault("half a pair: \ud800", "Look for it.")

    monkeypatch.setattr(SimulatedBackend, "load", load)
    folder = prepared(builders.spec())
    run(folder)
    report = RunReport.read(folder / "benchmark_report.json")
    assert report.failure.message == "half a pair: \\ud800"


def test_a_failure_in_the_prefill_pass_is_counted(prepared, flaky):
    flaky(lambda number: number == 3)
    spec = builders.spec(
        backend=simulated(seconds_per_sample=0.0),
        samples=SampleSource(synthetic=True, count=20),
        repetitions=1,
    )
    report = run(prepared(spec))
    assert [window.failed for window in report.repetitions[0].windows] == [0, 1, 0]
    assert (report.summary.successful_prompts, report.summary.failed_prompts) == (19, 1)
    assert "samples_failed" in report.verdict.reasons


class _FlakyBackend:
    """Fails the samples whose number it is told; everything else is the simulated backend's."""

    def __init__(self, inner, failing):
        self._inner = inner
        self._failing = failing
        self._seen = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def run_all(self, prepared, step):
        return one_by_one(self.run, prepared, step)

    def run(self, prepared, step):
        self._seen += 1
        if self._failing(self._seen):
            raise ValueError("this sample is broken")
        return self._inner.run(prepared, step)


@pytest.fixture
def flaky(monkeypatch):
    def install(failing):
        from benchmark_core.backends import registry

        create = registry.create
        monkeypatch.setattr(registry, "create", lambda *args: _FlakyBackend(create(*args), failing))

    return install


def test_one_bad_sample_fails_alone_and_is_flagged(prepared, flaky):
    flaky(lambda number: number == 25)
    spec = builders.spec(
        backend=simulated(seconds_per_sample=0.0),
        samples=SampleSource(synthetic=True, count=20),
        repetitions=1,
    )
    folder = prepared(spec)
    report = run(folder)
    assert report.outcome == "finished"
    assert (report.summary.successful_prompts, report.summary.failed_prompts) == (19, 1)
    assert "samples_failed" in report.verdict.reasons
    assert "this sample is broken" in (folder / "benchmark_results.csv").read_text()


def test_too_many_bad_samples_fail_the_run(prepared, flaky):
    flaky(lambda number: number % 5 == 0)
    spec = builders.spec(
        backend=simulated(seconds_per_sample=0.0),
        samples=SampleSource(synthetic=True, count=20),
    )
    report = run(prepared(spec))
    assert report.outcome == "failed"
    assert "4 of 20 samples failed" in report.failure.message


# ---------------------------------------------------------------- reasoning


@pytest.mark.parametrize(
    ("model", "state", "effective", "enforced", "mechanism"),
    [
        ("Qwen/Qwen3-0.6B", "Off", "off", True, "template_switch"),
        ("deepseek-ai/DeepSeek-R1", "Off", "on", False, "always_on"),
        ("google/gemma-3-1b-it", "On", "none", False, "none"),
        ("org/model", "Off", None, None, None),
    ],
)
def test_a_rehearsal_says_of_reasoning_what_the_table_says(
    prepared, model, state, effective, enforced, mechanism
):
    """There is no tokenizer, so nothing is rendered and nothing is told apart."""
    spec = builders.spec(
        backend=simulated(), model=ModelSpec(id=model), reasoning=parse_state(state)
    )
    folder = prepared(spec)
    report = run(folder)
    facts = report.reasoning
    assert (facts.requested, facts.effective, facts.enforced) == (state, effective, enforced)
    assert facts.mechanism == mechanism
    assert facts.example_prompt is None
    assert facts.prompts_sha256 == {}
    assert ("reasoning_not_enforced" in report.verdict.reasons) is (enforced is False)
    assert report.summary.tokens.reasoning is None
    assert report.summary.truncated_prompts is None
    assert not (folder / "reasoning_tokens.csv").exists()
    assert differences(spec, report) == []


def test_a_run_without_a_stated_request_says_nothing_of_reasoning(prepared):
    spec = builders.spec(backend=simulated(), reasoning=None)
    report = run(prepared(spec))
    assert report.reasoning is None
    assert differences(spec, report) == []


@pytest.fixture
def generated(prepared, tmp_path):
    """Runs a spec with two real prompts; gives the report and the folder."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("What floats?\n\nName a cat.\n")
    source = SampleSource(prompts_sha256=sha256(prompts.read_bytes()).hexdigest())

    def generate(model, state):
        spec = make_spec(model, state, samples=source, repetitions=1)
        folder = prepared(spec)
        launch = builders.launch(samples_path=str(prompts))
        (folder / "launch.json").write_text(launch.to_json())
        report = run(folder)
        assert report.outcome == "failed" or differences(spec, report) == []
        return report, folder

    return generate


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize(
    ("model", "state", "effective", "block", "alternative"),
    [
        (LLAMA, "On (High)", "on", "opened", "high"),
        (LLAMA, "Off", "off", "closed", "off"),
        (GPT2, "On", "on", "opened", "on"),
    ],
)
def test_the_report_has_the_prompt_and_how_it_differs_from_its_alternatives(
    generated, model, state, effective, block, alternative
):
    report, _ = generated(model, state)
    facts = report.reasoning
    assert (facts.effective, facts.enforced, facts.basis) == (effective, True, "probe")
    assert (facts.block, facts.end_marker) == (block, "</think>")
    digest = sha256(facts.example_prompt.encode()).hexdigest()
    assert facts.prompts_sha256["run"] == facts.prompts_sha256[alternative] == digest
    assert facts.prompts_sha256["on"] != facts.prompts_sha256["off"]
    assert report.applied.template_kwargs == facts.kwargs
    assert len(report.applied.template_sha256) == 64
    assert report.applied.template_day is None
    assert not [reason for reason in report.verdict.reasons if reason.startswith("reasoning")]


def test_the_report_has_the_day_that_stands_in_the_prompts(generated, tiny_hub):  # noqa: F811
    name = altered_copy(tiny_hub, LLAMA, with_template(TELLS_THE_DATE))
    report, _ = generated(name, "Off")
    assert f"{report.applied.template_day:%d %B %Y}" in report.reasoning.example_prompt


DEAF = "{% for message in messages %}{{ message.content }}{% endfor %}{{ '<|assistant|>' }}"


def test_nothing_is_measured_where_the_template_ignores_the_switch(generated, tiny_hub):  # noqa: F811
    name = altered_copy(tiny_hub, LLAMA, with_template(DEAF), "Qwen/Qwen3-0.6B")
    report, folder = generated(name, "Off")
    assert (report.outcome, report.failure.kind) == ("failed", "reasoning_not_applied")
    assert name in report.failure.message
    assert "'Off'" in report.failure.message
    assert report.failure.remedy
    assert report.summary is None
    assert report.reasoning == ReasoningFacts(requested="Off")
    assert not (folder / "benchmark_results.csv").exists()


def test_a_model_that_thinks_against_its_prompt_is_flagged(generated, tiny_hub):  # noqa: F811
    """Its family never reasons; its weights do all the same."""
    name = altered_copy(tiny_hub, LLAMA, with_template(DEAF), "google/gemma-3-1b-it")
    report, _ = generated(name, "Off (N/A)")
    assert (report.reasoning.effective, report.reasoning.enforced) == ("none", True)
    assert report.summary.tokens.reasoning == 2 * (ON_CHAIN.index(THOUGHT) + 1)
    assert "reasoning_contradicts_state" in report.verdict.reasons
    assert "reasoning_not_enforced" not in report.verdict.reasons
