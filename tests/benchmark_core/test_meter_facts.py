"""What a meter is stands in one row."""

from typing import get_args

from benchmark_core import meter_facts
from benchmark_core.contract import MeterName
from benchmark_core.meters import registry


def test_every_meter_has_a_row_and_can_be_made() -> None:
    assert set(meter_facts.METER_FACTS) == set(get_args(MeterName)) == set(registry._FACTORIES)


def test_which_meters_there_are_of_each_kind_in_the_order_of_reading() -> None:
    assert meter_facts.GPU_METERS == ("nvml", "dcgm", "simulated")
    assert meter_facts.GPU_COUNTERS == ("nvml", "dcgm")
    assert meter_facts.DRIVER_METERS == ("nvml",)
    assert meter_facts.TRACING_METERS == ("nvml",)
    assert meter_facts.EXPORTER_METERS == ("dcgm",)
    assert meter_facts.HOST_METERS == ("codecarbon",)
    assert meter_facts.SIMULATED_METERS == ("simulated",)
