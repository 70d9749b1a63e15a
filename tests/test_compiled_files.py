"""Files whose loss, metrics or optimiser are the user's own, and layers that only TensorFlow has."""

import json
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models.io import load_model

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`"),
]

X = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])


def net(norm=None):
    norm = norm or layers.BatchNormalization(name="norm")
    return keras.Sequential([keras.Input((2,)), layers.Dense(3, name="hidden"), norm])


def saved(model):
    model.save("model.keras")
    return model


def own_error(y, p):
    return keras.ops.mean((y - p) ** 2, -1)


class OwnLoss(keras.losses.Loss):
    def call(self, y, p):
        return own_error(y, p)


class OwnMetric(keras.metrics.Mean):
    pass


class OwnOptimizer(keras.optimizers.SGD):
    pass


COMPILED = {
    "the function 'own_error'": {"loss": own_error},
    "the class 'OwnLoss' of": {"loss": OwnLoss()},
    "a Lambda": {"loss": lambda y, p: keras.ops.mean(y - p, -1)},
    "the class 'OwnMetric' of": {"loss": "mse", "metrics": [OwnMetric()]},
    "the class 'OwnOptimizer' of": {"loss": "mse", "optimizer": OwnOptimizer()},
}


@pytest.mark.parametrize("what", COMPILED)
def test_what_only_training_needs_is_left_out_and_said(what, caplog):
    model = net()
    model.compile(**COMPILED[what])
    saved(model)
    found = load_model("model.keras")
    assert not found.compiled
    np.testing.assert_array_equal(found(X), model(X))
    (note,) = [record.getMessage() for record in caplog.records]
    assert "'model.keras' was loaded without its loss, metrics and optimiser" in note
    assert what in note
    # Of a function, the file says nothing but its name: trusting it finds nothing.
    assert ("add --unsafe" in note) == ("function" not in what)


@pytest.mark.parametrize("what", COMPILED)
def test_who_trains_as_it_was_compiled_is_refused(what):
    model = net()
    model.compile(**COMPILED[what])
    saved(model)
    with pytest.raises(ModelError, match=f"holds code that loading it would run: {what}"):
        load_model("model.keras", compiled=True)


def test_a_study_of_such_a_file_is_refused():
    model = net()
    model.compile(loss=own_error)
    saved(model)
    with pytest.raises(ModelError, match="the function 'own_error'"):
        Study("model.keras", (np.tile(X, (9, 1)), np.arange(45) % 3), seeds=2, epochs=1).run()


def test_nested_models_are_left_uncompiled_too():
    inner = net()
    inner.compile(loss=own_error)
    model = saved(keras.Sequential([keras.Input((2,)), inner, layers.Dense(1)]))
    np.testing.assert_array_equal(load_model("model.keras")(X), model(X))


def test_trusted_code_that_cannot_be_found_is_no_obstacle(caplog):
    model = net()
    model.compile(loss=own_error)
    saved(model)
    np.testing.assert_array_equal(load_model("model.keras", unsafe=True)(X), model(X))
    assert "Could not locate function 'own_error'" in caplog.text


def test_trusted_code_that_is_found_is_used():
    Path("own_losses.py").write_text(
        "import keras\nclass Twice(keras.losses.MeanSquaredError):\n"
        "    def call(self, y, p): return 2 * super().call(y, p)\n"
    )
    sys.path.insert(0, str(Path.cwd()))
    import own_losses

    model = net()
    model.compile(loss=own_losses.Twice())
    saved(model)
    y = np.ones((5, 3))
    wanted = model.evaluate(X, y, verbose=0)
    assert load_model("model.keras", unsafe=True).evaluate(X, y, verbose=0) == wanted


def test_functions_of_keras_are_no_code_of_the_users(caplog):
    model = net()
    metrics = [keras.metrics.mean_absolute_error]
    model.compile("adam", keras.losses.mean_squared_error, metrics=metrics)
    saved(model)
    assert load_model("model.keras", compiled=True).compiled
    assert not caplog.records


def test_commands_that_need_no_loss_take_such_a_file(run_command, caplog):
    model = net()
    model.compile(loss=own_error)
    saved(model)
    code, _, _ = run_command("check", "model.keras", "--select", "wrong-axis")
    assert (code, caplog.text.count("without its loss")) == (0, 1)
    code, out, _ = run_command("fold", "model.keras", "-o", "folded.keras")
    assert code == 0
    assert "1 of 1 batch normalisations folded" in out


def synchronised(name):
    """As TensorFlow would have saved it."""
    with zipfile.ZipFile(name) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    config = json.loads(members["config.json"])
    for layer in config["config"]["layers"]:
        if layer["config"]["name"] == "norm":
            layer["config"]["synchronized"] = True
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(name, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.parametrize("options", [{}, {"renorm": True}, {"axis": 1, "scale": False}], ids=str)
def test_a_synchronised_layer_becomes_ours(options, caplog):
    model = net(layers.BatchNormalization(name="norm", **options))
    for variable in model.variables:
        variable.assign(np.random.default_rng(1).uniform(0.5, 1.5, variable.shape))
    model.compile("adam", "mse")
    saved(model)
    synchronised("model.keras")
    found = load_model("model.keras", compiled=True)
    norm = found.get_layer("norm")
    assert (type(norm), norm.synchronized) == (BatchNormalization, True)
    assert found.compiled
    np.testing.assert_allclose(found(X), model(X), rtol=1e-6)
    assert "'norm' of 'model.keras' has synchronized=True" in caplog.text
    assert "on TensorFlow alone" in caplog.text


def test_other_layers_stay_kerass():
    stack = [layers.BatchNormalization(name="norm"), layers.BatchNormalization(name="plain")]
    saved(keras.Sequential([keras.Input((2,)), *stack]))
    synchronised("model.keras")
    found = load_model("model.keras")
    assert [type(layer) for layer in found.layers] == [
        BatchNormalization, layers.BatchNormalization,
    ]  # fmt: skip
