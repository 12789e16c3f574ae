"""The original's arguments become a run's spec, or one message for every mistake in them."""

from pathlib import Path
from typing import Any

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, SampleSource, TokenLimits
from benchmark_core.direct.keys import FIXED, KNOWN, SETTINGS
from benchmark_core.sample_folder import samples_sha256
from benchmark_core.tasks import registry as tasks
from tests.support.direct import MODEL, planned, spec_of, text_faults, text_spec

TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)
REASONS = TokenLimits(max_new_tokens=8192, min_new_tokens=1)
CPU = "backend.device=cpu"


# ------------------------------------------------------------------ what words come to


def test_a_model_alone_gets_the_protocol_but_for_its_repetitions() -> None:
    spec = text_spec()
    assert (spec.run_id, spec.task, spec.precision) == ("org_model", "text_generation", "float16")
    assert (spec.repetitions, spec.limits, spec.reasoning) == (1, TEN, None)
    assert spec.samples == SampleSource(dataset_id="AIEnergyScore/text_generation")
    assert spec.backend == BackendSpec(name="pytorch")
    assert spec.device == DeviceSpec(kind="cuda", gpu_count=1)
    assert (spec.meters, spec.idle_seconds) == (("nvml", "codecarbon"), 5.0)


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_a_config_under_each_of_its_names(task: Any) -> None:
    for name in {task.name, *task.spellings, task.name.upper(), task.name.replace("_", "-")}:
        spec = spec_of("--config-name", name, MODEL, CPU)
        assert spec.task == task.name
        assert (spec.precision, spec.steps) == (task.precision, task.steps)
        assert spec.limits == task.limits(reasons=False)
        assert spec.samples == SampleSource(dataset_id=task.dataset_id)
        assert (spec.device.kind, spec.meters, spec.idle_seconds) == ("cpu", ("codecarbon",), None)


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("backend.processor=org/other", "model.processor", "org/other"),
        ("backend.revision=v1", "model.revision", "v1"),
        ("backend.revision=0012345", "model.revision", "0012345"),
        ("backend.revision=1e5", "model.revision", "1e5"),
        ("backend.revision='null'", "model.revision", "null"),
        ("backend.revision=null", "model.revision", None),
        ("backend.model_kwargs.revision=v1", "model.revision", "v1"),
        ("backend.trust_remote_code=TRUE", "model.trust_remote_code", True),
        ("backend.trust_remote_code=false", "model.trust_remote_code", False),
        ("backend.model_kwargs.trust_remote_code=True", "model.trust_remote_code", True),
        ("backend.torch_dtype=float32", "precision", "float32"),
        ("backend.dtype=auto", "precision", "auto"),
        ("backend.device_ids=2", "device.gpu_count", 1),
        ("backend.device_ids=[0,1]", "device.gpu_count", 2),
        ("backend.device_ids=0,1,3", "device.gpu_count", 3),
        ("backend.device_ids=GPU-5151-0000", "device.gpu_count", 1),
        ("scenario.num_samples=20", "samples.count", 20),
        ("+scenario.num_samples=20", "samples.count", 20),
        ("++scenario.num_samples=20", "samples.count", 20),
        ("scenario.num_samples=-1", "samples.count", None),
        ("scenario.dataset_name=own/data", "samples.dataset_id", "own/data"),
        (
            "scenario.dataset_name=EnergyStarAI/text_generation",
            "samples.dataset_id",
            "AIEnergyScore/text_generation",
        ),
        ("scenario.dataset_revision=v2", "samples.dataset_revision", "v2"),
        ("scenario.repetitions=10", "repetitions", 10),
        ("scenario.iterations=3", "repetitions", 3),
        ("scenario.generate_kwargs.max_new_tokens=50", "limits.max_new_tokens", 50),
        ("scenario.generate_kwargs.min_new_tokens=3", "limits.min_new_tokens", 3),
        ("scenario.reasoning=True", "reasoning.state", "On"),
        ("scenario.reasoning=False", "reasoning.state", "Off"),
        ("scenario.reasoning_params.reasoning_effort=high", "reasoning.state", "On (High)"),
        ("scenario.reasoning_params.thinking=true", "limits", REASONS),
        ("backend=simulated", "backend.name", "simulated"),
        ("backend.type=simulated", "samples.synthetic", True),
    ],
)
def test_a_word_sets(word: str, field: str, value: object) -> None:
    found: Any = text_spec(word)
    for name in field.split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_a_run_is_named_by_the_rule_of_catalog_rows() -> None:
    from tests.orchestrator.test_run_planner import config, run_id

    spec = spec_of(
        *("--config-name", "text_generation", "backend.model=openai/gpt-oss-20b"),
        *("scenario.reasoning=True", "scenario.reasoning_params.reasoning_effort=high"),
    )
    row = config(model_id="openai/gpt-oss-20b", reasoning_state="On (High)")
    assert spec.run_id == run_id(row) == "openai_gpt-oss-20b_On_High"


def test_steps_are_those_that_are_asked_for() -> None:
    words = ("--config-name", "image_generation", MODEL)
    assert spec_of(*words).steps == 30
    assert spec_of(*words, "scenario.call_kwargs.num_inference_steps=4").steps == 4


def test_a_server_is_asked_without_meters_and_without_a_gpu() -> None:
    environ = {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://box:8001/v1"}
    spec = text_spec(environ=environ)
    assert spec.backend == BackendSpec(name="vllm", endpoint="http://box:8001")
    assert (spec.meters, spec.device.gpu_count, spec.precision) == ((), 0, "auto")
    plan, _ = planned("--config-name", "text_generation", MODEL, environ=environ)
    assert plan is not None
    (note,) = plan.notes
    assert "GPU energy a direct run does not measure" in note
    named = text_spec("backend.name=vllm", "backend.endpoint=http://other:8000/v1", environ=environ)
    assert named.backend.endpoint == "http://other:8000"
    assert text_spec("backend.name=pytorch", environ=environ).backend == BackendSpec(name="pytorch")


def test_launchers_may_say_how_many_samples_are_usual() -> None:
    environ = {"DEFAULT_NUM_SAMPLES": "20"}
    assert text_spec(environ=environ).samples.count == 20
    assert text_spec("scenario.num_samples=3", environ=environ).samples.count == 3
    assert text_spec("scenario.num_samples=-1", environ=environ).samples.count is None
    assert text_spec("scenario.num_samples=null", environ=environ).samples.count == 20
    assert text_spec("scenario.num_samples=null").samples.count is None


def test_own_samples_are_known_by_their_hash(tmp_path: Path) -> None:
    file = tmp_path / "my prompts, all.txt"
    file.write_text("one\ntwo\n")
    plan, faults = planned(
        "--config-name", "text_generation", MODEL, f"scenario.prompts_file={file}"
    )
    assert (faults, plan and plan.samples_path) == ([], file)
    assert plan is not None
    assert plan.spec.samples == SampleSource(prompts_sha256=samples_sha256(file))
    assert plan.launch(()).samples_path == str(file)
    table = tmp_path / "rows.jsonl"
    table.write_text('{"text": "one"}\n')
    found = text_spec(f"scenario.dataset_dir={table}", "scenario.num_samples=1").samples
    assert found == SampleSource(folder_sha256=samples_sha256(table), count=1)


FIXED_WORDS = [
    "scenario.warmup_runs=10",
    "scenario.input_shapes.batch_size=1",
    "scenario.energy=True",
    "scenario.latency=true",
    "scenario.memory=False",
    "scenario.truncation=True",
    "scenario.dataset_split=train",
    "scenario.dataset_config=default",
    "scenario.text_column_name=text",
    "backend.task=text-generation",
    "backend.library=transformers",
    "backend.no_weights=False",
    "backend.device_map=auto",
    "launcher.device_isolation=True",
    "launcher=process",
    "scenario=energy_star",
    "name=my_run",
]


def test_what_holds_anyway_may_be_said() -> None:
    assert text_spec(*FIXED_WORDS) == text_spec()


def test_null_is_the_default_of_every_key_but_the_model_and_the_task() -> None:
    keys = [key for key in (*SETTINGS, *FIXED) if key not in ("backend.model", "backend.task")]
    assert text_spec(*(f"{key}=null" for key in keys)) == text_spec()
    (fault,) = text_faults("scenario.warmup_runs='null'")
    assert "Write 10, or leave the key out." in fault


def test_equal_words_of_one_setting_may_be_said_twice() -> None:
    words = ("scenario.repetitions=2", "scenario.iterations=2", "scenario.repetitions=2")
    assert text_spec(*words).repetitions == 2


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("backend.modle=x", "'backend.modle=x' is not known. Did you mean backend.model=...?"),
        ("scenario.num_sample=3", "Did you mean scenario.num_samples=...?"),
        ("scenario.max_new_tokens=3", "Did you mean scenario.generate_kwargs.max_new_tokens=...?"),
        ("zzzz=3", "'zzzz=3' is not known. Write key=value."),
        ("nothing", "'nothing' is not known."),
        ("~backend.revision", "takes a key away"),
        ("hydra.run.dir=/x", "Results go where RESULTS_DIR says."),
        ("backend.processor=${backend.model}", "refers to another value"),
        ("backend.processor=", "is empty"),
        ("backend.processor=[a,b]", "is a list"),
        ("backend.processor=" + "x" * 501, "is longer than 500 characters"),
        ("backend.processor=a\x1b[2Jb", "some that cannot be shown"),
        ("scenario.num_samples=0", "is not a whole number of at least 1. Write one, or -1"),
        ("scenario.num_samples=2.5", "is not a whole number of at least 1"),
        ("scenario.num_samples='20'", "is not a whole number of at least 1"),
        ("scenario.num_samples=True", "is not a whole number of at least 1"),
        ("scenario.num_samples=" + "9" * 5000, "is not a whole number of at least 1"),
        ("scenario.repetitions=-1", "is not a whole number of at least 1"),
        ("backend.trust_remote_code=1", "is neither true nor false. Write True or False."),
        ("backend.torch_dtype=bfloat16", "Write one of: float16, float32, auto."),
        ("backend.device=mps", "is not known. Write one of: cuda, cpu."),
        ("backend.name=onnxruntime", "is not known. Write one of: pytorch,"),
        ("backend.device_ids=first", "names no GPUs. Write numbers or UUIDs"),
        ("backend.device_ids=[]", "names no GPUs"),
        ("backend.device_ids=1,01", "names a GPU twice"),
        ("scenario.warmup_runs=3", "the protocol warms up with ten runs. Write 10,"),
        ("scenario.input_shapes.batch_size=8", "one sample is run at a time. Write 1,"),
        ("scenario.energy=False", "the energy is what is measured. Write True,"),
        ("scenario.energy=1", "the energy is what is measured. Write True,"),
        ("scenario.memory=True", "memory is not measured. Write False,"),
        ("scenario.text_column_name=prompt", "the columns are those of the task. Write text,"),
        ("backend.library=diffusers", "the task says which library runs it. Write transformers"),
        ("backend.no_weights=True", "the model's own weights are run"),
        ("scenario.generate_kwargs.do_sample=True", "every token is the likeliest one"),
        ("scenario.generate_kwargs.temperature=0.6", "every token is the likeliest one"),
        ("launcher=torchrun", "a run is one process. Write process or inline,"),
        ("backend.task=summarization", "contradict each other. Leave one of them out."),
        ("backend.task=text2text-generation", "names no task. Known are: text_generation,"),
        ("scenario.call_kwargs.num_inference_steps=9", "models of text_generation draw in no step"),
        ("scenario.generate_kwargs.max_new_tokens=5", "min_new_tokens is 10 and max_new_tokens 5"),
        ("backend.endpoint=http://x:1", "the pytorch backend asks no server"),
        ("scenario.prompts_file=/nowhere/x.txt", "/nowhere/x.txt"),
        ("scenario.prompts_file=~nosuchuser/x", "of a user who is not known here. Write the whole"),
        ("scenario.dataset_dir=" + "x" * 300, "has a part of more than 255 bytes"),
        ("backend.processor=" + "x" * 300 + "/y", "has a part of more than 255 bytes"),
    ],
)
def test_one_mistake_is_one_message(word: str, said: str) -> None:
    (fault,) = text_faults(word)
    assert said in fault
    assert len(fault) < 700
    assert fault.isprintable()


@pytest.mark.parametrize(
    "words",
    [
        ("scenario.repetitions=2", "scenario.iterations=3"),
        ("backend.model=org/other",),
        ("backend.torch_dtype=float16", "backend.dtype=float32"),
        ("scenario.truncation=True", "scenario.truncation=False"),
        ("scenario.reasoning=False", "scenario.reasoning_params.reasoning_effort=low"),
        ("backend.task=text_generation", "scenario.task=summarization"),
    ],
)
def test_two_words_that_say_different_things_are_refused(words: tuple[str, ...]) -> None:
    faults = text_faults(*words)
    assert any("contradict each other. Leave one of them out." in fault for fault in faults)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backend.name=vllm",), "not told where its server answers"),
        (("backend.name=vllm", "backend.endpoint=box:8000"), "does not begin with http://"),
        (("backend.name=vllm", "backend.endpoint=http://a:b@c"), "holds a user name or password"),
        (("backend.name=vllm", "backend.endpoint=http://c", CPU), "has its own. Leave it out."),
        (
            ("backend.name=vllm", "backend.endpoint=http://c", "backend.dtype=float16"),
            "a server does not tell in which precision",
        ),
        (
            ("backend.name=vllm", "backend.endpoint=http://c", "backend.revision=v1"),
            "a server does not tell which revision",
        ),
        ((CPU, "backend.device_ids=0"), "the run takes no GPU"),
        (("backend.name=simulated", CPU), "the simulated backend has its own"),
    ],
)
def test_words_that_cannot_be_meant_together_are_refused(words: tuple[str, ...], said: str) -> None:
    (fault,) = text_faults(*words)
    assert said in fault


def test_a_password_of_an_endpoint_is_not_repeated() -> None:
    (fault,) = text_faults("backend.name=vllm", "backend.endpoint=http://me:secret@box:8000")
    assert "secret" not in fault


def test_a_level_that_the_family_does_not_have_is_refused() -> None:
    words = ("--config-name", "text_generation", "backend.model=Qwen/Qwen3-0.6B")
    _, (fault,) = planned(*words, "scenario.reasoning_params.reasoning_effort=high")
    assert "the model has no levels. Write scenario.reasoning=True alone." in fault


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scenario.reasoning=True",), "models of image_classification are not told to reason"),
        (
            ("scenario.generate_kwargs.max_new_tokens=5",),
            "models of image_classification generate no tokens",
        ),
        (("backend.name=vllm", "backend.endpoint=http://c"), "the vllm backend generates text"),
    ],
)
def test_what_a_task_does_not_do_is_refused(words: tuple[str, ...], said: str) -> None:
    _, (fault,) = planned("--config-name", "image_classification", MODEL, *words)
    assert said in fault


def test_own_samples_go_instead_of_a_dataset(tmp_path: Path) -> None:
    file = tmp_path / "p.txt"
    file.write_text("one\n")
    (fault,) = text_faults(f"scenario.prompts_file={file}", "scenario.dataset_name=own/data")
    assert "goes instead of a dataset of the hub" in fault
    (fault,) = text_faults(f"scenario.prompts_file={file}", f"scenario.dataset_dir={file}")
    assert "are both given" in fault


def test_every_mistake_is_told_at_once() -> None:
    _, faults = planned(
        *("--config-name", "text_generation", "backend.modle=x", "scenario.num_samples=0"),
        *("scenario.warmup_runs=1", "scenario.reasoning=maybe", "backend.name=vllm"),
    )
    parts = ("backend.model=", "num_samples=0", "no model", "warmup_runs", "maybe", "its server")
    for part in parts:
        assert any(part in fault for fault in faults), part
    assert len(faults) == len(parts)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((MODEL,), "no config is named. Add --config-name text_generation"),
        (("--config-name", "text_generatoin", MODEL), "Did you mean text_generation?"),
        (("--config-name", "t5_summarization", MODEL), "Did you mean summarization?"),
        (("--config-name", "zzz", MODEL), "Known are: text_generation,"),
        (("--config-name", "", MODEL), "there is no config ''"),
        (("--config-name", "my/own.yaml", MODEL), "there is no config file 'my/own.yaml'"),
        (("--config-name", "x" * 5000 + ".yaml", MODEL), "there is no config file"),
        (("--config-name", "a\0.yaml", MODEL), "there is no config file"),
        (("--config-name", "~nosuchuser/x.yaml", MODEL), "of a user who is not known here"),
        (("--config-dir", "~nosuchuser", "--config-name", "x"), "of a user who is not known here"),
    ],
)
def test_a_config_that_is_not_there_is_refused(words: tuple[str, ...], said: str) -> None:
    plan, (fault,) = planned(*words)
    assert plan is None
    assert said in fault


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BENCHMARK_BACKEND", "tgi", "environment variable BENCHMARK_BACKEND ('tgi') is not known"),
        ("DEFAULT_NUM_SAMPLES", "few", "environment variable DEFAULT_NUM_SAMPLES ('few') is not"),
    ],
)
def test_a_variable_that_makes_no_sense_is_refused(variable: str, value: str, said: str) -> None:
    (fault,) = text_faults(environ={variable: value})
    assert said in fault


def test_no_key_is_both_settable_and_fixed() -> None:
    assert len(set(KNOWN)) == len(KNOWN) == len(SETTINGS) + len(FIXED) + 3
