"""How one replica ended, measured against a target."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.analysis._arrival import arrival_epoch, best_value
from normwise.domain import Outcome, RunRecord, Target
from normwise.errors import UnknownNameError

__all__ = ["a_smaller_rate", "arrival", "outcome", "reaching"]


def arrival(record: RunRecord, target: Target, horizon: float = math.inf) -> float:
    """The epoch from which ``record`` stays at ``target`` (see `arrival_epoch`).

    Args:
        record: A finished training run.
        target: What to reach.
        horizon: Epochs within which to reach it; ``inf`` is what comes later, or never.

    Raises:
        UnknownNameError: The record has no such metric.
    """
    if target.metric not in record.curves:
        kind = "metric"
        raise UnknownNameError(kind, target.metric, record.curves)
    epoch = arrival_epoch(record.curves[target.metric], target)
    return epoch if epoch <= horizon else math.inf


def outcome(record: RunRecord, target: Target) -> Outcome:
    """When ``record`` reached ``target``, or why it never did and what to do.

    Args:
        record: A finished training run.
        target: A metric among the record's curves and the value to reach.

    Returns:
        ``reached`` at the first epoch (from 1) from which the curve stays at the target, on
        average (see `arrival_epoch`); else ``diverged`` or ``censored``, with epoch ``inf`` and
        a remedy. A replica that reached the target and diverged later has reached it.

    Raises:
        UnknownNameError: The record has no such metric.

    >>> from normwise.domain import RunKey
    >>> record = RunRecord(RunKey("after", 0, "a"), 0.1, {"val_accuracy": (0.5, 0.7, 0.9)})
    >>> outcome(record, Target.parse("val_accuracy>=0.7"))
    Outcome(kind='reached', epoch=2.0, remedy='')
    >>> print(outcome(record, Target.parse("val_accuracy>=0.95")).remedy)
    train for more epochs than 3, or set the target to its best value: 'val_accuracy>=0.9'
    """
    epoch = arrival(record, target)
    if math.isfinite(epoch):
        return Outcome("reached", epoch)
    if record.diverged_at is not None:
        remedy = (
            f"its loss stopped being finite in epoch {record.diverged_at}: "
            f"try {a_smaller_rate([record])}"
        )
        return Outcome("diverged", math.inf, remedy)
    remedy = f"train for more epochs than {record.epochs}"
    best = best_value(record.curves[target.metric], target)
    if not math.isnan(best):
        reachable = Target(target.metric, target.relation, best)
        remedy += f", or set the target to its best value: '{reachable}'"
    return Outcome("censored", math.inf, remedy)


def a_smaller_rate(records: Sequence[RunRecord]) -> str:
    """What to try where all ``records`` diverged, in words.

    >>> from normwise.domain import RunKey
    >>> runs = [RunRecord(RunKey("none", 0, "a"), rate, {}) for rate in (0.1, 0.3)]
    >>> a_smaller_rate(runs), a_smaller_rate([])
    ('a learning rate below 0.1', 'a smaller learning rate')
    """
    rates = [rate for record in records if (rate := record.learning_rate) is not None]
    return f"a learning rate below {min(rates):g}" if rates else "a smaller learning rate"


def reaching(records: Sequence[RunRecord], target: Target, horizon: float = math.inf) -> int:
    """How many replicas reach ``target`` within ``horizon`` epochs.

    >>> from normwise.domain import RunKey
    >>> runs = [RunRecord(RunKey("none", s, "a"), 0.1, {"loss": (1.0, 0.1 * s)}) for s in (1, 9)]
    >>> reaching(runs, Target.parse("loss<=0.5")), reaching(runs, Target.parse("loss<=0.5"), 1)
    (1, 0)
    """
    return sum(math.isfinite(arrival(record, target, horizon)) for record in records)
