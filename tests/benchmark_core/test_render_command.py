"""`python -m benchmark_core render`: the prompt exactly, without weights."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.__main__ import FAILED, FINISHED, WRONG_USE, main
from benchmark_core.render_command import LONGEST_TEMPLATE_BYTES
from tests.support import chat_templates as templates
from tests.support.chat_templates import save_tokenizer
from tests.support.tiny_hub import LLAMA, built_hub, rewrite_json, snapshot, tiny_hub  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
TEXT = "What floats?"
HEAD = "<|begin|><|user|>What floats?<|end|><|assistant|>"
KEYS = {
    "text",
    "form",
    "requested",
    "effective",
    "enforced",
    "family",
    "basis",
    "mechanism",
    "kwargs",
    "system_message",
    "user_prefix",
    "block",
    "end_marker",
    "template_sha256",
    "template_day",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer whose template has a switch; no weights, no config."""
    made = save_tokenizer(tmp_path_factory.mktemp("tokenizer"), templates.ON_BY_DEFAULT)
    assert not list(made.glob("*.safetensors"))
    assert not (made / "config.json").exists()
    return str(made)


@pytest.fixture
def template_file(tmp_path: Path) -> Path:
    file = tmp_path / "own.jinja"
    file.write_text(templates.LEVELS, encoding="utf-8")
    return file


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["render", *arguments, "--prompt", TEXT]) == FINISHED
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--json"))
    assert set(found) == KEYS
    return found


def refusal(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """The one line of the refusal; nothing is printed as if it were a prompt."""
    assert main(["render", *arguments, "--prompt", TEXT]) == code
    found = capsys.readouterr()
    assert found.out == ""
    lines = found.err.splitlines()
    assert lines[-1].startswith("error: ")
    assert "Traceback" not in found.err
    return lines[-1]


@pytest.mark.parametrize(
    ("state", "text"),
    [("On", HEAD), ("Off", HEAD + "<think></think>"), ("off(n/a)", HEAD + "<think></think>")],
)
def test_the_prompt_is_printed_exactly(
    capsys: pytest.CaptureFixture[str], folder: str, state: str, text: str
) -> None:
    assert printed(capsys, "--model", folder, "--state", state) == text


@pytest.mark.parametrize("text", ["", " \n", "ü 猫 🐈\nline", "{{ 1 }}", "a=b"])
def test_the_users_text_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str], folder: str, text: str
) -> None:
    assert main(["render", "--model", folder, "--state", "On", "--prompt", text]) == FINISHED
    assert capsys.readouterr().out == f"<|begin|><|user|>{text}<|end|><|assistant|>"


def test_one_line_beside_the_prompt_says_what_it_is(
    capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    main(["render", "--model", folder, "--state", "Off", "--prompt", TEXT])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Off: reasoning off; template_switch (found by the probe)")
    assert "enable_thinking=False" in line
    assert "NOT ENFORCED" not in line


def test_that_line_says_when_the_state_is_not_brought_about(
    capsys: pytest.CaptureFixture[str], folder: str, template_file: Path
) -> None:
    arguments = ["render", "--model", folder, "--as", "openai/gpt-oss-20b", "--state", "Off"]
    main([*arguments, "--chat-template", str(template_file), "--prompt", TEXT])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Off: reasoning on, NOT ENFORCED")
    assert "family gpt-oss" in line


def test_everything_known_of_it_as_json(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    found = document(capsys, "--model", folder, "--as", "Qwen/Qwen3-0.6B", "--state", "Off (N/A)")
    assert found == {
        "text": HEAD + "<think></think>",
        "form": "chat",
        "requested": "Off (N/A)",
        "effective": "off",
        "enforced": True,
        "family": "Qwen3 hybrid",
        "basis": "table",
        "mechanism": "template_switch",
        "kwargs": {"enable_thinking": False},
        "system_message": None,
        "user_prefix": "",
        "block": "closed",
        "end_marker": "</think>",
        "template_sha256": hashlib.sha256(templates.ON_BY_DEFAULT.encode()).hexdigest(),
        "template_day": None,
    }


def test_a_local_folder_is_a_stranger_unless_it_is_named(
    capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    found = document(capsys, "--model", folder, "--state", "On")
    assert (found["family"], found["basis"], found["effective"]) == (None, "probe", "on")


def test_another_template_in_the_place_of_the_tokenizers_own(
    capsys: pytest.CaptureFixture[str], folder: str, template_file: Path
) -> None:
    found = document(
        capsys,
        *("--model", folder, "--as", "openai/gpt-oss-20b", "--state", "On (High)"),
        *("--chat-template", str(template_file)),
    )
    assert "Reasoning: high" in found["text"]
    assert found["kwargs"] == {"reasoning_effort": "high"}
    assert found["end_marker"] == "<|channel|>final<|message|>"
    assert found["template_sha256"] == hashlib.sha256(template_file.read_bytes()).hexdigest()


def test_a_system_message_of_the_familys_is_in_the_json(
    capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path
) -> None:
    file = tmp_path / "flag.jinja"
    file.write_text(templates.STRIPPED_SYSTEM_FLAG)
    model = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
    found = document(
        capsys,
        *("--model", folder, "--as", model, "--state", "Off", "--chat-template", str(file)),
    )
    assert (found["system_message"], found["mechanism"]) == ("/no_think", "system_message")
    assert "/no_think" not in found["text"]


def test_a_base_model_is_given_raw_text(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    found = document(
        capsys, "--model", folder, "--as", "google/gemma-3-270m", "--state", "Off (N/A)"
    )
    assert (found["text"], found["form"], found["mechanism"]) == (TEXT, "raw", "raw_text")


def test_the_state_as_users_of_the_original_write_it(
    capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    found = document(capsys, "--model", folder, "scenario.reasoning=False")
    assert (found["requested"], found["kwargs"]) == ("Off", {"enable_thinking": False})


def test_a_model_of_the_hub_by_its_id(
    capsys: pytest.CaptureFixture[str],
    tiny_hub: Path,  # noqa: F811
) -> None:
    for weights in snapshot(tiny_hub, LLAMA).glob("*.safetensors"):
        weights.unlink()
    found = document(capsys, "--model", LLAMA, "--state", "On (High)")
    assert found["text"] == HEAD + "<think><|effort_high|>"
    assert found["kwargs"] == {"enable_thinking": True, "reasoning_effort": "high"}
    (snapshot(tiny_hub, LLAMA) / "tokenizer.json").unlink()
    assert LLAMA in refusal(capsys, FAILED, "--model", LLAMA, "--state", "On")


@pytest.mark.usefixtures("tiny_hub")
def test_a_model_or_revision_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "org/nowhere" in refusal(capsys, FAILED, "--model", "org/nowhere", "--state", "On")
    arguments = ("--model", LLAMA, "--revision", "never", "--state", "On")
    assert LLAMA in refusal(capsys, FAILED, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no state is given"),
        (("--state", "On", "scenario.reasoning=True"), "the state is given twice"),
        (("--state", "Maybe"), "reasoning state 'Maybe' is not known"),
        (("scenario.reasoning=0",), "neither true nor false"),
        (("scenario.reasoning_params.reasoning_effort=huge",), "is no level"),
        (("scenario.thinking=True",), "is not known"),
    ],
)
def test_arguments_without_a_meaning_are_wrong_use(
    capsys: pytest.CaptureFixture[str], folder: str, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(capsys, WRONG_USE, "--model", folder, *arguments)


@pytest.mark.parametrize(
    ("model", "state", "said"),
    [
        ("deepseek-ai/DeepSeek-V3.2-Exp", "Off", "the same prompt for On and Off"),
        ("openai/gpt-oss-20b", "On (High)", "the same prompt for the levels"),
        ("Qwen/Qwen3-0.6B", "On (High)", "has no levels"),
    ],
)
def test_a_prompt_that_would_not_ask_for_the_state_is_not_printed(
    capsys: pytest.CaptureFixture[str], folder: str, model: str, state: str, said: str
) -> None:
    line = refusal(capsys, FAILED, "--model", folder, "--as", model, "--state", state)
    assert model in line
    assert said in line


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, WRONG_USE, "cannot be read"),
        (b"x" * (LONGEST_TEMPLATE_BYTES + 1), WRONG_USE, "longer than"),
        ("ü".encode("latin-1"), WRONG_USE, "is not UTF-8"),
        (b" \n", WRONG_USE, "is empty"),
        (templates.RAISES_ALWAYS.encode(), FAILED, "I want two messages"),
        (templates.IS_NO_JINJA.encode(), FAILED, "the chat template cannot render"),
        (templates.LEAVES_THE_MESSAGE_OUT.encode(), FAILED, "leaves the user's message out"),
    ],
)
def test_a_template_file_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str],
    folder: str,
    tmp_path: Path,
    content: bytes | None,
    code: int,
    said: str,
) -> None:
    file = tmp_path / "own.jinja"
    if content is not None:
        file.write_bytes(content)
    arguments = ("--model", folder, "--state", "On", "--chat-template", str(file))
    line = refusal(capsys, code, *arguments)
    assert said in line
    assert code == FAILED or str(file) in line


def test_a_folder_in_the_place_of_a_template_file(
    capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path
) -> None:
    arguments = ("--model", folder, "--state", "On", "--chat-template", str(tmp_path))
    assert "cannot be read" in refusal(capsys, WRONG_USE, *arguments)


def test_the_longest_template_is_still_read(
    capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.jinja"
    comment = "{#" + " " * (LONGEST_TEMPLATE_BYTES - 4 - len(templates.ON_BY_DEFAULT)) + "#}"
    file.write_text(comment + templates.ON_BY_DEFAULT)
    assert file.stat().st_size == LONGEST_TEMPLATE_BYTES
    arguments = ("--model", folder, "--state", "On", "--chat-template", str(file))
    assert printed(capsys, *arguments) == HEAD


@pytest.mark.parametrize("missing", ["--model", "--prompt"])
def test_what_the_command_cannot_do_without(missing: str, folder: str) -> None:
    arguments = {"--model": folder, "--prompt": TEXT, "--state": "On"}
    given = [part for flag, value in arguments.items() if flag != missing for part in (flag, value)]
    with pytest.raises(SystemExit) as caught:
        main(["render", *given])
    assert caught.value.code == WRONG_USE


def command(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[bytes]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "benchmark_core", "render", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_the_real_command_prints_the_bytes_of_the_prompt_and_nothing_else(
    folder: str, tmp_path: Path
) -> None:
    done = command(*("--model", folder, "--state", "Off", "--prompt", "ü 猫\nx"), cwd=tmp_path)
    assert done.returncode == FINISHED, done.stderr
    expected = "<|begin|><|user|>ü 猫\nx<|end|><|assistant|><think></think>"
    assert done.stdout == expected.encode()
    refused = command("--model", folder, "--state", "Maybe", "--prompt", TEXT, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (WRONG_USE, b"")
    assert b"Traceback" not in refused.stderr


@pytest.mark.parametrize(("flags", "code"), [((), FAILED), (("--trust-remote-code",), FINISHED)])
def test_program_code_of_a_repository_runs_only_where_it_is_allowed_and_nobody_is_asked(
    tmp_path: Path, flags: tuple[str, ...], code: int
) -> None:
    folder = save_tokenizer(tmp_path / "own_code", templates.ON_BY_DEFAULT)
    (folder / "tokenization_own.py").write_text(
        "from transformers import PreTrainedTokenizerFast\n\n\n"
        "class Own(PreTrainedTokenizerFast):\n    pass\n"
    )
    own = ["tokenization_own.Own", "tokenization_own.Own"]
    rewrite_json(
        folder / "tokenizer_config.json", tokenizer_class="Own", auto_map={"AutoTokenizer": own}
    )
    arguments = ("--model", str(folder), "--state", "On", "--prompt", TEXT, *flags)
    done = subprocess.run(
        [sys.executable, "-m", "benchmark_core", "render", *arguments],
        cwd=ROOT,
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules")},
    )
    assert (done.returncode, done.stdout) == (code, HEAD if code == FINISHED else "")


def test_a_package_that_is_not_installed_is_named_with_the_remedy(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['transformers'] = None\n"
        "from benchmark_core.__main__ import main\n"
        "sys.exit(main(['render', '--model', '.', '--state', 'On', '--prompt', 'x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (FAILED, "")
    (line,) = done.stderr.splitlines()
    assert "the package transformers is not installed" in line
    assert "pip install -r requirements.txt" in line
