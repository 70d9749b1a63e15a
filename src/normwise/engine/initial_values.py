"""Initial values of every replica, drawn from (seed, layer, weight) alone.

The random initialisers of the model are drawn again for each seed; constant
ones are set again, and what training does not move (frozen layers, adapted
statistics, counters) keeps the value it has. A weight that stands in several
variants therefore starts alike in all of them.
"""

from __future__ import annotations

import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.domain import derive_seed
from normwise.engine.initializers import as_drawn, initializer_of, named_initializer
from normwise.errors import ModelError
from normwise.keras_private import RANDOM_STATE, draw_from_key, every_layer, is_keras_own
from normwise.models.noted_initializers import noted_initializer

__all__ = ["InitialValues", "Replica"]

Array = NDArray[Any]
# Run once: to compile it well would take longer than it runs.
QUICK = {"xla_backend_optimization_level": 0}
# Replicas drawn by one call: the same programs then serve a stack of any size.
AT_ONCE = 8
# Whatever an initialiser computes, no two threads wait for the same cores to compute it.
DRAWING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Replica:
    """What tells a replica from its neighbours in a stack.

    Attributes:
        seed: What its initial values, its orders and its dropout derive from, ≥ 0.
        learning_rate: Its optimiser's, > 0; ``None`` for the compiled model's.
        initializer: Keras initialiser of all kernels; ``None`` for each layer's own.
    """

    seed: int
    learning_rate: float | None = None
    initializer: str | None = None


class InitialValues:
    """Draws the stacked initial values of a model's variables.

    Args:
        model: A built model.
        like: The values of the baseline's model. Weights that keep its layers'
            names start as its weights do; otherwise the order decides.

    Raises:
        ModelError: A trainable weight's initialiser cannot be found.
    """

    def __init__(self, model: keras.Model, like: InitialValues | None = None) -> None:
        self._model = model
        self._owners = _owners(model)
        paths = {
            # A kernel's own initialiser may be constant where a replica's is random.
            id(variable): path
            for variable, path in self._paths()
            if self._is_random(variable) or (variable.trainable and variable.name == "kernel")
        }
        known = list(paths.values())
        if like is not None:
            # Dropout that a variant adds draws from streams of its own, behind the baseline's.
            dropout = [path for path in known if f"/{RANDOM_STATE}#" in path]
            extended = list(dict.fromkeys([*like.order, *dropout]))
            # Else a builder made this model, with layer names of its own.
            known = extended if set(known) <= set(extended) else known
        self.order: list[str] = known
        # A weight's stream is its place in the baseline, never a name that Keras counted up.
        self._streams = {key: f"initial:{known.index(path)}" for key, path in paths.items()}

    def state(self, replicas: Sequence[Replica]) -> tuple[list[Array], list[Array]]:
        """Trainable and non-trainable values, each with a leading replica axis.

        They stay on the host until the engine places them: each operation on a
        device would compile a program of its own.

        Raises:
            ModelError: A weight cannot be drawn anew for each seed.
            UnknownNameError: No Keras initialiser has the name of a replica's.
        """
        model = self._model
        return (
            [self._stack(variable, replicas) for variable in model.trainable_variables],
            [self._stack(variable, replicas) for variable in model.non_trainable_variables],
        )

    def _paths(self) -> list[tuple[Any, str]]:
        """Each variable with ``layer/weight``, numbered where several layers share a name."""
        seen: Counter[str] = Counter()
        paths = []
        for variable in self._model.variables:
            # Not the variable's own path: Keras counts up the seed generators in it.
            path = f"{self._owners[id(variable)].name}/{variable.name}"
            paths.append((variable, f"{path}#{seen[path]}"))
            seen[path] += 1
        return paths

    def _is_random(self, variable: Any) -> bool:
        if not variable.trainable:
            return bool(variable.name == RANDOM_STATE)
        return hasattr(self._initializer(variable), "seed")

    def _stack(self, variable: Any, replicas: Sequence[Replica]) -> Array:
        names = list(dict.fromkeys(replica.initializer for replica in replicas))
        if len(names) == 1:
            return self._drawn(variable, [replica.seed for replica in replicas], names[0])
        groups = {
            name: [row for row, replica in enumerate(replicas) if replica.initializer == name]
            for name in names
        }
        values = np.empty((len(replicas), *variable.shape), variable.dtype)
        for name, rows in groups.items():
            values[rows] = self._drawn(variable, [replicas[row].seed for row in rows], name)
        return values

    def _drawn(self, variable: Any, seeds: Sequence[int], kernels: str | None) -> Array:
        """Values of one variable, where this initialiser draws all kernels."""
        initializer = self._initializer(variable, kernels)
        is_random = (
            hasattr(initializer, "seed") if variable.trainable else self._is_random(variable)
        )
        if not is_random:
            value = self._constant(variable, initializer)
            return np.broadcast_to(value, (len(seeds), *value.shape))
        stream = self._streams[id(variable)]
        keys = np.array([[derive_seed(seed, stream), 0] for seed in seeds], np.uint32)
        if variable.name == RANDOM_STATE:
            return keys.astype(variable.value.dtype)
        config = json.dumps(initializer.get_config(), sort_keys=True, default=str)
        kind: Any = type(initializer)
        draw = _drawing(kind, config, tuple(variable.shape), variable.dtype)
        filled = np.resize(keys, (-len(keys) // AT_ONCE * -AT_ONCE, 2))
        # Waited for first: to read what memory did not suffice for would end the process.
        with DRAWING:
            blocks = [
                np.asarray(jax.block_until_ready(draw(block)))
                for block in filled.reshape(-1, AT_ONCE, 2)
            ]
        return np.concatenate(blocks)[: len(keys)]

    def _constant(self, variable: Any, initializer: Any) -> Array:
        """What every replica starts with."""
        with DRAWING:
            value = initializer and initializer(variable.shape, variable.dtype)
            return np.asarray(variable.value if value is None else value)

    def _initializer(self, variable: Any, kernels: str | None = None) -> Any:
        if not variable.trainable:
            return None
        owner = self._owners[id(variable)]
        if kernels is not None and variable.name == "kernel":
            return as_drawn(named_initializer(kernels), owner, variable.name)
        found = initializer_of(owner, variable.name) or noted_initializer(variable)
        if found is None and not _is_zero_or_one(variable):
            raise ModelError(
                f"layer {owner.name!r} ({type(owner).__name__}) has no attribute "
                f"'{variable.name}_initializer', so the weight {variable.name!r} cannot be drawn "
                f"anew for each seed; expected one beside each weight, as in Keras' own layers; "
                f"set self.{variable.name}_initializer = keras.initializers.get(…) in __init__"
            )
        if not _is_repeatable(found, variable):
            raise ModelError(
                f"the {variable.name!r} initialiser of layer {owner.name!r} "
                f"({getattr(found, '__name__', type(found).__name__)}) gives other values at each "
                f"call and has no attribute 'seed'; expected one that a seed repeats; "
                f"try a keras.initializers.RandomInitializer"
            )
        return as_drawn(found, owner, variable.name)


def _is_zero_or_one(variable: Any) -> bool:
    """Whether no random draw can be behind the values, whatever initialised them."""
    value = np.asarray(variable.value)
    return bool(np.all((value == 0) | (value == 1)))


def _is_repeatable(initializer: Any, variable: Any) -> bool:
    """Whether an initialiser without a seed, other than Keras' own, is a constant one."""
    if initializer is None or hasattr(initializer, "seed"):
        return True
    if is_keras_own(type(initializer)):
        return True
    first, second = (initializer(variable.shape, variable.dtype) for _ in range(2))
    return bool(np.array_equal(first, second))


@functools.cache
def _drawing(
    kind: Any, config: str, shape: tuple[int, ...], dtype: str
) -> Callable[[Any], jax.Array]:
    def one(key: jax.Array) -> Any:
        # A traced key lets one program draw all replicas.
        return draw_from_key(kind.from_config(json.loads(config)), key, shape, dtype)

    # One after another: factorisations of a batch, as of orthogonal kernels, share out their work
    # to the threads that they run on, and may wait for ever (jaxlib 0.10).
    return jax.jit(functools.partial(jax.lax.map, one), compiler_options=QUICK)


def _owners(model: keras.Model) -> dict[int, Any]:
    owners: dict[int, Any] = {}
    for layer in every_layer(model):
        for variable in layer.variables:
            # The innermost layer comes last in the walk and is the owner.
            owners[id(variable)] = layer
    return owners
