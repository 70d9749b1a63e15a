"""Gradients that vanish, explode or are stuck: which layers, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["RESOLUTION", "GradientKind", "GradientTrouble", "first_over_last", "gradient_troubles"]

GradientKind: TypeAlias = Literal["vanishing", "exploding", "stuck"]

FAR = 1e3
"""From which ratio on gradients are far apart.

A step that is as large as the one layer takes moves the other a thousandth as far: what the one
learns in an epoch takes the other a thousand. Kernels of usual sizes alone make a factor of ten.
"""
TOO_FAR = 1e2
"""From which ratio on a gradient explodes on its way to the first layer.

A step that suits the last layer moves the first a hundred times as far, which is harmful sooner
than to be slow. Behind batch normalisation each ReLU makes the gradient √(π / (π − 1)) = 1.21 times
as large (Yang et al. 2019): 100 times in 24 layers, 300 times in 30.
"""
RESOLUTION = 2.0**-24
"""An update below this share of a weight, 6e-8, leaves a float32 as it is."""
# Of what was learned: as much has to be lost again for something to be left.
_LOST = 0.1
# Layers from which on a gradient can grow on its way.
_DEEP = 3

Values: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class GradientTrouble:
    """What is wrong with the gradients of a run.

    Attributes:
        kind: ``vanishing``: the first layer's is far below the last one's; ``exploding``: far
            above it, or not finite, or far above where it began; ``stuck``: a layer no longer
            moves although there is something left to learn.
        layers: Numbers of the layers in which it is so at ``epoch``, from 0, ascending.
        epoch: The one at which it is so in most layers, from 1.
        epochs: All at which it is so, ascending.
        value: How bad it is there: the gradient of the first layer or, if it grew, of all of
            them; of layers that are stuck the largest update; NaN where it is not finite.
        over: What ``value`` is a ratio to.
    """

    kind: GradientKind
    layers: tuple[int, ...]
    epoch: int
    epochs: tuple[int, ...]
    value: float
    over: Literal["last layer", "first epoch", "weights"]


def first_over_last(norm: Values) -> Values:
    """The gradient of the first layer over that of the last, ``(epochs,)``; NaN where that is 0.

    Args:
        norm: Of the gradient in each layer, ``(epochs, layers)``.

    >>> first_over_last(np.array([[1e-9, 0.1, 1.0], [0.0, 0.0, 0.0]]))
    array([1.e-09,    nan])
    """
    return _over_last(norm)[:, 0]


def gradient_troubles(norm: Values, update: Values, loss: Values) -> list[GradientTrouble]:
    """What is wrong with the gradients of a run; nothing in a healthy network.

    Args:
        norm: Of the gradient in each layer, from input to output, ``(epochs, layers)``.
        update: Norm of what a step adds to the weights of each layer, over that of the weights.
        loss: Of the batch that was looked at, ``(epochs,)``.

    >>> fine = np.ones((2, 3))
    >>> gradient_troubles(fine, fine / 100, np.ones(2))
    []
    >>> [found] = gradient_troubles(fine * [1e-9, 1e-4, 1.0], fine / 100, np.ones(2))
    >>> found.kind, found.layers, found.epochs, found.value
    ('vanishing', (0, 1), (1, 2), 1e-09)
    """
    every = (_vanishing(norm), _exploding(norm, loss), _stuck(norm, update, loss))
    return [found for found in every if found is not None]


def _over_last(norm: Values) -> Values:
    last = norm[:, -1:]
    known = (last > 0) & np.isfinite(last)
    with np.errstate(invalid="ignore", over="ignore"):
        ratio = np.divide(norm, last, out=np.full(norm.shape, np.nan), where=known)
    return np.asarray(ratio)


def _vanishing(norm: Values) -> GradientTrouble | None:
    ratio = _over_last(norm)
    low = _beyond_the_first_step(ratio < 1 / FAR, norm == 0)
    return _trouble("vanishing", low, low[:, 0] & _shrinks(ratio), ratio[:, 0], "last layer")


def _shrinks(ratio: Values) -> Values:
    """Whether gradients shrink on their way, ``(epochs,)``.

    Small inputs alone make the first layer's gradient small, and no other one's: the second has to
    be where an even decline to a thousandth in the first would have it.
    """
    steps = ratio.shape[1] - 1
    return np.asarray(ratio[:, min(1, steps)] < FAR ** -((steps - 1) / max(steps, 1)))


def _exploding(norm: Values, loss: Values) -> GradientTrouble | None:
    broken: Values = ~np.isfinite(norm)
    ratio = _over_last(norm)
    if broken.any():
        return _trouble("exploding", broken, np.asarray(broken.any(1)), ratio[:, 0], "last layer")
    # Large inputs alone make the first layer's gradient large, and no other one's.
    grows_on_its_way = ratio[:, :2].min(1) > TOO_FAR
    if norm.shape[1] >= _DEEP and grows_on_its_way.any():
        return _trouble("exploding", ratio > TOO_FAR, grows_on_its_way, ratio[:, 0], "last layer")
    total = np.linalg.norm(norm, axis=1)
    growth: Values = total / (total[0] or np.inf)
    # Small initial weights make it grow as well, while the loss falls.
    has_grown = (growth > FAR) & (loss > loss[0])
    return _trouble("exploding", norm > FAR * norm[:1], has_grown, growth, "first epoch")


def _stuck(norm: Values, update: Values, loss: Values) -> GradientTrouble | None:
    moves = update >= RESOLUTION
    # Where nothing moves in spite of its gradient, the learning rate is 0.
    still = (norm == 0) | (~moves & moves.any(1, keepdims=True))
    still = _beyond_the_first_step(still, norm == 0)
    found: Values = np.logical_and.accumulate(still, 0) | (still & _unlearned(loss)[:, None])
    return _trouble(
        "stuck", found, np.asarray(found.any(1)), np.where(found, update, 0).max(1), "weights"
    )


def _beyond_the_first_step(found: Values, is_zero: Values) -> Values:
    """What is found, but for gradients that are 0 at the first step alone.

    Weights that begin at 0 hold back the gradient of the layers below them, and of no other step.
    """
    second = found[min(1, len(found) - 1)]
    return np.concatenate([found[:1] & (second | ~is_zero[:1]), found[1:]])


def _unlearned(loss: Values) -> Values:
    """At which epochs the loss is not at its best, ``(epochs,)``."""
    lowest = np.min(loss[np.isfinite(loss)], initial=np.inf)
    with np.errstate(invalid="ignore"):
        return np.asarray(loss - lowest > _LOST * (loss[0] - lowest))


def _trouble(
    kind: GradientKind,
    where: Values,
    when: Values,
    value: Values,
    over: Literal["last layer", "first epoch", "weights"],
) -> GradientTrouble | None:
    """Of what is so in some layers ``(epochs, layers)`` at some epochs: where it is in most."""
    if not when.any():
        return None
    worst = int(np.argmax(np.where(when, where.sum(1), -1)))
    return GradientTrouble(
        kind,
        layers=tuple(np.flatnonzero(where[worst]).tolist()),
        epoch=worst + 1,
        epochs=tuple((np.flatnonzero(when) + 1).tolist()),
        value=float(value[worst]),
        over=over,
    )
