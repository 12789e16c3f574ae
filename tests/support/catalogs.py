"""Small catalog files, and how they are refused."""

from pathlib import Path

import pytest

from model_config_parser import ModelConfig, ModelConfigParser
from orchestrator.errors import UsageError

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template"
OPTIONAL = HEADER + ",Revision,Parameters (B),GPUs,Processor,Trust Remote Code,Quantization"
GOOD = "a/b,1,A,text_gen,On,note"


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in (header, *lines)).encode())
    return path


def parse(path: Path, *lines: str, header: str = HEADER) -> list[ModelConfig]:
    return ModelConfigParser(write(path, *lines, header=header)).parse()


def refusal(path: Path) -> list[str]:
    """What stands behind the file's name in each problem."""
    with pytest.raises(UsageError) as caught:
        ModelConfigParser(path).parse()
    assert caught.value.exit_code == 2
    assert all(problem.what and problem.remedy for problem in caught.value.problems)
    messages = [str(problem) for problem in caught.value.problems]
    assert all(message.startswith(str(path)) and message.isprintable() for message in messages)
    return [message.removeprefix(str(path)) for message in messages]
