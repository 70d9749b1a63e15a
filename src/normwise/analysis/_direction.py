"""Whether more of a metric is better, where its name alone may not say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

__all__ = ["higher_is_better", "rises_by_name", "rises_in_training"]

# Parts of the names of Keras' metrics and losses that are better when lower. Every other
# metric (accuracy, AUC, precision, recall, F1, IoU, R²) is better when higher.
_LOWER = (
    "loss", "error", "crossentropy", "divergence", "hinge", "poisson", "mse", "mae", "mape",
    "msle", "logcosh", "huber", "false_positives", "false_negatives", "perplexity",
)  # fmt: skip
# Parts of the names of Keras' metrics that are better when higher.
_HIGHER = (
    "accuracy", "auc", "precision", "recall", "f1", "fbeta", "iou", "io_u", "r2", "true_positives",
    "true_negatives", "sensitivity", "specificity", "similarity",
)  # fmt: skip
# Whole words of names that other libraries use.
_LOWER_WORDS = {
    "ppl", "wer", "cer", "ter", "fid", "kid", "nll", "bpc", "bpb", "bpd", "brier", "ece", "eer",
    "rmse", "regret",
}  # fmt: skip
_HIGHER_WORDS = {
    "acc", "map", "bleu", "rouge", "psnr", "ssim", "mcc", "kappa", "dice", "ndcg", "mrr", "score",
    "reward", "return", "top1", "top5",
}  # fmt: skip


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of ``metric`` is the better one, judged by its name.

    >>> higher_is_better("val_accuracy"), higher_is_better("val_mean_squared_error")
    (True, False)
    """
    name = metric.lower()
    return not any(part in name for part in _LOWER)


def rises_by_name(metric: str) -> bool | None:
    """The same where the name is a usual one; ``None`` where it says nothing.

    >>> rises_by_name("val_acc"), rises_by_name("val_ppl"), rises_by_name("val_wobble")
    (True, False, None)
    """
    name = metric.lower()
    words = set(re.split(r"[\W_]+", name))
    if any(part in name for part in _LOWER) or words & _LOWER_WORDS:
        return False
    if any(part in name for part in _HIGHER) or words & _HIGHER_WORDS:
        return True
    return None


def rises_in_training(curves: Iterable[Sequence[float]]) -> bool:
    """Whether most curves end above their beginning: training makes a metric better.

    Args:
        curves: One a run, in any order; what is not finite does not count.

    >>> rises_in_training([[9.0, 4.0, 3.0], [8.0, 5.0, float("nan")]])
    False
    """
    seen = [[value for value in curve if math.isfinite(value)] for curve in curves]
    risen = [one[-1] - one[0] for one in seen if len(one) > 1]
    return sum(math.copysign(1, gain) for gain in risen if gain) >= 0
