"""Population statistics: what the moving averages of a normalisation approximate, computed exactly.

With the weights as they are, a layer's inputs are gone through once, in inference mode. Batches
count by their size, the variance is that of all values together, and a mask counts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np

from normwise.errors import DataError, ModelError
from normwise.keras_private import every_layer
from normwise.models.feeding import batches, inputs_fitting
from normwise.models.hooks import watching
from normwise.models.kinds import require_keras, unwrapped
from normwise.models.moments import Moments
from normwise.models.tracing import unfiltered_tracebacks

__all__ = [
    "BATCH",
    "batch_normalisations",
    "holds_numbers",
    "population_statistics",
    "reached_norms",
    "require_norms",
    "set_statistics",
]

# Examples at a time, unless the caller says.
BATCH = 256


class _SeenEnough(Exception):  # noqa: N818 (no error)
    """Ends a call of the model early: the layers wanted have been seen, the rest is not needed."""


def population_statistics(
    model: Any, x: Any, layer: Any, calls: int, batch_size: int = BATCH
) -> Moments:
    """Moments of what one layer takes, over all of ``x``, with the model in inference mode.

    Args:
        model: Any built Keras model.
        x: Inputs as the model takes them, ``(examples, …)`` each.
        layer: One of its batch normalisations.
        calls: How often one call of the model calls this layer.
        batch_size: Examples at a time: a matter of memory, and not of the result.

    Raises:
        DataError: A mask leaves the layer no value, or it takes values that are not finite.
    """
    moments, seen = Moments(layer.axis), 0

    def watch(_layer: Any, inputs: Any, mask: Any) -> None:
        nonlocal seen
        moments.add(inputs, mask)
        seen += 1
        if seen == calls:
            raise _SeenEnough

    # What Keras filters holds its frames, and these the batch, until garbage is collected.
    with watching([layer], watch), unfiltered_tracebacks():
        for batch in batches(x, batch_size):
            seen = 0
            try:
                model(batch, training=False)
            except _SeenEnough:
                continue
    if not moments.count.any():
        raise DataError(
            f"layer {layer.name!r} of model {model.name!r} is reached by no value: a mask leaves "
            f"none of these inputs; expected at least one; look at the mask and at the padding"
        )
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.variance).all()):
        raise DataError(
            f"layer {layer.name!r} of model {model.name!r} takes values that are not finite; "
            f"expected inputs and weights that are; look for NaN in the data, or overflow"
        )
    return moments


def set_statistics(layer: Any, found: Moments) -> None:
    """Set the moving statistics of a batch normalisation to these moments.

    Raises:
        DataError: They overflow the type that it keeps its statistics in.
    """
    new = {"moving_mean": found.mean, "moving_variance": found.variance}
    if layer.renorm:
        new["moving_stddev"] = np.sqrt(found.variance + layer.epsilon)
    for name, values in new.items():
        variable = getattr(layer, name)
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            held = keras.ops.convert_to_numpy(keras.ops.cast(values, variable.dtype))
        if not np.isfinite(held).all():
            kind = variable.dtype
            wider = f", or make the layer anew with dtype='mixed_{kind}'" if "16" in kind else ""
            raise DataError(
                f"layer {layer.name!r} keeps its {name} as {kind}, in which the data's, up to "
                f"{np.abs(values).max():.3g}, overflows; expected values that fit; scale the inputs"
                f"{wider}"
            )
        variable.assign(held)


def batch_normalisations(model: Any) -> list[Any]:
    """Every batch normalisation of a model, nested, wrapped and frozen ones as well, each once.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="a")])
    >>> [layer.name for layer in batch_normalisations(model)]
    ['a']
    """
    found = [unwrapped(layer) for layer in every_layer(model)]
    norms = [layer for layer in found if isinstance(layer, keras.layers.BatchNormalization)]
    return list(dict.fromkeys(norms))


def require_norms(model: Any, otherwise: str = "there is nothing to recalibrate") -> list[Any]:
    """Every batch normalisation of a model that has some.

    Args:
        model: Any built Keras model.
        otherwise: What to say of a model that has none.

    Raises:
        ModelError: It is no Keras model, not built, or has none.
    """
    require_keras(model)
    layers = batch_normalisations(model) if model.built else []
    if not layers:
        what = "has no batch normalisation" if model.built else "is not built"
        raise ModelError(
            f"model {model.name!r} {what}; expected a built model with at least one "
            f"BatchNormalization; {otherwise}"
        )
    return layers


def reached_norms(model: Any, x: Any, batch_size: int = BATCH) -> Counter[Any]:
    """The batch normalisations that a call of the model reaches, and how often each.

    In the order of their last calls: a layer that is called again behind another one waits for it.
    Seen on the first batch, not on one example: a layer may treat that in another way.

    Args:
        model: Any built Keras model.
        x: Inputs as the model takes them, ``(examples, …)`` each.
        batch_size: Examples in the batch that the model is called on.

    Raises:
        ModelError: The model is not built, none of its batch normalisations is reached, or one
            runs where its inputs cannot be seen.
        DataError: ``x`` is empty, or does not fit the model.
    """
    layers = require_norms(model)
    called: list[Any] = []
    unseen: list[Any] = []

    def watch(layer: Any, inputs: Any, _mask: Any) -> None:
        (called if holds_numbers(inputs) else unseen).append(layer)

    with watching(layers, watch):
        first = next(batches(x, batch_size))
        with inputs_fitting(model):
            model(first, training=False)
    if unseen:  # said here, as Keras puts the layer's arguments around what is raised in a call
        raise ModelError(_why_unseen(model, unseen[0]))
    if not called:
        raise ModelError(
            f"no call of model {model.name!r} on these inputs reaches a batch normalisation "
            f"(first {layers[0].name!r}); expected one that its outputs depend on; look whether "
            f"the model's own code leaves it out"
        )
    last = dict.fromkeys(reversed(called))
    return Counter({layer: called.count(layer) for layer in reversed(last)})


def holds_numbers(inputs: Any) -> bool:
    """Whether inputs hold numbers: in a compiled loop they are tracers, which hold none."""
    try:
        np.asarray(inputs)
    except TypeError:  # JAX's tracers raise a kind of it
        return False
    return True


def _why_unseen(model: Any, norm: Any) -> str:
    around = [
        layer.name
        for layer in every_layer(model, itself=False)
        if layer is not norm and norm in every_layer(layer)
    ]
    place, loop = (f"inside {around[0]!r} ", repr(around[0])) if around else ("", "the loop")
    return (
        f"batch normalisation {norm.name!r} {place}of model {model.name!r} runs in a loop that JAX "
        f"compiles (as the cell of a recurrent layer does), where what it takes cannot be seen, "
        f"nor its statistics move; expected one that the model calls; put it in front of "
        f"{loop} or behind, or normalise there with keras.layers.LayerNormalization"
    )
