"""An optimiser that averages weights: curves as ``fit`` records them, the winner as it leaves it."""

import keras
import numpy as np

from normwise import Study
from normwise.data import from_arrays
from normwise.engine import Fit, InitialValues, Replica

DRAW = np.random.default_rng(1)
X = DRAW.normal(size=(50, 3)).astype("float32")
Y = np.arange(50) % 2


def network():
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def test_the_winner_has_the_averages(tmp_path):
    result = Study(network, (X, Y), variants=["none"], seeds=1, epochs=3, batch_size=8).run(
        tmp_path
    )
    best = max(result.records, key=lambda record: record.curves["val_accuracy"][-1])
    model, data = network(), from_arrays(X, Y)
    fit, replica = Fit(model, InitialValues(model), data, 8), Replica(best.key.seed)
    alone = fit.train(replica, fit.begin(replica), range(3)).curves
    np.testing.assert_allclose(best.curves["val_loss"], alone["val_loss"], rtol=1e-5)
    for ours, theirs in zip(result.best_model().weights, model.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert "(use_ema)" in (tmp_path / "report.html").read_text()
