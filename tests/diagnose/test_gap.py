"""The gap between training and inference, against a network written by hand in float64."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.data import from_arrays
from normwise.diagnose.parts import parts_of
from normwise.errors import DataError, ModelError, SpecError
from normwise.models.fit_data import given_to

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAW = np.random.default_rng(7)
X = DRAW.normal(2.0, 3.0, size=(70, 4)).astype("float32")
Y = (X @ DRAW.normal(size=(4, 1)) + DRAW.normal(size=(70, 1)) > 1).astype("float32")
X_VAL, Y_VAL = X[50:], Y[50:]
X, Y = X[:50], Y[:50]
DATA = (X, Y, X_VAL, Y_VAL)


def stack(*, momentum=0.9, compiled=True):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, name="first"),
            layers.BatchNormalization(momentum=momentum, epsilon=1e-2, name="first_norm"),
            layers.ReLU(),
            layers.Dropout(0.5),
            layers.Dense(5, activation="tanh", name="second"),
            layers.BatchNormalization(momentum=momentum, name="second_norm"),
            layers.Dense(1, activation="sigmoid", name="out"),
        ],
        name="stack",
    )
    if compiled:
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def trained():
    keras.utils.set_random_seed(1)
    model = stack()
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    return model


class Reference:
    """The same network in NumPy, in float64, with statistics of one's choice."""

    def __init__(self, model):
        self.values = {v.path.split("/", 1)[1]: np.array(v.value, float) for v in model.weights}

    def __call__(self, x, statistics=None):
        """The output; each normalisation's inputs are left in `taken`."""
        self.taken = {}
        v = self.values
        x = x.astype(float) @ v["first/kernel"] + v["first/bias"]
        x = np.maximum(self.normalised(x, "first_norm", 1e-2, statistics), 0)
        x = np.tanh(x @ v["second/kernel"] + v["second/bias"])
        x = self.normalised(x, "second_norm", 1e-3, statistics)
        return 1 / (1 + np.exp(-(x @ v["out/kernel"] + v["out/bias"])))

    def normalised(self, x, name, epsilon, statistics):
        self.taken[name] = x
        mean, variance = statistics(name, x)
        scaled = (x - mean) / np.sqrt(variance + epsilon)
        return scaled * self.values[f"{name}/gamma"] + self.values[f"{name}/beta"]

    def moving(self, name, _x):
        return self.values[f"{name}/moving_mean"], self.values[f"{name}/moving_variance"]

    def losses(self, x, y, statistics):
        p = self(x, statistics)
        return -(y * np.log(p) + (1 - y) * np.log(1 - p))[:, 0], ((p > 0.5) == y)[:, 0]


def own(_name, x):
    return x.mean(axis=0), x.var(axis=0)


def test_four_ways_and_their_parts_against_float64(trained):
    reference, found = Reference(trained), nw.gap(trained, DATA, batch_size=7, seed=3)
    reference(X, own)
    population = {name: own(name, taken) for name, taken in reference.taken.items()}
    expected = {}
    for part, (x, y) in {"training": (X, Y), "validation": (X_VAL, Y_VAL)}.items():
        order = np.random.default_rng(3).permutation(len(x))
        batches = [order[first : first + 7] for first in range(0, len(x), 7)]
        by_batch = [reference.losses(x[batch], y[batch], own) for batch in batches]
        expected["batch", part] = [np.concatenate(values) for values in zip(*by_batch, strict=True)]
        expected["moving", part] = reference.losses(x, y, reference.moving)
        expected["population", part] = reference.losses(x, y, lambda name, _: population[name])
        expected["folded", part] = expected["moving", part]
    assert {(way, part) for way in found.ways for part in found.ways[way]} == set(expected)
    for (way, part), (losses, hits) in expected.items():
        assert found.ways[way][part]["loss"] == pytest.approx(losses.mean(), rel=2e-5), (way, part)
        assert found.ways[way][part]["accuracy"] == pytest.approx(hits.mean()), (way, part)
    loss = {key: losses.mean() for key, (losses, _) in expected.items()}
    lagging = loss["moving", "validation"] - loss["population", "validation"]
    generalisation = loss["population", "validation"] - loss["population", "training"]
    noise = loss["population", "training"] - loss["batch", "training"]
    assert found.lagging == pytest.approx(lagging, abs=1e-5)
    assert found.generalisation == pytest.approx(generalisation, abs=1e-5)
    assert found.batch_noise == pytest.approx(noise, abs=1e-5)
    assert found.total == pytest.approx(found.lagging + found.generalisation + found.batch_noise)
    # Each part is large enough here for a mistake in it to show.
    assert min(abs(lagging), abs(generalisation), abs(noise)) > 1e-3


def test_distances_against_float64(trained):
    reference = Reference(trained)
    reference(X, own)
    found = nw.gap(trained, DATA).layers
    assert [layer.layer for layer in found] == ["first_norm", "second_norm"]
    for layer, epsilon in zip(found, (1e-2, 1e-3), strict=True):
        m, v = reference.moving(layer.layer, None)
        mu, s = own(None, reference.taken[layer.layer])
        v, s = v + epsilon, s + epsilon
        shift, ratio = np.abs(m - mu) / np.sqrt(s), v / s
        assert layer.shift == pytest.approx(np.median(shift), rel=1e-4)
        assert layer.largest_shift == pytest.approx(shift.max(), rel=1e-4)
        assert layer.ratio == pytest.approx(np.median(ratio), rel=1e-4)
        farthest = max(ratio, key=lambda r: max(r, 1 / r))
        assert layer.farthest_ratio == pytest.approx(farthest, rel=1e-4)
        # KL(N(a, A) || N(b, B)), as in the textbooks, both ways round.
        one = 0.5 * (np.log(s / v) + (v + (m - mu) ** 2) / s - 1)
        other = 0.5 * (np.log(v / s) + (s + (m - mu) ** 2) / v - 1)
        assert layer.divergence == pytest.approx((one + other).mean(), rel=1e-4)
        assert not layer.is_fixed


def test_moving_and_population_are_what_evaluate_says_before_and_after_recalibration(trained):
    found = nw.gap(trained, DATA)
    before = trained.evaluate(X_VAL, Y_VAL, verbose=0, return_dict=True)
    nw.recalibrate(trained, X)
    after = trained.evaluate(X_VAL, Y_VAL, verbose=0, return_dict=True)
    assert found.ways["moving"]["validation"] == pytest.approx(before, rel=1e-6)
    assert found.ways["population"]["validation"] == pytest.approx(after, rel=1e-6)


def values(model):
    return [np.array(variable.value) for variable in model.variables]


def test_the_model_comes_back_as_it_was(trained):
    before = values(trained)
    nw.gap(trained, DATA)

    def interrupted(done, of, _name):
        if done == of - 1:  # all statistics are the population's by now
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nw.gap(trained, DATA, on_step=interrupted)
    for old, new in zip(before, values(trained), strict=True):
        np.testing.assert_array_equal(old, new)
    assert "call" not in vars(trained)


def test_every_step_is_told(trained):
    told = []
    nw.gap(trained, DATA, on_step=lambda *step: told.append(step))
    names = ["batch", "moving", "folded", "first_norm", "second_norm", "population"]
    assert told == [(number, 6, name) for number, name in enumerate(names)]


def test_an_uncompiled_model_has_distances_and_no_losses():
    found = nw.gap(stack(compiled=False), DATA)
    assert (found.ways, found.total, found.lagging) == ({}, None, None)
    assert "not compiled" in found.notes[0]
    assert found.summary()["gap"] is None
    assert found.layers[0].shift > 0.1


@pytest.mark.parametrize("how", ["frozen", "called for inference"])
def test_what_training_normalises_by_moving_statistics_keeps_them(how):
    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.norm, self.dense = layers.BatchNormalization(name="norm"), layers.Dense(1)

        def call(self, x, training=None):
            return self.dense(self.norm(x, training=training and how == "frozen"))

    model = Model()
    model.norm.trainable = how != "frozen"
    model(X)
    model.compile(loss="mse")
    found = nw.gap(model, DATA)
    for part, scores in found.ways["batch"].items():
        assert scores == pytest.approx(found.ways["moving"][part], rel=1e-6)
    assert found.ways["population"] == found.ways["moving"]
    assert (found.lagging, found.layers[0].is_fixed) == (0, True)
    assert found.layers[0].shift > 0.1
    assert "statistics of norm, too" in found.notes[0]
    assert "Not folded: " in found.notes[1]


def test_nested_shared_and_wrapped_layers_with_several_inputs_and_outputs():
    port = keras.Input((4,))
    inner = keras.Model(port, layers.BatchNormalization(name="deep")(port), name="inner")
    shared = layers.BatchNormalization(name="shared")
    wrapped = layers.TimeDistributed(layers.BatchNormalization(name="wrapped"))
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    steps = wrapped(layers.Reshape((2, 2))(layers.Subtract()([shared(a), shared(inner(b))])))
    flat = layers.Flatten()(steps)
    model = keras.Model(
        {"a": a, "b": b}, {"one": layers.Dense(1, name="one")(flat), "two": inner(a)}
    )
    model.compile(loss={"one": "mse", "two": "mae"}, loss_weights={"one": 1.0, "two": 0.5})
    x, y = {"a": X, "b": X[::-1]}, {"one": Y, "two": X}
    found = nw.gap(model, (x, y, x, y), batch_size=50)
    names = {layer.layer: place for place, layer in enumerate(found.layers)}
    assert set(names) == {"deep", "shared", "wrapped"}
    assert names["shared"] < names["wrapped"]
    for way in ("moving", "batch"):
        # One batch of everything: what Keras gives in training mode.
        given = model(x, training=way == "batch")
        expected = np.mean((np.asarray(given["one"], float) - Y) ** 2)
        expected += 0.5 * np.mean(np.abs(np.asarray(given["two"], float) - X))
        assert found.ways[way]["training"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_data_in_every_form():
    split = from_arrays(X, Y)
    parts = (split.x_train, split.y_train, split.x_val, split.y_val)
    for data in (split, (X, Y), parts, (parts[:2], parts[2:])):
        found, _ = parts_of(stack(), given_to(stack(), data))
        for ours, theirs in zip([*found["training"], *found["validation"]], parts, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    pixels = np.full((9, 2, 2), 255, "uint8")
    flat = keras.Sequential([keras.Input((2, 2)), layers.Rescaling(1 / 255), layers.Flatten()])
    x, _ = parts_of(flat, given_to(flat, (pixels, Y[:9], pixels, Y[:9])))[0]["training"]
    np.testing.assert_array_equal(x, pixels)
    assert x.dtype == "uint8"


def test_a_split_is_said_and_made_only_for_a_loss():
    found = nw.gap(stack(), (X, Y))
    assert "40 rows train, 10 validate (stratified split, seed 0)." in found.notes
    assert not [note for note in nw.gap(stack(), DATA).notes if "validate" in note]
    bare = nw.gap(stack(compiled=False), X)  # no loss, so all rows and no split
    assert not [note for note in bare.notes if "validate" in note]
    m = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
    expected = np.median(np.abs(X.mean(axis=0, dtype=float)) / np.sqrt(X.var(axis=0) + 1e-3))
    for data in (X, (X, Y)):
        assert nw.gap(m, data).layers[0].shift == pytest.approx(expected, rel=1e-5)


def test_weights_of_examples_count_in_the_losses():
    weights = DRAW.random(len(X)).astype("float32")
    model = stack()
    found = nw.gap(model, ((X, Y, weights), (X_VAL, Y_VAL)))
    for part, data in (("training", (X, Y, weights)), ("validation", (X_VAL, Y_VAL))):
        expected = model.evaluate(data[0], data[1], sample_weight=(*data, None)[2], verbose=0)[0]
        assert found.ways["moving"][part]["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "y",
    [np.eye(3)[np.arange(50) % 3], np.ones((50, 2, 2)), np.ones(50)],
    ids=["one-hot", "masks", "constant"],
)
def test_labels_that_are_no_classes_are_split_too(y):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile(loss="mse")
    parts, _ = parts_of(model, given_to(model, (X, y)))
    assert [len(part[1]) for part in parts.values()] == [40, 10]


def several():
    """Two inputs and two outputs, one of which a metric takes apart by its classes."""
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    both = layers.BatchNormalization()(layers.Dense(6)(layers.concatenate([a, b])))
    kind = layers.Dense(3, activation="softmax", name="kind")(both)
    model = keras.Model(
        {"b": b, "a": a}, {"size": layers.Dense(1, name="size")(both), "kind": kind}
    )
    f1 = keras.metrics.F1Score(name="f1")
    model.compile(
        "sgd", {"size": "mse", "kind": "categorical_crossentropy"}, metrics={"kind": [f1]}
    )
    return model


def test_several_inputs_and_outputs_are_taken_apart_as_evaluate_has_them():
    keras.utils.set_random_seed(2)
    model, x = several(), {"a": X[:, :2], "b": X[:, 2:]}
    y = {"size": X[:, 0], "kind": np.eye(3)[np.arange(50) % 3]}
    model.fit(x, y, epochs=3, verbose=0)
    found = nw.gap(model, (x, y))
    assert found.notes[0] == "40 rows train, 10 validate (split at random, seed 0)."
    parts, _ = parts_of(model, given_to(model, (x, y)))
    assert [len(part[0]["a"]) for part in parts.values()] == [40, 10]
    for way in ("moving", "population"):
        for name, part in parts.items():
            wanted = model.evaluate(*part, return_dict=True, verbose=0)
            one = found.ways[way][name]
            assert one["loss"] == pytest.approx(wanted["loss"], rel=1e-5)
            assert [one[f"kind_f1_{k}"] for k in range(3)] == pytest.approx(
                wanted["kind_f1"].tolist()
            )
        nw.recalibrate(model, parts["training"][0])


@pytest.mark.parametrize(
    ("model", "data", "settings", "error", "message"),
    [
        (stack, X, {}, DataError, "is compiled, and the data have no labels"),
        (stack, (X, Y[:9], X, Y), {}, DataError, "50 inputs and 9 labels in the training part"),
        (stack, (X[:, :2], Y, X, Y), {}, DataError, "do not fit model 'stack'"),
        (stack, (X, [Y], X, [Y, Y]), {}, DataError, "do not fit the loss"),
        (stack, (np.full_like(X, np.nan), Y, X, Y), {}, DataError, "loss is nan with batch"),
        (stack, DATA, {"batch_size": 0}, SpecError, "batch_size is 0"),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)]), DATA, {}, ModelError,
         "has no batch normalisation"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_apart_is_said(model, data, settings, error, message):
    with pytest.raises(error, match=message):
        nw.gap(model(), data, **settings)


def test_a_loss_that_is_not_finite_is_said(trained):
    trained.layers[1].moving_variance.assign(-np.ones(6))
    with pytest.raises(DataError, match="moving statistics; expected a finite number; look for"):
        nw.gap(trained, DATA)
