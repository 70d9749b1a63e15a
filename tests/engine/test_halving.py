"""Replicas that stop early, and those that go on as if nothing had happened."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.engine import Replica, run_halving
from normwise.engine.halving import rungs

RATES = (0.001, 0.01, 0.1, 0.3, 0.03)
REPLICAS = [Replica(seed, rate) for rate in RATES for seed in (0, 1)]


@pytest.fixture(scope="module")
def cohort(make_cohort, rows):
    """Twenty epochs, four replicas side by side, with a momentum and dropout to carry along."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )
    return make_cohort(model, rows("regression"), epochs=20, width=4, optimizer="adam")


@pytest.fixture(scope="module")
def compiled(cohort):
    return cohort.compile(cohort.lower())


@pytest.fixture(scope="module")
def undisturbed(cohort, compiled, train):
    """Each replica's curves and weights, trained to the end."""
    return {
        replica: (
            {name: values[index] for name, values in chunk.curves.items()},
            [value[index] for value in (*chunk.trainable, *chunk.non_trainable)],
        )
        for chunk in train(cohort, REPLICAS, compiled)
        for index, replica in enumerate(chunk.replicas)
    }


def worse_half_stops(replicas, curves):
    last = curves["val_loss"][:, -1]
    return sorted(np.argsort(last)[: (len(replicas) + 1) // 2].tolist())


def test_rungs_lie_between_calls_of_the_program():
    assert rungs(8) == [2, 4]
    assert rungs(3) == [1]
    assert rungs(1) == []


def test_who_goes_on_trains_as_if_nothing_had_happened(cohort, compiled, undisturbed):
    chunks = list(run_halving(cohort, compiled, REPLICAS, worse_half_stops, lambda *_: None))
    lengths = [chunk.curves["loss"].shape for chunk in chunks]
    # Ten, of which five go on, of which three do: stacks of four, four and two become one.
    assert lengths == [(5, 4), (2, 10), (3, 20)]
    assert sorted(map(str, (one for chunk in chunks for one in chunk.replicas))) == sorted(
        map(str, REPLICAS)
    )
    for chunk in chunks:
        done = chunk.curves["loss"].shape[1]
        for index, replica in enumerate(chunk.replicas):
            curves, values = undisturbed[replica]
            for name, own in chunk.curves.items():
                np.testing.assert_allclose(own[index], curves[name][:done], rtol=1e-5)
            if done == cohort.epochs:
                ours = [value[index] for value in (*chunk.trainable, *chunk.non_trainable)]
                for mine, theirs in zip(ours, values, strict=True):
                    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_who_is_kept_is_decided_by_what_has_been_seen(cohort, compiled):
    seen = []

    def keep(replicas, curves):
        seen.append((replicas, {name: values.shape for name, values in curves.items()}))
        return range(len(replicas))

    [*chunks] = run_halving(cohort, compiled, REPLICAS, keep, lambda *_: None)
    assert [shape["loss"] for _, shape in seen] == [(10, 4), (10, 10)]
    assert seen[0][0] == tuple(REPLICAS)
    assert sum(len(chunk.replicas) for chunk in chunks) == 10
    assert {chunk.curves["loss"].shape[1] for chunk in chunks} == {20}


def test_progress_is_told(cohort, compiled):
    told = []
    list(run_halving(cohort, compiled, REPLICAS, worse_half_stops, lambda *one: told.append(one)))
    assert told[0] == (2, 4)
    assert told[-1] == (20, 3)
