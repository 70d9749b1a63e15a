"""Which learning rate a variant stands at: best rate is compared with best rate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from normwise.analysis._outcome import outcome
from normwise.errors import SpecError
from normwise.records import RunRecord, Target

__all__ = ["at_rate", "best_rate"]


def best_rate(records: Sequence[RunRecord], target: Target) -> float:
    """The learning rate at which one variant's replicas do best.

    Most arrivals (as a fraction) first, then the earliest median epoch, then the
    better median of the final metric, then the smaller rate.

    Args:
        records: Of one variant, at least one.
        target: What to reach.

    Raises:
        UnknownNameError: A record has no such metric.

    >>> from normwise.records import RunKey
    >>> slow = RunRecord(RunKey("none", 0, "a"), 0.01, {"val_loss": (0.9, 0.5, 0.3)})
    >>> fast = RunRecord(RunKey("none", 0, "b"), 0.10, {"val_loss": (0.6, 0.3, 0.3)})
    >>> best_rate([slow, fast], Target.parse("val_loss<=0.4"))
    0.1
    """
    rates = sorted({record.learning_rate for record in records})
    return min(rates, key=lambda rate: _rank(_at(records, rate), target))


def _rank(records: Sequence[RunRecord], target: Target) -> tuple[float, float, float]:
    epochs = [outcome(record, target).epoch for record in records]
    arrived = sum(map(math.isfinite, epochs)) / len(epochs)
    finals = [record.curves[target.metric][-1] for record in records]
    sign = 1.0 if target.relation == ">=" else -1.0
    worst_first = [-sign * value if math.isfinite(value) else math.inf for value in finals]
    return -arrived, statistics.median_high(epochs), statistics.median_high(worst_first)


def at_rate(variant: str, records: Sequence[RunRecord], rate: float) -> list[RunRecord]:
    """The records of one variant at one learning rate.

    Raises:
        SpecError: The variant was not run at that rate.

    >>> from normwise.records import RunKey
    >>> record = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (0.5,)})
    >>> len(at_rate("none", [record], 0.1))
    1
    """
    found = _at(records, rate)
    if not found:
        known = sorted({record.learning_rate for record in records})
        msg = (
            f"learning rate {rate:g} of variant {variant!r} was not run; expected one of "
            f"{', '.join(f'{one:g}' for one in known)}; "
            f"try learning_rates={{{variant!r}: {known[0]:g}}}"
        )
        raise SpecError(msg)
    return found


def _at(records: Sequence[RunRecord], rate: float) -> list[RunRecord]:
    return [record for record in records if math.isclose(record.learning_rate, rate, rel_tol=1e-6)]
