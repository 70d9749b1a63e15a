"""Early stopping against Keras' own callback."""

import math

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normwise.analysis import summarise
from normwise.analysis._stopping import early_stop
from normwise.domain import RunKey, RunRecord, Target

VALUES = st.one_of(
    st.sampled_from([0.1, 0.2, 0.3]), st.floats(-10, 10, width=16), st.just(math.nan)
)


class Model:
    """What the callback needs: weights that tell the epoch."""

    def __init__(self):
        self.epoch, self.stop_training, self.restored = 0, False, None

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=30), st.integers(0, 6), st.booleans())
def test_it_stops_and_restores_as_keras_does(curve, patience, rising):
    callback = keras.callbacks.EarlyStopping(
        monitor="it", patience=patience, mode="max" if rising else "min", restore_best_weights=True
    )
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {"it": value})
        if model.stop_training:
            break
    callback.on_train_end()
    found = early_stop(curve, patience, rising=rising)
    assert (found.epochs, found.best) == (model.epoch + 1, model.restored + 1)


def test_a_summary_says_what_it_would_have_saved():
    def run(seed, losses):
        curves = {"val_loss": losses, "val_accuracy": tuple(1 - loss for loss in losses)}
        return RunRecord(RunKey("none", seed, "a"), 0.1, curves)

    runs = [run(0, (0.9, 0.5, 0.6, 0.7, 0.1)), run(1, (0.9, 0.8, 0.7, 0.6, 0.2))]
    target = Target.parse("val_accuracy>=0.3")
    [found] = summarise("x", runs, target, patience=2).variants
    assert (found.early_stopping.epochs.value, found.early_stopping.epochs.n) == (4.5, 2)
    assert found.early_stopping.final.value == pytest.approx((0.5 + 0.8) / 2)
    [without] = summarise("x", runs, target).to_json()["variants"]
    assert "early_stopping" not in without


def stalled(seed, restored, last, **more):
    """Two epochs in which the loss does not improve, and better ones thereafter."""
    curves = {"val_loss": (0.5, 0.6, 0.7, 0.1), "val_accuracy": (restored, 0.4, 0.4, last)}
    return RunRecord(RunKey("none", seed, "a"), 0.1, curves, **more)


@pytest.mark.parametrize(
    ("target", "margin", "lost"),
    [
        ("val_accuracy>=0.3", None, 0.02),
        ("val_accuracy>=0.3", 0.03, None),
        ("val_loss<=0.3", None, 0.4),
        ("val_loss<=0.3", 0.39, 0.4),
        ("val_loss<=0.3", 0.41, None),
    ],
)
def test_what_is_lost_beyond_the_margin_of_ends_is_told(target, margin, lost):
    runs = [stalled(0, 0.8, 0.81), stalled(1, 0.8, 0.83)]
    # What diverges after it would have stopped has nothing to lose.
    runs.append(stalled(2, 0.8, math.nan, diverged_at=4))
    target = Target.parse(target)
    [found] = summarise("x", runs, target, patience=2, end_margin=margin).variants
    assert found.early_stopping.lost == (lost and pytest.approx(lost))
    [patient] = summarise("x", runs, target, patience=3, end_margin=margin).variants
    assert patient.early_stopping.lost is None
