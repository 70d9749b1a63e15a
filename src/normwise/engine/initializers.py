"""What Keras draws each weight of a layer with."""

from __future__ import annotations

from typing import Any

import keras

from normwise.domain import named_options
from normwise.errors import SpecError, UnknownNameError
from normwise.keras_private import equation_axes

__all__ = ["ForgetGateOpen", "as_drawn", "initializer_of", "named_initializer"]

_EXAMPLE = "random_normal:stddev=0.05"


def initializer_of(layer: Any, weight: str) -> Any:
    """The initialiser of a layer's weight, under one of the names that Keras gives it.

    ``None`` where no attribute names one.

    >>> layer = keras.layers.Dense(2, kernel_initializer="he_normal")
    >>> type(initializer_of(layer, "kernel")).__name__
    'HeNormal'
    """
    names = [weight, weight.removesuffix("_kernel"), weight.removeprefix("reverse_")]
    if weight == "kernel":
        names.append("depthwise")
    attributes = (f"{name}_initializer" for name in names)
    named = next((getattr(layer, name) for name in attributes if hasattr(layer, name)), None)
    found = keras.initializers.get(named)  # a layer of the user's may keep its name alone
    if found is None and isinstance(layer, keras.layers.AdditiveAttention) and weight == "scale":
        # The one random draw of Keras' own layers that no attribute names.
        return keras.initializers.GlorotUniform()
    return found


def as_drawn(initializer: Any, layer: Any, weight: str) -> Any:
    """What becomes of an initialiser in a layer that does not draw with it as it is."""
    if weight == "bias" and getattr(layer, "unit_forget_bias", False):
        return ForgetGateOpen(initializer)
    if weight == "kernel" and isinstance(layer, keras.layers.EinsumDense):
        return _over_axes(initializer, layer)
    return initializer


class ForgetGateOpen(keras.initializers.Initializer):  # type: ignore[misc]
    """The bias of an LSTM's four gates: 1 for the second, which forgets.

    Args:
        others: Draws the other gates' bias.
    """

    def __init__(self, others: Any) -> None:
        self._others = keras.initializers.get(others)
        if hasattr(self._others, "seed"):
            self.seed = self._others.seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """One bias after another, ``(4 * units,)``, as Keras' cells draw them."""
        if hasattr(self, "seed"):
            self._others.seed = self.seed
        units = shape[0] // 4
        gates = [
            self._others((units,), dtype),
            keras.ops.ones((units,), dtype),
            self._others((2 * units,), dtype),
        ]
        return keras.ops.concatenate(gates)

    def get_config(self) -> dict[str, Any]:
        """How to make it anew."""
        return {"others": keras.initializers.serialize(self._others)}


def _over_axes(initializer: Any, layer: Any) -> Any:
    """Variance scaled by the axes that the equation sums over, not by those of a convolution."""
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer
    config = initializer.get_config()
    if "input_axes" not in config:  # before Keras 3.15, which draws with it as it is
        return initializer
    if config["input_axes"] is None or config["output_axes"] is None:
        config["input_axes"], config["output_axes"] = equation_axes(layer)
    return type(initializer).from_config(config)


def named_initializer(text: str) -> Any:
    """Keras' initialiser of that name, with its options: ``NAME[:OPTION=NUMBER,…]``.

    Raises:
        SpecError: An option is no number, or one that this initialiser does not take.
        UnknownNameError: There is none of that name.

    >>> type(named_initializer("he_normal")).__name__
    'HeNormal'
    >>> named_initializer("random_normal:stddev=0.5").stddev
    0.5
    """
    name, options = named_options("initializer", text, _EXAMPLE)
    try:
        found = keras.initializers.get(name)
    except ValueError:
        known = ["he_uniform", "he_normal", "glorot_uniform", "glorot_normal", "lecun_uniform"]
        known += ["lecun_normal", "random_uniform", "random_normal", "orthogonal", "zeros"]
        raise UnknownNameError("initializer", name, known) from None
    try:
        return type(found)(**options) if options else found
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"initializer {text!r} cannot be made ({error}); expected options that "
            f"keras.initializers.{type(found).__name__} takes; try {_EXAMPLE!r}"
        ) from None
