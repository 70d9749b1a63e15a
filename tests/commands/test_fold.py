"""`normwise fold`, as its users meet it."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from normwise.models import affine, exporting

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(8, name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.BatchNormalization(name="after"),
            layers.Softmax(),
        ]
    )
    draw = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(draw.uniform(0.3, 1.5, variable.shape))
    model.save(tmp_path / "model.keras")
    return model


def test_a_folded_file_and_its_certificate_are_written(model, run, tmp_path):
    original = (tmp_path / "model.keras").read_bytes()
    code, out, _ = run("model.keras", "-o", "folded.keras", "--data", "circles")
    assert code == 0
    assert out.startswith("1 of 2 batch normalisations folded\nleft: after: it follows 'relu'")
    assert "Written: folded.keras, folded.certificate.json" in out
    assert (tmp_path / "model.keras").read_bytes() == original
    certificate = json.loads(Path("folded.certificate.json").read_text())
    assert certificate["folded"] == {"norm": "hidden"}
    assert list(certificate["left"]) == ["after"]
    assert (certificate["inputs"], certificate["onnx"]) == ("data", None)
    assert set(certificate["layers"]) == {"norm"}
    x = np.random.default_rng(1).normal(size=(9, 2)).astype("float32")
    new = keras.saving.load_model("folded.keras")
    np.testing.assert_allclose(new(x), model(x), rtol=1e-5)
    assert 0 < certificate["difference"] < 1e-5


@pytest.mark.usefixtures("model")
def test_json_is_the_certificate_and_nothing_else(run):
    code, out, _ = run("model.keras", "-o", "folded.keras", "--json")
    assert code == 0
    assert json.loads(out) == json.loads(Path("folded.certificate.json").read_text())


@pytest.mark.usefixtures("model")
def test_onnx_is_refused_before_any_work_where_it_cannot_be_had(run, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda _name: None)
    code, _, error = run("model.keras", "-o", "folded.keras", "--onnx", "folded.onnx")
    assert code == 2
    assert "try pip install 'normwise[onnx]'" in error
    assert [path.name for path in Path().iterdir()] == ["model.keras"]


@pytest.mark.usefixtures("model")
def test_data_that_do_not_fit_are_named(run):
    code, _, error = run("model.keras", "-o", "folded.keras", "--data", "digits")
    assert code == 2
    assert "the inputs do not fit model" in error
    assert "expected what the model takes, shape (None, 2)" in error
    assert not Path("folded.keras").exists()


def test_where_model_x_differs_from_predict_this_comes_first(run):
    x = keras.Input((2,))
    hidden = layers.BatchNormalization(name="norm")(layers.Dense(3)(x), training=True)
    keras.Model(x, layers.Dense(1)(hidden)).save("model.keras")
    code, out, _ = run("model.keras", "-o", "folded.keras")
    assert code == 0
    assert out.startswith("model(x) and model.predict(x) of the model itself differ by ")
    assert "left: norm: it is called with training=True" in out
    certificate = json.loads(Path("folded.certificate.json").read_text())
    assert certificate["disagreement"] > 0.1
    assert max(certificate["difference"], certificate["call_difference"]) < 1e-6


@pytest.mark.usefixtures("model")
def test_a_folded_model_that_predicts_otherwise_is_not_written(run, monkeypatch):
    exact = affine.inference_statistics

    def wrong(norm):
        mean, variance = exact(norm)
        return mean + 0.1, variance

    monkeypatch.setattr(affine, "inference_statistics", wrong)
    code, out, _ = run("model.keras", "-o", "folded.keras")
    assert code == 1
    assert out.startswith("The folded model does not predict the same: it differs by 0.0")
    assert [path.name for path in Path().iterdir()] == ["model.keras"]


def test_rounding_of_layers_in_half_precision_is_no_other_prediction(run):
    dense = layers.Dense(16, dtype="mixed_float16", name="hidden")
    norm = layers.BatchNormalization(dtype="mixed_float16", name="norm")
    model = keras.Sequential([keras.Input((2,)), dense, norm, layers.Dense(1)])
    draw = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(draw.uniform(0.3, 1.5, variable.shape))
    model.save("model.keras")
    code, out, _ = run("model.keras", "-o", "folded.keras", "--data", "circles")
    assert code == 0
    assert out.startswith("1 of 1 batch normalisations folded")
    # Half of the last of 11 binary digits for each of the few steps that are rounded.
    assert 1e-4 < json.loads(Path("folded.certificate.json").read_text())["difference"] < 5e-3
