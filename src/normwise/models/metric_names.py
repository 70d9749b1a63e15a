"""Names of metrics that Keras counted up: in a study as in a process that makes no other model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras

__all__ = ["count_anew"]


def count_anew(metrics: Iterable[Any]) -> None:
    """Give metrics the names that Keras gives them in a new process, in their order.

    A name that counts on, as in the second run of a notebook's cell, would be another metric than
    the one that a target or a folder names. Names of the user's own stay.

    Args:
        metrics: Of one model, not compiled yet; names and functions are left alone.

    >>> metrics = [keras.metrics.AUC(name=name) for name in ("auc_4", "auc_7", "mine_2")]
    >>> count_anew(metrics)
    >>> [metric.name for metric in metrics]
    ['auc', 'auc_1', 'mine_2']
    """
    seen: Counter[str] = Counter()
    for metric in metrics:
        if not isinstance(metric, keras.metrics.Metric):
            continue
        given = _counted(type(metric).__name__)
        if re.fullmatch(rf"{given}(_\d+)?", metric.name):
            metric.name = f"{given}_{seen[given]}" if seen[given] else given
            seen[given] += 1


def _counted(kind: str) -> str:
    """What Keras calls an object of a class, before it counts.

    >>> _counted("AUC"), _counted("MeanIoU"), _counted("TopKCategoricalAccuracy")
    ('auc', 'mean_io_u', 'top_k_categorical_accuracy')
    """
    parts = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parts).lower()
