"""The clock that chat templates are given: it stands still, so that prompts do not change at night.

Templates of some families write today's date into the prompt. A run renders its prompts for every
repetition, and a night has two days.
"""

from datetime import date, datetime, time
from typing import Any

from benchmark_core.reasoning.rendering import has_template


class TemplateClock:
    """Shows the beginning of one day. `was_asked`: whether a template has looked at it."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.was_asked = False
        self._moment = datetime.combine(day, time.min)

    def give_to(self, tokenizer: Any) -> None:
        """From now on the tokenizer's chat template sees this clock and no other.

        It is the only one that a template can see. A keyword of the same name would not do: what is
        passed to a template loses all that can be called. So it takes the place of the library's
        own, for every tokenizer of this process with that very template, until another is given.
        """
        from transformers.utils.chat_template_utils import _compile_jinja_template

        if not has_template(tokenizer):
            return
        try:
            template = _compile_jinja_template(tokenizer.get_chat_template())
        except Exception:  # noqa: BLE001 - what is wrong with it, its first rendering tells
            return
        template.environment.globals["strftime_now"] = self._show

    def _show(self, form: str) -> str:
        self.was_asked = True
        return self._moment.strftime(form)
