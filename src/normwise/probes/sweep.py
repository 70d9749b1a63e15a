"""Loss and gradients at points around one step: along it, and with some layers moved.

A program has the gradient once, whatever the points are: they are gone through one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.probes.moment import Moment, Values

__all__ = ["Sweep", "Swept", "lengths", "lengths_of", "together"]


class Swept(NamedTuple):
    """What was found at each point; the first one is where the step begins.

    Attributes:
        loss: ``(points,)``.
        norm: Of each variable's gradient, ``(points, variables)``.
        distance: Between it and the one at the first point, likewise.
        cosine: Of the angle between the two, likewise; NaN where either is 0.
        before: The variables where the step begins.
        after: And where it ends.
        moved: How far each variable is moved by the step, ``(variables,)``.
    """

    loss: Any
    norm: Any
    distance: Any
    cosine: Any
    before: Values
    after: Values
    moved: Any


@dataclass(frozen=True, eq=False)
class Sweep:
    """Points around a step.

    Attributes:
        model: Compiled.
        metrics: Values of its metrics' variables.
        shares: How much of its part of the step each variable has gone, ``(points, variables)``;
            0 at the first point.
    """

    model: keras.Model
    metrics: Values
    shares: NDArray[np.float32]

    def at(self, moment: Moment) -> Swept:
        """Loss and gradients at these points."""
        begins = moment.trainable
        first = [jnp.zeros_like(value) for value in begins]

        def point(carry: tuple[Values, Values], row: tuple[Any, Any]) -> tuple[Any, Any]:
            (step, own), (shares, is_first) = carry, row
            here = [_moved(*one) for one in zip(begins, shares, step, strict=True)]
            loss, scaled, gradient = self._gradient(here, moment)
            taken = self._step(scaled, moment)
            step = _either(is_first, taken, step)
            own = _either(is_first, gradient, own)
            return (step, own), (loss, *_compared(gradient, own))

        rows = (jnp.asarray(self.shares), jnp.arange(len(self.shares)) == 0)
        (step, _), (loss, norm, distance, cosine) = lax.scan(point, (first, first), rows)
        after = [value + by for value, by in zip(begins, step, strict=True)]
        return Swept(loss, norm, distance, cosine, begins, after, lengths_of(step))

    def _gradient(self, trainable: Values, moment: Moment) -> tuple[Any, Values, Values]:
        """The loss, the gradient as the optimiser takes it, and as it is."""
        function = jax.value_and_grad(self.model.compute_loss_and_updates, has_aux=True)
        (scaled, (loss, *_)), gradient = function(
            trainable,
            moment.non_trainable,
            self.metrics,
            *moment.batch,
            training=True,
            optimizer_variables=moment.optimizer,
        )
        # An optimiser for half precision takes the gradient of a multiple of the loss.
        scale = jnp.where(loss == 0, 1, scaled / jnp.where(loss == 0, 1, loss))
        return loss, gradient, [part / scale for part in gradient]

    def _step(self, gradient: Values, moment: Moment) -> Values:
        after, _ = self.model.optimizer.stateless_apply(
            moment.optimizer, gradient, moment.trainable
        )
        return [new - old for new, old in zip(after, moment.trainable, strict=True)]


def lengths_of(values: Values) -> Any:
    """The Euclidean norm of each array, ``(arrays,)``."""
    return _of_each(lengths, values)


def lengths(values: Any) -> Any:
    """Euclidean norms along the last axis; of values that are too small for their squares, too."""
    values = values.astype("float32")
    largest = jnp.max(jnp.abs(values), axis=-1, keepdims=True)
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    return scale[..., 0] * jnp.sqrt(jnp.sum((values / scale) ** 2, axis=-1))


def together(norms: Any, places: Sequence[int]) -> Any:
    """The norm of several variables as one, of the norms of each on the last axis."""
    return lengths(norms[..., np.asarray(places)])


def _moved(value: Any, share: Any, step: Any) -> Any:
    return value + (share * step).astype(value.dtype)


def _either(is_first: Any, one: Values, other: Values) -> Values:
    return [jnp.where(is_first, *pair) for pair in zip(one, other, strict=True)]


def _compared(gradient: Values, first: Values) -> tuple[Any, Any, Any]:
    differences = [one - two for one, two in zip(gradient, first, strict=True)]
    cosine = _of_each(_cosines, gradient, first)
    return lengths_of(gradient), lengths_of(differences), cosine


def _cosines(one: Any, two: Any) -> Any:
    """Of the angles between rows; NaN where one is 0."""
    return jnp.sum(one / lengths(one)[:, None] * (two / lengths(two)[:, None]), axis=-1)


def _of_each(function: Callable[..., Any], *values: Values) -> Any:
    """A function of rows for each array, ``(arrays,)``; those of a size share its operations.

    A deep network has hundreds of arrays: compiling each one's own would take longer than training.
    """
    sizes = [one.size for one in values[0]]
    places = {size: [i for i, own in enumerate(sizes) if own == size] for size in sizes}
    found = [
        function(*[jnp.stack([part[i].reshape(-1) for i in own]) for part in values])
        for own in places.values()
    ]
    order = np.argsort([i for own in places.values() for i in own])
    return jnp.concatenate(found)[order]
