"""Files of models: what is loaded, and what is refused before anything of it is run."""

import json
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models.io import load_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OWN = """
import keras, pathlib
pathlib.Path("was-run").touch()

class Double(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("own_layers", None)


def net(*stack):
    return keras.Sequential([keras.Input((2,)), *stack])


def saved(model, name="model.keras"):
    model.save(name)
    return name


def rewritten(name, change):
    """The file with its configuration changed."""
    with zipfile.ZipFile(name) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members["config.json"] = change(members["config.json"].decode()).encode()
    with zipfile.ZipFile(name, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return name


def with_own_layer():
    Path("own_layers.py").write_text(OWN)
    sys.path.insert(0, str(Path.cwd()))
    import own_layers

    saved(net(own_layers.Double(), layers.Dense(1)))
    Path("was-run").unlink()
    del sys.modules["own_layers"]
    sys.path.pop(0)


@pytest.mark.parametrize(
    "stack",
    [
        lambda: [layers.BatchNormalization(), layers.Dense(1, activation="relu")],
        lambda: [BatchNormalization(), layers.Dense(1, kernel_regularizer="l2")],
        lambda: [layers.Reshape((2, 1)), layers.Bidirectional(layers.LSTM(2)), layers.Dense(1)],
    ],
)
def test_layers_of_keras_and_our_own_are_loaded(stack):
    model = net(*stack())
    x = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(load_model(saved(model))(x), model(x))


def test_operations_and_slices_are_layers_of_keras():
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.relu(x)[:, 1:3])
    assert load_model(saved(model))(np.ones((1, 4))).shape == (1, 2)


def test_a_lambda_is_refused_unless_trusted():
    name = saved(net(layers.Lambda(lambda x: x * 2), layers.Dense(1)))
    with pytest.raises(
        ModelError, match=r"holds code that loading it would run: a Lambda; .*unsafe"
    ):
        load_model(name)
    assert load_model(name, unsafe=True)(np.ones((1, 2))).shape == (1, 1)


def test_a_class_of_ones_own_is_not_imported_unless_trusted():
    with_own_layer()
    with pytest.raises(ModelError, match="the class 'Double' of the module 'own_layers'"):
        load_model("model.keras")
    assert not Path("was-run").exists()
    assert load_model("model.keras", unsafe=True).layers[0].name == "double"
    assert Path("was-run").exists()


@pytest.mark.parametrize("module", ["os", "subprocess", "kerasevil", "normwise.commands"])
def test_a_module_named_by_the_file_is_refused(module):
    name = rewritten(
        saved(net(layers.Dense(1))),
        lambda text: text.replace('"module": "keras.layers", "class_name": "Dense"',
                                  f'"module": "{module}", "class_name": "system"'),
    )  # fmt: skip
    with pytest.raises(ModelError, match=f"the class 'system' of the module '{module}'"):
        load_model(name)


def test_a_function_of_ones_own_is_named():
    name = saved(net(layers.Dense(1)))
    function = {"module": "builtins", "class_name": "function", "config": "mine",
                "registered_name": "function"}  # fmt: skip
    rewritten(
        name,
        lambda text: text.replace(
            '"activation": "linear"', f'"activation": {json.dumps(function)}'
        ),
    )
    with pytest.raises(ModelError, match="the function 'mine'"):
        load_model(name)


def test_a_registered_class_is_known():
    @keras.saving.register_keras_serializable(package="mine")
    class Half(layers.Layer):
        def call(self, x):
            return x / 2

    assert load_model(saved(net(Half(), layers.Dense(1)))).layers[0].name.startswith("half")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_named(share):
    content = Path(saved(net(layers.Dense(1)))).read_bytes()
    Path("model.keras").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"cannot load 'model.keras' \(BadZipFile"):
        load_model("model.keras")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "KeyError"),
        ({"config.json": "rubbish"}, "JSONDecodeError"),
        ({"config.json": "[" * 100_000}, "RecursionError"),
        ({"config.json": "3"}, "cannot load"),
        ({"config.json": "{}"}, "cannot load"),
        ({"config.json": " " * (2**26 + 1)}, "would unpack to 67,108,865 bytes"),
    ],
)
def test_an_archive_that_is_no_model_is_named(members, message):
    with zipfile.ZipFile("model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ModelError, match=message):
        load_model("model.keras")


def test_text_is_no_model():
    Path("model.keras").write_text("no model")
    with pytest.raises(ModelError, match="expected a model saved by Keras 3"):
        load_model("model.keras")
