"""Data preparation as a layer, against scikit-learn's scalers."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from normwise.data import from_arrays
from normwise.domain import Variant
from normwise.errors import DataError, ModelError, VariantError
from normwise.models import place, placed_layers, source, strip

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAWS = np.random.default_rng(0)
X = (DRAWS.normal(size=(50, 4)) * [0.01, 1, 100, 3000] + [0, 5, 1e3, -1e4]).astype("f4")


def mean_normalised(x):
    return (x - x.mean(axis=0)) / np.ptp(x, axis=0)


REFERENCES = {
    "zscore": lambda x: StandardScaler().fit_transform(x),
    "minmax": lambda x: MinMaxScaler().fit_transform(x),
    "mean": mean_normalised,
}


def network(*front, shape=(4,)):
    return keras.Sequential(
        [keras.Input(shape, name="x"), *front, keras.layers.Dense(1, name="out")]
    )


def normalised(model, x):
    """What the layer behind the input gives."""
    (layer,) = [layer for layer in model.layers if layer.name.endswith("_norm")]
    front = keras.Model(model.inputs[0], layer.output)
    return np.asarray(front(x))


@pytest.mark.parametrize("norm", REFERENCES)
def test_inputs_are_prepared_as_scikit_learn_does(norm):
    placed = place(network(), f"input:norm={norm}", data=X)
    assert [layer.name for layer in placed.layers] == ["x_norm", "out"]
    assert placed_layers(network(), f"input:norm={norm}", data=X) == ["x_norm"]
    expected = REFERENCES[norm](X.astype(np.float64))
    np.testing.assert_allclose(normalised(placed, X), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("norm", REFERENCES)
def test_a_column_that_never_changes_stays_finite(norm):
    x = X.copy()
    x[:, 1] = 7.0
    values = normalised(place(network(), f"input:norm={norm}", data=x), x + 1)
    np.testing.assert_array_equal(values[:, 1], 1.0)


def test_statistics_are_of_what_reaches_the_layer():
    x = DRAWS.integers(0, 256, size=(2000, 3, 2)).astype("f4")
    front = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(name="flat")]
    placed = place(network(*front, shape=(3, 2)), "input:norm=zscore", data=x)
    values = normalised(placed, x)
    assert values.shape == (2000, 6)
    np.testing.assert_allclose(
        values, StandardScaler().fit_transform(x.reshape(2000, 6)), 1e-3, 1e-4
    )


@pytest.mark.parametrize(
    ("data_format", "axes"), [("channels_last", (0, 1, 2)), ("channels_first", (0, 2, 3))]
)
def test_pictures_are_prepared_channel_by_channel(data_format, axes):
    x = DRAWS.normal(3, 2, size=(20, 3, 4, 5)).astype("f4")
    layers = [keras.layers.Conv2D(2, 1, data_format=data_format), keras.layers.Flatten()]
    placed = place(network(*layers, shape=(3, 4, 5)), "input:norm=zscore", data=x)
    expected = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
    np.testing.assert_allclose(normalised(placed, x), expected, rtol=1e-3, atol=1e-4)


NUMPY = {
    "zscore": lambda x: (x.mean(axis=0), x.var(axis=0)),
    "minmax": lambda x: (x.min(axis=0), np.ptp(x, axis=0) ** 2),
    "mean": lambda x: (x.mean(axis=0), np.ptp(x, axis=0) ** 2),
}


@pytest.mark.parametrize("norm", NUMPY)
def test_what_lies_on_disk_is_read_in_batches(norm, tmp_path, monkeypatch):
    """Rows that lie sorted, so that no batch is like another; a mean far above the deviation."""
    x = np.sort(DRAWS.normal([0, 1e4, 0.3], [1, 0.1, 3], size=(4500, 3)), axis=0).astype("f4")
    np.save(tmp_path / "x.npy", x)
    read, take = [], np.take

    def watched(array, rows, **how):
        read.append(len(rows))
        return take(array, rows, **how)

    monkeypatch.setattr(np, "take", watched)
    lying = np.load(tmp_path / "x.npy", mmap_mode="r")
    layer = place(network(shape=(3,)), f"input:norm={norm}", data=lying).layers[0]
    assert read[-5:] == [900] * 5  # behind a look at a few
    assert max(read) == 900
    wanted_mean, wanted_variance = NUMPY[norm](x.astype(np.float64))
    np.testing.assert_allclose(np.ravel(layer.mean), wanted_mean, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(np.ravel(layer.variance), wanted_variance, rtol=1e-7)


def test_a_study_takes_its_statistics_once(monkeypatch):
    taken = []
    monkeypatch.setattr(
        source, "place", lambda *given, **data: taken.append(given) or place(*given, **data)
    )
    built = source.ModelSource(network(), from_arrays(X, X[:, :1]))
    variant = Variant.parse("input:norm=zscore")
    assert built.build(variant).get_layer("x_norm") is built.build(variant).get_layer("x_norm")
    assert [one for _, one in taken] == [variant]


def test_each_of_several_inputs_gets_its_own_statistics():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    both = keras.layers.Concatenate()([a, b])
    model = keras.Model([a, b], keras.layers.Dense(1)(both))
    placed = place(model, "input:norm=zscore", data=[X[:, :2], X[:, 2:]])
    means = {name: placed.get_layer(f"{name}_norm").mean for name in "ab"}
    np.testing.assert_allclose(means["a"][0], X[:, :2].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(means["b"][0], X[:, 2:].mean(axis=0), rtol=1e-4)


def test_preparation_is_saved_with_the_model_and_is_no_normalisation_to_strip(tmp_path):
    placed = place(network(), "input:norm=zscore", data=X)
    placed.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(np.asarray(loaded(X)), np.asarray(placed(X)), rtol=1e-6)
    assert [layer.name for layer in strip(placed).layers] == ["x_norm", "out"]


def test_without_data_the_way_out_is_named():
    message = (
        "variant 'input:norm=mean' needs the training data for its statistics and got none; "
        ".*; try nw.place\\(model, 'input:norm=mean', data=x_train\\)"
    )
    with pytest.raises(VariantError, match=message):
        place(network(), "input:norm=mean")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (X[:, :3], r"has examples of shape \(3,\); expected \(4,\)"),
        (X.ravel(), r"has examples of shape \(\); expected \(4,\)"),
        ([X, X], r"the inputs are 2 \(shape \(50, 4\), shape \(50, 4\)\), and model .* takes 1"),
    ],
    ids=["columns", "rank", "several"],
)
def test_data_that_does_not_fit_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        place(network(), "input:norm=zscore", data=data)


def test_of_several_inputs_all_shapes_are_named(capsys):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Concatenate()([a, b])))
    model.name = "two"
    place(model, "input:norm=zscore", data=[X[:, :2], X[:, :3]])
    assert capsys.readouterr() == ("", "")  # Keras says nothing on the way
    with pytest.raises(DataError) as caught:
        place(model, "input:norm=zscore", data=[X[:, :2], X])
    assert str(caught.value) == (
        "the data for variant 'input:norm=zscore' has examples of shape (2,), (4,); expected (2,), "
        "(3,), as model 'two' takes them; pass the inputs that it trains on"
    )


def test_masked_sequences_are_refused():
    model = network(keras.layers.Masking(name="mask"), keras.layers.LSTM(2), shape=(5, 3))
    with pytest.raises(
        ModelError, match=r"'mask' masks time steps.*'input:norm=zscore'.*try 'input'"
    ):
        place(model, "input:norm=zscore", data=np.zeros((4, 5, 3), "f4"))


@pytest.mark.parametrize(
    "option", ["center=false", "scale=false", "momentum=0.5", "epsilon=1e-5", "renorm", "bias"]
)
def test_options_of_a_learning_layer_are_refused(option):
    name = option.partition("=")[0]
    message = (
        f"sets '{name}', which norm=zscore does not have; .*Keras' Normalization; try 'input:n"
    )
    with pytest.raises(VariantError, match=message):
        place(network(), f"input:norm=zscore,{option}", data=X)


def test_hidden_layers_have_no_such_statistics():
    message = (
        "puts norm=minmax at 'input\\+after'; .*expected it at 'input' alone; try 'input:norm=m"
    )
    with pytest.raises(VariantError, match=message):
        Variant.parse("after+input:norm=minmax")


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame(X),
        lambda: X.astype(object),
        lambda: (X, X[:, 0]),
        lambda: iter([X[:20], X[20:]]),
    ],
    ids=["frame", "objects", "with labels", "batches"],
)
def test_data_in_the_forms_of_fit_give_the_same_statistics(make):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.ReLU(), layers.Dense(1)])
    placed = place(model, "input:norm=zscore", data=make())
    scale = placed.layers[0]
    np.testing.assert_allclose(np.ravel(scale.mean), X.mean(axis=0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(scale.variance), X.var(axis=0, dtype=float), rtol=1e-5)
