"""Working ranges on a lattice of rates, by simulation: the interval holds the true width."""

import numpy as np
import pytest

from normwise.analysis._range import range_gain, working_range
from normwise.domain import RunKey, RunRecord, Target

TARGET = Target.parse("val_loss<=0.4")
STUDIES, SEEDS, SPACING = 150, 5, 0.5


def runs(edges, lattice):
    """A run a seed and rate: it arrives between the seed's own two edges, in decades."""
    return [
        RunRecord(
            RunKey("none", seed, str(at)),
            10.0**at,
            {"val_loss": (0.9, 0.1 if low <= at <= high else 0.8)},
        )
        for seed, (low, high) in enumerate(edges)
        for at in lattice
    ]


@pytest.mark.parametrize("spread", [0.05, 0.4])
def test_an_interval_holds_the_range_wherever_the_grid_lies(spread):
    rng = np.random.default_rng(int(spread * 100))
    held, told = [], []
    for _ in range(STUDIES):
        lattice = np.arange(-4, 4.1, SPACING) + rng.uniform(0, SPACING)
        mine, other = (
            np.array([-1.0, 1.0]) + spread * rng.standard_normal((SEEDS, 2)) for _ in range(2)
        )
        found = working_range(runs(mine, lattice), TARGET)
        gain = range_gain(runs(mine, lattice), runs(other, lattice), TARGET)
        held.append(found.low <= 2.0 <= found.high)
        told.append(gain.low > 0 or gain.high < 0)
    assert np.mean(held) >= 0.93
    assert np.mean(told) <= 0.05
