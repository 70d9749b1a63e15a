"""An exported file against the model it was, with the evaluator that the ONNX project defines."""

import keras
import numpy as np
import pytest
from keras import layers
from onnx.reference import ReferenceEvaluator

from normwise.errors import ModelError, UsageError
from normwise.models import exporting
from normwise.models.exporting import export_onnx
from normwise.models.folding import folding_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
DRAW = np.random.default_rng(2)


def picture_net():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.BatchNormalization(name="after"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    for variable in model.variables:
        # Large kernels would amplify rounding: the logits of 144 positions go into a softmax.
        factor = 0.1 if "kernel" in variable.name else 1
        variable.assign(factor * DRAW.uniform(0.3, 1.5, variable.shape))
    return model


def test_a_folded_model_predicts_the_same_from_its_file(tmp_path):
    model = picture_net()
    found = folding_of(model)
    assert list(found.folded) == ["norm", "after"]
    x = DRAW.normal(size=(5, 8, 8, 2)).astype("float32")
    # In float64, which Keras casts and ONNX Runtime refuses.
    assert export_onnx(found.model, tmp_path / "m.onnx", x.astype("float64")) < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    file = ReferenceEvaluator(str(tmp_path / "m.onnx"))
    assert "BatchNormalization" not in {node.op_type for node in file.proto_.graph.node}
    (given,) = file.run(None, {file.input_names[0]: x})
    np.testing.assert_allclose(given, model(x, training=False), atol=1e-5)


def test_a_file_is_of_inference_whatever_a_graph_asks_for(tmp_path, capsys):
    inputs = keras.Input((3,))
    x = layers.Dropout(0.5)(layers.Dense(4)(inputs), training=True)
    model = keras.Model(inputs, layers.Dense(1)(layers.GaussianNoise(1.0)(x)))
    assert export_onnx(model, tmp_path / "m.onnx", DRAW.normal(size=(9, 3))) < 1e-5
    assert capsys.readouterr().out == ""


def test_several_inputs_and_outputs_find_their_places(tmp_path):
    inputs = {"b": keras.Input((2,), name="b"), "a": keras.Input((3,), name="a")}
    ends = {"y": layers.Dense(1)(inputs["a"]), "x": layers.Dense(2)(inputs["b"])}
    x = {"a": DRAW.normal(size=(9, 3)), "b": DRAW.normal(size=(9, 2))}
    assert export_onnx(keras.Model(inputs, ends), tmp_path / "m.onnx", x) < 1e-5


@pytest.mark.parametrize(
    ("missing", "named"),
    [(["jax2onnx"], "jax2onnx"), (["jax2onnx", "onnxruntime"], "jax2onnx and onnxruntime")],
)
def test_missing_packages_are_named(missing, named, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name in missing else name)
    with pytest.raises(UsageError) as caught:
        export_onnx(picture_net(), tmp_path / "m.onnx", np.ones((1, 8, 8, 2)))
    assert str(caught.value) == (
        f"an ONNX file was asked for, and {named} cannot be imported; expected what Keras exports "
        f"with; try pip install 'normwise[onnx]'"
    )
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_said_and_nothing_is_left(tmp_path, monkeypatch):
    def export(_, path, **_options):
        path.write_text("half")
        raise NotImplementedError("no such operator")

    monkeypatch.setattr(keras.Model, "export", export)
    with pytest.raises(ModelError, match=r"to ONNX \(NotImplementedError: no such operator\)"):
        export_onnx(picture_net(), tmp_path / "m.onnx", np.ones((1, 8, 8, 2)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_predicts_otherwise_is_not_kept(tmp_path, monkeypatch):
    def export_of_another(_, *arguments, **options):
        return export(another, *arguments, **options)

    another, export = picture_net(), keras.Model.export
    another(np.ones((1, 8, 8, 2)))
    monkeypatch.setattr(keras.Model, "export", export_of_another)
    message = r"predicts otherwise: ONNX Runtime differs by .* rounding explains 0.0001;.*--onnx"
    with pytest.raises(ModelError, match=message):
        export_onnx(picture_net(), tmp_path / "m.onnx", np.ones((1, 8, 8, 2)))
    assert list(tmp_path.iterdir()) == []
