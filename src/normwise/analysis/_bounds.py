"""Between which values a metric lies, told by its name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

__all__ = ["Bounds", "bounds_of"]

# The least and the greatest value that can be.
Bounds = tuple[float, float]

UNBOUNDED: Bounds = (-math.inf, math.inf)
_ROUNDING = 1e-6  # Metrics are computed in single precision.

# Parts of the names of Keras' metrics that lie between 0 and 1, and whole words of other tools'.
_SHARES = re.compile(
    r"accuracy|auc|precision|recall|f1|fbeta|iou|io_u|sensitivity|specificity"
    r"|(?<![a-z])(acc|map|dice|ndcg|mrr|top1|top5|ece|eer)(?![a-z])"
)
_CORRELATIONS = re.compile(r"(?<![a-z])(mcc|kappa)(?![a-z])|cosine_similarity")
_EXPLAINED = re.compile(r"(?<![a-z])r2")


def bounds_of(metric: str, values: Iterable[float] = ()) -> Bounds:
    """Between which values a metric lies; infinite where its name sets no bound.

    Args:
        metric: Its name.
        values: What was seen of it. Where one lies beyond, the name does not mean what it says,
            and nothing is known; shares may be in percent.

    >>> bounds_of("val_accuracy"), bounds_of("val_r2_score"), bounds_of("val_loss")
    ((0.0, 1.0), (-inf, 1.0), (-inf, inf))
    >>> bounds_of("val_accuracy", [84.7, 85.1])
    (0.0, 100.0)
    """
    bounds = _by_name(metric.lower())
    seen = list(values)
    of_percent = [(0.0, 100.0)] if bounds == (0.0, 1.0) else []
    return next((one for one in (bounds, *of_percent) if _holds(one, seen)), UNBOUNDED)


def _holds(bounds: Bounds, seen: Iterable[float]) -> bool:
    low, high = bounds
    return all(low - _ROUNDING <= value <= high + _ROUNDING for value in seen)


def _by_name(name: str) -> Bounds:
    if "loss" in name or "error" in name:
        return UNBOUNDED
    if _SHARES.search(name):
        return 0.0, 1.0
    if _CORRELATIONS.search(name):
        return -1.0, 1.0
    return (-math.inf, 1.0) if _EXPLAINED.search(name) else UNBOUNDED
