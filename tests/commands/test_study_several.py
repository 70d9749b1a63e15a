"""`normwise study` of a saved model with several inputs and outputs, whose arrays go by its names."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAW = np.random.default_rng(4)
INPUTS = {
    "row": DRAW.normal(size=(48, 3)).astype("float32"),
    "tokens": DRAW.integers(0, 9, (48, 4)),
}
LABELS = {"kind": np.arange(48) % 3, "size": DRAW.random(48).astype("float32")}
WEIGHTS = {"kind": np.linspace(0, 2, 48, dtype="float32"), "size": np.ones(48, "float32")}
TRAIN, VAL = slice(0, 32), slice(32, 48)


def network():
    row, tokens = keras.Input((3,), name="row"), keras.Input((4,), dtype="int32", name="tokens")
    inside = layers.GlobalAveragePooling1D()(layers.Embedding(9, 2)(tokens))
    both = layers.Dense(4, activation="relu")(layers.concatenate([row, inside]))
    ends = [layers.Dense(3, activation="softmax", name="kind"), layers.Dense(1, name="size")]
    model = keras.Model({"row": row, "tokens": tokens}, [end(both) for end in ends])
    model.compile(
        keras.optimizers.SGD(0.05),
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy"]},
        loss_weights={"kind": 1.0, "size": 0.5},
    )
    return model


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_saved_model_and_an_archive_by_its_names(run_command, tmp_path, suffix):
    network().save(tmp_path / f"m{suffix}")
    parts = {"train": TRAIN, "val": VAL}
    arrays = {
        f"{name}_{part}": array[rows]
        for part, rows in parts.items()
        for name, array in {**INPUTS, **LABELS}.items()
    }
    weights = {f"sample_weight_train_{name}": array[TRAIN] for name, array in WEIGHTS.items()}
    np.savez(tmp_path / "d.npz", **arrays, **weights)
    code, out, error = run_command(
        *("study", "--model", f"m{suffix}", "--data", "d.npz", "--seeds", "2", "--epochs", "2"),
        *("--variant", "none", "--batch-size", "8", "--target", "val_kind_accuracy>=0.3"),
        *("--out", "o", "--verbose"),
    )
    assert code == 0, error
    assert "Inputs are row_train, tokens_train; labels kind_train, size_train." in " ".join(
        out.split()
    )
    summary = json.loads((tmp_path / "o" / "summary.json").read_text("utf-8"))
    assert summary["target"]["metric"] == "val_kind_accuracy"
    assert summary["solo_check"]["first_epoch_difference"] < 1e-5
    # The winner is as good as recorded, by Keras' own evaluation of the same arrays.
    best = keras.saving.load_model(tmp_path / "o" / "best.keras")
    val = [{name: array[VAL] for name, array in one.items()} for one in (INPUTS, LABELS)]
    found = best.evaluate(*val, verbose=0, return_dict=True)
    curves = pd.read_parquet(tmp_path / "o" / "curves.parquet").query("epoch == 2")
    for name in ("loss", "kind_loss", "size_loss", "kind_accuracy"):
        assert np.isclose(curves[f"val_{name}"], found[name], rtol=1e-5).any()
