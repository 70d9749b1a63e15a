"""Whether the stacked engine trained what Keras' own ``fit`` trains."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from normwise.datasets import Dataset
from normwise.domain import RunRecord, SoloCheck
from normwise.engine import largest_relative_difference
from normwise.study.trainer import Curves, Place, Trainer

__all__ = ["Trained", "verify"]

log = logging.getLogger("normwise")

# Rounding explains this much over the first few batches in any network (guarantee 1), and so many
# times what it grows to in other `fit`s that start a rounding away.
ROUNDING, TIMES = 1e-4, 10
NUDGES = (1, 2, 3)


class Trained(NamedTuple):
    """A run, and what its key means."""

    record: RunRecord
    place: Place


def verify(trainer: Trainer, whole: Trained, starts: Sequence[Trained]) -> SoloCheck:
    """Train again by Keras' own ``fit``, one after another.

    Args:
        trainer: Of the study.
        whole: The replica that is trained to its end.
        starts: One of each variant, whose first batches are.
    """
    record = whole.record
    alone = trainer.train_alone(record.key, whole.place)
    stacked = {metric: values[: record.stopped_at] for metric, values in record.curves.items()}
    found = {one.record.key.variant: _start(trainer, one) for one in starts}
    return SoloCheck(
        variant=record.key.variant,
        seed=record.key.seed,
        max_relative_difference=largest_relative_difference(alone, stacked),
        first_epoch_difference=largest_relative_difference(alone, _losses(stacked)),
        first_steps={name: difference for name, (difference, _) in found.items()},
        failed=tuple(name for name, (_, is_rounding) in found.items() if not is_rounding),
    )


def _start(trainer: Trainer, one: Trained) -> tuple[float, bool]:
    """What the losses of a replica's first batches differ by, and whether rounding explains it."""
    difference = math.inf
    for few, stacked in trainer.beginnings(one.record, one.place):
        alone = _alone(trainer, one, few)
        difference = largest_relative_difference(alone, _losses(stacked))
        if difference <= ROUNDING:
            return difference, True
        if not _repeats(trainer, one, few):
            return difference, False
        nudged = [_losses(_alone(trainer, one, few, nudge)) for nudge in NUDGES]
        grown = max(largest_relative_difference(alone, losses) for losses in nudged)
        if difference > TIMES * grown:
            return difference, False
    return difference, True


def _repeats(trainer: Trainer, one: Trained, few: Dataset) -> bool:
    """Whether a batch has the same loss in two fits from the same weights.

    Where it has not, fits drift apart without any rounding: code of the user's draws or counts
    anew whenever it is traced.
    """
    size = one.place[1].batch_size
    batch = replace(few, x_train=few.x_train[:size], y_train=few.y_train[:size])
    first, second = ({"loss": _alone(trainer, one, batch)["loss"]} for _ in range(2))
    if largest_relative_difference(first, second) <= ROUNDING:
        return True
    log.warning(
        "The model of %r gives a batch another loss in each fit from the same weights: its code "
        "draws or counts outside of keras.ops, whenever it is traced. Draw by keras.random with a "
        "keras.random.SeedGenerator.",
        one.record.key.variant,
    )
    return False


def _alone(trainer: Trainer, one: Trained, few: Dataset, nudge: int = 0) -> Curves:
    return trainer.train_alone(one.record.key, one.place, few, epochs=1, nudge=nudge)


def _losses(curves: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Of the first epoch."""
    return {metric: values[:1] for metric, values in curves.items() if "loss" in metric}
