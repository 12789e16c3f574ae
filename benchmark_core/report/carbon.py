"""What the energy of a run means in CO2."""

from benchmark_core.documents import Frozen


class Carbon(Frozen):
    """CO2 by our own conversion: energy of `basis` times the grid factor, without PUE."""

    emissions_g: float
    factor_g_per_kwh: float
    region: str
    source: str
    year: int
    basis: str
