"""Looks at steps of optimisers that scale losses, or gather gradients before they step."""

import keras
import numpy as np
import pytest

import normwise as nw
from normwise.data.dataset import Examples
from normwise.engine.probed import Probed
from normwise.engine.state import State
from normwise.probes import looking_at, start_of

X = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
Y = X[:, :1]


def linear(optimizer, loss="mse"):
    """One layer without activation, its weights 1."""
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model.compile(optimizer, loss)
    return model


def look_at(model, *batches):
    """A look at the step that follows; signals are of all inputs."""
    model.optimizer.build(model.trainable_variables)
    parts = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    state = State(*([np.array(one.value)[None] for one in own] for own in parts), np.ones(1))
    x = np.concatenate([one.x for one in batches])
    probed = Probed(looking_at(model, start_of(model), x), x, len(batches))
    found = probed.looking.look(probed.moment(state, 0, batches))
    return {name: np.asarray(one) for name, one in found.items()}


def gradient_of(kernel):
    """Of the mean squared error, by hand."""
    return 2 * X.T.astype(np.float64) @ (X @ kernel - Y) / len(X)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_step_is_that_of_the_update_where_gradients_are_gathered(steps):
    """Whichever of the four steps a look falls on: SGD moves the weights by rate · gradient."""
    model = linear(keras.optimizers.SGD(0.1, gradient_accumulation_steps=4))
    for _ in range(steps):
        model.train_on_batch(X, Y)
    kernel = np.array(model.trainable_variables[0].value)
    found = look_at(model, Examples(X, Y))
    right = 0.1 * np.linalg.norm(gradient_of(kernel)) / np.linalg.norm(kernel)
    np.testing.assert_allclose(found["gradients/update"], [right], rtol=1e-5)
    assert found["landscape/loss"].max() != found["landscape/loss"].min()


def test_of_a_scaled_loss_the_gradient_is_as_it_is():
    found = look_at(
        linear(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))), Examples(X, Y)
    )
    right = np.linalg.norm(gradient_of(np.ones((3, 1))))
    np.testing.assert_allclose(found["gradients/norm"], [right], rtol=1e-5)


def test_so_it_is_where_the_loss_is_zero():
    """Wasserstein's loss, the mean of y · ŷ: here it is 0, and its gradient is not."""
    model = linear(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), lambda y, given: y * given
    )
    x, y = np.float32([[1, 0, 0], [0, 1, 0]]), np.float32([[1], [-1]])
    found = look_at(model, Examples(x, y))
    assert found["gradients/loss"] == 0
    np.testing.assert_allclose(found["gradients/norm"], [np.sqrt(0.5)], rtol=1e-5)


def test_ghost_batches_scatter_as_groups_of_their_size_do():
    """Of inputs with variance 1, the mean of four scatters by a half."""
    x = np.random.default_rng(2).normal(size=(64, 50)).astype(np.float32)
    model = keras.Sequential(
        [
            keras.Input((50,)),
            nw.layers.BatchNormalization(virtual_batch_size=4),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    found = look_at(model, *[Examples(x[i : i + 16], x[i : i + 16, :1]) for i in (0, 16, 32, 48)])
    groups = x.astype(np.float64).reshape(16, 4, 50)
    spread = np.sqrt(x.astype(np.float64).var(0) + 1e-3)
    right = (groups.mean(1).std(0, ddof=1) / spread).mean()
    assert right == pytest.approx(0.5, rel=0.1)
    np.testing.assert_allclose(found["statistics/mean_noise"], [right], rtol=1e-4)
    deviation = (groups.std(1).std(0, ddof=1) / spread).mean()
    np.testing.assert_allclose(found["statistics/deviation_noise"], [deviation], rtol=1e-4)
