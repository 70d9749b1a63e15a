"""`momentum=auto` is the momentum that suits the steps of an epoch, wherever a model is built."""

import keras
import numpy as np
import pytest

from normwise import Study

# 40 examples in batches of 8 and 5: 5 and 8 steps an epoch.
X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
DATA = ((X, Y), (X[:10], Y[:10]))
VARIANT = "after:momentum=auto"


def network():
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((3,)), *layers])


def builder(norm):
    layers = [*network().layers]
    norms = [keras.layers.BatchNormalization(momentum=norm.momentum)] if norm.places else []
    return keras.Sequential([keras.Input((3,)), layers[0], *norms, layers[1]])


def of(result, variant, size):
    runs = [run for run in result.records if run.key.variant == variant]
    return {run.key.seed: run.curves["val_loss"] for run in runs if run.batch_size == size}


@pytest.mark.parametrize(("model", "engine"), [(network, "stacked"), (builder, "fit")])
def test_it_trains_as_the_number_does(model, engine):
    # By hand: what leaves a twentieth after five steps, and after eight.
    five, eight = (f"after:momentum={0.05 ** (1 / steps)!r}" for steps in (5, 8))
    result = Study(
        model, DATA, variants=["none", VARIANT, five, eight], seeds=2, epochs=2,
        batch_size=[8, 5], engine=engine,
    ).run()  # fmt: skip
    for size, number in ((8, five), (5, eight)):
        found, expected = of(result, VARIANT, size), of(result, number, size)
        for seed in (0, 1):
            np.testing.assert_allclose(found[seed], expected[seed], rtol=1e-6)
    said = result.answer.environment["momentum=auto"]
    assert said == "0.55 in batches of 8, 0.69 in batches of 5"


def test_the_best_model_has_the_number(tmp_path):
    result = Study(network, DATA, variants=[VARIANT], seeds=1, epochs=1, batch_size=8).run(tmp_path)
    assert result.answer.environment["momentum=auto"] == "0.55"
    best = keras.models.load_model(tmp_path / "best.keras")
    [norm] = [one for one in best.layers if isinstance(one, keras.layers.BatchNormalization)]
    assert norm.momentum == pytest.approx(0.05 ** (1 / 5))
