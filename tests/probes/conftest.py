"""A network that has trained a little, and what a look at it gives."""

from types import SimpleNamespace

import by_hand as network
import jax
import keras
import numpy as np
import pytest

from normwise.data.dataset import Examples
from normwise.probes import Moment, looking_at, start_of

BATCH = 16


@pytest.fixture(scope="session")
def seen():
    """A look at the network of :mod:`by_hand`, and everything that it was of."""
    rng = np.random.default_rng(7)
    x = (rng.normal(size=(160, 3)) * [1, 5, 0.2] + [0, 3, 0]).astype(np.float32)
    y = (x[:, :1] - 0.3 * x[:, 1:2] ** 2 / 5).astype(np.float32)
    keras.utils.set_random_seed(3)
    model = network.model()
    model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0, shuffle=False)
    looking = looking_at(model, start_of(model), x)
    state = [
        [variable.value for variable in part]
        for part in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
    ]
    order = rng.permutation(len(x))
    batches = x[order[: 8 * BATCH]].reshape(8, BATCH, 3)
    batch = Examples(x[order[:BATCH]], y[order[:BATCH]])
    reference = x[looking.reference(len(x))]
    moment = Moment(*state, batch, batches, reference)
    found = looking.settled(jax.tree.map(np.asarray, jax.jit(looking.look)(moment)))
    velocity = [
        np.asarray(one.value, np.float64)
        for one in model.optimizer.variables
        if "momentum" in one.path
    ]
    return SimpleNamespace(
        model=model,
        looking=looking,
        names=looking.names,
        series=found,
        values=network.values_of(model),
        velocity=dict(zip(network.NAMES, velocity, strict=True)),
        batch=batch,
        batches=batches,
        reference=reference,
        moment=moment,
    )
