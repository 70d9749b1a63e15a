"""Population statistics against NumPy in float64 over all data at once."""

import contextlib

import keras
import numpy as np
import pytest
from keras import layers

from normwise.errors import DataError, ModelError, WorseError
from normwise.layers import BatchNormalization
from normwise.models import Recalibration, recalibrate
from normwise.models.moments import Moments
from normwise.models.recalibrating import fingerprint

DRAW = np.random.default_rng(5)
X = DRAW.normal(2.0, 3.0, size=(103, 6)).astype("float32")


def stack():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", name="first"),
            layers.BatchNormalization(name="first_norm"),
            layers.Dense(4, activation="tanh", name="second"),
            layers.BatchNormalization(name="second_norm"),
            layers.Dense(1, name="output"),
        ]
    )


def inputs_of(model, name, x):
    """What a layer of a functional model takes, in inference."""
    part = keras.Model(model.inputs[0], model.get_layer(name).input)
    return np.asarray(part(x, training=False), np.float64)


def others(model):
    return [np.array(v.value) for v in model.variables if "moving" not in v.name]


@pytest.mark.parametrize("size", [1, 10, 103, 1000])
def test_each_layer_gets_the_moments_of_what_it_takes_in_inference(size):
    model = stack()
    kept = others(model)
    assert recalibrate(model, X, batch_size=size) is model
    for name in ("first_norm", "second_norm"):
        taken, norm = inputs_of(model, name, X), model.get_layer(name)
        np.testing.assert_allclose(norm.moving_mean, taken.mean(axis=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(norm.moving_variance, taken.var(axis=0), rtol=1e-5, atol=1e-7)
    for before, after in zip(kept, others(model), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_order_and_sizes_of_batches_do_not_matter():
    found = []
    for x, size in ((X, 7), (X[::-1], 50)):
        model = keras.Sequential([keras.Input((6,)), layers.BatchNormalization()])
        recalibrate(model, x.copy(), batch_size=size)
        found.append(np.array(model.layers[0].moving_variance.value))
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_a_mean_that_is_large_against_the_deviation_costs_no_digits():
    x = (1e4 + DRAW.normal(size=(5000, 3))).astype("float32")
    moments = Moments(axis=-1)
    for first in range(0, 5000, 64):
        moments.add(x[first : first + 64])
    np.testing.assert_allclose(moments.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, x.astype(np.float64).var(axis=0), rtol=1e-9)


def test_a_first_value_that_is_far_from_the_others_costs_none_either():
    x = (1e4 + DRAW.normal(size=(20_000, 1))).astype("float32")
    x[0] = 0
    moments = Moments(axis=-1)
    moments.add(x)
    np.testing.assert_allclose(moments.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, x.astype(np.float64).var(axis=0), rtol=1e-9)


def test_moments_of_nothing_are_refused():
    moments = Moments(axis=-1)
    moments.add(np.zeros((0, 3)))
    for what in ("mean", "variance"):
        with pytest.raises(ValueError, match=r"^no values were added; .*; add a batch first$"):
            getattr(moments, what)


def test_channels_may_be_any_axis_and_a_mask_counts():
    x = DRAW.normal(size=(20, 3, 4)).astype("float32")
    first = keras.Sequential([keras.Input((3, 4)), layers.BatchNormalization(axis=1)])
    recalibrate(first, x, batch_size=6)
    wanted = x.astype(np.float64)
    np.testing.assert_allclose(first.layers[0].moving_mean, wanted.mean(axis=(0, 2)), atol=1e-6)
    x[:, 2:] = np.where(DRAW.random((20, 1, 1)) < 0.5, 0.0, x[:, 2:])
    masked = keras.Sequential([keras.Input((3, 4)), layers.Masking(), layers.BatchNormalization()])
    recalibrate(masked, x, batch_size=6)
    rows = x[np.any(x != 0, axis=-1)].astype(np.float64)
    norm = masked.layers[-1]
    np.testing.assert_allclose(norm.moving_mean, rows.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, rows.var(axis=0), rtol=1e-5)


def test_layers_are_found_wherever_they_are():
    inner = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(name="deep")], name="in")
    shared = layers.BatchNormalization(name="shared")
    x = keras.Input((5, 4))
    y = layers.TimeDistributed(layers.BatchNormalization(name="wrapped"))(x)
    y = inner(layers.GlobalAveragePooling1D()(y))
    y = layers.Add()([shared(y), shared(layers.Dense(4)(y))])
    model = keras.Model(x, y)
    values = DRAW.normal(3.0, 2.0, size=(40, 5, 4)).astype("float32")
    seen = []
    recalibrate(model, values, batch_size=16, on_layer=lambda *one: seen.append(one))
    assert [name for _, _, name in seen] == ["wrapped", "deep", "shared"]
    wrapped = model.layers[1].layer
    np.testing.assert_allclose(
        wrapped.moving_mean, values.astype(np.float64).mean(axis=(0, 1)), rtol=1e-5
    )
    pooled = keras.Model(x, model.layers[2].output)(values, training=False)
    deep = inner.get_layer("deep")
    np.testing.assert_allclose(deep.moving_variance, np.var(pooled, axis=0), rtol=1e-5)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()
        self.dense = layers.Dense(2)

    def call(self, x, training=None):
        return self.dense(self.norm(x, training=training))


def test_subclassed_models_too():
    model = Subclassed()
    model(X[:1])
    recalibrate(model, X)
    np.testing.assert_allclose(model.norm.moving_mean, X.mean(axis=0, dtype=float), rtol=1e-5)


def test_after_few_steps_with_a_high_momentum_it_closes_the_gap():
    """Five steps at momentum 0.99 leave 95% of the initial statistics, 0 and 1."""
    keras.utils.set_random_seed(0)
    y = (X.sum(axis=1, keepdims=True) > 12).astype("float32")
    model = stack()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(X, y, epochs=5, batch_size=103, verbose=0)

    def loss(*, training):
        return float(np.mean((np.asarray(model(X, training=training)) - y) ** 2))

    moving = [np.array(v.value) for v in model.non_trainable_variables]
    in_training = loss(training=True)  # one batch of everything: its statistics are right
    for variable, value in zip(model.non_trainable_variables, moving, strict=True):
        variable.assign(value)
    before = loss(training=False)
    recalibrate(model, X)
    assert abs(before - in_training) > 0.01
    assert loss(training=False) == pytest.approx(in_training, rel=1e-4)


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (
            lambda: keras.Sequential([keras.Input((6,)), layers.Dense(1)], name="net"), X, ModelError,
            "^model 'net' has no batch normalisation; expected a built model with at least one "
            "BatchNormalization; there is nothing to recalibrate$",
        ),
        (
            lambda: keras.Sequential([layers.BatchNormalization()], name="net"), X, ModelError,
            "^model 'net' is not built; expected a built model with at least one",
        ),
        (stack, X[:, :3], DataError, "do not fit"),
        (stack, X[:0], DataError, "expected one number, above 0"),
        (stack, np.full_like(X, np.nan), DataError, "not finite"),
    ],
)  # fmt: skip
def test_what_cannot_be_recalibrated_is_said(model, x, error, message):
    with pytest.raises(error, match=message):
        recalibrate(model(), x)


@pytest.mark.parametrize("extremes", [[np.inf, 1.0], [np.inf, -np.inf], [3e38, -3e38]], ids=str)
def test_infinite_values_are_said_to_be_that_and_warned_of_by_nobody(extremes):
    x = X.copy()
    x[[0, 5]] = np.array(extremes)[:, None]
    model = keras.Sequential(
        [keras.Input((6,)), layers.BatchNormalization(name="norm")], name="net"
    )
    with pytest.raises(DataError) as caught:
        recalibrate(model, x)
    assert str(caught.value) == (
        "layer 'norm' of model 'net' takes values that are not finite; expected inputs and weights "
        "that are; look for NaN in the data, or overflow"
    )


def test_only_statistics_change_and_a_hash_proves_it():
    model = stack()
    before = fingerprint(model)
    for variable in model.variables:
        was = np.array(variable.value)
        variable.assign(was + 1)
        statistic = variable.name.startswith("moving_")
        assert (fingerprint(model) == before) == statistic, variable.path
        variable.assign(was)
    recalibrate(model, X)
    assert fingerprint(model) == before


# Keras 3.15 on NumPy 2.4, whenever a variable becomes an array.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_files_hash_is_that_of_its_weights(tmp_path):
    inputs = [keras.Input((6,)), layers.Dropout(0.2), layers.Dense(3)]
    model = keras.Sequential([*inputs, layers.BatchNormalization()])
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
    # Each time Keras draws other states of random numbers and counts the layers' names on.
    files = ("model.keras", "model.keras", "model.h5")
    loaded = [keras.saving.load_model(tmp_path / name) for name in files]
    assert {fingerprint(one) for one in loaded} == {fingerprint(model)}


def test_frozen_layers_keep_what_their_training_used():
    model = stack()
    frozen = model.get_layer("first_norm")
    frozen.trainable = False
    recalibrate(model, X)
    assert np.asarray(frozen.moving_mean).tolist() == [0] * 5
    assert np.asarray(model.get_layer("second_norm").moving_mean).all()
    recalibrate(model, X, frozen=True)
    taken = inputs_of(model, "first_norm", X)
    np.testing.assert_allclose(frozen.moving_mean, taken.mean(axis=0), rtol=1e-5)


def test_a_model_that_is_frozen_as_a_whole_is_recalibrated_when_asked_only():
    model = stack()
    model.trainable = False
    with pytest.raises(ModelError, match=r"is frozen, so its training used .*try frozen=True"):
        recalibrate(model, X)
    assert np.asarray(recalibrate(model, X, frozen=True).layers[1].moving_mean).all()


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": None},
        {"momentum": None, "renorm": True, "renorm_schedule": (1, 2, 3)},
        {"virtual_batch_size": 4},
        {"axis_name": "data"},
    ],
    ids=str,
)
def test_options_of_the_drop_in_layer_change_no_population(options):
    model = keras.Sequential([keras.Input((6,)), BatchNormalization(name="norm", **options)])
    norm = model.get_layer("norm")
    if norm.steps is not None:
        model(X[:10], training=True)
    kept = {v.name: np.array(v.value) for v in norm.variables if "moving" not in v.name}
    recalibrate(model, X, batch_size=10)
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, X.var(axis=0), rtol=1e-5)
    for variable in norm.variables:
        if variable.name in kept:
            np.testing.assert_array_equal(variable, kept[variable.name])


def test_an_average_of_batches_goes_on_from_the_population():
    # Which stands for as many batches as there were.
    model = keras.Sequential([keras.Input((6,)), BatchNormalization(momentum=None)])
    for rows in (slice(0, 50), slice(50, 100)):
        model(X[rows], training=True)
    recalibrate(model, X)
    model(X[:10], training=True)
    expected = X.mean(axis=0) * 2 / 3 + X[:10].mean(axis=0) / 3
    np.testing.assert_allclose(model.layers[0].moving_mean, expected, rtol=1e-5, atol=1e-6)


def padded(shape, lengths):
    """A mask that is true for the first so many steps of each example."""
    return np.arange(shape[1]) < np.asarray(lengths)[:, None]


@pytest.mark.parametrize(
    ("shape", "mask_shape", "axis"),
    [
        ((8, 4, 3, 5), (4, 1), -1),
        ((8, 4, 3, 5), (1, 3), -1),
        ((8, 4, 5), (4,), -1),
        ((8, 4, 5), (1,), -1),
        ((8, 4, 5), (4,), 1),
        ((8, 5, 4, 4), (5, 1), 1),
        ((8, 5, 4, 4), (1, 4), 1),
    ],
    ids=str,
)
def test_a_mask_broadcasts_as_in_the_training_of_keras(shape, mask_shape, axis):
    x = DRAW.normal(3.0, 2.0, size=shape).astype("float32")
    mask = DRAW.random((shape[0], *mask_shape)) < 0.6
    mask[0] = True  # a value at least of each channel
    inputs, of_mask = keras.Input(shape[1:]), keras.Input(mask_shape, dtype="bool")
    norm = layers.BatchNormalization(axis=axis, momentum=0.0)
    model = keras.Model([inputs, of_mask], norm(inputs, mask=of_mask))
    recalibrate(model, [x, mask], batch_size=3)
    found = [np.array(v.value) for v in (norm.moving_mean, norm.moving_variance)]
    counted = np.where(np.broadcast_to(mask[..., None], shape), x.astype(np.float64), np.nan)
    others = tuple(one for one in range(len(shape)) if one != axis % len(shape))
    np.testing.assert_allclose(found[0], np.nanmean(counted, axis=others), rtol=1e-5)
    np.testing.assert_allclose(found[1], np.nanvar(counted, axis=others), rtol=1e-5)
    model([x, mask], training=True)  # without momentum: the statistics of this batch
    np.testing.assert_allclose(found[0], norm.moving_mean, rtol=1e-4)
    np.testing.assert_allclose(found[1], norm.moving_variance, rtol=1e-4)


def test_where_a_mask_counts_a_large_mean_costs_no_digits_either():
    x = (1e4 + DRAW.normal(size=(500, 3, 2))).astype("float32")
    mask = DRAW.random((500, 3)) < 0.5
    moments = Moments(axis=-1)
    moments.add(x, mask)
    rows = x[mask].astype(np.float64)
    np.testing.assert_allclose(moments.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, rows.var(axis=0), rtol=1e-9)


def test_what_a_mask_leaves_out_may_be_anything():
    x = np.array([[[1.0], [np.nan]], [[4.0], [np.inf]]], "float32")
    moments = Moments(axis=-1)
    moments.add(x, np.array([[True, False]] * 2))
    assert (moments.mean.item(), moments.variance.item()) == (2.5, 2.25)


def test_a_channel_that_a_mask_leaves_without_values_is_what_keras_makes_of_it():
    x, mask = np.ones((2, 3, 4), "float32"), padded((2, 3), [2, 1])
    x[:, 2] = np.nan
    moments = Moments(axis=1)
    moments.add(x, mask)
    moments.add(2 * x, mask)
    assert (moments.mean.tolist(), moments.variance.tolist()) == ([1.5, 1.5, 0], [0.25, 0.25, 0])


def test_a_mask_that_leaves_nothing_is_named():
    model = keras.Sequential([keras.Input((3, 2)), layers.Masking(), layers.BatchNormalization()])
    with pytest.raises(DataError, match="is reached by no value: a mask leaves none"):
        recalibrate(model, np.zeros((5, 3, 2), "float32"))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_widened_before_differences_are_taken(kind):
    x = DRAW.uniform(-5e4, 5e4, (64, 2)).astype("float32")
    held = np.array(keras.ops.cast(x, kind)).astype(np.float64)
    moments = Moments(axis=-1)
    moments.add(keras.ops.cast(x, kind))
    np.testing.assert_allclose(moments.mean, held.mean(axis=0), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(moments.variance, held.var(axis=0), rtol=1e-6)


def test_double_precision_is_kept():
    x = 1e9 + DRAW.normal(size=(64, 2))
    moments = Moments(axis=-1)
    moments.add(x)
    np.testing.assert_allclose(moments.mean, x.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(moments.variance, (x - 1e9).var(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "x", "said"),
    [
        (
            "float16", [-4e4, 4e4],
            "keeps its moving_variance as float16, in which the data's, up to 1.6e+09, overflows; "
            "expected values that fit; scale the inputs, or make the layer anew with "
            "dtype='mixed_float16'",
        ),
        (
            "float32", [-1e20, 1e20],
            "keeps its moving_variance as float32, in which the data's, up to 1e+40, overflows; "
            "expected values that fit; scale the inputs",
        ),
    ],
)  # fmt: skip
def test_statistics_that_overflow_their_type_are_refused(dtype, x, said):
    norm = layers.BatchNormalization(dtype=dtype, name="norm")
    with pytest.raises(DataError) as caught:
        recalibrate(keras.Sequential([keras.Input((1,)), norm]), np.array(x, "float32")[:, None])
    assert str(caught.value) == f"layer 'norm' {said}"
    assert (float(norm.moving_mean[0]), float(norm.moving_variance[0])) == (0, 1)


def test_renormalisation_gets_the_deviation_that_it_divides_by():
    """A variance as small as ε, so that one without it would be seen."""
    x = (1e-2 * X).astype("float32")
    norm = layers.BatchNormalization(renorm=True, epsilon=1e-3)
    model = keras.Sequential([keras.Input((6,)), norm])
    recalibrate(model, x, batch_size=10)
    wide = x.astype(np.float64)
    deviation = np.sqrt(wide.var(axis=0) + 1e-3)
    np.testing.assert_allclose(norm.moving_stddev, deviation, rtol=1e-5)
    wanted = (wide - wide.mean(axis=0)) / deviation
    np.testing.assert_allclose(model(x, training=False), wanted, rtol=1e-4, atol=1e-4)


def test_a_layer_that_is_called_again_waits_for_those_in_front_of_its_last_call():
    first, second = keras.Input((6,)), keras.Input((6,))
    shared = layers.BatchNormalization(name="shared")
    between = layers.BatchNormalization(name="between")
    early = shared(first)
    for _ in range(4):  # Keras calls first what is furthest from the output
        early = layers.ReLU()(early)
    late = shared(layers.ReLU()(between(second)))
    model = keras.Model([first, second], layers.Add()([early, late]))
    one, two = X, X[::-1] * 2 + 1
    seen = []
    recalibrate(model, [one, two.copy()], on_layer=lambda *step: seen.append(step[-1]))
    assert seen == ["between", "shared"]
    # By hand: what `between` gives once it is right, and all that `shared` takes, together.
    wide = two.astype(np.float64)
    given = np.maximum((wide - wide.mean(0)) / np.sqrt(wide.var(0) + between.epsilon), 0)
    taken = np.concatenate([one.astype(np.float64), given])
    np.testing.assert_allclose(shared.moving_mean, taken.mean(0), rtol=1e-5)
    np.testing.assert_allclose(shared.moving_variance, taken.var(0), rtol=1e-5)


class Skipping(layers.Layer):
    """Leaves a batch of one as it is."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x, training=None):
        return x if x.shape[0] == 1 else self.norm(x, training=training)


@pytest.mark.parametrize("size", [3, 51, 102, 256])
def test_layers_that_skip_single_examples_are_reached(size):
    """None of the 103 examples is left over alone, either."""
    inputs = keras.Input((6,))
    layer = Skipping()
    model = keras.Model(inputs, layer(inputs))
    recalibrate(model, X, batch_size=size)
    np.testing.assert_allclose(layer.norm.moving_mean, X.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.norm.moving_variance, X.var(axis=0), rtol=1e-5)


def test_layers_that_no_call_reaches_are_not_called_frozen():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, Skipping()(inputs))
    with pytest.raises(ModelError, match=r"no call of model .* reaches a batch normalisation"):
        recalibrate(model, X, batch_size=1)


def test_what_goes_wrong_on_the_way_changes_nothing():
    model = stack()
    model.get_layer("second").kernel.assign(np.full((5, 4), np.nan))
    with pytest.raises(DataError, match=r"'second_norm' .* not finite"):
        recalibrate(model, X)
    assert np.asarray(model.get_layer("first_norm").moving_mean).tolist() == [0] * 5


def test_a_loss_that_wanders_by_less_than_a_hundredth_is_no_reason_to_refuse():
    """As after a training that went well: Keras' own moving averages of its last batches."""
    model = keras.Sequential([keras.Input((1,)), layers.BatchNormalization(epsilon=1e-9)])
    model.compile("sgd", "mse")
    x = DRAW.normal(size=(400, 1)).astype("float32")
    deviation, norm = x.std(), model.layers[0]
    # Labels of 1: a mean that is too low by so many deviations fits them better than the data's.
    for low, refused in ((0.001, False), (0.1, True)):
        norm.moving_mean.assign([x.mean() - low * deviation])
        norm.moving_variance.assign([deviation**2])
        with pytest.raises(WorseError) if refused else contextlib.nullcontext():
            recalibrate(model, (x, np.ones_like(x)))


class Noting(layers.Layer):
    """Notes how many examples come by."""

    def __init__(self, sizes):
        super().__init__()
        self.note = sizes.append

    def call(self, x):
        self.note(x.shape[0])
        return x


def test_a_pass_takes_so_many_examples_at_once_and_ends_at_the_layer_that_it_is_for():
    in_front, behind = [], []
    norms = [layers.BatchNormalization(name=name) for name in ("first", "shared")]
    inputs = keras.Input((6,))
    x = norms[1](layers.ReLU()(norms[1](norms[0](Noting(in_front)(inputs)))))
    model = keras.Model(inputs, Noting(behind)(x))
    steps = []
    recalibrate(model, X, batch_size=50, on_layer=lambda *step: steps.append(step))
    assert steps == [(0, 2, "first"), (1, 2, "shared")]
    # Once to see which layers are reached, and once for each of the two.
    assert in_front[1:] == [35, *[35, 34, 34] * 2]  # behind Keras' own call, which builds
    assert behind[1:] == [35]


def test_what_a_graph_asks_to_train_is_in_inference_mode_and_keeps_its_state():
    noise = layers.Dropout(0.5, seed=1)
    norm = layers.BatchNormalization()
    inputs = keras.Input((6,))
    model = keras.Model(inputs, norm(noise(inputs, training=True), training=True))
    before = fingerprint(model)
    recalibrate(model, X)
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, X.var(axis=0, dtype=float), rtol=1e-5)
    assert fingerprint(model) == before


class Stepping(keras.Model):
    """Normalises one step after the other, in a loop that JAX compiles."""

    def __init__(self):
        super().__init__(name="mine")
        self.norm = layers.BatchNormalization(name="norm")

    def call(self, x, training=None):
        steps = keras.ops.transpose(x, (1, 0, 2))

        def step(carry, x):
            return carry, self.norm(x, training=training)

        return keras.ops.scan(step, keras.ops.zeros(()), steps)[1]


class Normalised(layers.SimpleRNNCell):
    def __init__(self, units):
        super().__init__(units, name="cell")
        self.norm = layers.BatchNormalization(name="norm")

    def build(self, shape):
        super().build(shape)
        self.norm.build((None, self.units))

    def call(self, x, states, training=None):
        y, states = super().call(x, states, training=training)
        return self.norm(y, training=training), states


def recurrent():
    return keras.Sequential(
        [keras.Input((3, 2)), layers.RNN(Normalised(4), name="memory"), layers.Dense(1)],
        name="mine",
    )


@pytest.mark.parametrize(
    ("made", "place", "loop"),
    [(recurrent, "inside 'memory' ", "'memory'"), (Stepping, "", "the loop")],
)
def test_a_layer_in_a_compiled_loop_cannot_be_seen_and_that_is_said(made, place, loop):
    model, x = made(), np.ones((5, 3, 2), "float32")
    model(x)
    with pytest.raises(ModelError) as caught:
        recalibrate(model, x)
    assert str(caught.value) == (
        f"batch normalisation 'norm' {place}of model 'mine' runs in a loop that JAX compiles (as "
        f"the cell of a recurrent layer does), where what it takes cannot be seen, nor its "
        f"statistics move; expected one that the model calls; put it in front of {loop} or behind, "
        f"or normalise there with keras.layers.LayerNormalization"
    )


def of_ones(*, learnt=True, frozen=False):
    """A model that gives its inputs, which are its labels, as long as its statistics stay."""
    norm = layers.BatchNormalization(momentum=1.0, epsilon=0.0, name="norm")
    model = keras.Sequential([keras.Input((6,)), norm], name="whole")
    if learnt:
        norm.moving_variance.assign([4.0] * 6)
        norm.gamma.assign([2.0] * 6)
    norm.trainable = not frozen
    model.compile(loss="mse")
    return model


NEVER = (
    "the statistics of 'norm' never moved from 0 and 1, so the weights have learnt with those "
    "(trained without training=True?)"
)
FROZEN = "'norm' is frozen, so the weights have learnt with its statistics"
OTHER = (
    "the weights fit the statistics that they have better than those of these data: look whether "
    "the data are prepared as in training"
)


@pytest.mark.parametrize(
    ("options", "why"), [({"learnt": False}, NEVER), ({"frozen": True}, FROZEN), ({}, OTHER)]
)
def test_a_loss_that_would_rise_is_refused_with_what_may_be_the_reason(options, why):
    model = of_ones(**options)
    before = [np.array(variable.value) for variable in model.variables]
    with pytest.raises(WorseError) as caught:
        recalibrate(model, (X, X, X[:50], X[:50]), frozen=True)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)
    factor = 2 if options.get("learnt", True) else 1
    wide = X.astype(np.float64)
    after = np.mean((factor * (wide - wide.mean(0)) / wide.std(0) - wide)[:50] ** 2)
    said = str(caught.value)
    assert said.startswith("model 'whole' would do worse: validation loss ")
    assert f", {after:.4g} after (50 examples); expected a loss that does not rise" in said
    assert said.endswith(f", so nothing was written or kept; {why}; try force=True")
    assert caught.value.typed.endswith(f"{why}; try --force")


def test_what_would_rise_is_recalibrated_by_force():
    model = of_ones()
    recalibrate(model, (X, X), force=True)
    np.testing.assert_allclose(model.layers[0].moving_mean, X.mean(axis=0), rtol=1e-5)


def trained_with(callback, model, *data):
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(*data, epochs=1, verbose=0, callbacks=[callback])


def test_the_callback_recalibrates_at_the_end_of_training():
    sizes = []
    norm = layers.BatchNormalization()
    model = keras.Sequential([keras.Input((6,)), Noting(sizes), norm, layers.Dense(1)])
    trained_with(Recalibration(X, batch_size=52), model, X[:32], X[:32, :1])
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, X.var(axis=0, dtype=float), rtol=1e-5)
    assert sizes[-2:] == [52, 51]


def test_the_callback_says_that_the_loss_would_rise_and_ends_no_training(caplog):
    model = of_ones()
    with caplog.at_level("WARNING", "normwise"):
        trained_with(Recalibration((X, X)), model, X, X)
    [said] = [record.message for record in caplog.records]
    assert said.startswith("not recalibrated: model 'whole' would do worse: training loss ")
    assert np.asarray(model.layers[0].moving_variance).tolist() == [4.0] * 6


def taught():
    """A model whose statistics are of many examples."""
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4), layers.BatchNormalization(name="norm")]
    )
    return recalibrate(model, np.random.default_rng(0).normal(size=(400, 3)))


@pytest.mark.parametrize(
    "x",
    [np.full((1, 3), 0.7), np.full((40, 3), 0.7), np.zeros((40, 3))],
    ids=["one", "copies", "zeros"],
)
def test_examples_that_are_all_the_same_leave_a_model_as_it_was(x):
    model = taught()
    before = [np.array(one.value) for one in model.variables]
    message = f"'norm' takes the same value of every example, {len(x)} for a .* pass more of them"
    with pytest.raises(DataError, match=message):
        recalibrate(model, x)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_a_channel_that_does_not_vary_is_no_reason():
    model = taught()
    model.layers[0].kernel.assign(np.eye(3, 4))  # the fourth is the bias alone
    recalibrate(model, np.random.default_rng(1).normal(size=(200, 3)))
    assert model.get_layer("norm").moving_variance[3] == 0


@pytest.mark.parametrize(("examples", "off"), [(99, 14), (50, 20), (2, 100), (100, None)])
def test_few_examples_are_said(caplog, examples, off):
    """A sample's variance has the relative deviation √(2 / (n - 1)), where values are normal."""
    recalibrate(taught(), np.random.default_rng(1).normal(size=(examples, 3)))
    said = [one for one in caplog.messages if one.startswith("The statistics are of")]
    sentence = (
        f"The statistics are of {examples} values for a channel, whose variance is off by about "
        f"{off}%; more examples give better ones."
    )
    assert said == ([] if off is None else [sentence])


def test_without_labels_no_loss_is_compared_which_is_said_once(caplog):
    x = np.random.default_rng(1).normal(size=(200, 3))
    said = "The data have no labels, so no loss before and after is compared: pass (x, y)."
    model = taught()
    caplog.clear()
    recalibrate(model, x)
    assert caplog.messages.count(said) == 1
    caplog.clear()
    model.compile("sgd", "mse")
    recalibrate(model, (x, np.zeros((200, 4))), force=True)
    recalibrate(model, x, force=True)
    assert said not in caplog.messages


def test_behind_a_branch_that_begins_as_nothing_examples_may_differ_as_they_like():
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.BatchNormalization(gamma_initializer="zeros"),
            layers.Dense(4),
            layers.BatchNormalization(name="norm"),
        ]
    )
    for examples in (200, 2):
        model.get_layer("norm").moving_variance.assign(np.ones(4))
        recalibrate(model, np.random.default_rng(0).normal(size=(examples, 3)))
        np.testing.assert_array_equal(model.get_layer("norm").moving_variance.value, 0)
    with pytest.raises(DataError, match="takes the same value of every example"):
        recalibrate(taught(), np.full((200, 3), 0.7))
