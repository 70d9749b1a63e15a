"""What early stopping would have done to a run whose curve is known to its end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from normwise.analysis._bounds import bounds_of
from normwise.analysis._end_margin import default_end_margin
from normwise.analysis._final import final_gain
from normwise.analysis._mean import bounded_mean
from normwise.domain import CONFIDENCE, EarlyStopping, RunRecord, Target

__all__ = ["Stop", "early_stop", "early_stopping", "lost_by_stopping"]

# What Keras' callback watches unless told.
MONITOR = "val_loss"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where early stopping ends a run.

    Attributes:
        epochs: Epochs trained, from 1.
        best: The epoch whose weights are restored, from 1.
    """

    epochs: int
    best: int


def early_stop(curve: Sequence[float], patience: int, *, rising: bool = False) -> Stop:
    """When ``keras.callbacks.EarlyStopping(patience=…, restore_best_weights=True)`` stops.

    Args:
        curve: The monitored metric, one value an epoch. NaN is no improvement, and nothing
            improves on a NaN in the first epoch.
        patience: Epochs without an improvement after which it stops, ≥ 0.
        rising: Whether larger is better.

    >>> early_stop([0.9, 0.5, 0.6, 0.7, 0.4], patience=2)
    Stop(epochs=4, best=2)
    """
    best, waited = 0, 0
    for epoch in range(1, len(curve)):
        waited += 1
        if curve[epoch] > curve[best] if rising else curve[epoch] < curve[best]:
            best, waited = epoch, 0
        elif waited >= patience:
            return Stop(epoch + 1, best + 1)
    return Stop(len(curve), best + 1)


def early_stopping(
    runs: Sequence[RunRecord], metric: str, patience: int, confidence: float = CONFIDENCE
) -> EarlyStopping:
    """The epochs that early stopping would have saved a variant, and how it would have ended.

    Args:
        runs: The runs that judge the variant.
        metric: The metric whose value at the restored epoch is reported.
        patience: Epochs without an improvement after which it stops, ≥ 0.
        confidence: Confidence of the intervals, in (0, 1).
    """
    stops = [early_stop(run.curves[MONITOR], patience) for run in runs]
    epochs, most = [float(stop.epochs) for stop in stops], float(max(run.epochs for run in runs))
    saved = [run.epochs - stop.epochs for run, stop in zip(runs, stops, strict=True)]
    finals = [run.curves[metric][stop.best - 1] for run, stop in zip(runs, stops, strict=True)]
    return EarlyStopping(
        patience=patience,
        monitor=MONITOR,
        epochs=bounded_mean(epochs, (0.0, most), confidence),
        final=bounded_mean(finals, bounds_of(metric, filter(math.isfinite, finals)), confidence),
        epochs_saved=bounded_mean(saved, (0.0, most), confidence),
    )


def lost_by_stopping(
    runs: Sequence[RunRecord], target: Target, patience: int, margin: float | None
) -> float | None:
    """How much worse runs end for stopping early, on average, where that matters.

    Args:
        runs: The runs that judge the variant; those that diverged have nothing to lose.
        target: Says which metric, and which side is better.
        patience: Epochs without an improvement after which it stops, ≥ 0.
        margin: The largest loss that does not matter; ``None`` for what suits the metric.

    Returns:
        In the metric's unit, > 0; ``None`` where the loss is no more than the margin.
    """
    rising, metric = target.relation == ">=", target.metric
    ends = {run.key: final_gain(run, metric, rising=rising) for run in runs}
    sound = [run for run in runs if math.isfinite(ends[run.key])]
    if not sound:
        return None
    sign = 1.0 if rising else -1.0
    restored = [
        run.curves[metric][early_stop(run.curves[MONITOR], patience).best - 1] for run in sound
    ]
    lost = statistics.fmean(
        ends[run.key] - sign * value for run, value in zip(sound, restored, strict=True)
    )
    if margin is None:
        middle = statistics.median(ends[run.key] for run in sound)
        bounds = bounds_of(metric, [sign * ends[run.key] for run in sound])
        margin = default_end_margin(sign * middle, bounds, rising=rising)
    return lost if lost > margin else None
