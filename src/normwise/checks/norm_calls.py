"""How often a model calls each of its batch normalisations, and on how many values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import keras
import numpy as np

from normwise.models.feeding import batches
from normwise.models.graph import functional_of, has_graph
from normwise.models.hooks import watching
from normwise.models.kinds import has_own_code
from normwise.models.tracing import tracing

__all__ = ["NormCalls", "norm_calls_of"]

# The size of an axis whose length the model leaves open, and of a batch of zeros.
OPEN_SIZE, FEW = 32, 2


@dataclass(frozen=True, eq=False)
class NormCalls:
    """The calls of batch normalisations in one call of a model.

    Attributes:
        inputs: Each call, in the order they run: the layer, and the shape ``(examples, …)`` of
            what it takes.
        examples: How many examples the model was called on.
    """

    inputs: list[tuple[Any, tuple[int, ...]]]
    examples: int

    @cached_property
    def counts(self) -> Counter[Any]:
        """Each layer to how often it is called."""
        return Counter(layer for layer, _ in self.inputs)

    @cached_property
    def positions(self) -> dict[Any, int]:
        """Each layer to the values that a channel of one example has, in its largest call."""
        found: dict[Any, int] = {}
        for layer, shape in self.inputs:
            values = math.prod(shape) / shape[layer.axis] / self.examples
            found[layer] = max(math.ceil(values), found.get(layer, 0))
        return found

    @property
    def values_per_example(self) -> float:
        """How many values all layers together take of one example."""
        return sum(math.prod(shape) for _, shape in self.inputs) / self.examples


def norm_calls_of(model: Any, norms: list[Any], x: Any) -> NormCalls:
    """The calls that a model makes of its batch normalisations on a few examples.

    Nothing is computed. There are none where the shapes of the inputs are not known.

    Args:
        model: Any built Keras model.
        norms: Its batch normalisations.
        x: Inputs, ``(examples, …)`` each; zeros of the model's input shapes if ``None``.
    """
    batch = _example_batch(model, x) if norms else None
    if batch is None:
        return NormCalls([], 1)
    seen: list[tuple[Any, tuple[int, ...]]] = []

    def called(values: Any) -> Any:
        return keras.tree.flatten(model(values, training=False))

    shown = watching(norms, lambda layer, inputs, _mask: seen.append((layer, inputs.shape)))
    # The scope is around the trace: what a layer builds when it is first called gets its
    # values when the scope ends, and would keep those of the trace.
    with tracing(model, "evaluation"), shown, keras.StatelessScope():
        if x is not None or has_own_code(model):
            called(batch)  # which may want values, and may keep what it is given
        else:
            jax.eval_shape(called, batch)
    return NormCalls(seen, int(keras.tree.flatten(batch)[0].shape[0]))


def _example_batch(model: Any, x: Any) -> Any:
    """A few examples, zeros where there are no data; ``None`` where the inputs are not known.

    More than one, since a model may treat a single example in another way.
    """
    if x is not None:
        return next(batches(x, OPEN_SIZE))
    if not has_graph(model):
        return None
    return keras.tree.map_structure(_zeros, functional_of(model).input)


def _zeros(tensor: Any) -> Any:
    batch, *sizes = tensor.shape
    return np.zeros([batch or FEW, *(size or OPEN_SIZE for size in sizes)], str(tensor.dtype))
