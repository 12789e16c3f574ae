"""Ten seeds of the chaos campaign: everything that can happen to a sweep, at random moments.

`make chaos` plays a hundred; `python -m tests.chaos --seed 3` plays one again.
"""

import pytest

from tests.chaos.container_engine import loaded_engine
from tests.chaos.events import EVENTS
from tests.chaos.fate import fate_of
from tests.chaos.machine import lack
from tests.chaos.story import tell
from tests.support.image import REHEARSAL_TAG, require_image

SEEDS = range(10)

pytestmark = pytest.mark.timeout(300, func_only=True)


@pytest.fixture(scope="module", autouse=True)
def machines():
    if why := lack():
        pytest.skip(why)


@pytest.fixture(scope="module")
def engine_data(machines):
    require_image(REHEARSAL_TAG)
    with loaded_engine() as data:
        yield data


def test_everything_happens_at_least_once():
    assert {one.event for seed in SEEDS for one in fate_of(seed).moments} == set(EVENTS)
    live = {
        fate_of(seed).live_restore
        for seed in SEEDS
        if "stop_engine" in {one.event for one in fate_of(seed).moments}
    }
    assert live == {True, False}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_ends_once_and_nothing_is_left(seed, request):
    docker = fate_of(seed).engine == "docker"
    story = tell(seed, request.getfixturevalue("engine_data") if docker else None)
    assert not story.failure, "\n".join((f"seed {seed}", *story.lines, story.failure))
