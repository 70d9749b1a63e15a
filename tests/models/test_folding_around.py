"""Folding beside what it must not disturb: shared layers, time steps, forced training mode."""

import keras
import numpy as np
import pytest
from disturbing import disturbed
from keras import layers

from normwise.errors import DataError
from normwise.models.certificate import certify, largest_difference
from normwise.models.folding import folding_of

DRAW = np.random.default_rng(5)


def predicted(model, x):
    return [np.asarray(part) for part in keras.tree.flatten(model.predict(x, verbose=0))]


def agree(model, folded):
    x = [DRAW.normal(size=(3, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
    x = x[0] if len(x) == 1 else x
    for old, new in zip(predicted(model, x), predicted(folded, x), strict=True):
        np.testing.assert_allclose(new, old, atol=2e-6 * np.abs(old).max())


def cnn(*, norm=True):
    stack = [layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="norm")]
    rest = [layers.ReLU(), layers.Flatten(), layers.Dense(3, name="features")]
    return keras.Sequential([keras.Input((6, 6, 2)), *stack[: 2 if norm else 1], *rest], name="cnn")


def each(layer, name=None):
    return layers.TimeDistributed(layer, name=name)


IN_STEPS = {
    "a model": ([each(cnn(), "steps")], {"norm": "conv"}),
    "a model without, and a norm behind": (
        [each(cnn(norm=False), "steps"), layers.Flatten(), layers.Dense(4, name="d"),
         layers.BatchNormalization(name="bn")],
        {"bn": "d"},
    ),
    "layers": (
        [each(layers.Conv2D(4, 3), "conv"), each(layers.BatchNormalization(), "bn"),
         each(layers.ReLU()), each(layers.GlobalAveragePooling2D())],
        {"bn": "conv"},
    ),
    "a layer, and a norm of all steps": (
        [each(layers.Conv2D(4, 3, use_bias=False), "conv"), layers.BatchNormalization(name="bn")],
        {"bn": "conv"},
    ),
    "a norm, and a layer behind": (
        [each(layers.BatchNormalization(axis=3), "bn"), each(layers.Dropout(0.5)),
         each(layers.Conv2D(3, 2), "conv")],
        {"bn": "conv"},
    ),
    "channels first": (
        [each(layers.Conv2D(4, 3, data_format="channels_first"), "conv"),
         each(layers.BatchNormalization(axis=1), "bn")],
        {"bn": "conv"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_STEPS)
def test_what_happens_at_each_time_step_is_folded(what):
    stack, wanted = IN_STEPS[what]
    shape = (5, 2, 6, 6) if what == "channels first" else (5, 6, 6, 2)
    model = disturbed(keras.Sequential([keras.Input(shape), *stack]))
    found = folding_of(model)
    assert (found.folded, found.left) == (wanted, {})
    agree(model, found.model)


def test_a_model_that_is_called_twice_is_folded_once():
    twice, x = cnn(), keras.Input((6, 6, 2))
    model = disturbed(keras.Model(x, layers.Add()([twice(x), twice(layers.ReLU()(x))])))
    found = folding_of(model)
    assert (found.folded, found.left) == ({"norm": "conv"}, {})
    agree(model, found.model)


def test_another_axis_of_a_time_step_is_left():
    stack = [each(layers.Conv2D(4, 3), "conv"), each(layers.BatchNormalization(axis=1), "bn")]
    model = disturbed(keras.Sequential([keras.Input((5, 6, 6, 2)), *stack]))
    found = folding_of(model)
    assert "another axis" in found.left["bn"]
    agree(model, found.model)


@pytest.mark.parametrize("leads", [True, False])
def test_channels_first_is_folded_from_either_side(leads):
    def conv(name):
        return layers.Conv2D(3, 2, data_format="channels_first", name=name)

    norm = layers.BatchNormalization(axis=1, name="norm")
    stack = [layers.ReLU(), norm, conv("conv")] if leads else [conv("conv"), norm]
    model = disturbed(keras.Sequential([keras.Input((3, 5, 5)), *stack]))
    found = folding_of(model)
    assert found.folded == {"norm": "conv"}
    agree(model, found.model)


def used_in_a_nested_model(side):
    """A dense layer beside a normalisation here, and alone in a nested model."""
    shared, norm = layers.Dense(4, name="shared"), layers.BatchNormalization(name="norm")
    port = keras.Input((4,))
    nested = keras.Model(port, layers.ReLU()(shared(port)), name="nested")
    x = keras.Input((4,))
    here = norm(shared(x)) if side == "behind" else shared(norm(layers.ReLU()(x)))
    return keras.Model(x, layers.Concatenate()([here, nested(x)]))


def used_in_steps(side):
    shared, norm = layers.Dense(4, name="shared"), layers.BatchNormalization(name="norm")
    x, steps = keras.Input((4,)), keras.Input((3, 4))
    here = norm(shared(x)) if side == "behind" else shared(norm(layers.ReLU()(x)))
    return keras.Model([x, steps], [here, each(shared, "steps")(steps)])


@pytest.mark.parametrize("side", ["behind", "in front"])
@pytest.mark.parametrize("make", [used_in_a_nested_model, used_in_steps])
def test_a_layer_that_is_used_elsewhere_too_keeps_its_weights(make, side):
    model = disturbed(make(side))
    found = folding_of(model)
    assert found.folded == {}
    assert "'shared' is called more than once" in found.left["norm"]
    agree(model, found.model)


def test_a_normalisation_that_is_used_in_a_nested_model_too_stays():
    norm, port, x = layers.BatchNormalization(name="norm"), keras.Input((4,)), keras.Input((4,))
    nested = keras.Model(port, norm(port), name="nested")
    model = disturbed(keras.Model(x, nested(norm(layers.Dense(4)(x)))))
    found = folding_of(model)
    assert list(found.left.values()) == ["it is called more than once"] * 2
    agree(model, found.model)


class Doubled(layers.BatchNormalization):
    def call(self, x, training=None, mask=None):
        return 2 * super().call(x, training=training, mask=mask)


class Always(layers.Dropout):
    def call(self, x, training=None):  # noqa: ARG002
        return super().call(x, training=True)


def test_a_derived_layer_counts_as_what_it_computes():
    own = keras.Sequential([keras.Input((4,)), layers.Dense(3), Doubled(name="norm")])
    found = folding_of(disturbed(own))
    assert found.left == {"norm": "it is a Doubled, with a call of its own"}
    agree(own, found.model)
    stack = [layers.ReLU(), layers.BatchNormalization(name="norm"), Always(0.5), layers.Dense(2)]
    assert folding_of(keras.Sequential([keras.Input((4,)), *stack])).folded == {}


def called_in_training_mode(where):
    x = keras.Input((4,))
    norm = layers.BatchNormalization(name="norm")
    if where == "the norm":
        y = norm(layers.Dense(4)(x), training=True)
    elif where == "the model around it":
        inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), norm])
        y = inner(x, training=True)
    else:
        y = layers.Dropout(0.5)(norm(layers.ReLU()(x)), training=True)
    return disturbed(keras.Model(x, layers.Dense(2)(y)))


@pytest.mark.parametrize("where", ["the norm", "the model around it", "dropout behind it"])
def test_what_is_called_in_training_mode_is_the_same_both_ways(where):
    model = called_in_training_mode(where)
    before = [np.array(variable.value) for variable in model.variables]
    found = folding_of(model)
    assert list(found.left) == ["norm"]
    certificate = certify(model, found)
    assert certificate.holds
    assert not certificate.is_unambiguous
    # What the certificate calls a disagreement, worked out by hand.
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    with keras.StatelessScope():
        called = np.asarray(model(x))
    gap = np.abs(called - model.predict(x, verbose=0)).max()
    wanted = gap / np.abs(model.predict(x, verbose=0)).max()
    assert certificate.disagreement == pytest.approx(wanted, rel=1e-4)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_a_frozen_normalisation_is_in_inference_mode_whatever_it_is_called_with():
    x, norm = keras.Input((4,)), layers.BatchNormalization(name="norm", trainable=False)
    model = disturbed(keras.Model(x, norm(layers.Dense(3, name="d")(x), training=True)))
    found = folding_of(model)
    assert found.folded == {"norm": "d"}
    assert certify(model, found).is_unambiguous


class ByDefault(layers.Layer):
    def call(self, x, training=True):  # noqa: FBT002 (what is tested)
        return 2 * x if training else x


def block(x, number, **called):
    norm = layers.BatchNormalization(name=f"norm_{number}")
    return norm(layers.Dense(4, name=f"dense_{number}")(x), **called)


def nested(**called):
    port, x = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(port, block(port, 2, **called), name="inner")
    return x, inner


def behind_a_norm():
    x = keras.Input((4,))
    return x, block(layers.ReLU()(block(block(x, 1), 2, training=True)), 3)


def beside_dropout():
    x = keras.Input((4,))
    noise = layers.Dropout(0.5, name="drop")(block(x, 1), training=True)
    return x, layers.Add()([noise, block(layers.Dense(4)(block(x, 2)), 3)])


def behind_a_nested_model():
    x, inner = nested(training=True)
    return x, block(inner(block(x, 1)), 3)


def inside_a_nested_model():
    x, inner = nested()
    return x, inner(layers.Dropout(0.5, name="drop")(block(x, 1), training=True))


def told_otherwise():
    x = keras.Input((4,))
    noise = layers.Dropout(0.5, name="drop")(block(x, 1), training=True)
    return x, block(block(noise, 2, training=False), 3)


def behind_a_default():
    x = keras.Input((4,))
    return x, block(ByDefault(name="own")(x), 2)


def behind_a_frozen_norm():
    x = keras.Input((4,))
    frozen = layers.BatchNormalization(name="norm_1", trainable=False)
    return x, block(frozen(layers.Dense(4)(x), training=True), 2)


def in_front_of_linear_layers_alone():
    x = keras.Input((4,))
    return x, layers.Dense(3)(block(block(x, 1), 2, training=False))


def in_front_of_an_operation():
    x = keras.Input((4,))
    return x, layers.Dense(3)(keras.ops.relu(block(block(x, 1), 2, training=False)))


def told_from_outside():
    """What a nested model is called with goes before what its own calls ask for."""
    x, inner = nested(training=False)
    return x, inner(block(x, 1), training=True)


KEPT_UP = {
    in_front_of_an_operation: (["norm_1", "norm_2"], {}),
    told_from_outside: (["norm_1"], {"norm_2": "'inner' runs with training=True"}),
    in_front_of_linear_layers_alone: (["norm_1", "norm_2"], {}),
    behind_a_norm: (
        ["norm_1"],
        {"norm_2": "it is called with training=True, so model(x) ", "norm_3": "'norm_2' runs with"},
    ),
    beside_dropout: (["norm_1", "norm_2"], {"norm_3": "'drop' runs with training=True"}),
    behind_a_nested_model: (
        ["norm_1"],
        {"norm_2": "it is called with training=True, so model(x) ", "norm_3": "'norm_2' runs with"},
    ),
    inside_a_nested_model: (["norm_1"], {"norm_2": "'drop' runs with training=True"}),
    told_otherwise: (["norm_1", "norm_3"], {"norm_2": "it is called with training=False"}),
    behind_a_default: ([], {"norm_2": "'own' runs with training=True"}),
    behind_a_frozen_norm: (
        [],
        {"norm_1": "it is called with training=True, which ", "norm_2": "'norm_1' runs with"},
    ),
}


@pytest.mark.parametrize("make", KEPT_UP)
def test_a_mode_that_keras_keeps_up_leaves_what_it_reaches_and_no_more(make):
    """Keras' own ``model(x)`` is the reference: it is the same before and after folding."""
    x, y = make()
    model = disturbed(keras.Model(x, layers.Dense(2)(y)))
    folded, left = KEPT_UP[make]
    found = folding_of(model)
    assert sorted(found.folded) == folded
    assert sorted(found.left) == sorted(left)
    for name, why in left.items():
        assert found.left[name].startswith(why)
    assert certify(model, found).holds


NAN, INF = np.nan, np.inf
ONE = np.ones(2)


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ([ONE, ONE], [ONE, np.array([1, NAN])], INF),
        ([ONE, ONE], [np.array([NAN, 1]), ONE], INF),
        (np.array([1, NAN]), ONE, INF),
        (ONE, np.array([1, INF]), INF),
        (np.array([-INF, 2]), np.array([-INF, 3]), 0.5),  # as attention masks hold
        (np.array([NAN, 4]), np.array([NAN, 3]), 0.25),
        (np.array([INF, 4]), np.array([-INF, 4]), INF),
        (np.zeros(2), np.array([0, 0.5]), 0.5),
    ],
)
def test_a_difference_is_infinite_where_one_side_alone_is_a_number(before, after, difference):
    assert largest_difference(before, after) == difference


def overflowing():
    """Whose folded kernel is infinite, and times 0 no number; in its second output."""
    x = keras.Input((4,))
    hidden, norm = layers.Dense(3, use_bias=False, name="h"), layers.BatchNormalization(name="n")
    model = keras.Model(x, [layers.Dense(2)(x), norm(hidden(x))])
    hidden.kernel.assign(np.full((4, 3), 1e20))
    norm.gamma.assign(np.full(3, 1e25))
    norm.moving_variance.assign(np.full(3, 1e8))
    return model


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_certificate_does_not_hold_for_what_overflows_in_the_folded_model():
    model = overflowing()
    certificate = certify(model, folding_of(model), np.zeros((8, 4), "float32"))
    assert not certificate.holds
    assert certificate.difference == np.inf
    assert certificate.to_json()["difference"] is None


@pytest.mark.parametrize(("data", "named"), [(None, "random numbers"), (np.ones(4), "the data")])
def test_a_model_that_predicts_no_number_cannot_be_certified(data, named):
    model = disturbed(keras.Model(x := keras.Input((4,)), layers.Dense(3)(x), name="whole"))
    model.layers[-1].bias.assign(np.full(3, NAN))
    message = f"^model 'whole' predicts nothing that is finite for {named}; .*compare"
    with pytest.raises(DataError, match=message):
        certify(model, folding_of(model), None if data is None else data[np.newaxis])
