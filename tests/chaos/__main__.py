"""`python -m tests.chaos --seed 17`, or `--seeds 100` for a campaign."""

import argparse
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.container_engine import loaded_engine
from tests.chaos.fate import fate_of
from tests.chaos.machine import lack
from tests.chaos.story import Told, tell
from tests.support.image import ImageUnavailable


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="this one; may be given again")
    parser.add_argument("--seeds", type=int, default=100, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if why := lack():
        print(f"error: {why}", file=sys.stderr)
        return 3
    seeds = options.seed or list(range(options.first, options.first + options.seeds))
    begun_at, stories = time.monotonic(), []
    with ExitStack() as stack:
        data: Path | None = None
        if any(fate_of(seed).engine == "docker" for seed in seeds):
            try:
                data = stack.enter_context(loaded_engine())
            except ImageUnavailable as error:
                print(f"error: {error}", file=sys.stderr)
                return 3
        for seed in seeds:
            stories.append(tell(seed, data))
            _show(stories[-1])
    return _sum_up(stories, time.monotonic() - begun_at)


def _show(story: Told) -> None:
    fate = story.fate
    state = "FAILED" if story.failure else "held"
    events = ", ".join(moment.event for moment in fate.moments)
    shares = ", loads shared" if fate.shares_loads else ""
    print(
        f"seed {fate.seed} {state}: {fate.engine}{shares}; {events};"
        f" {story.sweeps} sweeps, {story.seconds:.1f} s"
    )
    for line in story.lines:
        print(f"    {line}")
    if story.failure:
        print(f"  {story.failure}\n  repeat it: python -m tests.chaos --seed {fate.seed}")
    sys.stdout.flush()


def _sum_up(stories: list[Told], seconds: float) -> int:
    struck = _count(stories)
    failed = _count([one for one in stories if one.failure])
    print(f"\n{'engine':8} {'event':20} {'times':>5} {'in failed seeds':>15}")
    for key in sorted(struck):
        print(f"{key[0]:8} {key[1]:20} {struck[key]:5} {failed[key]:15}")
    bad = [one.fate.seed for one in stories if one.failure]
    print(
        f"{sum(struck.values())} moments ({sum(one.missed for one in stories)} of them too late)"
        f" over {len(stories)} seeds, {seconds:.0f} s;"
        f" failed seeds: {', '.join(map(str, bad)) or 'none'}"
    )
    return 1 if bad else 0


def _count(stories: list[Told]) -> Counter[tuple[str, str]]:
    return Counter(
        (one.fate.engine, moment.event) for one in stories for moment in one.fate.moments
    )


if __name__ == "__main__":
    raise SystemExit(main())
