"""Seeds that a comparison still needs, against a search with SciPy's distributions."""

import math

import numpy as np
import pytest
from scipy import stats

from normwise.analysis import compare
from normwise.analysis._power import seeds_for_decision

MOST = 10_000


def searched(effect, half_width, n, margin, confidence):
    """The first number of seeds, one by one, whose interval decides four times in five."""
    deviation = half_width * math.sqrt(n) / stats.t.ppf((1 + confidence) / 2, n - 1)
    distance = max(abs(effect), math.log(margin) - abs(effect))
    for seeds in range(max(n + 1, 5), MOST + 1):
        error = deviation / math.sqrt(seeds)
        reach = stats.t.ppf((1 + confidence) / 2, seeds - 1) + stats.t.ppf(0.8, seeds - 1)
        if reach * error <= distance:
            return seeds
    return None


@pytest.mark.parametrize(
    ("effect", "half_width", "n"),
    [
        (0.2, 0.25, 5), (-0.2, 0.25, 5), (0.2, 0.25, 10), (0.1, 0.3, 20),
        (0.0, 0.3, 5), (0.02, 0.3, 5), (-0.02, 0.5, 8),  # decided by lying within the margin
        (5.0, 0.1, 2), (5.0, 0.1, 3),  # never fewer than five seeds
        (5.0, 0.1, 7),  # nor than there are, and one
        (0.112, 4.0, 10), (0.112, 40.0, 10),  # the second needs more than anybody plans
    ],
)  # fmt: skip
@pytest.mark.parametrize(("margin", "confidence"), [(1.25, 0.95), (1.1, 0.8)])
def test_the_first_number_of_seeds_that_decides(effect, half_width, n, margin, confidence):
    wanted = searched(effect, half_width, n, margin, confidence)
    assert seeds_for_decision(effect, half_width, n, margin, confidence) == wanted


def test_ten_thousand_seeds_are_the_most_that_are_named():
    """A spread for which the last number decides, and one a little above it."""
    reach = stats.t.ppf(0.975, MOST - 1) + stats.t.ppf(0.8, MOST - 1)
    just = 0.2 * math.sqrt(MOST) / reach * stats.t.ppf(0.975, 9) / math.sqrt(10)
    assert seeds_for_decision(0.2, just * 0.99999, 10, 1.25, 0.95) == MOST
    assert seeds_for_decision(0.2, just * 1.00001, 10, 1.25, 0.95) is None


@pytest.mark.parametrize(("effect", "half_width"), [(math.inf, 1.0), (0.2, math.inf)])
def test_without_bounds_nothing_can_be_foreseen(effect, half_width):
    assert seeds_for_decision(effect, half_width, 10, 1.25, 0.95) is None


@pytest.mark.parametrize(
    ("variant", "baseline", "bounded"),
    [
        ([6.0, 7.5, 8.2], [7.1, 7.7, 9.4], (True, True)),
        ([10.0, 14.0, 19.0, 17.0, 15.0], [16.0, 13.5, 21.0, math.inf, 18.0], (True, True)),
        ([8.1, 9.5, 20.1, 12.0], [14.2, math.inf, 19.3, math.inf], (True, False)),
        ([14.2, math.inf, 19.3, math.inf], [8.1, 9.5, 20.1, 12.0], (False, True)),
    ],
)
def test_a_comparison_plans_with_the_narrower_side_of_its_interval(variant, baseline, bounded):
    found = compare(variant, baseline, horizon=22.0)
    assert found.outcome == "undecided"
    assert (found.low > 0, math.isfinite(found.high)) == bounded
    with np.errstate(divide="ignore"):
        low, value, high = np.log([found.low, found.ratio, found.high])
    half = (high - low) / 2 if all(bounded) else min(value - low, high - value)
    wanted = searched(value, half, len(variant), 1.25, 0.95)
    assert wanted is not None
    assert found.seeds_needed == wanted
