"""Loss and gradients at points around one step: along it, and with some layers moved.

A program has the gradient once, whatever the points are: they are gone through one after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.probes.alike import Alike, of_alike
from normwise.probes.moment import Moment, Values
from normwise.probes.next_update import about_to_update

__all__ = ["Sweep", "Swept", "lengths", "of_several", "together"]


class Swept(NamedTuple):
    """What was found at each point; the first one is where the step begins.

    Attributes:
        loss: ``(points,)``.
        norm: Of each variable's gradient, ``(points, variables)``.
        distance: Between it and the one at the first point, likewise.
        cosine: Of the angle between the two, likewise; NaN where either is 0.
        weight: The norm of each variable where the step begins, ``(variables,)``.
        after: The variables where it ends.
        moved: How far each of them is moved by it, ``(variables,)``.
    """

    loss: Any
    norm: Any
    distance: Any
    cosine: Any
    weight: Any
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
        begins, alike = moment.trainable, Alike.among(moment.trainable)
        nothing = [jnp.zeros_like(value) for value in begins]

        def point(carry: tuple[Values, Values], row: tuple[Values, Any]) -> tuple[Any, Any]:
            (step, first), (shares, is_first) = carry, row
            here = [_moved(*one) for one in zip(begins, shares, step, strict=True)]
            loss, scaled, gradient = self._gradient(here, moment)
            step = _either(is_first, self._step(scaled, gradient, moment), step)
            first = _either(is_first, gradient, first)
            both = zip(alike.stacked(gradient), alike.stacked(first), strict=True)
            return (step, first), (loss, *alike.in_order([_compared(*own) for own in both]))

        (step, _), (loss, norm, distance, cosine) = lax.scan(point, (nothing, nothing), self._rows)
        after = [value + by for value, by in zip(begins, step, strict=True)]
        weight, moved = (of_alike(_norms, values) for values in (begins, step))
        return Swept(loss, norm, distance, cosine, weight, after, moved)

    @property
    def _rows(self) -> tuple[Values, Any]:
        """The shares of each variable, and which point is the first.

        An array a variable: the compiler makes the same code of the same operations once, but what
        takes the third number of an array is not what takes the fourth.
        """
        return [jnp.asarray(own) for own in self.shares.T], jnp.arange(len(self.shares)) == 0

    def _gradient(self, trainable: Values, moment: Moment) -> tuple[Any, Values, Values]:
        """The loss, the gradient as the optimiser takes it, and as it is."""
        function = jax.value_and_grad(self.model.compute_loss_and_updates, has_aux=True)
        (_, (loss, *_)), gradient = function(
            trainable,
            moment.non_trainable,
            self.metrics,
            *moment.batch,
            training=True,
            optimizer_variables=moment.optimizer,
        )
        scale = self._scale(moment)
        return loss, gradient, [part / scale for part in gradient]

    def _scale(self, moment: Moment) -> Any:
        """An optimiser for half precision takes the gradient of a multiple of the loss."""
        optimizer = self.model.optimizer
        values = list(zip(optimizer.variables, moment.optimizer, strict=True))
        with keras.StatelessScope(state_mapping=values):
            return optimizer.scale_loss(jnp.float32(1))

    def _step(self, scaled: Values, gradient: Values, moment: Moment) -> Values:
        optimizer = self.model.optimizer
        before = about_to_update(optimizer, moment.optimizer, gradient)
        after, _ = optimizer.stateless_apply(before, scaled, moment.trainable)
        return [new - old for new, old in zip(after, moment.trainable, strict=True)]


def lengths(values: Any) -> Any:
    """Euclidean norms along the last axis; of values that are too small for their squares, too."""
    values = values.astype("float32")
    scale = _scale(values)
    return scale[..., 0] * _norm(values / scale)


def _scale(values: Any) -> Any:
    largest = jnp.max(jnp.abs(values), axis=-1, keepdims=True)
    return jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)


def together(norms: Any, places: Sequence[Sequence[int]]) -> Any:
    """Norms of several variables as one each, of those of each variable on the last axis."""
    return lengths(of_several(norms, places))


def of_several(norms: Any, places: Sequence[Sequence[int]]) -> Any:
    """Those at some places each, filled up with variables of norm 0, ``(…, places, most)``."""
    most, nothing = max(map(len, places)), norms.shape[-1]
    filled = [[*own, *[nothing] * (most - len(own))] for own in places]
    padded = jnp.concatenate([norms, jnp.zeros_like(norms[..., :1])], axis=-1)
    return padded[..., np.asarray(filled)]


def _moved(value: Any, share: Any, step: Any) -> Any:
    return value + (share * step).astype(value.dtype)


def _either(is_first: Any, one: Values, other: Values) -> Values:
    return [jnp.where(is_first, *pair) for pair in zip(one, other, strict=True)]


def _compared(stack: Any, other: Any) -> tuple[Any, Any, Any]:
    """Norms of arrays, of their differences from others, and cosines; NaN where either is 0."""
    one, two = _in_rows(stack), _in_rows(other)
    own, others = _scale(one), _scale(two)
    scale = jnp.maximum(own, others)
    norm, distance = _norm(one / own), _norm((one - two) / scale)
    cosine = jnp.sum(one / own * (two / others), axis=-1) / (norm * _norm(two / others))
    return own[:, 0] * norm, scale[:, 0] * distance, cosine


def _norm(rows: Any) -> Any:
    return jnp.sqrt(jnp.sum(rows**2, axis=-1))


def _norms(stack: Any) -> Any:
    return lengths(_in_rows(stack))


def _in_rows(stack: Any) -> Any:
    return stack.reshape((len(stack), -1)).astype("float32")
