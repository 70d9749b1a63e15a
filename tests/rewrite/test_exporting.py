"""An exported file against the model it was, with the evaluator that the ONNX project defines."""

import keras
import numpy as np
import pytest
from keras import layers
from onnx.reference import ReferenceEvaluator

from normwise.errors import ModelError, UsageError
from normwise.rewrite import exporting
from normwise.rewrite.exporting import export_onnx
from normwise.rewrite.folding import folding_of

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


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if "jax" in name else name)
    with pytest.raises(UsageError, match=r"and jax2onnx cannot be imported; .*normwise\[onnx\]"):
        export_onnx(picture_net(), tmp_path / "m.onnx", np.ones((1, 8, 8, 2)))
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
