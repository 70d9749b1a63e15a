"""Drift of units that vary, and of none that rounding alone moves."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from normwise.probes.shift import drift_of


def test_what_rounding_makes_of_a_dead_unit_is_no_drift():
    """Behind a normalisation it gives β, with a deviation of a few units in the last place."""
    before = SimpleNamespace(
        unit_mean=jnp.asarray([[1.0, -0.017, 0.0]]),
        unit_deviation=jnp.asarray([[2.0, 5.6e-9, 0.0]]),
    )
    after = SimpleNamespace(
        unit_mean=jnp.asarray([[4.0, -0.018, 0.0]]),
        unit_deviation=jnp.asarray([[6.0, 5.6e-9, 0.0]]),
    )
    # √(3² + 4²) over 2, of the first unit alone.
    assert np.asarray(drift_of(before, after)) == pytest.approx([2.5])
