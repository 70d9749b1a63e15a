"""Metrics of other libraries, as Keras would name them."""

import pytest

from normwise.domain import Target
from normwise.runs.metric_names import keras_name, keras_names


@pytest.mark.parametrize(
    ("logged", "name"),
    [
        ("val_accuracy", "val_accuracy"), ("loss", "loss"), ("val/accuracy", "val_accuracy"),
        ("train_loss", "loss"), ("training/loss", "loss"), ("Loss/train", "loss"), ("Loss/valid", "val_loss"),
        ("validation/top-1 acc", "val_top_1_acc"), ("eval_accuracy", "val_accuracy"),
        ("test/f1", "val_f1"), ("train_loss_epoch", "loss"), ("epoch/val_loss", "val_loss"),
        ("val", "val"), ("train", "train"), ("Accuracy", "accuracy"), ("2nd", "_2nd"), ("ärger", "_ärger"),
    ],
)  # fmt: skip
def test_parts_come_first(logged, name):
    assert keras_name(logged) == name
    assert Target.parse(f"{name}>=0.5").metric == name


def test_no_two_get_one_name():
    given = ["val_loss", "val/loss", "Loss/val", "test_loss", "loss", "train/loss"]
    found = keras_names(given)
    assert list(found) == given
    assert len({*found.values()}) == len(given)
    assert (found["val_loss"], found["loss"], found["test_loss"]) == (
        "val_loss",
        "loss",
        "test_loss",
    )
