"""Which replica's weights are kept."""

import math

import numpy as np

from normwise.domain import RunKey, RunRecord
from normwise.engine import Chunk, Replica
from normwise.study.winners import Winners, best_run


def chunk(seeds, finals, *, losses=None):
    """Replicas whose only weight is their seed."""
    values = np.array(finals, float)[:, None]
    losses = np.zeros_like(values) if losses is None else np.array(losses, float)[:, None]
    curves = {"loss": losses, "val_accuracy": values, "val_loss": values}
    replicas = tuple(Replica(seed) for seed in seeds)
    return Chunk(replicas, curves, [np.array(seeds)], [], 0.0)


def key(seed, variant="none"):
    return RunKey(variant, seed, "x")


def offer(winners, made):
    winners.offer([key(replica.seed) for replica in made.replicas], made)


def test_the_best_of_all_chunks_is_kept_and_the_first_of_equals():
    winners = Winners("val_accuracy", rising=True)
    offer(winners, chunk([0, 1], [0.5, 0.7]))
    offer(winners, chunk([2, 3], [0.7, 0.6]))
    assert winners.weights(key(1, "none")) == ([1], [])
    assert winners.weights(key(2, "none")) is None
    assert winners.weights(key(1, "after")) is None
    offer(winners, chunk([4], [0.8]))
    assert winners.weights(key(4, "none")) == ([4], [])


def test_of_losses_the_lowest_is_best():
    winners = Winners("val_loss", rising=False)
    offer(winners, chunk([0, 1, 2], [0.5, 0.3, math.nan]))
    assert winners.weights(key(1, "none")) == ([1], [])


def test_a_frozen_replica_does_not_win():
    # Its weights are those before it diverged, and still score.
    winners = Winners("val_accuracy", rising=True)
    offer(winners, chunk([0, 1], [0.6, 0.9], losses=[0.1, math.nan]))
    assert winners.weights(key(0, "none")) == ([0], [])


def test_the_best_run_is_that_of_the_records():
    def record(seed, value, variant="none"):
        return RunRecord(key(seed, variant), 0.1, {"val_accuracy": (0.1, value)})

    records = [record(2, 0.7), record(1, 0.7), record(0, math.nan), record(3, 0.9, "after")]
    assert best_run(records[:3], "val_accuracy", rising=True) == records[1]
    assert best_run(records, "val_accuracy", rising=True) == records[3]
