"""Whose state is kept."""

import math

import numpy as np
import pytest

from normwise.domain import Condition, Run, RunKey, RunRecord
from normwise.engine import State
from normwise.execution import Checkpointed, Finished
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.study.keeping import Keeper, best_run, score
from normwise.study.ledger import Ledger
from tests.study.invented import segment


def key(seed, variant="none"):
    return RunKey(variant, seed, "x")


class Kept:
    """Runs whose only weight is their seed, kept by the last value of a loss."""

    def __init__(self, checkpoints, *, rising=True):
        self.checkpoints, self.ledger = checkpoints, Ledger()
        self.rising = rising
        self.keeper = Keeper(self.ledger, checkpoints, self.score)

    def score(self, run):
        return score(self.ledger.value(run, "val_loss", 1), rising=self.rising)

    def ends(self, seeds, finals, losses=None):
        """A stack of these has gone to its end."""
        runs = [Run(key(seed), Condition(0.1)) for seed in seeds]
        values = np.array(finals, float)[:, None]
        curves = {"loss": np.zeros_like(values), "val_loss": values}
        if losses is not None:
            curves["loss"] = np.array(losses, float)[:, None]
        weights, alive = np.array(seeds, np.float32), np.ones(len(seeds), bool)
        self.checkpoints.save(f"stack-{seeds}", State([weights], [], [], alive))
        keys = tuple(run.key for run in runs)
        self.ledger.add(segment(runs, 0, values, curves=curves))
        self.ledger.add(Checkpointed(keys, 1, f"stack-{seeds}"))
        self.keeper.keep(Finished(keys, 1))

    @property
    def weights(self):
        """Of all that is kept."""
        states = [self.checkpoints.load(name) for name in self.checkpoints.names()]
        return [state.trainable[0].tolist() for state in states]


@pytest.fixture(params=[MemoryCheckpoints, FolderCheckpoints])
def checkpoints(request, tmp_path):
    return request.param(*[tmp_path] * (request.param is FolderCheckpoints))


def test_the_best_of_all_stacks_is_kept_and_the_first_of_equals(checkpoints):
    kept = Kept(checkpoints)
    kept.ends([0, 1], [0.5, 0.7])
    assert kept.weights == [[1.0]]
    kept.ends([2, 3], [0.7, 0.6])
    assert kept.weights == [[1.0]]
    kept.ends([4], [0.8])
    assert kept.weights == [[4.0]]
    epoch, origin = kept.ledger.origin(key(4))
    assert (epoch, origin.row) == (1, 0)
    assert checkpoints.load(origin.checkpoint).trainable[0] == [4.0]


def test_of_losses_the_lowest_is_best(checkpoints):
    kept = Kept(checkpoints, rising=False)
    kept.ends([0, 1, 2], [0.5, 0.3, math.nan])
    assert kept.weights == [[1.0]]


def test_a_frozen_replica_does_not_win(checkpoints):
    # Its weights are those before it diverged, and still score.
    kept = Kept(checkpoints)
    kept.ends([0, 1], [0.6, 0.9], losses=[0.1, math.nan])
    assert kept.weights == [[0.0]]


def test_who_is_best_is_known_after_a_restart(checkpoints):
    kept = Kept(checkpoints)
    kept.ends([0, 1], [0.5, 0.7])
    kept.keeper = Keeper(kept.ledger, checkpoints, kept.score)
    kept.ends([2, 3], [0.6, 0.6])
    assert kept.weights == [[1.0]]
    kept.ends([5], [0.9])
    assert kept.weights == [[5.0]]


def test_tidying_leaves_the_best_alone(checkpoints):
    kept = Kept(checkpoints)
    kept.ends([0, 1], [0.5, 0.7])
    checkpoints.save("of a rung", checkpoints.load(next(iter(checkpoints.names()))))
    kept.keeper.tidy()
    assert kept.weights == [[1.0]]


def test_the_best_run_is_that_of_the_records():
    def record(seed, value, variant="none"):
        return RunRecord(key(seed, variant), 0.1, {"val_accuracy": (0.1, value)})

    records = [record(2, 0.7), record(1, 0.7), record(0, math.nan), record(3, 0.9, "after")]
    assert best_run(records[:3], "val_accuracy", rising=True) == records[1]
    assert best_run(records, "val_accuracy", rising=True) == records[3]


def test_a_state_from_which_others_still_go_on_stays(checkpoints):
    # Two of three that stood side by side have ended, and their last state went with a kill.
    runs = [Run(key(seed), Condition(0.1)) for seed in range(3)]
    ledger, ended = Ledger(), tuple(run.key for run in runs[:2])
    checkpoints.save("three", State([np.arange(3.0)], [], [], np.ones(3, bool)))
    ledger.add(segment(runs, 0, [[0.5], [0.6], [0.7]]))
    ledger.add(Checkpointed(tuple(run.key for run in runs), 1, "three"))
    ledger.add(segment(runs[:2], 1, [[0.4], [0.3]]))
    Keeper(ledger, checkpoints, lambda _: 0.0).keep(Finished(ended, 2))
    assert checkpoints.names() == {"three"}
