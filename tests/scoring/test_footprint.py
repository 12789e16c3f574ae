"""Footprints against figures worked out by hand, and what holds for all of them."""

import random
from dataclasses import replace

import pytest

from benchmark_core import carbon
from scoring.errors import ScoringError
from scoring.footprint import electricity
from scoring.footprint.amounts import Part, Range
from scoring.footprint.embodied import HardwareSet, hardware_sets
from scoring.footprint.factors import Factor, SourcedFigure
from scoring.footprint.footprint import footprint
from scoring.footprint.measured import Measured
from scoring.footprint.parameters import Parameters


def part(name, low, central, high, kind="measured"):
    return Part(f"{name}_energy", name, Range(low, central, high), kind, "a meter")


def measured(**changes):
    """2.5 Wh of GPU energy per 1,000 tasks."""
    base = Measured(
        model="org/model",
        state="Off",
        task="text_gen",
        rehearsal=False,
        remarks=(),
        gpu=part("gpu", 2.4, 2.5, 2.6),
        seconds=3600,
        gpus=1,
    )
    return replace(base, **changes)


BOTH = {"cpu": part("cpu", 0.15, 0.15, 0.15), "ram": part("ram", 0.225, 0.225, 0.225, "estimated")}


def central(one, name):
    return one.amount(name).range.central


def ends(span):
    return span.low, span.central, span.high


def test_a_footprint_by_hand():
    """10 GPU + 0.6 CPU + 0.9 RAM + 1 network + 0.5 storage = 13 Wh; x 1.2 = 15.6 Wh."""
    asked = Parameters(tasks=4000, region="USA", network_wh=0.25, storage_wh=0.125)
    one = footprint(measured(**BOTH), asked)
    assert {told.name: (told.range.central, told.kind) for told in one.parts} == {
        "gpu_energy": (pytest.approx(10), "measured"),
        "cpu_energy": (pytest.approx(0.6), "measured"),
        "ram_energy": (pytest.approx(0.9), "estimated"),
        "network_energy": (pytest.approx(1), "given"),
        "storage_energy": (pytest.approx(0.5), "given"),
    }
    assert ends(one.amount("total_energy").range) == pytest.approx((12.6 * 1.09, 15.6, 13.4 * 1.2))
    assert central(one, "co2e_use") == pytest.approx(5.7637788)
    assert one.amount("co2e_use").range.high == pytest.approx(13.4 * 1.2 * 0.6798)
    assert central(one, "water_on_site") == pytest.approx(0.02808)
    assert one.amount("water_on_site").range.low == pytest.approx(12.6 * 1.09 * 0.09 / 1000)
    assert central(one, "water_off_site") == pytest.approx(0.04886076)
    assert central(one, "adpe_use") == pytest.approx(1.53738e-9)
    assert central(one, "primary_energy_use") == pytest.approx(0.17784)
    assert one.amount("primary_energy_use").range.low == pytest.approx(12.6 * 1.09 * 9.6884 / 1000)


def test_cpu_and_ram_that_no_row_tells_are_a_share_and_the_rule_is_not_on_top():
    """10 x 1.3 x 1.2, and not 10 x 2.3 x 1.2; H100 reports had 6 %."""
    one = footprint(measured(), Parameters(tasks=4000))
    assert ends(one.amount("total_energy").range) == pytest.approx(
        (9.6 * 1.06 * 1.09, 15.6, 10.4 * 1.3 * 1.2)
    )
    assert [told.kind for told in one.parts] == ["measured", *["assumed"] * 3]
    # A given share counts also where the row tells them: it was asked for.
    given = footprint(measured(**BOTH), Parameters(tasks=4000, cpu_ram_share=0.5))
    assert central(given, "total_energy") == pytest.approx(18)
    assert given.parts[1].kind == "given"


def test_one_of_both_is_the_least_that_both_take():
    one = footprint(measured(ram=part("ram", 2, 2, 2)), Parameters())
    assert ends(one.parts[1].range) == (2, 2, 2)
    less = footprint(measured(ram=part("ram", 0.2, 0.2, 0.2)), Parameters())
    assert ends(less.parts[1].range) == pytest.approx((0.2, 0.75, 0.78))


def test_a_plant_and_a_given_intensity_tell_nothing_of_water_and_minerals():
    asked = Parameters(tasks=4000, region="on-site-gas")
    gas = footprint(measured(), asked)
    assert central(gas, "co2e_use") == pytest.approx(6.2712)
    plain = footprint(measured(), Parameters(tasks=4000, g_per_kwh=100))
    assert central(plain, "co2e_use") == pytest.approx(1.56)
    for one in (gas, plain):
        unknown = ("water_off_site", "adpe_use", "primary_energy_use")
        assert [one.amount(name).range for name in unknown] == [None] * 3
        assert central(one, "water_on_site") == pytest.approx(0.02808)


@pytest.mark.parametrize(
    ("name", "grams"), [("ecologits-2025-02", 11.826), ("ecologits-0.9.1", 33.352)]
)
def test_an_hour_of_a_gpu_takes_its_share_of_making_it(name, grams):
    assert HardwareSet(name).impact("gwp_kg", 1, 3600).central * 1000 == pytest.approx(
        grams, abs=0.0005
    )
    one = footprint(measured(), Parameters(hardware_set=name))
    assert central(one, "co2e_embodied") == pytest.approx(grams, abs=0.0005)
    assert name in one.amount("co2e_embodied").how
    eight = footprint(measured(gpus=8), Parameters(hardware_set=name))
    assert central(eight, "co2e_embodied") == pytest.approx(8 * central(one, "co2e_embodied"))


def test_the_documented_constants_are_the_default_and_differ_from_their_text():
    one = footprint(measured(), Parameters())
    share = 3600 / 157_680_000
    assert one.hardware.name == "ecologits-2025-02"
    assert ends(one.amount("adpe_embodied").range) == pytest.approx(
        (share * (0.24 / 8 + 5.09e-3), share * (0.24 / 8 + 5.1e-3), share * (0.25 / 8 + 5.1e-3))
    )
    assert central(one, "primary_energy_embodied") == pytest.approx(share * (38000 / 8 + 1828))


@pytest.mark.parametrize("lacking", ["seconds", "gpus"])
def test_hardware_is_not_known_without_its_time_and_number(lacking):
    one = footprint(measured(**{lacking: None}), Parameters())
    names = ("co2e_embodied", "adpe_embodied", "primary_energy_embodied")
    assert [one.amount(name).range for name in names] == [None] * 3
    assert not any("life" in factor.name for factor in one.factors)


def test_tokens_are_as_many_tasks_as_have_them():
    tokens = Factor("input tokens", "", (SourcedFigure(value=369139, source="table 1"),))
    row = measured(tokens=tokens)
    assert footprint(row, Parameters(tokens=369139 * 4)).tasks == pytest.approx(4000)
    assert tokens in footprint(row, Parameters(tokens=1)).factors
    assert tokens not in footprint(row, Parameters(tasks=1)).factors
    with pytest.raises(ScoringError, match="has no text"):
        footprint(measured(task="image_gen"), Parameters(tokens=1))


def test_the_region_is_that_of_the_run_unless_another_is_asked_for():
    row = measured(region="FRA")
    assert footprint(row, Parameters()).electricity.region == "FRA"
    assert footprint(row, Parameters(region="DEU")).electricity.region == "DEU"
    assert footprint(measured(), Parameters()).electricity.region == carbon.WORLD


def test_whose_intensity_is_the_central_one_can_be_chosen_and_the_range_stays():
    found = {
        source: ends(electricity.of_region("FRA", source).intensity.range)
        for source in electricity.SOURCES
    }
    assert found == {
        "runs": (44.18, 56.039, 81.3),
        "ecologits": (44.18, 44.18, 81.3),
        "ademe": (44.18, 81.3, 81.3),
    }
    with pytest.raises(ScoringError, match=r"no figure for EEA. For that there is ademe"):
        electricity.of_region("EEA", "ecologits")
    with pytest.raises(ScoringError, match="no figure for DEU"):
        electricity.of_region("DEU", "ademe")


def test_every_region_has_an_intensity_and_says_whose_minerals_it_takes():
    for region in electricity.regions():
        assert electricity.of_region(region, "runs").intensity.range.low > 0
    germany, india = (electricity.of_region(region, "runs") for region in ("DEU", "IND"))
    assert germany.adpe.range.central == 6.423e-8
    assert germany.adpe.name.endswith("European Economic Area because none is known for Germany")
    assert india.primary.range.central == 9.99
    # The recorded source is the runs' own file, not a copy of it.
    assert germany.intensity.figures[0].value == carbon.grid_factor("DEU").g_per_kwh


def test_low_central_and_high_are_in_order_and_all_is_linear_in_tasks():
    chance = random.Random(11)

    def energy(name):
        low, middle, high = sorted(chance.uniform(0, 5) for _ in range(3))
        return part(name, low, middle, high)

    def maybe(value):
        return value if chance.random() < 0.5 else None

    for _ in range(300):
        row = measured(
            gpu=energy("gpu"),
            cpu=maybe(energy("cpu")),
            ram=maybe(energy("ram")),
            seconds=chance.uniform(0.1, 1e5),
            gpus=chance.randint(1, 16),
        )
        asked = Parameters(
            tasks=10 ** chance.uniform(0, 9),
            pue=maybe(chance.uniform(1, 3)),
            region=chance.choice(list(electricity.regions())),
            wue=maybe(chance.uniform(0, 3)),
            network_wh=maybe(chance.uniform(0, 3)),
            cpu_ram_share=maybe(chance.uniform(0, 1)),
            hardware_set=chance.choice(hardware_sets()),
        )
        times = 10 ** chance.uniform(-3, 3)
        one = footprint(row, asked)
        more = footprint(row, replace(asked, tasks=asked.tasks * times))
        for told, scaled in zip(
            (*one.parts, *one.amounts), (*more.parts, *more.amounts), strict=True
        ):
            if told.range is None:
                assert scaled.range is None
                continue
            low, middle, high = ends(told.range)
            assert 0 <= low <= middle <= high, told
            wanted = tuple(end * times for end in (low, middle, high))
            assert ends(scaled.range) == pytest.approx(wanted, rel=1e-9)
        for factor in one.factors:
            assert factor.range.low <= factor.range.central <= factor.range.high
            assert all(figure.source for figure in factor.figures)
