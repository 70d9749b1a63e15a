"""The loss of a model before and after it was changed: no change is kept that makes it rise."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from normwise.datasets import Given
from normwise.errors import DataError, WorseError, in_words
from normwise.rewrite.feeding import count
from normwise.rewrite.labels import labels_for

__all__ = [
    "Labelled",
    "Losses",
    "is_compiled",
    "labelled_of",
    "labels_fitting",
    "losses_of",
    "refuse_rise",
    "restoring",
    "risen",
    "takes_loss",
]

log = logging.getLogger("normwise")

# Of a loss: what it may rise by. Moving statistics wander about those of all data with the last
# batches, and a loss with them: by a thousandth after a training that went well. Half precision
# rounds as much. Why not what chance explains: see `risen`.
NOISE = 1e-2
# A loss below it is 0, but for rounding: predictions and labels differ by 1e-5.
ZERO = 1e-10
# Of what is taken off a loss: what the rest is then wrong by, in single precision.
ROUNDING = 1e-6
# Arguments of a ``test_step`` on JAX.
_STATE_AND_DATA = 2


@dataclass(frozen=True, slots=True)
class Labelled:
    """Examples that a loss is taken over.

    Attributes:
        name: ``validation`` if they are held out, else ``training``.
        part: Inputs and labels as the model and its loss take them, and weights if there are any.
    """

    name: str
    part: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """What a model loses.

    Attributes:
        values: By the name ``loss`` that of the model, without penalties; of several outputs
            each one's as well, by the name of its metric.
        penalties: What regularisers add for the weights.
    """

    values: dict[str, float]
    penalties: float = 0.0


def labelled_of(model: Any, given: Given | None) -> Labelled | None:
    """What a model is judged on: the validation part where there is one, else all rows.

    ``None`` where there is no loss: without labels, or of a model that has none
    (:func:`takes_loss`), which is logged.

    Raises:
        DataError: Labels are held out that the training part does not have.
    """
    if given is None or given.y is None:
        return None
    if not takes_loss(model):
        log.warning(
            "Model %r is not compiled%s, so no loss before and after is compared: "
            "model.compile(loss=...).",
            model.name,
            " with a loss that Keras' evaluate takes here" if is_compiled(model) else "",
        )
        return None
    parts = [given.training, *([] if given.validation is None else [given.validation])]
    if any(len(part) < 2 or part[1] is None for part in parts):
        return None
    labels, _ = labels_for(model, [part[1] for part in parts])
    x, _, *weights = parts[-1]
    return Labelled("training" if len(parts) == 1 else "validation", (x, labels[-1], *weights))


def is_compiled(model: Any) -> bool:
    """Whether a model is compiled, in Keras' own way.

    A file keeps nothing of a ``compile`` of the user's own; Keras calls what comes out of it
    compiled all the same.
    """
    return bool(getattr(model, "compiled", False)) and hasattr(model, "optimizer")


def takes_loss(model: Any) -> bool:
    """Whether Keras' ``evaluate`` can take a model's loss, on JAX.

    Not without one, as where a ``train_step`` of the user's own computes it, nor by a
    ``test_step`` that was written for TensorFlow or PyTorch: that takes the data alone.

    Args:
        model: Built, and called once where its layers add losses.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> takes_loss(model)
    False
    >>> model.compile(loss="mse")
    >>> takes_loss(model)
    True
    """
    if not is_compiled(model):
        return False
    takes_state = len(signature(model.test_step).parameters) == _STATE_AND_DATA
    return takes_state and bool(model._compile_loss is not None or model.losses)


def losses_of(model: Any, on: Labelled) -> Losses:
    """The compiled loss in inference, as ``evaluate`` gives it, and that of each of its outputs.

    Without what regularisers add for the weights: beside a large penalty, predictions at random
    would be a hundredth more.

    Raises:
        DataError: The examples do not fit the model, its loss or a metric.
    """
    x, y, *weights = on.part
    weighted = {"sample_weight": weights[0]} if weights else {}
    with labels_fitting(model):
        found = model.evaluate(x, y, verbose=0, return_dict=True, **weighted)
    penalties = sum(float(penalty) for penalty in model._get_regularization_losses())
    outputs = [] if model._compile_loss is None else model._compile_loss.metrics
    each = {one.name: float(found[one.name]) for one in outputs if one.name in found}
    return Losses({"loss": float(found["loss"]) - penalties, **each}, penalties)


def risen(before: Losses, after: Losses) -> str | None:
    """The name of a loss that has risen by more than a hundredth, what statistics wander by.

    A share, chosen, and not what chance explains of the examples' paired differences: that asks
    whether there is a rise, not whether it matters. Of enough examples every thousandth is
    certain (0.1% on 400 pictures has t = 0.5, and t = 2 on 6,400), and of few examples no damage
    is: of statistics that never moved, which double the loss, a t test at 5% keeps 43% on 8
    examples drawn from 400, this share 2%. Nor are there losses of single examples where a layer
    adds one, or ``test_step`` gives their mean.

    Of several outputs the sum decides; where it stays as it is, each of them: a small one could
    not be seen in it.

    >>> risen(Losses({"loss": 0.5}), Losses({"loss": 0.501}))
    >>> risen(Losses({"loss": 0.5}), Losses({"loss": math.nan}))
    'loss'
    >>> before = Losses({"loss": 90.3, "a": 90.0, "b": 0.3})
    >>> risen(before, Losses({"loss": 91.0, "a": 90.0, "b": 1.0}))
    'b'
    """
    rounding = ZERO + ROUNDING * abs(before.penalties)

    def rises(old: float, new: float) -> bool:
        return math.isfinite(old) and not new <= old + NOISE * abs(old) + rounding

    old, new = before.values, after.values
    if rises(old["loss"], new["loss"]):
        return "loss"
    if rises(new["loss"], old["loss"]):
        return None
    return next((name for name in old if rises(old[name], new[name])), None)


def refuse_rise(
    model: Any, on: Labelled | None, before: Losses | None, why: str, ways: tuple[str, str]
) -> None:
    """Refuse what was done to a model if its loss has risen.

    Args:
        model: As it is now.
        on: Examples to take the loss over.
        before: The losses as they were, of :func:`losses_of`.
        why: What may have made one rise.
        ways: What to do about it, as :class:`~normwise.errors.WorseError` takes it.

    Raises:
        WorseError: It has.
        DataError: As :func:`losses_of`.
    """
    if on is None or before is None:
        return
    after = losses_of(model, on)
    name = risen(before, after)
    if name is not None:
        old, new = before.values[name], after.values[name]
        raise WorseError(
            f"model {model.name!r} would do worse: {on.name} {name} {old:.4g} before, {new:.4g} "
            f"after ({count(on.part[0]):,} examples); expected a loss that does not rise, so "
            f"nothing was written or kept; {why}",
            ways,
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
