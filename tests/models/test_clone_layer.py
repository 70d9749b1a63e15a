"""Layers made anew from what Keras says of them."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.errors import ModelError
from normwise.models import fold, strip
from normwise.models.rebuild import Edits, clone_layer, rebuild


@pytest.mark.parametrize(
    ("factors", "ranges"),
    [((0.2, 0.1), ((-0.2, 0.2), (-0.1, 0.1))), ((0.2, (0.1, 0.3)), ((-0.2, 0.2), (0.1, 0.3)))],
)
def test_a_layer_that_refuses_its_own_configuration(factors, ranges):
    # What RandomShear makes of a number is a range that its constructor does not take.
    layer = layers.RandomShear(*factors, fill_mode="nearest", seed=3, name="shear", trainable=False)
    made = clone_layer(layer)
    assert made is not layer
    assert (tuple(made.x_factor), tuple(made.y_factor)) == ranges
    assert made.get_config() == layer.get_config()
    assert clone_layer(layer, seed=5).seed == 5


class Lazy(layers.Layer):
    """Makes the one layer when it is made, and the other when it is built."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.dense = layers.Dense(shape[-1])
        self.built = True

    def call(self, x):
        return self.norm(self.dense(x))


class Pair(layers.Layer):
    """Two layers, which Keras numbers on, the one with layers of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.last = Lazy(), layers.LayerNormalization()

    def call(self, x):
        return self.last(self.first(x))


def test_a_layer_of_ones_own_and_those_inside_keep_their_names():
    pair = Pair(name="mine")  # which Keras leaves out of a configuration that is not the user's own
    pair(keras.Input((3,)))
    made = clone_layer(pair)
    assert made.first.norm is not pair.first.norm
    for old, new in (
        (pair, made), (pair.last, made.last), (pair.first, made.first),
        (pair.first.norm, made.first.norm),
    ):  # fmt: skip
        assert new.name == old.name


class Bent(layers.Layer):
    """Has an activation, and takes none."""

    def __init__(self, **options):
        super().__init__(**options)
        self.activation = keras.activations.tanh

    def call(self, x):
        return self.activation(x)


def test_an_activation_that_is_no_argument_is_left_to_the_layer():
    assert clone_layer(Bent(name="bent")).activation is keras.activations.tanh


class Gained(layers.Dense):
    """Its gain is in no configuration: Dense's does not know of it."""

    def __init__(self, units, gain=1.0, **options):
        super().__init__(units, **options)
        self._gain = gain

    def call(self, x):
        return self._gain * super().call(x)


class Bending(layers.Layer):
    def __init__(self, function=keras.ops.tanh, **options):
        super().__init__(**options)
        self.function = function

    def call(self, x):
        return self.function(x)

    def get_config(self):
        return super().get_config()  # and there is a default for all that it leaves out


class Limited(layers.Layer):
    def __init__(self, limit=None, width=None, **options):
        super().__init__(**options)
        self.limit, self.width = limit, width

    def build(self, shape):
        self.width = shape[-1]
        self.limit = self.limit or self.width

    def call(self, x):
        return x / self.limit

    def get_config(self):
        return super().get_config()


@keras.saving.register_keras_serializable("anew")
class Cell(layers.SimpleRNNCell):
    def __init__(self, units, leak=0.0, **options):
        super().__init__(units, **options)
        self.leak = leak


@keras.saving.register_keras_serializable("anew")
class Bounded(keras.constraints.Constraint):
    def __init__(self, bound=1.0):
        self.bound = bound

    def __call__(self, weights):
        return keras.ops.clip(weights, -self.bound, self.bound)


def rebuild_alone(model):
    return rebuild(model, Edits())


@pytest.mark.parametrize(
    ("make", "lost"),
    [
        (lambda: Gained(3, 2.0), "gain=2.0 of Gained"),
        (lambda: Bending(keras.ops.sin), "function=<function sin at .*> of Bending"),
        (lambda: Limited(7), "limit=7 of Limited"),
        (lambda: layers.RNN(Cell(3, 0.5)), "leak=0.5 of Cell"),
        (lambda: layers.TimeDistributed(Gained(3, gain=2.0)), "gain=2.0 of Gained"),
        (lambda: layers.Dense(3, kernel_constraint=Bounded(2.0)), "bound=2.0 of Bounded"),
    ],
)
@pytest.mark.parametrize("rewrite", [rebuild_alone, strip, fold])
def test_a_layer_that_forgets_an_argument_is_refused(make, lost, rewrite):
    model = keras.Sequential([keras.Input((4, 3)), make(), layers.BatchNormalization()])
    with pytest.raises(ModelError, match=rf"cannot be made anew .*\({lost} is not in it\); expect"):
        rewrite(model)


def test_what_is_forgotten_as_it_was_by_default_comes_along():
    for layer in (Gained(3), Bending(), Limited(), layers.RNN(Cell(3))):
        layer(keras.Input((4, 3)))  # which says limit and width
        made = clone_layer(layer)
        assert type(made) is type(layer)


class Doubled(Gained):
    """Adds to what it says of itself."""

    def get_config(self):
        return {**super().get_config(), "gain": self._gain}


def test_what_a_layer_says_of_itself_comes_along():
    assert clone_layer(Doubled(3, 2.0))._gain == 2.0


def made_with_parts_of_ones_own():
    """Layers made with functions, and objects of classes, that are registered nowhere."""

    class Even(keras.regularizers.Regularizer):
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, weights):
            return self.factor * keras.ops.sum(keras.ops.square(weights))

        def get_config(self):
            return {"factor": self.factor}

    class Leaking(layers.SimpleRNNCell):
        def call(self, x, states, **options):
            output, states = super().call(x, states, **options)
            return output / 2, states

    def bent(x):
        return keras.ops.tanh(x) / 2

    even = Even(0.5)
    parts = {"kernel_regularizer": even, "bias_constraint": bent}
    return {
        "parts": layers.Dense(3, activation=bent, activity_regularizer=even, **parts),
        "recurrent activation": layers.LSTM(
            3, recurrent_activation=bent, recurrent_regularizer=even
        ),
        "cell": layers.RNN(Leaking(3, activation=bent, kernel_regularizer=even)),
        "at each step": layers.TimeDistributed(layers.Dense(3, kernel_regularizer=even)),
    }


@pytest.mark.parametrize("what", made_with_parts_of_ones_own())
def test_parts_of_ones_own_need_not_be_registered(what):
    layer = made_with_parts_of_ones_own()[what]
    x = np.linspace(-1, 1, 24).reshape(2, 4, 3).astype("float32")
    made = clone_layer(layer)
    expected, _ = layer(x), made(x)
    for old, new in zip(layer.variables, made.variables, strict=True):
        new.assign(np.array(old.value))
    np.testing.assert_allclose(made(x), expected, rtol=1e-6)
    assert float(sum(made.losses)) == pytest.approx(float(sum(layer.losses)), rel=1e-6)
    for old, new in zip(layer.trainable_variables, made.trainable_variables, strict=True):
        assert new is not old
        if old.constraint is not None:
            np.testing.assert_allclose(new.constraint(1.0), old.constraint(1.0))
