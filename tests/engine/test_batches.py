"""Examples in batches against NumPy: each counts once, in its place, also in a smaller last batch."""

import jax.numpy as jnp
import numpy as np
import pytest

from normwise.engine.batches import over_batches
from normwise.engine.divergence import freeze_if_diverged
from normwise.engine.state import State

X = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
NUMBERS = np.arange(10)


@pytest.mark.parametrize("size", [1, 3, 5, 7, 10])
def test_every_example_counts_once_whatever_the_batches(size):
    def step(seen, batch):
        x, numbers = batch
        return [*seen[1:], seen[0] + len(x)], ((x**2).mean(), numbers)

    start = [jnp.array(0), jnp.array(1), jnp.array(2)]  # turned round at each batch
    (*counts,), loss, outputs = over_batches(step, start, (X, NUMBERS), size)
    np.testing.assert_array_equal(outputs, NUMBERS)
    np.testing.assert_allclose(loss, np.mean(X.astype("float64") ** 2), rtol=1e-6)
    assert sum(map(int, counts)) == 0 + 1 + 2 + 10


@pytest.mark.parametrize(("loss", "was_alive", "goes_on"), [
    (0.5, True, True), (np.inf, True, False), (np.nan, True, False), (0.5, False, False),
])  # fmt: skip
def test_a_replica_goes_on_while_its_loss_is_finite_and_never_again(loss, was_alive, goes_on):
    before = State([jnp.zeros(2)], [jnp.zeros(1)], [jnp.array(3)], jnp.array(was_alive))
    after = State([jnp.ones(2)], [jnp.ones(1)], [jnp.array(4)], jnp.array(was_alive))
    found = freeze_if_diverged(before, after, jnp.array(loss))
    assert bool(found.alive) is goes_on
    kept = after if goes_on else before
    for ours, wanted in zip(found[:3], kept[:3], strict=True):
        np.testing.assert_array_equal(ours[0], wanted[0])
