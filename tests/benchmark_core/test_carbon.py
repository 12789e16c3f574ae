import pytest

from benchmark_core import carbon
from benchmark_core.faults import SpecFault


def test_all_parts_times_the_factor_of_the_region() -> None:
    result = carbon.emissions(600.0, 300.0, 100.0, "FRA", gpu_used=True)
    assert result is not None
    assert result.emissions_g == pytest.approx(56.039)
    assert (result.factor_g_per_kwh, result.region, result.year) == (56.039, "FRA", 2023)
    assert result.basis == "gpu+cpu+ram"


def test_the_world_average_names_its_own_source() -> None:
    result = carbon.emissions(None, 500.0, 500.0, "WORLD", gpu_used=False)
    assert result is not None
    assert result.emissions_g == pytest.approx(475.0)
    assert (result.source, result.year, result.basis) == ("IEA", 2019, "cpu+ram")


def test_the_basis_names_only_what_was_measured() -> None:
    result = carbon.emissions(10.0, None, 5.0, "WORLD", gpu_used=True)
    assert result is not None
    assert result.basis == "gpu+ram"
    assert result.emissions_g == pytest.approx(0.015 * 475)


def test_no_figure_without_the_gpu_that_worked() -> None:
    assert carbon.emissions(None, 500.0, 500.0, "WORLD", gpu_used=True) is None


def test_no_figure_when_nothing_was_measured() -> None:
    assert carbon.emissions(None, None, None, "WORLD", gpu_used=False) is None


def test_a_measured_zero_is_a_part_like_any_other() -> None:
    result = carbon.emissions(1.0, 0.0, None, "WORLD", gpu_used=True)
    assert result is not None
    assert result.basis == "gpu+cpu"


@pytest.mark.parametrize("region", ["ATLANTIS", "usa", ""])
def test_an_unknown_region_is_refused_with_those_there_are(region: str) -> None:
    with pytest.raises(SpecFault) as caught:
        carbon.emissions(1.0, 1.0, 1.0, region, gpu_used=True)
    assert repr(region) in caught.value.message
    assert "WORLD" in caught.value.remedy
    assert "FRA" in caught.value.remedy


def test_every_factor_is_plausible_and_free_of_commas() -> None:
    assert carbon.regions()[0] == "WORLD"
    assert len(carbon.regions()) == 11
    for region in carbon.regions():
        factor = carbon.grid_factor(region)
        assert 10 < factor.g_per_kwh < 1200
        assert "," not in factor.source
