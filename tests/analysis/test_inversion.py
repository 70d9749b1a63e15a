"""Where a lead ends, and what a test accepts, against SciPy's root finder and by hand."""

import math

import numpy as np
import pytest
from scipy import optimize

from normwise.analysis._inversion import balance_point, extended_range

LOW, HIGH = -4.0, 4.0


@pytest.mark.parametrize("root", [-3.9, -0.2, 0.0, 1.7, 3.99])
def test_samples_balance_where_a_root_finder_says(root):
    def lead(speed):
        return np.sinh(root - speed) + (speed < root) * 0.1  # may jump

    found = balance_point(lead, LOW, HIGH)
    assert found == pytest.approx(optimize.brentq(lead, LOW, HIGH, xtol=1e-13), abs=2e-6)


@pytest.mark.parametrize(
    ("ends", "point"),
    [
        *(((1.0, 0.5), math.inf), ((1.0, 0.0), math.inf)),
        *(((-0.5, -1.0), -math.inf), ((0.0, -1.0), -math.inf), ((0.0, 0.0), math.nan)),
    ],
)
def test_where_one_always_leads_nothing_balances(ends, point):
    found = balance_point(lambda speed: np.interp(speed, [LOW, HIGH], ends), LOW, HIGH)
    assert found == pytest.approx(point, nan_ok=True)


@pytest.mark.parametrize(
    ("ends", "extended"),
    [
        ((0.4, 0.6), (0.3, 0.7)),
        ((-math.inf, 0.6), (-math.inf, 0.7)),
        ((0.4, math.inf), (0.3, math.inf)),
        ((0.2, 0.9), (0.2, 0.9)),  # never moved inwards
    ],
)
def test_ends_move_outwards_only(ends, extended):
    found = extended_range(lambda speed: abs(speed - 0.5) < 0.2, ends, -1.0, 2.0)
    assert found == pytest.approx(extended, abs=1e-5)


@pytest.mark.parametrize(
    ("accepts", "extended"),
    [
        (lambda speed: speed < 0.7, (-math.inf, 0.7)),
        (lambda speed: speed > 0.3, (0.3, math.inf)),
        (lambda speed: speed < math.inf, (-math.inf, math.inf)),
    ],
)
def test_what_is_accepted_all_the_way_has_no_end(accepts, extended):
    found = extended_range(accepts, (0.4, 0.6), -1.0, 2.0)
    assert found == pytest.approx(extended, abs=1e-5)
