"""The facts of a label in words, as a reader sees them."""

import re
from decimal import Decimal
from typing import Final

from scoring.label.facts import LabelFacts
from scoring.stars import MOST_STARS
from scoring.words import REHEARSAL, hardware_words, month_words, task_words

NOT_KNOWN: Final = "not known"
LEARN_MORE: Final = "Learn More: tiny.cc/AIEnergy"
LEARN_MORE_LINK: Final = "https://tiny.cc/AIEnergy"
# As the driver names it: "NVIDIA H100 80GB HBM3".
DRIVERS_NAME: Final = re.compile(r"(.*NVIDIA \w+) (\d+GB)( HBM\w*)?")
LONGEST_FIGURE: Final = 10


def month(facts: LabelFacts) -> str:
    return month_words(facts.scored) or NOT_KNOWN


def task(facts: LabelFacts) -> str:
    words = task_words(facts.task).title()
    return f"{words}, Reasoning" if facts.reasoning else words


def hardware(facts: LabelFacts) -> str:
    """`NVIDIA H100-80GB`; with how many, where it was more than one."""
    if not facts.gpu_name:
        return NOT_KNOWN
    found = DRIVERS_NAME.fullmatch(facts.gpu_name)
    name = f"{found[1]}-{found[2]}" if found else facts.gpu_name
    return hardware_words(name, facts.gpu_count)


def energy(facts: LabelFacts) -> str:
    """Two decimals, or three digits of what is smaller than these can show."""
    wh = Decimal(facts.wh_per_1000_queries)
    decimals = 2 if wh >= Decimal("0.1") else 2 - wh.adjusted()
    figure = f"{wh:.{decimals}f}"
    return f"{figure if len(figure) <= LONGEST_FIGURE else f'{wh:.2e}'} Wh"


def small_print(facts: LabelFacts) -> str:
    """What the other texts leave open: whom the stars compare, and by which edition."""
    parts = [
        f"Class {facts.model_class}" if facts.model_class else "",
        f"reasoning {facts.state}" if facts.state else "",
        f"edition {facts.edition}" if facts.edition else "",
    ]
    text = " · ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def description(facts: LabelFacts) -> str:
    """All of the label in sentences, for those who do not see it."""
    sentences = [
        f"{REHEARSAL}: not a measurement." if facts.rehearsal else "",
        f"AI Energy Score of {facts.model}: {facts.stars} of {MOST_STARS} stars.",
        f"Of these stars: {facts.note}." if facts.note else "",
        f"{energy(facts)} of GPU energy per 1,000 queries.",
        f"Task: {task(facts)}. Scored: {month(facts)}. Hardware: {hardware(facts)}.",
        f"{small_print(facts)}." if small_print(facts) else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)
