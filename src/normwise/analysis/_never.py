"""A variant and the baseline by how many never arrive, and by those that do."""

from __future__ import annotations

import dataclasses
import math

from normwise.analysis._compare import compare
from normwise.analysis._groups import sides
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._shares import never_arrives, never_difference
from normwise.domain import Estimate

__all__ = ["learners_ratio", "more_never_arrive", "never_of"]


def never_of(variant: JudgedRuns, measures: Measures) -> Estimate | None:
    """The share that never arrives; ``None`` where all do."""
    epochs = list(variant.epochs(measures.horizon).values())
    return never_arrives(epochs, measures.confidence) if math.inf in epochs else None


def more_never_arrive(variant: JudgedRuns, base: JudgedRuns, measures: Measures) -> Estimate | None:
    """By how much the variant's share that never arrives is larger; ``None`` where all arrive."""
    horizon = measures.horizon
    ours, theirs, paired = sides(variant.epochs(horizon), base.epochs(horizon))
    if math.inf not in (*ours, *theirs):
        return None
    return never_difference(ours, theirs, paired=paired, confidence=measures.confidence)


def learners_ratio(variant: JudgedRuns, base: JudgedRuns, measures: Measures) -> Estimate | None:
    """The ratio among those that arrive: pairs of which both do, or both samples without the rest.

    Those that arrive are not chosen at random, so it says how fast learners learn, and not what a
    variant does for a network (Farewell 1982, Biometrics 38:1041–1046).

    Returns:
        ``None`` where all arrive, and the ratio of all is the same, or where nothing is left.
    """
    horizon = measures.horizon
    ours, theirs, paired = sides(variant.epochs(horizon), base.epochs(horizon))
    if math.inf not in (*ours, *theirs):
        return None
    if paired:
        both = [pair for pair in zip(ours, theirs, strict=True) if math.inf not in pair]
        ours, theirs = [one for one, _ in both], [other for _, other in both]
    else:
        ours, theirs = ([one for one in side if one < math.inf] for side in (ours, theirs))
    if not (ours and theirs):
        return None
    found = compare(
        ours, theirs, horizon=horizon, paired=paired, confidence=measures.confidence
    ).estimate
    return dataclasses.replace(found, method=f"{found.method}, among those that arrive")
