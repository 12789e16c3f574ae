"""Weights and datasets come from a hub into the cache before the first run."""

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark_core.contract import ModelSpec
from orchestrator.batch import run_batch
from orchestrator.downloads.fetcher import Fetcher
from orchestrator.downloads.inventory import take_inventory
from orchestrator.downloads.wanted import Wanted
from orchestrator.errors import HostError
from orchestrator.prefetch import BackgroundPrefetch, fetch_before
from orchestrator.run_planner import PlannedRun
from tests.support import builders, catalogs
from tests.support.file_hub import COMMIT, LARGE, FileHub, blob, serving
from tests.support.runner import wait_for
from tests.support.settings import settings
from tests.support.token_search import TOKEN

WEIGHTS = os.urandom(30 * LARGE)
CONFIG = b'{"model_type": "gpt2"}'
FILES = {
    "models/org/one": {"config.json": CONFIG, "model.safetensors": WEIGHTS, "a.bin": b"x"},
    "models/org/two": {"config.json": CONFIG, "model.safetensors": WEIGHTS[1:]},
    "datasets/org/data": {"data/train.parquet": WEIGHTS[2:], "README.md": b"---\n---\n"},
}
ONE = Wanted("model", "org/one", "", weights=True)
TWO = Wanted("model", "org/two", "", weights=True)
DATA = Wanted("dataset", "org/data", "", weights=False)
ALL = (ONE, TWO, DATA)


@pytest.fixture
def hub():
    with serving(FileHub(FILES)) as hub:
        yield hub


class Place:
    """One cache, and all that was told."""

    def __init__(self, hub, tmp_path):
        self.cache = tmp_path / "hub"
        self.told = []
        self.settings = settings(
            environ={
                "HOME": str(tmp_path),
                "HF_ENDPOINT": hub.address,
                "HF_HUB_CACHE": str(self.cache),
                "HF_TOKEN": TOKEN,
            }
        )

    def inventory(self, *wanted):
        return take_inventory(wanted or ALL, self.settings)

    def fetch(self, *wanted, goes_on=lambda: True):
        fetch_before(self.inventory(*wanted), self.settings, self.told.append, goes_on)

    def path(self, repository, name):
        kind, rest = repository.split("/", 1)
        return self.cache / f"{kind}--{rest.replace('/', '--')}" / "snapshots" / COMMIT / name

    def unfinished(self):
        return list(self.cache.rglob("*.incomplete"))


@pytest.fixture
def place(hub, tmp_path):
    return Place(hub, tmp_path)


def test_what_runs_load_is_fetched_whole_and_never_asked_for_again(place, hub):
    place.fetch()
    for repository, files in FILES.items():
        for name, content in files.items():
            if name != "a.bin":
                assert place.path(repository, name).read_bytes() == content
    assert not place.path("models/org/one", "a.bin").exists()
    assert (place.cache / "models--org--one/refs/main").read_text() == COMMIT
    assert place.told[0].startswith("downloading 9.0 MB beforehand: 3 models")
    assert [line.split(" (")[0] for line in place.told[1:]] == [
        *("downloaded model org/one", "downloaded model org/two"),
        "downloaded dataset org/data",
    ]
    hub.seen.clear()
    assert (place.inventory().missing, place.inventory().cached) == ((), 3)
    assert len(hub.seen) == 2 * len(ALL)
    hub.seen.clear()
    pinned = [Wanted(one.kind, one.id, COMMIT, one.weights) for one in ALL]
    assert place.inventory(*pinned).cached == 3
    assert hub.seen == []


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(tmp_path):
    """After the last whole piece of 10 MiB, as huggingface_hub writes them."""
    long = WEIGHTS * 8
    with serving(FileHub({"models/org/one": {"model.safetensors": long}}, breaks=1)) as hub:
        place = Place(hub, tmp_path)
        place.fetch(ONE)
    assert hub.ranges == [f"bytes={10 * 2**20}-"]
    assert place.path("models/org/one", "model.safetensors").read_bytes() == long


def test_whoever_stops_loses_no_whole_file_and_leaves_nothing_half(place, hub):
    hub.holds = True
    small = place.path("models/org/one", "config.json")
    place.fetch(goes_on=lambda: not (small.exists() and place.unfinished()))
    assert place.unfinished() == []
    assert not place.path("models/org/one", "model.safetensors").exists()
    hub.holds = False
    hub.over.set()
    hub.seen.clear()
    place.fetch(ONE)
    assert place.path("models/org/one", "model.safetensors").read_bytes() == WEIGHTS
    assert not any(path.endswith("config.json") for path in hub.downloads)


def test_what_a_killed_download_left_is_removed_and_what_another_one_writes_is_not(place):
    blobs = place.cache / "models--org--one/blobs"
    locks = place.cache / ".locks/models--org--one"
    for folder in (blobs, locks):
        folder.mkdir(parents=True)
    left = blobs / f"{blob(WEIGHTS)}.0123.incomplete"
    others = blobs / f"{blob(b'other')}.4567.incomplete"
    for path in (left, others):
        path.write_bytes(b"half")
    place.fetch(ONE)
    assert place.unfinished() == [others]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root downloads for others")
def test_what_root_downloads_belongs_to_the_owner_of_the_cache(place):
    place.cache.mkdir()
    os.chown(place.cache, 10001, 10001)
    place.fetch(ONE)
    made = [place.cache / name for name in ("models--org--one", ".locks")]
    inside = [path for folder in made for path in folder.rglob("*")]
    assert {path.lstat().st_uid for path in (*made, *inside)} == {10001}


def test_a_gated_model_is_told_and_the_others_come(place, hub):
    hub.gated = frozenset({"models/org/one"})
    place.fetch()
    (told,) = [line for line in place.told if line.startswith("not downloaded")]
    assert "model org/one is gated" in told
    assert place.path("models/org/two", "model.safetensors").exists()
    assert place.path("datasets/org/data", "data/train.parquet").exists()


def test_a_model_that_is_not_there_is_no_trouble_of_the_hub(place):
    found = place.inventory(ONE, Wanted("model", "org/none", "", weights=True))
    assert [one.wanted for one in found.missing] == [ONE]
    assert [one.id for one in found.troubles] == ["org/none"]
    assert found.hub_trouble is None


def test_a_hub_that_goes_away_ends_the_downloads_and_nothing_else(tmp_path):
    with serving(FileHub(FILES)) as hub:
        place = Place(hub, tmp_path)
        inventory = place.inventory()
    fetch_before(inventory, place.settings, place.told.append, lambda: True)
    assert sum(line.startswith("not downloaded") for line in place.told) == 2
    assert place.told[-1].startswith("downloads ended early: 1 models and datasets are left")


def test_the_token_reaches_the_hub_and_no_place_where_others_could_read_it(place, hub):
    hub.holds = True
    fetcher = Fetcher(place.inventory(ONE).missing, place.settings)
    fetcher.start()
    wait_for(place.unfinished)
    process = Path("/proc") / str(fetcher._child.pid)
    seen = [(process / name).read_bytes() for name in ("cmdline", "environ")]
    fetcher.stop()
    assert hub.tokens - {""} == {TOKEN}
    assert not any(TOKEN.encode() in content for content in seen)
    files = (path for path in place.cache.rglob("*") if path.is_file())
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)


def test_in_the_background_nothing_is_fetched_while_a_run_is_under_way(place, hub):
    hub.holds = True
    background = BackgroundPrefetch(place.inventory(), place.settings, place.told.append)
    with background.paused():
        background.start()
    wait_for(place.unfinished)
    with background.paused(), background.paused():
        assert place.unfinished() == []
        hub.holds = False
        hub.over.set()
        hub.seen.clear()
        time.sleep(0.5)
        assert hub.seen == []
    wait_for(lambda: len(place.told) == len(ALL))
    background.close()
    background.close()
    assert place.inventory().missing == ()


def test_a_run_waits_for_what_it_reads_and_for_nothing_else(place, hub):
    hub.holds = True
    background = BackgroundPrefetch(place.inventory(), place.settings, place.told.append)
    one, other = (
        PlannedRun(config=None, spec=builders.spec(model=ModelSpec(id=name)))
        for name in ("org/one", "org/elsewhere")
    )
    assert background.lacks(one)
    assert not background.lacks(other)
    background.start()
    hub.holds = False
    hub.over.set()
    wait_for(lambda: not background.lacks(one))
    background.close()


# ------------------------------------------------------------------ as a part of the sweep

ROW = "org/one,1,A,text_gen,Off,,"


@pytest.fixture
def batch(place, tmp_path):
    catalog = catalogs.write(tmp_path / "mine.csv", ROW)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one\n")

    def run(*flags, **environ):
        made = settings(
            *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
            *("--engine", "process", "--prompts-file", str(prompts), *flags),
            environ={
                "HOME": str(tmp_path),
                "HF_ENDPOINT": str(place.settings.passed_environment["HF_ENDPOINT"]),
                "HF_HUB_CACHE": str(place.cache),
            }
            | environ,
        )
        return run_batch(made, dry_run=False, as_json=False)

    return run


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(batch, hub, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=201_000_000))
    with pytest.raises(HostError) as caught:
        batch("--device", "cpu")
    assert "3.0 MB are to be downloaded (model org/one alone: 3.0 MB), and 0.2 GB" in str(
        caught.value
    )
    assert hub.downloads == []


@pytest.mark.parametrize(
    ("flags", "environ"),
    [
        (("--device", "cpu"), {"HF_HUB_OFFLINE": "1"}),
        (("--device", "cpu", "--prefetch", "off"), {}),
        (("--backend", "simulated"), {}),
    ],
)
def test_where_nothing_is_to_be_fetched_no_list_is_asked_for(batch, hub, flags, environ):
    batch("--timeout", "0.2", *flags, **environ)
    assert "/api/models/org/one" not in [path for _, path in hub.seen]
