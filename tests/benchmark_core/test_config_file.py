"""Config files of the user's own: the original's shape, what wins over what, and hostile ones."""

import os
from pathlib import Path

import pytest

from benchmark_core.contract import RunSpec, SampleSource, TokenLimits
from tests.support.direct import planned, spec_of

ORIGINAL = """\
defaults:
  - benchmark
  - backend: pytorch
  - launcher: process
  - scenario: energy_star
  - _base_
  - _self_
  - override hydra/job_logging: colorlog

name: my_experiment

hydra:
  run:
    dir: runs/${name}

launcher:
  device_isolation: False
  device_isolation_action: warn

backend:
  device: cuda
  device_ids: 0
  no_weights: False
  task: text-generation
  model: openai/gpt-oss-20b
  torch_dtype: auto
  device_map: auto

scenario:
  dataset_name: EnergyStarAI/text_generation
  text_column_name: text
  num_samples: 1000  # all of them
  truncation: True
  reasoning: True
  reasoning_params:
    reasoning_effort: high

  input_shapes:
    batch_size: 1

  generate_kwargs:
    max_new_tokens: 10
    min_new_tokens: 10
"""


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def spec_in(path: Path, *words: str, **environ: str) -> RunSpec:
    return spec_of("--config-name", str(path), *words, environ=environ)


def faults_in(path: Path, *words: str) -> list[str]:
    plan, faults = planned("--config-name", str(path), *words)
    assert plan is None
    assert all(fault.isprintable() and len(fault) < 800 for fault in faults)
    return faults


def test_a_file_of_the_originals_shape_is_a_run(tmp_path: Path) -> None:
    spec = spec_in(write(tmp_path, ORIGINAL))
    assert (spec.model.id, spec.task, spec.precision) == (
        "openai/gpt-oss-20b",
        "text_generation",
        "auto",
    )
    assert spec.samples == SampleSource(dataset_id="AIEnergyScore/text_generation", count=1000)
    assert spec.reasoning is not None
    assert spec.reasoning.state == "On (High)"
    assert spec.limits == TokenLimits(max_new_tokens=10, min_new_tokens=10)
    assert (spec.device.gpu_count, spec.repetitions) == (1, 1)


@pytest.mark.parametrize("name", ["own.yaml", "own.yml"])
def test_a_file_is_named_by_its_folder_and_name_or_by_its_path(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, ORIGINAL, name)
    wanted = spec_in(path)
    for config in ("own", name):
        found = spec_of("--config-dir", str(tmp_path), "--config-name", config)
        assert found == wanted


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, ORIGINAL.replace("torch_dtype: auto", "torch_dtype: bfloat16"))
    spec = spec_in(
        path,
        *("backend.model=org/other", "backend.dtype=float16", "scenario.num_samples=-1"),
        *("scenario.reasoning=False", "backend.device=cpu", "scenario.repetitions=4"),
    )
    assert (spec.model.id, spec.precision, spec.samples.count) == ("org/other", "float16", None)
    assert spec.reasoning is not None
    assert (spec.reasoning.state, spec.device.kind, spec.repetitions) == ("Off", "cpu", 4)


def test_a_variable_wins_over_the_list_of_defaults_alone(tmp_path: Path) -> None:
    served = (
        "defaults: [text_generation, backend: vllm]\nbackend: {model: a/b, endpoint: 'http://x'}\n"
    )
    assert spec_in(write(tmp_path, served)).backend.name == "vllm"
    plain = "defaults: [text_generation, backend: pytorch]\nbackend: {model: a/b}\n"
    assert spec_in(write(tmp_path, plain), BENCHMARK_BACKEND="simulated").backend.is_simulated
    named = "defaults: [text_generation]\nbackend: {model: a/b, name: pytorch}\n"
    path = write(tmp_path, named)
    assert spec_in(path, BENCHMARK_BACKEND="simulated").backend.name == "pytorch"


@pytest.mark.parametrize(
    "text",
    [
        "scenario: {task: image_gen}\nbackend: {model: a/b}\n",
        "backend: {task: text-to-image, model: a/b}\n",
        "defaults: [image_generation, _self_]\nbackend: {model: a/b}\n",
        "defaults:\n  - task: image_generation\nbackend.model: a/b\n",
    ],
)
def test_the_task_is_named_in_any_of_these_ways(tmp_path: Path, text: str) -> None:
    assert spec_in(write(tmp_path, text)).task == "image_generation"


def test_samples_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("one\n")
    text = "backend: {task: text_gen, model: a/b}\nscenario: {prompts_file: p.txt}\n"
    plan, faults = planned("--config-name", str(write(tmp_path, text)))
    assert faults == []
    assert plan is not None
    assert plan.samples_path == tmp_path / "p.txt"


def test_texts_stay_as_they_are_written(tmp_path: Path) -> None:
    for revision in ("0012345", "1e5", "0x1F", "12:30", "yes", "2026-01-02", "'null'"):
        text = f"backend: {{task: text_gen, model: a/b, revision: {revision}}}\n"
        assert spec_in(write(tmp_path, text)).model.revision == revision.strip("'")


# ------------------------------------------------------------------ mistakes

HEAD = "backend:\n  task: text_gen\n  model: a/b\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "scenario:\n  num_sample: 3\n",
            "own.yaml, line 5: 'scenario.num_sample: 3' is not",
        ),
        ("scenario:\n  num_samples: few\n", "line 5: 'scenario.num_samples: few' is not a whole"),
        ("scenario:\n  warmup_runs: 3\n", "line 5: 'scenario.warmup_runs: 3' cannot be applied"),
        ("scenario:\n  num_samples: '3'\n", "is not a whole number"),
        ("  no_weights: true\n", "line 4: 'backend.no_weights: true' cannot be applied"),
        ("  processor: ${backend.model}\n", "refers to another value"),
        ("  processor: ${oc.env:HF_TOKEN}\n", "refers to another value"),
        ("  device_ids: [0, [1]]\n", "a list may hold texts and numbers alone"),
        ("defaults:\n  - my_base\n", "line 5: 'defaults: my_base' is not known"),
        ("defaults:\n  - launcher: torchrun\n", "line 5: 'defaults: launcher' is not known"),
        ("defaults:\n  - db: mysql\n", "other files are not read"),
        ("  model: c/d\n", "contradict each other"),
        ("scenario:\n  task: summarization\n", "contradict each other"),
        ("training:\n  epochs: 3\n", "line 5: 'training.epochs: 3' is not known"),
        ("scenario: {reasoning: off}\n", "is neither true nor false"),
        ("scenario: {prompts_file: nowhere.txt}\n", "nowhere.txt"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (fault,) = faults_in(write(tmp_path, HEAD + text))
    assert said in fault


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    faults = faults_in(write(tmp_path, "backend: {modle: x}\nscenario: {num_samples: 0}\n"), "y=z")
    for part in ("'y=z'", "line 1", "line 2", "which task", "no model"):
        assert any(part in fault for fault in faults), part


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no keys"),
        ("- a\n- b\n", "has no keys"),
        ("just words", "has no keys"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML"),
        ("backend: [1\n", "is not valid YAML"),
        ("backend:\n\tmodel: x\n", "line 2: is not valid YAML"),
        ("backend: *unknown\n", "is not valid YAML"),
        ("backend: &b {model: x}\nscenario: *b\n", "is referred to by an alias"),
        ("a: &a [*a]\n", "is referred to by an alias"),
        (BOMB, "is referred to by an alias"),
        ("backend: {model: x, <<: &d {revision: y}}\n", "has the tag"),
        ("backend: !!python/object/apply:os.system ['touch pwned']\n", "has the tag"),
        ("backend: {model: !!python/name:os.system ''}\n", "has the tag"),
        ("!!python/object:os.path\nbackend: {}\n", "has the tag"),
        ("backend: !!binary aGk=\n", "has the tag"),
        ("? [a, b]\n: c\n", "is not known"),
        ("a: " + "[" * 3000 + "]" * 3000, "is not valid YAML"),
        ("a: " + "{b: " * 50 + "1" + "}" * 50, "holds more than a config does"),
        ("a:\n" + "".join(f"  k{n}: 1\n" for n in range(3000)), "holds more than a config does"),
        ("a: \x07\n", "is not valid YAML"),
        ("\x1b[2J: 1\n", "is not valid YAML"),
        ('"\\e[2J": 1\n', "is not known"),
    ],
)
def test_a_hostile_file_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert any(said in fault for fault in faults_in(write(tmp_path, text)))
    assert not (tmp_path / "pwned").exists()


def test_a_file_that_is_no_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_bytes(b"a: 1\n" * 2_000_000)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for name, said in (
        ("long", "is too long for a config file"),
        ("bytes", "is not valid YAML"),
        ("pipe", "there is no config file"),
        ("folder", "there is no config file"),
    ):
        (fault,) = faults_in(tmp_path / f"{name}.yaml")
        assert said in fault


def test_what_is_beside_a_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, HEAD)
    _, (fault,) = planned("--config-dir", str(tmp_path), "--config-name", "other")
    assert "It has own.yaml." in fault


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, HEAD)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    (fault,) = faults_in(path)
    assert "cannot be read: Permission denied. Make it readable." in fault
