"""Models of Keras' older format: what Keras itself wrote, now and years ago."""

import gzip
import json
import logging
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import find_dataset
from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models.io import check_output, load_model
from normwise.models.keras2_config import translated
from normwise.models.portable import PortableModel
from normwise.models.source import ModelSource

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAW = np.random.default_rng(2)
X = DRAW.normal(size=(20, 2)).astype("float32")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def saved(model, name="m.h5"):
    remarks = logging.getLogger("absl")
    remarks.disabled = True
    model.save(name)
    remarks.disabled = False
    return name


def trained(*stack, loss="binary_crossentropy"):
    inputs = keras.Input((2,))
    outputs = inputs
    for layer in (*stack, layers.Dense(1, activation="sigmoid")):
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01, beta_1=0.8), loss, metrics=["accuracy"])
    model.fit(X, X[:, 0] > 0, batch_size=5, verbose=0)
    return model


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "M.H5"])
def test_a_file_of_keras_3_is_the_model_that_was_saved(name, caplog, capsys):
    model = trained(
        layers.Dense(4, activation="relu", kernel_regularizer="l2"), layers.BatchNormalization()
    )
    Path(saved(model, "saved.h5")).rename(name)
    found = load_model(name, compiled=True)
    np.testing.assert_array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    assert int(found.optimizer.iterations) == 4
    assert float(found.optimizer.beta_1) == 0.8
    assert found.evaluate(X, X[:, :1] > 0, verbose=0) == model.evaluate(X, X[:, :1] > 0, verbose=0)
    assert (caplog.messages, capsys.readouterr().err) == ([], "")


def initial(kind):
    return {"class_name": kind, "config": {}}


def dense(name, units, activation, **options):
    return {
        "class_name": "Dense",
        "config": {
            "name": name, "trainable": True, "units": units, "activation": activation, "use_bias": True,
            "kernel_initializer": {"class_name": "VarianceScaling", "config": {
                "scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}},
            "bias_initializer": initial("Zeros"), "kernel_regularizer": None, "bias_regularizer": None,
            "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None, **options,
        },
    }  # fmt: skip


NORM = {
    "class_name": "BatchNormalization",
    "config": {
        "name": "bn", "trainable": True, "axis": [1], "momentum": 0.99, "epsilon": 1e-3, "center": True,
        "scale": True, "beta_initializer": initial("Zeros"), "gamma_initializer": initial("Ones"),
        "moving_mean_initializer": initial("Zeros"), "moving_variance_initializer": initial("Ones"),
        "beta_regularizer": None, "gamma_regularizer": None, "beta_constraint": None, "gamma_constraint": None,
    },
}  # fmt: skip
WEIGHTS = {
    "first": {"kernel:0": DRAW.normal(size=(2, 4)), "bias:0": DRAW.normal(size=4)},
    "bn": {"gamma:0": DRAW.random(4), "beta:0": DRAW.random(4), "moving_mean:0": DRAW.random(4),
           "moving_variance:0": DRAW.random(4) + 1},
    "last": {"kernel:0": DRAW.normal(size=(4, 1)), "bias:0": DRAW.normal(size=1)},
}  # fmt: skip


def of_2018(path="old.h5", *, last="sigmoid", **optimizer):
    """A file as Keras 2.2 wrote it, with the batch's shape in its first layer."""
    config = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": [
        dense("first", 4, "relu", batch_input_shape=[None, 2], dtype="float32"), NORM, dense("last", 1, last)]}}  # fmt: skip
    options = {
        "lr": 0.02,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "decay": 0.0,
        "epsilon": 1e-7,
        "amsgrad": False,
    }
    training = {"optimizer_config": {"class_name": "Adam", "config": options | optimizer},
                "loss": "binary_crossentropy", "metrics": ["accuracy"], "sample_weight_mode": None,
                "loss_weights": None}  # fmt: skip
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.2.4", b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in WEIGHTS]
        for name, weights in WEIGHTS.items():
            own = group.create_group(name)
            own.attrs["weight_names"] = [f"{name}/{key}".encode() for key in weights]
            for key, value in weights.items():
                own.create_dataset(f"{name}/{key}", data=value.astype("f"))
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = [b"Adam/iterations:0"]
        group.create_dataset("Adam/iterations:0", data=np.int64(500))
    return path


def test_a_file_of_2018_predicts_as_it_did(caplog):
    model = load_model(of_2018(), compiled=True)
    first, norm, last = WEIGHTS.values()
    hidden = np.maximum(X @ first["kernel:0"] + first["bias:0"], 0)
    scaled = (hidden - norm["moving_mean:0"]) / np.sqrt(norm["moving_variance:0"] + 1e-3)
    out = (scaled * norm["gamma:0"] + norm["beta:0"]) @ last["kernel:0"] + last["bias:0"]
    np.testing.assert_allclose(model.predict(X, verbose=0), 1 / (1 + np.exp(-out)), rtol=1e-5)
    assert model.input_shape == (None, 2)
    assert (float(model.optimizer.learning_rate), int(model.optimizer.iterations)) == (
        pytest.approx(0.02),
        500,
    )
    assert len(model.optimizer._trainable_variables) == len(model.trainable_variables) == 6
    assert caplog.messages == []


def test_the_decay_of_a_rate_is_that_of_its_time():
    model = load_model(of_2018(decay=0.1), compiled=True)
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 1, 10)]
    np.testing.assert_allclose(rates, [0.02, 0.02 / 1.1, 0.02 / 2], rtol=1e-6)


# Written by tf_keras 2.21: a nested Sequential, RandomFlip, separable and depthwise convolutions, an LSTM in
# Bidirectional and a GRU, SGD with a schedule, "mse"; what it predicted, its loss and its metric.
KERAS_2 = Path(__file__).with_name("keras_2.h5.gz")
PREDICTED = [1.0612030029296875, 1.0612499713897705, 1.0612730979919434, 1.061295509338379]
LOSS, ERROR = 1.4424370527267456, 0.9999710917472839


def test_a_file_that_keras_2_wrote_is_the_model_that_it_was(caplog):
    Path("real.h5").write_bytes(gzip.decompress(KERAS_2.read_bytes()))
    model = load_model("real.h5", compiled=True)
    x, y = np.arange(4.0 * 36).reshape(4, 6, 6, 1), np.arange(4.0)
    np.testing.assert_allclose(model.predict(x, verbose=0).ravel(), PREDICTED, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), [LOSS, ERROR], rtol=1e-6)
    optimizer = model.optimizer
    assert (float(optimizer.momentum), int(optimizer.iterations)) == (pytest.approx(0.9), 6)
    assert float(optimizer.learning_rate) == pytest.approx(0.1 * 0.9**0.06)
    assert caplog.messages == []


@pytest.mark.parametrize("loss", ["mse", "mae", "kld", {"out": "mse"}, ["mse"]])
def test_a_loss_by_its_short_name_is_found(loss):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="out")(inputs))
    model.compile("sgd", loss)
    found = load_model(saved(model), compiled=True)
    assert found.evaluate(X, X[:, :1] ** 2, verbose=0) == model.evaluate(
        X, X[:, :1] ** 2, verbose=0
    )


def test_an_option_that_means_something_is_not_dropped():
    part = {"class_name": "DepthwiseConv2D", "config": {"kernel_size": 3, "groups": 2, "name": "d"}}
    assert translated(part) == part
    plain = {"class_name": "DepthwiseConv2D", "config": {"kernel_size": 3, "name": "d"}}
    assert translated(part | {"config": part["config"] | {"groups": 1}}) == plain


def test_a_file_of_today_that_keras_2_wrote_is_named():
    model = trained()
    model.save("m.keras")
    with zipfile.ZipFile("m.keras") as old, zipfile.ZipFile("old.keras", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                content = json.dumps({"keras_version": "2.15.0"}).encode()
            new.writestr(name, content.replace(b'"Dense"', b'"Dens"'))
    with pytest.raises(
        ModelError, match=r"was written by Keras 2.15.0, .* model.save\('NAME.h5'\)"
    ):
        load_model("old.keras")


def test_a_function_of_ones_own_leaves_a_model_uncompiled(caplog):
    def mine(labels, outputs):
        return keras.ops.mean((labels - outputs) ** 2)

    model = load_model(saved(trained(loss=mine)))
    assert not model.compiled
    said = "was loaded without its loss, metrics and optimiser, which need more than Keras: the function 'mine'"
    assert said in caplog.text


def test_classes_that_are_registered_load_and_others_are_named():
    @keras.saving.register_keras_serializable("mine_h5")
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    model = trained(Twice())
    np.testing.assert_array_equal(
        load_model(saved(model)).predict(X, verbose=0), model.predict(X, verbose=0)
    )

    class Thrice(layers.Layer):
        def call(self, x):
            return 3 * x

    with pytest.raises(
        ModelError, match="holds code that loading it would run: the class 'Thrice'"
    ):
        load_model(saved(trained(Thrice())))
    with pytest.raises(ModelError, match="holds code that loading it would run: a Lambda"):
        load_model(saved(trained(layers.Lambda(lambda x: x, output_shape=(2,)))))


def test_a_synchronised_layer_becomes_ours(caplog):
    with h5py.File(of_2018(), "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["synchronized"] = True
        file.attrs["model_config"] = json.dumps(config)
    [*_, norm, _] = load_model("old.h5").layers
    assert isinstance(norm, BatchNormalization)
    assert "'bn' of 'old.h5' has synchronized=True" in caplog.text


def test_it_crosses_to_another_process_as_a_file_of_today():
    data = find_dataset("circles")
    there = PortableModel.of(of_2018()).open()
    assert ModelSource(there, data).fingerprint == ModelSource("old.h5", data).fingerprint


def test_what_is_written_is_a_file_of_today(caplog, tmp_path):
    check_output(tmp_path / "new.keras", tmp_path / "old.h5")
    assert caplog.messages == ["old.h5 is of Keras' older format; new.keras is a .keras file"]
