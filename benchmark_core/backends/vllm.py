"""The backend that asks a server with OpenAI's interface for every answer: vLLM, or another.

The model's own tokenizer renders each prompt here too. So the reasoning state is proven as for a
model that runs here, and the server's count of prompt tokens shows whether it renders the same.
"""

import itertools
import secrets
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from benchmark_core.backends.base import (
    Backend,
    Conditions,
    SampleResult,
    TriedSample,
    Unusable,
    prepared_alone,
    refuse_other_length,
)
from benchmark_core.backends.walks import in_flight, one_by_one, threads
from benchmark_core.contract import PromptForm, RunSpec, TokenLimits
from benchmark_core.faults import ModelFault, ReasoningFault, SpecFault
from benchmark_core.kinds import MeasuredPass
from benchmark_core.recipe import Encoded, LoadedModel, Recipe, Sample
from benchmark_core.serving.address import FORM, parse_address
from benchmark_core.serving.dialects import DIALECTS, Dialect, Unspeakable
from benchmark_core.serving.server import CHAT, COMPLETIONS, SILENCE_SECONDS, Answer, Server

WARM_UP_REPEATS = 10
MOST_NAMED = 10
# Not every server can be told to go on after an end of text.
_TWO_TOKENS = TokenLimits(max_new_tokens=2, min_new_tokens=1)


@dataclass(frozen=True)
class Request:
    """One sample as the server takes it, without how long the answer is to be.

    `prompt_ids` is the prompt in tokens as the model's own tokenizer makes it.
    """

    path: str
    body: dict[str, Any]
    prompt_ids: "array[int]"
    form: PromptForm | None
    switches: dict[str, bool | str]
    cut: bool
    own_format: bool
    template_day: date | None


class ServedBackend:
    """One request at a time, or as many as the spec's concurrency says, to the server there."""

    def __init__(self, spec: RunSpec, recipe: Recipe, endpoint: str) -> None:
        self._spec = spec
        self._recipe = recipe
        self._concurrency = spec.backend.concurrency or 1
        self._server = _server(endpoint, spec, self._concurrency)
        self._dialect: Dialect = DIALECTS["openai"]
        self._tokenizer: Any = None
        self._prepared: list[Request | Unusable] = []
        self._limits: TokenLimits | None = None
        # Counted by one call of the interpreter, so that no two threads get the same.
        self._salt, self._numbers = secrets.token_hex(8), itertools.count()

    def load(self) -> LoadedModel:
        """Find the server, what it serves, and whether it can be told what the run asks for."""
        models = self._server.models()
        names = [str(model.get("id")) for model in models]
        model_id = self._spec.model.id
        if any(model.get("parent") for model in models if model.get("id") == model_id):
            raise ModelFault(
                f"the server at {self._server.address.root} has an adapter (LoRA) by the name of"
                f" {model_id}",
                "Serve the model itself under its name.",
            )
        if model_id not in names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            served = ", ".join(name[:100] for name in names[:MOST_NAMED]) or "no model"
            raise ModelFault(
                f"the server at {self._server.address.root} does not serve {model_id};"
                f" it serves {served}{more}",
                "Start it with that model (--served-model-name gives it another name), or choose"
                " the catalog's rows with --model-name.",
            )
        self._dialect = self._server.dialect(models)
        self._refuse_unspeakable_limits()
        self._tokenizer = self._recipe.load_processor()
        return LoadedModel(
            model_id=model_id,
            commit=None,
            kind="generate",
            processor=self._spec.model.processor or model_id,
            processor_commit=None,
            dtype=None,
            quantization=None,
            attention=None,
            ran_own_code=False,
            device=None,
            server=self._server_name(),
        )

    def take_over(self, earlier: Backend) -> None:
        """The server holds the model, whoever asks it."""

    def keep_model(self) -> bool:
        return False

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Request | Unusable]:
        self._prepared = [prepared_alone(self._request, sample) for sample in samples]
        return self._prepared

    def warm_up(self, prepared: Request, passes: Sequence[MeasuredPass]) -> None:
        """One answer of the longest pass, and ten of two tokens; as many at a time as later."""
        short = MeasuredPass(passes[-1].name, _TWO_TOKENS)
        steps = (passes[-1], *[short] * WARM_UP_REPEATS)
        if self._concurrency == 1:
            for step in steps:
                self.run(prepared, step)
            return
        same = [prepared] * self._concurrency
        with threads(self._concurrency, self._server.give_up) as pool:
            for step in steps:
                list(pool.map(self.run, same, [step] * self._concurrency))

    def run_all(
        self, prepared: Sequence[Request | Unusable], step: MeasuredPass
    ) -> Iterator[TriedSample]:
        if self._concurrency == 1:
            return one_by_one(self.run, prepared, step)
        return in_flight(self.run, prepared, step, self._concurrency, self._server.give_up)

    def run(self, prepared: Request, step: MeasuredPass) -> SampleResult:
        limits = step.limits
        if limits is None:
            raise ModelFault(
                "a server with OpenAI's interface generates, and this pass does not",
                "Measure the row with the pytorch backend.",
            )
        body = prepared.body | self._dialect.limits(limits) | self._fresh()
        answer = self._server.answer(prepared.path, body)
        self._limits = limits
        self._refuse_other_prompt(prepared, answer)
        tokens = answer.completion_tokens
        refuse_other_length(tokens, limits)
        if answer.finish_reason == "length" and tokens < limits.max_new_tokens:
            raise ValueError(
                f"the server cut the answer at {tokens} tokens, and {limits.max_new_tokens} were"
                " allowed (see its longest context)"
            )
        return SampleResult(
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=tokens,
            finish_reason=answer.finish_reason or "length",
            first_token_at=answer.first_token_at if limits.max_new_tokens > 1 else None,
            # Some servers swallow those that end the reasoning; what is left would mislead.
            token_ids=array("I", answer.token_ids) if len(answer.token_ids) == tokens else None,
        )

    def walking(self) -> AbstractContextManager[object]:
        return nullcontext()

    def synchronise(self) -> None:
        """An answer that is whole has left the server's device."""

    def conditions(self) -> Conditions:
        requests = [one for one in self._prepared if isinstance(one, Request)]
        return Conditions(
            batch_size=1,
            limits=self._limits,
            steps=None,
            prompt_form=requests[0].form,
            template_kwargs=requests[0].switches,
            prompts_cut=sum(request.cut for request in requests),
            concurrency=self._concurrency,
            template_day=None if self._renders_itself(requests[0]) else requests[0].template_day,
        )

    def close(self) -> None:
        self._server.close()

    def _fresh(self) -> dict[str, Any]:
        return self._dialect.fresh(f"{self._salt}-{next(self._numbers)}")

    def _refuse_unspeakable_limits(self) -> None:
        limits = self._spec.limits
        try:
            if limits is not None:
                self._dialect.limits(limits)
        except Unspeakable as error:
            raise ModelFault(
                f"{self._named()} cannot be told {error}",
                "Serve the model with vLLM, which takes min_tokens.",
            ) from error

    def _server_name(self) -> str:
        version = self._server.version()
        return self._dialect.name if version is None else f"{self._dialect.name} {version}"

    def _request(self, sample: Sample) -> Request:
        encoded = self._recipe.encode(sample, self._tokenizer, None)
        body: dict[str, Any] = {"model": self._spec.model.id, "stream": True}
        body |= self._dialect.usage
        path = CHAT
        if encoded.messages is not None:
            body |= {"messages": list(encoded.messages), **self._switches(encoded)}
        elif encoded.text is not None:
            # A base model has no chat; this endpoint applies no template.
            path, body = COMPLETIONS, body | {"prompt": encoded.text}
        else:
            raise ModelFault(
                f"{self._named()} cannot be given what {self._spec.model.id} reads",
                "Measure the row with the pytorch backend.",
            )
        return Request(
            path=path,
            body=body,
            prompt_ids=array("I", encoded.inputs["input_ids"][0].tolist()),
            form=encoded.form,
            switches=encoded.template_kwargs,
            cut=encoded.cut,
            own_format=encoded.own_format,
            template_day=encoded.template_day,
        )

    def _switches(self, encoded: Encoded) -> dict[str, Any]:
        try:
            return self._dialect.switches(encoded.template_kwargs)
        except Unspeakable as error:
            raise ReasoningFault(
                f"{self._named()} cannot be told {error}", "Serve the model with vLLM."
            ) from error

    def _refuse_other_prompt(self, request: Request, answer: Answer) -> None:
        """Raises ReasoningFault: the server makes another prompt of the same messages.

        Its tokens are compared where the server gives them, else their number. A server with a
        format of its own for the model renders no template, and is believed.
        """
        if self._renders_itself(request):
            return
        wanted = len(request.prompt_ids)
        same_tokens = not answer.prompt_ids or answer.prompt_ids == request.prompt_ids.tolist()
        if answer.prompt_tokens == wanted and same_tokens:
            return
        raise ReasoningFault(
            f"{self._named()} makes {answer.prompt_tokens} tokens of a prompt that has {wanted} by"
            " the model's own template, or other ones: it renders another prompt",
            "Start the server with the model's own tokenizer and template (no --chat-template), and"
            " without settings for its template. Where midnight came between and the template"
            " prints the date, run the row again.",
        )

    def _renders_itself(self, request: Request) -> bool:
        return self._dialect.own_formats and request.own_format

    def _named(self) -> str:
        return f"the server at {self._server.address.root} ({self._dialect.name})"


def _server(endpoint: str, spec: RunSpec, connections: int) -> Server:
    try:
        address = parse_address(endpoint)
    except ValueError as error:
        raise SpecFault(f"the endpoint {error}", f"Write it as {FORM}.") from error
    return Server(address, spec.backend.silence_seconds or SILENCE_SECONDS, connections)
