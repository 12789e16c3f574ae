"""`python -m benchmark_core render`: what a model would be given, without its weights."""

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmark_core.checkpoints.faults import told_as_model_faults
from benchmark_core.checkpoints.loading import template_sha256
from benchmark_core.contract import PromptForm, ReasoningRequest
from benchmark_core.direct.overrides import parse_overrides
from benchmark_core.faults import SpecFault
from benchmark_core.hub import repository_text, resolved_commit
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning.states import parse_state

LONGEST_TEMPLATE_BYTES = 1_000_000


@dataclass(frozen=True)
class Rendering:
    text: str
    form: PromptForm
    facts: ReasoningFacts
    template_sha256: str | None
    template_day: date | None


def render(options: argparse.Namespace) -> None:
    """Print the prompt.

    Raises:
        RunFault: the arguments mean nothing, the tokenizer cannot be loaded, or the prompt would
            not ask for the state.
    """
    rendering = _render(options, _request(options))
    if options.json:
        print(json.dumps(_document(rendering), indent=2, ensure_ascii=False))
        return
    sys.stdout.write(rendering.text)
    if sys.stdout.isatty():
        sys.stdout.write("\n")
    sys.stdout.flush()
    print(_summary(rendering.facts), file=sys.stderr)


def _request(options: argparse.Namespace) -> ReasoningRequest:
    overridden = parse_overrides(options.overrides)
    if (options.state is None) == (overridden is None):
        raise SpecFault(
            "the state is given twice" if overridden else "no state is given",
            'Give either --state, for example --state "On (High)", or scenario.reasoning=True.',
        )
    return overridden or parse_state(options.state)


def _render(options: argparse.Namespace, request: ReasoningRequest) -> Rendering:
    from transformers import AutoTokenizer

    name = options.model
    with told_as_model_faults(name, "its revision"):
        commit = resolved_commit(name, options.revision, "model")
    with told_as_model_faults(name, "the tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(
            name, revision=commit, trust_remote_code=options.trust_remote_code
        )
    if options.chat_template is not None:
        tokenizer.chat_template = _template(options.chat_template)

    def read_file(file_name: str) -> str:
        with told_as_model_faults(f"{name} ({file_name})", "the file"):
            return repository_text(name, file_name, commit)

    prompts = Prompts(options.model_id or name, request)
    prompts.settle(tokenizer, read_file)
    prompt, facts = prompts.make(options.prompt), prompts.facts()
    assert facts is not None  # as there is a request
    return Rendering(
        prompt.text, prompt.form, facts, template_sha256(tokenizer), prompt.template_day
    )


def _template(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(LONGEST_TEMPLATE_BYTES + 1)
        if len(data) > LONGEST_TEMPLATE_BYTES:
            raise SpecFault(
                f"--chat-template {path}: longer than {LONGEST_TEMPLATE_BYTES} bytes",
                "Name a file that holds a chat template and nothing else.",
            )
        text = data.decode()
        if not text.strip():
            raise SpecFault(f"--chat-template {path}: is empty", "Leave the flag out.")
        return text
    except OSError as error:
        raise SpecFault(
            f"--chat-template {path}: cannot be read: {error.strerror}", "Name a readable file."
        ) from error
    except UnicodeDecodeError as error:
        raise SpecFault(f"--chat-template {path}: is not UTF-8", "Save it as UTF-8.") from error


def _document(rendering: Rendering) -> dict[str, Any]:
    facts, day = rendering.facts, rendering.template_day
    return {
        "text": rendering.text,
        "form": rendering.form,
        "requested": facts.requested,
        "effective": facts.effective,
        "enforced": facts.enforced,
        "family": facts.family,
        "basis": facts.basis,
        "mechanism": facts.mechanism,
        "kwargs": facts.kwargs,
        "system_message": facts.system_message,
        "user_prefix": facts.user_prefix,
        "block": facts.block,
        "end_marker": facts.end_marker,
        "template_sha256": rendering.template_sha256,
        "template_day": day.isoformat() if day else None,
    }


def _summary(facts: ReasoningFacts) -> str:
    """One line for people, apart from the prompt."""
    given = [f"{name}={value!r}" for name, value in facts.kwargs.items()]
    given += ["a system message"] if facts.system_message is not None else []
    given += [f"{facts.user_prefix!r} before the text"] if facts.user_prefix else []
    known = f"family {facts.family}" if facts.family else "found by the probe"
    enforced = "" if facts.enforced else ", NOT ENFORCED: the prompt does not bring that about"
    return (
        f"{facts.requested}: reasoning {facts.effective}{enforced}; {facts.mechanism} ({known});"
        f" given {', '.join(given) or 'nothing'}"
    )
