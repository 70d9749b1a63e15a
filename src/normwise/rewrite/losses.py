"""The loss of a model before and after it was changed: no change is kept that makes it rise."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from normwise.datasets import Given
from normwise.errors import DataError, WorseError, in_words
from normwise.rewrite.feeding import count
from normwise.rewrite.labels import labels_for

__all__ = [
    "Labelled",
    "labelled_of",
    "labels_fitting",
    "loss_of",
    "refuse_rise",
    "restoring",
    "rises",
]

log = logging.getLogger("normwise")

# Of a loss: what it may rise by. Moving statistics wander about those of all data with the last
# batches, and a loss with them: by a thousandth after a training that went well. Half precision
# rounds as much.
NOISE = 1e-2
# A loss below it is 0, but for rounding: predictions and labels differ by 1e-5.
ZERO = 1e-10


@dataclass(frozen=True, slots=True)
class Labelled:
    """Examples that a loss is taken over.

    Attributes:
        name: ``validation`` if they are held out, else ``training``.
        part: Inputs and labels as the model and its loss take them, and weights if there are any.
    """

    name: str
    part: tuple[Any, ...]


def labelled_of(model: Any, given: Given | None) -> Labelled | None:
    """What a model is judged on: the validation part where there is one, else all rows.

    ``None`` where there is no loss: without labels, or of a model that is not compiled, which is
    logged.

    Raises:
        DataError: Labels are held out that the training part does not have.
    """
    if given is None or given.y is None:
        return None
    if not getattr(model, "compiled", False):
        log.warning(
            "Model %r is not compiled, so no loss before and after is compared: "
            "model.compile(loss=...).",
            model.name,
        )
        return None
    parts = [given.training, *([] if given.validation is None else [given.validation])]
    if any(len(part) < 2 or part[1] is None for part in parts):
        return None
    labels, _ = labels_for(model, [part[1] for part in parts])
    x, _, *weights = parts[-1]
    return Labelled("training" if len(parts) == 1 else "validation", (x, labels[-1], *weights))


def loss_of(model: Any, on: Labelled | None) -> float | None:
    """The compiled loss in inference, regularisation included, as ``evaluate`` gives it.

    Raises:
        DataError: The examples do not fit the model, its loss or a metric.
    """
    if on is None:
        return None
    x, y, *weights = on.part
    weighted = {"sample_weight": weights[0]} if weights else {}
    with labels_fitting(model):
        return float(model.evaluate(x, y, verbose=0, return_dict=True, **weighted)["loss"])


def rises(before: float | None, after: float | None) -> bool:
    """Whether a loss has risen by more than a hundredth: what moving statistics wander by.

    >>> rises(0.5, 0.501), rises(0.5, 0.51), rises(0.5, math.nan)
    (False, True, True)
    """
    if before is None or after is None or not math.isfinite(before):
        return False
    return not after <= before + NOISE * abs(before) + ZERO


def refuse_rise(model: Any, on: Labelled | None, before: float | None, why: str) -> None:
    """Refuse what was done to a model if its loss has risen.

    Args:
        model: As it is now.
        on: Examples to take the loss over.
        before: The loss as it was, of :func:`loss_of`.
        why: What may have made it rise, and what to do about it.

    Raises:
        WorseError: It has.
        DataError: As :func:`loss_of`.
    """
    after = None if before is None else loss_of(model, on)
    if on is not None and rises(before, after):
        raise WorseError(
            f"model {model.name!r} would do worse: {on.name} loss {before:.4g} before, "
            f"{after:.4g} after ({count(on.part[0]):,} examples); expected a loss that does not "
            f"rise, so nothing was written or kept; {why}"
        )


@contextmanager
def restoring(model: Any) -> Iterator[None]:
    """Give all of a model's variables their values back if the block raises.

    >>> import contextlib, keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> with contextlib.suppress(KeyError), restoring(model):
    ...     _ = model.layers[0].moving_mean.assign([5.0])
    ...     raise KeyError
    >>> float(model.layers[0].moving_mean[0])
    0.0
    """
    # Copies: Keras' `evaluate` gives the arrays of a model away, and makes others.
    kept = [(variable, np.array(variable.value)) for variable in model.variables]
    try:
        yield
    except BaseException:
        for variable, value in kept:
            variable.assign(value)
        raise


@contextmanager
def labels_fitting(model: Any) -> Iterator[None]:
    """Say of what a loss or a metric raises that the labels do not fit.

    Raises:
        DataError: They do not.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        raise DataError(
            f"inputs and labels do not fit the loss or a metric of model {model.name!r} "
            f"({in_words(error)}); expected what it was trained on; check shapes, and whether "
            f"the labels are class numbers or one-hot"
        ) from error
