"""Normalisation as operations of ``keras.ops`` in a graph: counted like the layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from normwise import Study
from normwise.checks.subject import Subject
from normwise.errors import ModelError
from normwise.models import place, strip
from normwise.models.folding import folding_of

X = np.random.default_rng(0).normal(1, 2, size=(64, 4)).astype("float32")
WEIGHTS = np.linspace(0.5, 2, 5, dtype="float32")


def by_the_batch(h):
    mean, variance = ops.moments(h, 0)
    return ops.batch_normalization(h, mean, variance, -1, offset=WEIGHTS, scale=WEIGHTS)


OPERATIONS = {
    "layer": ops.layer_normalization,
    "layer, with weights": lambda h: ops.layer_normalization(h, WEIGHTS, WEIGHTS),
    "RMS": ops.rms_normalization,
    "RMS, with a scale": lambda h: ops.rms_normalization(h, scale=WEIGHTS),
    "batch": by_the_batch,
    "batch, of constants": lambda h: ops.batch_normalization(h, WEIGHTS, WEIGHTS, -1),
}


def model_of(normalise, name="whole"):
    inputs = keras.Input((4,))
    hidden = layers.Dense(5, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(2, name="logits")(normalise(hidden)), name=name)


@pytest.mark.parametrize("kind", OPERATIONS)
def test_it_is_taken_out_like_the_layer(kind):
    model = model_of(OPERATIONS[kind])
    stripped = strip(model)
    hidden, logits = (np.asarray(model.get_layer(name).kernel) for name in ("hidden", "logits"))
    expected = X @ hidden @ logits  # biases are zeros
    np.testing.assert_allclose(stripped(X), expected, rtol=1e-5, atol=1e-5)
    assert np.abs(model(X) - expected).max() > 0.1


@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_model_that_has_it_is_refused_where_one_without_is_expected(kind):
    model = model_of(OPERATIONS[kind])
    for variant in ("none", "before"):
        with pytest.raises(ModelError, match=r"has normalisation already \((layer|rms|batch)_norm"):
            place(model, variant)
    assert "hidden_norm" in {layer.name for layer in place(strip(model), "before").layers}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_builder_may_not_give_it_for_the_baseline(kind, nested):
    def build(norm):  # noqa: ARG001
        model = model_of(OPERATIONS[kind])
        return keras.Sequential([keras.Input((4,)), model]) if nested else model

    data = (X, np.arange(64) % 2)
    with pytest.raises(ModelError, match=r"'build' gives for 'none' has normalisation: '.+_norm"):
        Study(build, data, variants=["none", "after"], seeds=2, epochs=1).run()


def test_it_is_taken_out_of_nested_models_and_refused_inside_layers():
    inner = model_of(ops.layer_normalization, name="inner")
    model = keras.Sequential([keras.Input((4,)), inner])
    assert type(strip(model).layers[0]._operations[2]) is layers.Dense
    steps = layers.TimeDistributed(inner, name="steps")
    for rewrite in (strip, lambda m: place(m, "after")):
        with pytest.raises(ModelError, match=r"\(LayerNorm\) in layer 'steps' \(TimeDistributed\)"):
            rewrite(keras.Sequential([keras.Input((3, 4)), steps]))


def test_what_is_frozen_keeps_it():
    inner = model_of(ops.layer_normalization, name="inner")
    inner.trainable = False
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)])
    np.testing.assert_array_equal(strip(model)(X), model(X))
    np.testing.assert_array_equal(place(model, "none")(X), model(X))


@pytest.mark.parametrize(
    "normalise",
    [
        lambda h: ops.layer_normalization(h, gamma=h[0]),
        lambda h: ops.rms_normalization(h, scale=h[0]),
        lambda h: ops.batch_normalization(h, WEIGHTS, WEIGHTS, -1, scale=h[0], offset=h[1]),
    ],
)
def test_a_scale_that_the_model_computes_is_not_taken_along(normalise):
    with pytest.raises(ModelError, match=r"_norm.*' of model 'whole' normalises, and its .* model"):
        strip(model_of(normalise))


def test_statistics_of_something_else_are_not_taken_along():
    inputs, others = keras.Input((4,)), keras.Input((5,), name="others")
    hidden = layers.Dense(5, name="hidden")(inputs)
    of_it, weighted = ops.relu(hidden), layers.Dense(5)(inputs)
    for other, is_refused in ((of_it, False), (hidden, False), (weighted, True), (others, True)):
        mean, variance = ops.moments(other, 0)
        normal = ops.batch_normalization(of_it, mean, variance, -1)
        model = keras.Model([inputs, others], [layers.Dense(2, name="logits")(normal), others])
        if is_refused:
            with pytest.raises(ModelError, match="normalises, and its mean and variance the model"):
                strip(model)
        else:
            np.testing.assert_allclose(
                strip(model)([X, np.ones((64, 5))])[0],
                np.maximum(X @ np.asarray(model.get_layer("hidden").kernel), 0)
                @ np.asarray(model.get_layer("logits").kernel),
                rtol=1e-4, atol=1e-5,
            )  # fmt: skip


def test_the_norm_of_an_example_stays_as_its_layer_does():
    for unit in (layers.UnitNormalization(), ops.normalize):
        model = model_of(unit)
        np.testing.assert_array_equal(strip(model)(X), model(X))


def test_folding_and_the_check_count_batch_normalisation_as_left():
    model = model_of(by_the_batch)
    for left in (folding_of(model).left, Subject(model).left):
        assert list(left.values()) == [
            "it is an operation, with no statistics or weights of a layer"
        ]
    assert folding_of(model_of(ops.layer_normalization)).left == {}
