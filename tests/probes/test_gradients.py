"""Updates of kernels that are 0."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from normwise.probes.gradients import Gradients
from normwise.probes.weights import Weighted


def test_kernels_of_0_that_nothing_moves_have_an_update_of_0():
    layers = tuple(Weighted(name, (place,), ()) for place, name in enumerate("abc"))
    swept = SimpleNamespace(
        loss=jnp.ones(1),
        norm=jnp.asarray([[0.0, 0.0, 1.0]]),
        weight=jnp.asarray([0.0, 2.0, 0.0]),
        moved=jnp.asarray([0.0, 0.0, 3.0]),
    )
    found = Gradients(layers).read(SimpleNamespace(swept=swept))
    np.testing.assert_array_equal(found["update"], [0, 0, np.inf])
