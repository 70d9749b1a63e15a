"""What a run ends with."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.analysis._bounds import bounds_of
from normwise.analysis._mean import bounded_mean
from normwise.domain import Estimate, RunRecord

__all__ = ["final_gain", "final_mean", "final_value"]


def final_value(run: RunRecord, metric: str) -> float:
    """The value at the last epoch; NaN once the run diverged, or without that metric."""
    return run.curves[metric][-1] if metric in run.curves and run.diverged_at is None else math.nan


def final_gain(run: RunRecord, metric: str, *, rising: bool) -> float:
    """The value at the last epoch, turned so that more is better; ``-inf`` once the run diverged.

    NaN where nothing is known: without that metric, which a table of other runs may fill with NaN,
    or where the run was stopped before its end.

    >>> from normwise.domain import RunKey
    >>> run = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (1.0, 0.5)})
    >>> final_gain(run, "loss", rising=False), final_gain(run, "accuracy", rising=True)
    (-0.5, nan)
    """
    if metric not in run.curves or run.stopped_at is not None:
        return math.nan
    if run.diverged_at is None and not any(map(math.isfinite, run.curves[metric])):
        return math.nan
    value = final_value(run, metric)
    if not math.isfinite(value):
        return -math.inf
    return value if rising else -value


def final_mean(runs: Sequence[RunRecord], metric: str, confidence: float) -> Estimate:
    """The mean of the last values, with an interval that holds where the metric has bounds.

    Args:
        runs: At least one.
        metric: Which; a run that diverged has no value.
        confidence: Of the interval, in (0, 1).
    """
    values = [final_value(run, metric) for run in runs]
    return bounded_mean(values, bounds_of(metric, filter(math.isfinite, values)), confidence)
