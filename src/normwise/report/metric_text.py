"""Metrics and targets in words."""

from __future__ import annotations

from normwise.domain import Target

__all__ = ["metric_text", "target_text"]


def metric_text(metric: str, *, paired: bool = True) -> str:
    """A metric's name in words.

    Args:
        metric: Its name, as Keras gives it.
        paired: Whether to tell the training metric from its validation twin.

    >>> metric_text("val_accuracy"), metric_text("accuracy"), metric_text("loss", paired=False)
    ('validation accuracy', 'training accuracy', 'loss')
    """
    words = metric.removeprefix("val_").replace("_", " ")
    if metric.startswith("val_"):
        return f"validation {words}"
    return f"training {words}" if paired else words


def target_text(target: Target) -> str:
    """The target in words.

    >>> target_text(Target.parse("val_accuracy>=0.8"))
    'validation accuracy of at least 0.8'
    """
    bound = "at least" if target.relation == ">=" else "at most"
    return f"{metric_text(target.metric)} of {bound} {target.number}"
