"""Data preparation as a layer: fixed statistics of the training part at an input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.domain import Variant
from normwise.errors import DataError, ModelError, VariantError
from normwise.models.feeding import small_batches
from normwise.models.graph import Call, Graph, functional_of
from normwise.models.moments import Moments

__all__ = ["preparation", "values_at"]

Array = NDArray[Any]


def preparation(variant: Variant, values: Iterable[Array], *, axis: int, name: str) -> Any:
    """Keras' ``Normalization`` with the variant's statistics of ``values``.

    Args:
        variant: Its ``norm`` is ``zscore``, ``minmax`` or ``mean``.
        values: What is to be normalised, in batches ``(examples, …)``.
        axis: The axis that holds the channels; statistics are over all others.
        name: The new layer's name.

    >>> batches = [np.array([[1.0]]), np.array([[3.0]])]
    >>> layer = preparation(Variant.parse("input:norm=minmax"), batches, axis=-1, name="scale")
    >>> np.asarray(layer(np.array([[2.0]]))).tolist()
    [[0.5]]
    """
    moments, least, most = Moments(axis=-1), np.float64(np.inf), np.float64(-np.inf)
    for batch in values:
        channels = np.moveaxis(np.asarray(batch, np.float64), axis, -1)
        rows = channels.reshape(-1, channels.shape[-1])
        moments.add(rows)
        least = np.minimum(least, rows.min(axis=0))
        most = np.maximum(most, rows.max(axis=0))
    spread = np.sqrt(moments.variance) if variant.norm == "zscore" else most - least
    offset = least if variant.norm == "minmax" else moments.mean
    # As scikit-learn does: a column that never changes is moved and not stretched.
    spread = np.where(spread == 0, 1.0, spread)
    return keras.layers.Normalization(axis=axis, mean=offset, variance=spread**2, name=name)


def values_at(model: Any, call: Call, data: Any, variant: Variant) -> Iterator[Array]:
    """What a call near the input gives for the training data, batch by batch.

    Args:
        model: The model whose inputs ``data`` is for.
        call: An input, or what merely prepares one.
        data: Training inputs as the model takes them, ``(examples, …)``.
        variant: For the message where there is no data.

    Raises:
        VariantError: There is no data.
        DataError: The data does not fit the model's inputs.
        ModelError: The sequences are masked.
    """
    if data is None:
        raise VariantError(
            f"variant {variant.name!r} needs the training data for its statistics and got none; "
            f"expected the inputs that the model trains on; "
            f"try nw.place(model, {variant.name!r}, data=x_train)"
        )
    calls = Graph(model).calls
    masks = [c.operation.name for c in calls if isinstance(c.operation, keras.layers.Masking)]
    if masks:
        raise ModelError(
            f"layer {masks[0]!r} masks time steps, which would count in the statistics of "
            f"variant {variant.name!r}; expected inputs without a mask; try 'input'"
        )
    shapes = [tuple(np.shape(array)[1:]) for array in keras.tree.flatten(data)]
    wanted = [tuple(tensor.shape[1:]) for tensor in functional_of(model).inputs]
    if len(shapes) != len(wanted) or not all(map(_fits, wanted, shapes)):
        raise DataError(
            f"the data for variant {variant.name!r} has examples of shape "
            f"{', '.join(map(str, shapes))}; expected {', '.join(map(str, wanted))}, as model "
            f"{model.name!r} takes them; pass the inputs that it trains on"
        )
    front = keras.Model(functional_of(model).input, call.outputs[0])
    return (np.asarray(front.predict_on_batch(batch)) for batch in small_batches(data))


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(wanted) == len(shape) and all(
        want in (None, size) for want, size in zip(wanted, shape, strict=True)
    )
