"""Runs with curves made up, so that planners and ledgers are tested without training."""

import dataclasses

import numpy as np

from normwise.execution import Segment
from normwise.spec import Spec
from normwise.study.ledger import Ledger
from normwise.study.question import Question


def question(**settings):
    """Of two variants, and a metric that falls."""
    spec = Spec.make({"model": "circles", "data": "circles", "variants": ("none", "after"),
                      "epochs": 8, "seeds": 4, **settings})  # fmt: skip
    return Question(spec, "f", "val_loss")


def segment(runs, first, values, **changes):
    """Runs have trained; ``values`` is their metric, ``(runs, epochs)``."""
    values = np.asarray(values, np.float32)
    made = Segment(
        runs=tuple(runs),
        first=first,
        curves={"loss": values, "val_loss": values},
        learning_rates=tuple(run.condition.learning_rate or 0.01 for run in runs),
        seconds=float(len(runs)),
    )
    return dataclasses.replace(made, **changes)


def trained(goals, curve, ledger=None):
    """A ledger in which these runs are as far as that; ``curve(run)`` gives a value an epoch."""
    ledger = ledger or Ledger()
    for run, until in goals.items():
        first = ledger.epochs(run.key)
        if first < until:
            ledger.add(segment([run], first, [curve(run)[first:until]]))
    return ledger
