"""Which of a study's records a variant's summary is about."""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.records import RunRecord, VariantSummary

__all__ = ["records_of"]


def records_of(variant: VariantSummary, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The variant's records at the learning rate it stands at; all of its own if none is.

    >>> from normwise.records import EpochsToTarget, Estimate, RunKey
    >>> times = EpochsToTarget(Estimate(1.0, 1.0, 1.0), 1, 0, 0)
    >>> best = VariantSummary("after", 1, {}, times, 0.1, learning_rate=0.1)
    >>> runs = [RunRecord(RunKey("after", 0, ""), rate, {"loss": (1.0,)}) for rate in (0.1, 1.0)]
    >>> [record.learning_rate for record in records_of(best, runs)]
    [0.1]
    """
    own = [record for record in records if record.key.variant == variant.name]
    chosen = [r for r in own if math.isclose(r.learning_rate, variant.learning_rate, rel_tol=1e-6)]
    return chosen or own
