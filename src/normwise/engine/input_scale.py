"""Normalised inputs of a dense layer: their scale and offset as parts of the layer's weights.

``(γ·x̂ + β)·W + b`` is ``x̂·(γ∘W) + (β·W + b)``. Behind an input nothing in front of the
normalisation learns, so only γ and β would need the gradient of the dense layer's input, a
product as large as the layer's own. Written the second way theirs come out of the kernel's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from normwise import layers
from normwise.engine.lowered import Dense, lowered_kind
from normwise.rewrite.graph import Graph

__all__ = ["ScaledDense", "Standardisation", "scaled_pairs"]

# What may stand between an input and its normalisation: nothing in these learns.
_PREPARING = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape)


class Standardisation(layers.BatchNormalization):
    """Batch normalisation that leaves its γ and β to the dense layer behind it."""

    def build(self, input_shape: Any) -> None:
        """Make the layer's variables, and from then on compute without γ and β."""
        super().build(input_shape)
        self.scale = self.center = False


class ScaledDense(Dense):
    """A dense layer that applies the γ and β of the normalisation in front of it."""

    def follow(self, norm: Standardisation) -> None:
        """Say whose γ and β; the variables stay that layer's."""
        # In a function, or Keras would count them among this layer's own, too.
        self._affine: Callable[[], tuple[Any, Any]] = lambda: (norm.gamma, norm.beta)

    def weights_now(self) -> tuple[Any, Any]:
        """Kernel and bias with γ and β in them."""
        kernel, bias = super().weights_now()
        gamma, beta = self._affine()
        if beta is not None:
            offset = keras.ops.convert_to_tensor(beta) @ kernel
            bias = offset if bias is None else bias + offset
        if gamma is not None:
            kernel = keras.ops.convert_to_tensor(gamma)[:, None] * kernel
        return kernel, bias


def scaled_pairs(model: keras.Model, *, on_cpu: bool) -> list[tuple[Any, Any]]:
    """Normalisations of an input, each with the dense layer that can take over γ and β.

    The normalisation must stand behind an input or what only changes its shape, over the
    features that the dense layer takes, and nothing else may use what it gives.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.BatchNormalization(name="norm"),
    ...     keras.layers.Dense(3, name="hidden"),
    ... ])
    >>> [(norm.name, dense.name) for norm, dense in scaled_pairs(model, on_cpu=True)]
    [('norm', 'hidden')]
    """
    graph = Graph(model)
    layers_called = [call.operation for call in graph.calls]
    pairs = []
    for call in graph.calls:
        behind = graph.next_call(call)
        if (
            behind is not None
            and _is_of_an_input(graph, call)
            and lowered_kind(call.operation, on_cpu=on_cpu) is layers.BatchNormalization
            and lowered_kind(behind.operation, on_cpu=on_cpu) is Dense
            and _fits(call.operation, call.outputs[0])
            and layers_called.count(call.operation) == layers_called.count(behind.operation) == 1
        ):
            pairs.append((call.operation, behind.operation))
    return pairs


def _is_of_an_input(graph: Graph, call: Any) -> bool:
    sources = graph.sources(call)
    return bool(sources) and all(
        isinstance(one.operation, _PREPARING)
        and (isinstance(one.operation, keras.layers.InputLayer) or _is_of_an_input(graph, one))
        for one in sources
    )


def _fits(norm: Any, output: Any) -> bool:
    last = norm.axis in (-1, len(output.shape) - 1)
    return last and norm.trainable and norm.compute_dtype == "float32" and not norm.renorm
