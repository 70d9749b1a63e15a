"""Initial values of every replica, drawn from (seed, layer, weight) alone.

The random initialisers of the model are drawn again for each seed; constant
ones, and counters, keep the value the layer was built with. A weight of the
same name and shape therefore starts alike in every variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.errors import ModelError, UnknownNameError
from normwise.records import derive_seed

__all__ = ["InitialValues"]


class InitialValues:
    """Draws the stacked initial values of a model's variables.

    Args:
        model: A built model.
        initializer: Name of a Keras initialiser for all kernels, or ``None``
            for each layer's own.

    Raises:
        ModelError: A trainable weight's initialiser cannot be found.
        UnknownNameError: No Keras initialiser has that name.
    """

    def __init__(self, model: keras.Model, initializer: str | None = None) -> None:
        self._kernel_initializer = initializer and _named_initializer(initializer)
        self._names = _stable_names(model)
        self._owners = _owners(model)

    def stacked(self, variables: Sequence[Any], seeds: Sequence[int]) -> list[jax.Array]:
        """One array a variable, with a leading replica axis."""
        return [self._stack(variable, seeds) for variable in variables]

    def _stack(self, variable: Any, seeds: Sequence[int]) -> jax.Array:
        name = self._names[id(variable)]
        if variable.name == "seed_generator_state":
            states = [[derive_seed(seed, name), 0] for seed in seeds]
            return jnp.asarray(states, variable.value.dtype)
        initializer = self._initializer(variable)
        if not hasattr(initializer, "seed"):
            value = np.asarray(variable.value)
            return jnp.asarray(np.broadcast_to(value, (len(seeds), *value.shape)))
        keys = np.array([[derive_seed(seed, name), 0] for seed in seeds], np.uint32)
        return _draw(initializer, tuple(variable.shape), variable.dtype, keys)

    def _initializer(self, variable: Any) -> Any:
        if self._kernel_initializer is not None and variable.name == "kernel":
            return self._kernel_initializer
        owner = self._owners[id(variable)]
        found = getattr(owner, f"{variable.name}_initializer", None)
        if found is None and variable.trainable:
            raise ModelError(
                f"layer {owner.name!r} ({type(owner).__name__}) has no attribute "
                f"'{variable.name}_initializer', so the weight {variable.name!r} cannot be drawn "
                f"anew for each seed; expected one beside each weight, as in Keras' own layers; "
                f"set self.{variable.name}_initializer = keras.initializers.get(…) in __init__"
            )
        return found


def _draw(initializer: Any, shape: tuple[int, ...], dtype: str, keys: Any) -> jax.Array:
    def one(key: jax.Array) -> Any:
        seeded = type(initializer).from_config(initializer.get_config())
        # Keras takes a JAX key in place of a seed; a traced one lets `vmap` draw all replicas.
        seeded.seed = key
        return seeded(shape, dtype)

    drawn: jax.Array = jax.jit(jax.vmap(one))(keys)
    return drawn


def _named_initializer(name: str) -> Any:
    try:
        return keras.initializers.get(name)
    except ValueError:
        known = ["he_uniform", "he_normal", "glorot_uniform", "glorot_normal", "lecun_uniform"]
        known += ["lecun_normal", "random_uniform", "random_normal", "orthogonal", "zeros"]
        raise UnknownNameError("initializer", name, known) from None


def _owners(model: keras.Model) -> dict[int, Any]:
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers():  # Keras has no public walk into wrapped layers.
        for variable in layer.variables:
            # The innermost layer comes last in the walk and is the owner.
            owners[id(variable)] = layer
    return owners


def _stable_names(model: keras.Model) -> dict[int, str]:
    """``layer/weight``, numbered where several layers share a name."""
    seen: Counter[str] = Counter()
    names = {}
    for variable in model.variables:
        name = "/".join(variable.path.split("/")[-2:])
        names[id(variable)] = f"{name}#{seen[name]}"
        seen[name] += 1
    return names
