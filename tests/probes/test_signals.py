"""What arrives at each layer and activation, against NumPy and Keras' own models of a part."""

import keras
import numpy as np
import pytest

from normwise.probes.activity import activity_of
from normwise.probes.looking import looking_at
from normwise.probes.moment import start_of
from normwise.probes.signals import signals_in

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype(np.float32)
PICTURES = RNG.normal(size=(32, 3, 6, 6)).astype(np.float32)
layers = keras.layers


@pytest.fixture(autouse=True)
def _same_weights():
    keras.utils.set_random_seed(0)


def looked(model, x=X):
    """Each signal in words, and what all look like over ``x``."""
    model(x[:2])  # what a layer holds is built when it is called
    start = start_of(model)
    signals = signals_in(model, start, x[:2])
    seen = signals.seen(start.trainable, start.others, x)
    return signals.names, activity_of([seen[key] for key in signals.shown])


def of(start, outputs, x=X):
    """What Keras gives of a part of a model."""
    return np.asarray(keras.Model(start, outputs)(x), np.float64)


def into(names, layer, kind):
    """The place of what a layer takes; ``None`` where it is no signal."""
    [found] = [one for one in names if (one.layer, one.kind) == (layer, kind)]
    return int(found.takes) if found.takes else None


def test_behind_a_sum_it_is_the_sum_that_goes_into_the_activation():
    start = keras.Input((6,))
    both = layers.Add()([layers.Dense(6, name="a")(start), start])
    given = layers.ReLU(name="relu")(both)
    model = keras.Model(start, layers.Dense(2, name="o")(given))
    names, found = looked(model)
    place = into(names, "relu", "activations")
    assert (names[place].layer, names[place].kind) == ("relu", "inputs")
    assert found.mean[place] == pytest.approx(of(start, both).mean(), abs=1e-6)
    assert names[into(names, "o", "sums")].kind == "activations"


def test_branches_take_what_arrives_at_them_and_not_what_was_computed_before():
    start = keras.Input((6,))
    a = layers.Dense(8, activation="relu", name="a")(start)
    b = layers.Dense(4, activation="tanh", name="b")(start)
    whole = layers.Concatenate()([a, b])
    model = keras.Model(start, layers.Dense(2, name="o")(whole))
    names, found = looked(model)
    assert into(names, "a", "sums") is None
    assert into(names, "b", "sums") is None  # the network's own inputs
    place = into(names, "o", "sums")
    np.testing.assert_allclose(found.unit_mean[place][:12], of(start, whole).mean(0), atol=1e-6)


def test_what_pooling_and_dropout_leave_is_what_the_next_layer_takes():
    start = keras.Input((6, 6, 3))
    pooled = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu", name="c")(start))
    dropped = layers.Dropout(0.5, seed=1)(pooled)
    model = keras.Model(start, layers.Conv2D(5, 2, name="next")(dropped))
    x = np.moveaxis(PICTURES, 1, -1)
    names, found = looked(model, x)
    place = into(names, "next", "sums")
    assert names[place] == ("next", "inputs", "", False)
    kept = of(start, pooled, x)
    # Half of the values are 0 and half are doubled.
    assert found.mean[place] == pytest.approx(kept.mean(), rel=0.2)
    assert found.deviation[place] > 1.3 * kept.std()


def test_an_activation_that_a_layer_holds_is_seen_once():
    hidden = [
        layers.Dense(4, activation=one, name=f"d{at}")
        for at, one in enumerate([layers.LeakyReLU(), layers.ReLU(), layers.PReLU()])
    ]
    model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(1, name="o")])
    names, _ = looked(model)
    assert [(one.layer, one.kind) for one in names] == [
        *((f"d{at}", kind) for at in range(3) for kind in ("sums", "activations")),
        ("o", "sums"),
    ]
    assert [one.takes for one in names] == ["", "0", "1", "2", "3", "4", "5"]


def test_an_operation_of_a_functional_model_is_an_activation():
    start = keras.Input((6,))
    bias = keras.initializers.Constant([-99.0, 0, 0, 0])
    sums = layers.Dense(4, bias_initializer=bias, name="d")(start)
    given = layers.Dense(3, activation="softmax", name="o")(keras.ops.relu(sums))
    names, found = looked(keras.Model(start, given))
    assert [one.kind for one in names] == ["sums", "activations"] * 2
    assert [one.is_output for one in names] == [False, False, False, True]
    assert found.dead[1] == 0.25
    assert names[into(names, "relu", "activations")].layer == "d"


def test_what_no_layer_takes_up_is_an_output_of_any_head():
    start = keras.Input((6,))
    hidden = layers.Dense(8, activation="tanh", name="h")(start)
    heads = [layers.Dense(1, activation="sigmoid", name=name)(hidden) for name in ("p", "q")]
    names, _ = looked(keras.Model(start, heads))
    outputs = {one.layer: one.is_output for one in names if one.kind == "activations"}
    assert outputs == {"h": False, "p": True, "q": True}


def test_slopes_are_those_of_the_weights_of_the_moment():
    """Of PReLU: its slope is 0 where it begins, when half of all units are dead, then 0.3."""
    bias = keras.initializers.Constant([-99.0, -99.0, 99.0, 99.0])
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(4, bias_initializer=bias),
            layers.PReLU(name="p"),
            layers.Dense(1),
        ]
    )
    start = start_of(model)
    signals = signals_in(model, start, X[:2])
    place = [key.kind for key in signals.shown].index("activations")
    for alpha, dead in ((0.0, 0.5), (0.3, 0.0)):
        values = [
            np.full(one.shape, alpha) if "alpha" in variable.path else one
            for variable, one in zip(model.trainable_variables, start.trainable, strict=True)
        ]
        for variable in model.trainable_variables:
            variable.assign(np.nan * variable)  # what the model holds now is of no account
        seen = signals.seen(values, start.others, X)
        assert activity_of([seen[key] for key in signals.shown]).dead[place] == dead


def test_channels_that_come_first_are_the_units_of_what_follows():
    bias = keras.initializers.Constant([-99.0, -99.0, 0, 0])
    model = keras.Sequential(
        [
            keras.Input((3, 6, 6)),
            layers.Conv2D(4, 3, data_format="channels_first", bias_initializer=bias, name="c"),
            layers.ReLU(name="r"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    names, found = looked(model, PICTURES)
    place = [one.kind for one in names].index("activations")
    assert found.dead[place] == 0.5
    sums = model.layers[0](PICTURES)
    expected = np.maximum(np.asarray(sums), 0).mean((0, 2, 3))
    np.testing.assert_allclose(found.unit_mean[place][:4], expected, atol=1e-6)


@pytest.mark.parametrize("place", ["layer", "inside"])
def test_an_activation_with_two_bounds_is_saturated_at_both(place):
    relu6 = layers.ReLU(max_value=6.0) if place == "layer" else None
    dense = layers.Dense(4, kernel_initializer="ones", activation=None if relu6 else "relu6")
    model = keras.Sequential(
        [keras.Input((6,)), dense, *([relu6] if relu6 else []), layers.Dense(1)]
    )
    names, found = looked(model, 9 * X)
    sums = 9 * X.astype(np.float64).sum(1)
    expected = np.mean((sums < 0) | (sums > 6))
    row = [one.kind for one in names].index("activations")
    assert found.saturated[row] == pytest.approx(expected, abs=1e-6)


def test_code_that_mixes_units_has_no_slope_of_a_unit_alone():
    def alone(x):
        return keras.ops.sigmoid(keras.ops.matmul(x, keras.ops.eye(x.shape[-1])))

    hidden = [
        layers.Dense(4, activation=lambda x: keras.ops.softmax(2 * x), name="mixing"),
        layers.Activation(alone, name="alone"),
    ]
    model = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(1)])
    names, found = looked(model, 9 * X)
    rows = {one.layer: row for row, one in enumerate(names) if one.kind == "activations"}
    assert np.isnan(found.dead[rows["mixing"]])
    values = np.asarray(keras.Sequential(model.layers[:2])(9 * X))
    flat = np.mean(values * (1 - values) < 0.05 * 0.25)
    assert found.saturated[rows["alone"]] == pytest.approx(flat, abs=1e-6)


def test_padding_that_a_mask_leaves_out_does_not_count():
    tokens = RNG.integers(1, 20, (64, 7))
    tokens[:, 3:] = 0
    tokens[:8, 2] = 0
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(20, 5, mask_zero=True, name="embedding"),
            layers.Dense(4, activation="relu", name="d"),
            layers.LSTM(6, name="lstm"),
            layers.Dense(2, name="o"),
        ]
    )
    names, found = looked(model, tokens)
    kernel, bias = (np.asarray(one, np.float64) for one in model.get_layer("d").weights)
    table = np.asarray(model.get_layer("embedding").embeddings, np.float64)
    sums = table[tokens[tokens > 0]] @ kernel + bias
    row = into(names, "d", "activations")
    assert found.mean[row] == pytest.approx(sums.mean(), abs=1e-6)
    assert found.deviation[row] == pytest.approx(sums.std(), abs=1e-6)
    np.testing.assert_allclose(found.unit_mean[row][:4], sums.mean(0), atol=1e-6)
    # Some of the values that count, and no other one.
    sample = np.asarray(found.sample[row])
    assert np.abs(sample[:, None] - sums.ravel()[None]).min(1).max() < 1e-6
    of_first = np.asarray(found.unit_sample[row][:, 0])
    assert np.abs(of_first[:, None] - sums[None, :, 0]).min(1).max() < 1e-6


class Own(keras.layers.Layer):
    """A layer that no one knows."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 5), name="kernel")

    def call(self, x):
        return keras.ops.relu(x @ self.kernel)


def below(model, x=X):
    """Of each layer that is looked at the paths of the variables below it."""
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    looking = looking_at(model, start_of(model), x)
    paths = [variable.path for variable in model.trainable_variables]
    return {
        one.name: {paths[place] for place in one.below}
        for one in looking.probes["gradients"].layers
    }


def test_below_a_layer_stand_layers_of_unknown_kinds_as_well():
    start = keras.Input((6,))
    model = keras.Sequential(
        [start, Own(name="one"), Own(name="two"), layers.Dense(2, use_bias=False, name="o")]
    )
    one, two = "one/kernel", "two/kernel"
    found = {
        name: {path.split("/", 1)[-1] if "sequential" in path else path for path in paths}
        for name, paths in below(model).items()
    }
    assert found == {"one": set(), "two": {one}, "o": {one, two}}


def test_parallel_branches_do_not_stand_below_each_other():
    start = keras.Input((6,))
    a = layers.Dense(4, use_bias=False, name="a")(start)
    b = layers.Dense(4, use_bias=False, name="b")(start)
    shared = layers.Dense(3, use_bias=False, name="s")
    both = layers.Add()([shared(a), shared(layers.Dense(4, use_bias=False, name="c")(b))])
    found = below(keras.Model(start, both))
    a, b, c = (f"{name}/kernel" for name in "abc")
    assert found == {"a": set(), "b": set(), "c": {b}, "s": {a, b, c}}


def test_attention_has_its_queries_beside_its_keys():
    start = keras.Input((5, 6))
    given = layers.MultiHeadAttention(2, 3, use_bias=False, name="m")(start, start)
    x = RNG.normal(size=(8, 5, 6)).astype(np.float32)
    found = below(keras.Model(start, given), x)
    assert found["query"] == found["key"] == found["value"] == set()
    assert len(found["attention_output"]) == 3


def test_scales_of_positions_are_no_kernels():
    start = keras.Input((6, 6, 3))
    hidden = layers.LayerNormalization(axis=(1, 2, 3), name="ln")(layers.PReLU(name="p")(start))
    model = keras.Model(start, layers.Conv2D(2, 3, name="c")(hidden))
    assert set(below(model, np.moveaxis(PICTURES, 1, -1))) == {"c"}


class Looping(keras.layers.Layer):
    """Calls a layer in a loop."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def build(self, shape):
        self.inner.build(shape[1:])

    def call(self, x):
        return keras.ops.map(self.inner, x)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.inner.units)


def test_layers_that_cannot_be_looked_at_are_named():
    start = keras.Input((5, 6), batch_size=8)
    hidden = Looping(layers.Dense(4, name="inner"))(start)
    model = keras.Model(start, layers.Dense(1, name="o")(layers.Flatten()(hidden)))
    x = RNG.normal(size=(8, 5, 6)).astype(np.float32)
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    looking = looking_at(model, start_of(model), x)
    assert looking.names["layers"] == ("o",)
    assert looking.names["unseen"] == ("inner",)
