"""Which way a metric gets better: by its name, or by what training made of it."""

import math

import pytest

from normwise.analysis import rises_by_name, rises_in_training


@pytest.mark.parametrize(
    ("metric", "rises"),
    [
        ("val_loss", False), ("mse", False), ("val_root_mean_squared_error", False), ("ppl", False),
        ("val_fid", False), ("nll", False), ("val_accuracy", True), ("acc", True), ("val_auc", True),
        ("mean_io_u", True), ("val_f1_score", True), ("val_map", True), ("bleu", True),
        ("wobble", None), ("placement", None), ("accepted", None),
    ],
)  # fmt: skip
def test_a_usual_name_says_the_direction(metric, rises):
    assert rises_by_name(metric) is rises


@pytest.mark.parametrize(
    ("curves", "rises"),
    [
        ([[1.0, 2.0], [1.0, 3.0], [5.0, 4.0]], True),
        ([[math.nan, 2.0, 1.0], [2.0, 1.0, math.inf]], False),
        ([[1.0], []], True),  # nothing says otherwise
        ([[1.0, 1.0], [2.0, 1.0]], False),
    ],
)
def test_most_curves_say_it_otherwise(curves, rises):
    assert rises_in_training(curves) is rises
