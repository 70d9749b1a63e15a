"""One replica trained alone by Keras' own ``fit``, which the solo check compares with the stack.

The replica starts from the same values and sees the same batches; what differs
is everything the engine does of its own: stacking, sharding, lowered layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.domain import derive_seed
from normwise.engine.initial_values import InitialValues, Replica
from normwise.engine.orders import epoch_orders
from normwise.engine.program import evaluation_of

__all__ = ["largest_relative_difference", "train_alone"]

# Examples that an evaluation takes at once, where their number changes nothing.
AT_ONCE = 512
# What a nudge changes of each weight: as much as the sums of a step differ by where they are taken
# in another order.
NUDGE = 1e-6


def train_alone(
    model: keras.Model,
    initial: InitialValues,
    dataset: Dataset,
    *,
    replica: Replica,
    epochs: int,
    batch_size: int,
    weights: NDArray[Any] | None = None,
    nudge: int = 0,
) -> dict[str, list[float]]:
    """Keras' ``fit`` from the replica's initial values on the replica's batches.

    Args:
        model: The compiled model the user would train, with Keras' own layers;
            its weights are overwritten.
        initial: Made from this model.
        dataset: What the study trains on.
        replica: Which one; its learning rate must be the one ``model`` was compiled with.
        epochs: How many.
        batch_size: Examples in a batch.
        weights: How much each training example counts in the loss, shape ``(n,)``.
        nudge: Above 0, start from weights that differ by rounding, another one for each number,
            to see what training makes of it.

    Returns:
        Metric to one value an epoch, as ``fit`` reports it.
    """
    trainable, non_trainable = initial.state([replica])
    if nudge:
        trainable = [_nudged(value, nudge) for value in trainable]
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, value in zip(variables, [*trainable, *non_trainable], strict=True):
        variable.assign(value[0])
    batches = _Batches(dataset, weights, replica.seed, batch_size)
    at_once = batch_size if evaluation_of(model, dataset).depends_on_batches else AT_ONCE
    history = model.fit(
        batches,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=batches.next_epoch)],
        validation_data=(dataset.x_val, dataset.y_val),
        validation_batch_size=min(len(dataset.x_val), at_once),
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    curves: dict[str, list[float]] = history.history
    return curves


def _nudged(values: NDArray[Any], nudge: int) -> NDArray[Any]:
    signs = np.random.default_rng(derive_seed(nudge, "nudge")).choice([-1, 1], values.shape)
    return (values * (1 + NUDGE * signs)).astype(values.dtype)


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches that a replica of this seed sees, in its order, epoch after epoch."""

    def __init__(
        self,
        dataset: Dataset,
        weights: NDArray[Any] | None,
        seed: int,
        batch_size: int,
    ) -> None:
        super().__init__(workers=1)
        columns = (dataset.x_train, dataset.y_train, weights)
        self._columns = [column for column in columns if column is not None]
        self._batch_size = batch_size
        self._orders = epoch_orders(seed, len(dataset.x_train))
        self._order = np.arange(len(dataset.x_train), dtype=np.int32)

    def next_epoch(self, *_: object) -> None:
        # Not `on_epoch_end`: `fit` also calls that after a first look at the data.
        self._order = next(self._orders)

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return tuple(column[rows] for column in self._columns)


def largest_relative_difference(
    alone: Mapping[str, Sequence[float]], stacked: Mapping[str, Sequence[float]]
) -> float:
    """Largest |alone − stacked| / |alone| over all metrics and epochs.

    Compared are the metrics and epochs of ``stacked``. Epochs in which neither is
    finite agree; where only one is, the difference is infinite.

    >>> largest_relative_difference({"loss": [2.0, 4.0]}, {"loss": [2.0, 5.0]})
    0.25
    """
    largest = 0.0
    for metric, values in stacked.items():
        a, b = np.asarray(alone[metric][: len(values)], float), np.asarray(values, float)
        finite = np.isfinite(a), np.isfinite(b)
        if (finite[0] != finite[1]).any():
            return math.inf
        a, b = a[finite[0]], b[finite[0]]
        scale = np.where(a == 0, 1.0, np.abs(a))
        largest = max(largest, float(np.max(np.abs(a - b) / scale, initial=0.0)))
    return largest
