"""The target a study uses when its user names none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from normwise.analysis._direction import higher_is_better
from normwise.analysis._groups import baseline_of, by_variant
from normwise.analysis._noise import median_noise
from normwise.analysis._outcome import a_smaller_rate
from normwise.domain import Condition, RunRecord, Target, Task
from normwise.errors import SpecError, UnknownNameError

__all__ = [
    "beyond_chance",
    "certain_target",
    "default_metric",
    "default_target",
    "is_beyond",
    "no_better_than_chance",
]

# Of the epoch noise, between where the baseline ends and the target.
_DEVIATIONS = 3.0
# Of what guessing lacks to all right, what a target asks for at least.
_LEARNED = 0.1


def default_metric(metrics: Collection[str], task: Task | None = None) -> str:
    """What replicas are timed to where their user names nothing.

    Args:
        metrics: Names of what is recorded, the likeliest first.
        task: What is predicted; ``None`` where only the metrics tell.

    >>> default_metric(["val_accuracy", "val_loss"]), default_metric(["val_loss"])
    ('val_accuracy', 'val_loss')
    """
    of_classes = task != "regression" and "val_accuracy" in metrics
    if of_classes or "val_loss" in metrics:
        return "val_accuracy" if of_classes else "val_loss"
    # Of steps of the model's own, which may call it otherwise.
    return next((name for name in metrics if "loss" in name), next(iter(metrics), "val_loss"))


def default_target(
    records: Sequence[RunRecord],
    metric: str = "val_accuracy",
    *,
    baseline: str | None = None,
    rising: bool | None = None,
) -> Target:
    """What the baseline reaches at its end: the target when the user names none.

    Args:
        records: All runs of a study. The baseline is the variant ``none``, or
            the first where there is none.
        metric: Any metric among the records' curves. Losses and errors, told by
            their names, become ``<=``, everything else ``>=``.
        baseline: The variant the others are measured against, where it has another name.
        rising: Whether more of the metric is better, where its name does not say.

    Returns:
        What the baseline reaches for certain: the median over its replicas of the metric at the
        last epoch, less three times their median epoch noise (which moves it by nothing in runs
        of fewer than ten epochs). Within the noise of where a curve ends, it would be noise that
        decides when it arrives. Replicas that diverged are left out; in a grid, at the point
        where it is best.

    Raises:
        UnknownNameError: The records have no such metric.
        SpecError: There are no records, or every replica of the baseline diverged.

    >>> from normwise.domain import RunKey
    >>> records = [
    ...     RunRecord(RunKey("none", seed, "a"), 0.1, {"val_loss": (0.9, last)})
    ...     for seed, last in enumerate([0.5, 0.4, 0.6])
    ... ]
    >>> str(default_target(records, "val_loss"))
    'val_loss<=0.5'
    """
    groups = by_variant(records)
    name = baseline or baseline_of(groups)
    for record in groups[name]:
        if metric not in record.curves:
            kind = "metric"
            raise UnknownNameError(kind, metric, record.curves)
    rising = higher_is_better(metric) if rising is None else rising
    points: dict[Condition, list[tuple[float, ...]]] = {}
    for record in groups[name]:
        if math.isfinite(record.curves[metric][-1]):
            points.setdefault(record.condition, []).append(record.curves[metric])
    if not points:
        raise SpecError(_all_diverged(name, groups[name], metric))
    return _certain([*points.values()], metric, rising=rising)


def _all_diverged(name: str, runs: Sequence[RunRecord], metric: str) -> str:
    at_once = all(run.diverged_at == 1 for run in runs)
    when = " in the first epoch" if at_once else ""
    # What is no number before any training stays so at any rate.
    untrained = "look for NaN in what model.predict gives before training, " if at_once else ""
    return (
        f"all {len(runs)} replicas of the baseline {name!r} diverged{when}, so it reaches no "
        f"{metric}; expected at least one that ends with a number; try {a_smaller_rate(runs)}, "
        f"{untrained}or name a target yourself"
    )


def certain_target(groups: Iterable[Sequence[RunRecord]], target: Target) -> Target | None:
    """A target that the typical replica of the best group reaches.

    Args:
        groups: Runs that belong together, as those of one variant at one point of the grid.
        target: Of this metric, and to be reached from the same side.

    Returns:
        Of the groups' certain ends (see `default_target`) the best; ``None`` where no replica
        ends with a number.

    >>> from normwise.domain import RunKey
    >>> runs = [RunRecord(RunKey("none", s, "a"), 0.1, {"loss": (s / 4,)}) for s in (1, 2, 3)]
    >>> str(certain_target([runs], Target.parse("loss<=0.1")))
    'loss<=0.5'
    """
    metric = target.metric
    found = [[run.curves[metric] for run in runs] for runs in groups]
    known = [[one for one in curves if math.isfinite(one[-1])] for curves in found]
    ends = [curves for curves in known if curves]
    return _certain(ends, metric, rising=target.relation == ">=") if ends else None


def beyond_chance(target: Target, chance: float | None) -> Target:
    """A target that something has to be learned for.

    Args:
        target: Of a score whose best is 1, such as an accuracy.
        chance: What guessing gives; ``None`` where that is not known.

    Returns:
        The target; where guessing reaches it, a tenth of the way from there to 1.

    >>> str(beyond_chance(Target.parse("val_accuracy>=0.49"), 0.5))
    'val_accuracy>=0.55'
    """
    if chance is None or is_beyond(target, chance):
        return target
    return replace(target, value=chance + _LEARNED * (1 - chance))


def is_beyond(target: Target, chance: float) -> bool:
    """Whether a target asks for more than guessing gives.

    >>> is_beyond(Target.parse("val_loss<=0.9"), 1.0), is_beyond(Target.parse("a>=0.5"), 0.5)
    (True, False)
    """
    return target.surplus(chance) < 0


def no_better_than_chance(
    target: Target, chance: float, horizon: int, *, elsewhere: bool = False
) -> str:
    """What there is to say in place of a target where no variant ends better than guessing.

    Args:
        target: What was to be reached.
        chance: What guessing gives, in its metric.
        horizon: Epochs that every replica was given.
        elsewhere: Whether something else trained them, so that no option of a study helps.

    >>> no_better_than_chance(Target.parse("val_accuracy>=0.8"), 0.5, 20)
    'none ends above chance (0.5): try more --epochs than 20 or another --learning-rate'
    """
    ends = "above chance" if target.relation == ">=" else "below what predicting the mean gives"
    epochs, rate = ("epochs", "learning rate") if elsewhere else ("--epochs", "--learning-rate")
    return f"none ends {ends} ({chance:.4g}): try more {epochs} than {horizon} or another {rate}"


def _certain(groups: Sequence[Sequence[Sequence[float]]], metric: str, *, rising: bool) -> Target:
    """Where the typical replica of the best group ends for certain."""
    values = (_certain_end(curves, rising=rising) for curves in groups)
    return Target(metric, ">=" if rising else "<=", (max if rising else min)(values))


def _certain_end(curves: Sequence[Sequence[float]], *, rising: bool) -> float:
    """What most replicas still reach when the noise of their last epoch is taken off."""
    end = statistics.median(curve[-1] for curve in curves)
    noise = median_noise(curves) or 0.0
    return end - _DEVIATIONS * noise if rising else end + _DEVIATIONS * noise
