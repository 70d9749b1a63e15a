"""The structures of keras.applications: what users bring most, and the largest graphs there are."""

import functools

import keras
import numpy as np
import pytest

from normwise.models import place, strip
from normwise.models.kinds import is_normalisation, sublayers

SIZES = {
    "ResNet50": 32,
    "InceptionV3": 75,
    "MobileNetV2": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
}
PLACES = ["before", "after", "input"]


@pytest.fixture(scope="module", autouse=True)
def values_from_numpy():
    """Spare JAX compiling one random draw for every shape of weight."""
    draw = np.random.default_rng(0)

    def values(_, shape, dtype=None):
        fan_in = max(1, int(np.prod(shape[:-1])))
        return draw.normal(0, fan_in**-0.5, shape).astype(dtype or "float32")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("GlorotUniform", "VarianceScaling", "RandomUniform"):
            patch.setattr(getattr(keras.initializers, name), "__call__", values)
        yield


@pytest.fixture(scope="module")
def models():
    @functools.cache
    def model(name):
        size = SIZES[name]
        build = getattr(keras.applications, name)
        original = build(weights=None, input_shape=(size, size, 3), classes=10)
        return original, strip(original)

    return model


def norms(model):
    return [layer for layer in sublayers(model) if is_normalisation(layer)]


def assert_same_model(model, other):
    assert model.get_config() == other.get_config()
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


@pytest.mark.parametrize("name", SIZES)
def test_stripping_keeps_all_but_the_normalisation(name, models):
    original, stripped = models(name)
    assert norms(stripped) == []
    kept = {layer.name for layer in original.layers if not is_normalisation(layer)}
    assert {layer.name for layer in stripped.layers} == kept
    before = {variable.path: variable for variable in original.weights}
    fresh_biases = set()
    for variable in stripped.weights:
        if variable.path in before:
            np.testing.assert_array_equal(variable, before[variable.path], err_msg=variable.path)
        else:
            fresh_biases.add(variable.name)
            np.testing.assert_array_equal(variable, 0)
    assert fresh_biases <= {"bias"}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", SIZES)
def test_stripping_what_was_placed_gives_the_same_model(name, where, models):
    original, stripped = models(name)
    placed = place(stripped, where)
    wanted = {"input": {1}}.get(where, {len(norms(original)), len(norms(original)) - 1})
    assert len(norms(placed)) in wanted
    assert_same_model(strip(placed), stripped)


def test_without_what_normalisation_does_the_stripped_model_predicts_alike(models):
    original, stripped = models("MobileNetV2")
    for norm in norms(original):
        # With this variance, and a mean of 0, dividing by the root of variance + ε is nothing.
        norm.moving_variance.assign(np.full(norm.moving_variance.shape, 1 - norm.epsilon))
    x = np.random.default_rng(1).uniform(0, 1, (2, 32, 32, 3)).astype("float32")
    ours, wanted = (model.predict(x, verbose=0) for model in (stripped, original))
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-6)


def test_preparation_of_the_images_stays(models):
    _, stripped = models("EfficientNetB0")
    for kind in (keras.layers.Rescaling, keras.layers.Normalization):
        assert any(isinstance(layer, kind) for layer in stripped.layers)
    assert place(stripped, "input").layers[3].name.endswith("_norm")
