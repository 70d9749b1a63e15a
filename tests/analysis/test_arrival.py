"""When a noisy curve arrives: against isotonic regression, and whether noise is rewarded."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from normwise.analysis import default_target, outcome, summarise
from normwise.analysis._arrival import arrival_epoch, best_value
from normwise.analysis._noise import epoch_noise
from normwise.domain import RunKey, RunRecord, Target

TARGET = Target.parse("val_accuracy>=0.8")


def saturating(rng, runs, *, noise, epochs=60, pace=8.0, end=0.9):
    """Curves that approach ``end``, each at a pace of its own, with as much noise an epoch."""
    paces = pace * np.exp(0.2 * rng.standard_normal((runs, 1)))
    trend = 0.4 + (end - 0.4) * (1 - np.exp(-np.arange(1, epochs + 1) / paces))
    return trend, trend + noise * rng.standard_normal(trend.shape)


def first_at(values, target=0.8):
    return float(np.argmax(values >= target)) + 1


@pytest.mark.parametrize("lattice", [None, 20])
def test_a_curve_that_never_falls_arrives_with_its_first_value_at_the_target(lattice):
    trend, _ = saturating(np.random.default_rng(1), 50, noise=0.0)
    curves = trend if lattice is None else np.round(trend * lattice) / lattice
    assert [arrival_epoch(curve, TARGET) for curve in curves] == [first_at(c) for c in curves]
    losses = Target.parse("val_loss<=0.2")
    assert arrival_epoch(1 - curves[0], losses) == arrival_epoch(curves[0], TARGET)


def test_a_curve_that_stays_arrives_where_its_isotonic_regression_does():
    _, curves = saturating(np.random.default_rng(2), 300, noise=0.02)
    found = [arrival_epoch(curve, TARGET) for curve in curves]
    assert found == [first_at(isotonic_regression(curve)) for curve in curves]


def test_noise_is_neither_rewarded_nor_punished():
    rng = np.random.default_rng(3)
    trend, noisy = saturating(rng, 2000, noise=0.05)
    truth = np.log([first_at(curve) for curve in trend])
    shift = np.log([arrival_epoch(curve, TARGET) for curve in noisy]) - truth
    assert abs(shift.mean()) < 0.02
    records = np.log([first_at(curve) for curve in noisy]) - truth
    assert records.mean() < -0.1  # What a target met for the first time would reward.


def test_who_overfits_later_has_arrived_before():
    trend, noisy = saturating(np.random.default_rng(4), 100, noise=0.01)
    falling = noisy - 0.01 * np.maximum(np.arange(60) - 25, 0)
    assert falling[:, -1].max() < 0.7
    for curve, smooth in zip(falling, trend, strict=True):
        assert arrival_epoch(curve, TARGET) == pytest.approx(first_at(smooth), abs=4)


@pytest.mark.parametrize("epochs", range(1, 6))
def test_a_few_epochs_arrive_with_their_first_value_at_the_target(epochs):
    curve = [0.5, 0.79, 0.8, 0.6, 0.7][:epochs]
    assert arrival_epoch(curve, TARGET) == (3.0 if epochs >= 3 else math.inf)


def test_a_lone_value_above_the_target_is_no_arrival():
    curve = [0.7, 0.72, 0.85, 0.7, 0.74, 0.69, 0.73, 0.7, 0.75, 0.71, 0.7, 0.72]
    assert arrival_epoch(curve, TARGET) == math.inf
    best = best_value(curve, TARGET)
    assert 0.7 < best < 0.75
    assert math.isfinite(arrival_epoch(curve, Target("val_accuracy", ">=", best)))
    assert math.isinf(arrival_epoch(curve, Target("val_accuracy", ">=", best + 0.001)))


@pytest.mark.parametrize("relation", [">=", "<="])
def test_the_best_value_that_a_run_is_offered_is_one_that_it_reaches(relation):
    _, curves = saturating(np.random.default_rng(5), 50, noise=0.03)
    curves = curves if relation == ">=" else 1 - curves
    beyond = Target("m", relation, 2.0 if relation == ">=" else -1.0)
    for curve in curves:
        record = RunRecord(RunKey("none", 0, "a"), 0.1, {"m": tuple(curve.tolist())})
        offered = outcome(record, beyond).remedy.split("'")[1]
        assert outcome(record, Target.parse(offered)).kind == "reached"


def test_values_that_are_no_numbers_say_nothing():
    nan, inf = math.nan, math.inf
    assert arrival_epoch([nan, 0.5, nan, 0.9, nan, 0.7], TARGET) == 4
    assert arrival_epoch([nan, nan], TARGET) == inf
    assert arrival_epoch([-inf, 0.5, 0.9, inf], TARGET) == 3
    assert arrival_epoch([inf, inf, 0.9, 0.1], Target.parse("val_loss<=0.2")) == 4


def test_the_epoch_noise_is_the_deviation_that_was_put_in():
    _, curves = saturating(np.random.default_rng(6), 400, noise=0.01)
    assert np.mean([epoch_noise(curve) for curve in curves]) == pytest.approx(0.01, rel=0.05)
    assert epoch_noise([*curves[0][:20], math.nan]) == epoch_noise(curves[0][:20])
    assert math.isnan(epoch_noise(curves[0][:9]))


def test_a_summary_says_the_median_noise_of_the_target_metric():
    _, curves = saturating(np.random.default_rng(8), 3, noise=0.02)
    runs = [
        RunRecord(RunKey("none", seed, "a"), 0.1, {"val_accuracy": tuple(curve.tolist())})
        for seed, curve in enumerate(curves)
    ]
    [variant] = summarise("x", runs, TARGET).variants
    assert variant.epoch_noise == np.median([epoch_noise(curve) for curve in curves])
    short = [replace(run, curves={"val_accuracy": (0.5, 0.9)}) for run in runs]
    body = summarise("x", short, TARGET).to_json()
    assert "epoch_noise" not in body["variants"][0]


def test_the_default_target_lies_below_the_noise_of_the_baselines_end():
    _, curves = saturating(np.random.default_rng(7), 9, noise=0.01, pace=4.0)
    runs = [
        RunRecord(RunKey("none", seed, "a"), 0.1, {"val_accuracy": tuple(curve.tolist())})
        for seed, curve in enumerate(curves)
    ]
    noise = np.median([epoch_noise(curve) for curve in curves])
    expected = np.median(curves[:, -1]) - 3 * noise
    assert default_target(runs).value == pytest.approx(expected, abs=1e-12)
