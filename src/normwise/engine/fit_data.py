"""The data as Keras' ``fit`` gets them: the one place where they are cut into batches."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import count, rows
from normwise.engine.orders import epoch_orders
from normwise.errors import ModelError
from normwise.keras_private import build_compiled, every_layer
from normwise.models.feeding import InOrder
from normwise.models.tracing import tracing
from normwise.models.unsupported import is_stateful

__all__ = ["Batches", "FitData", "check_batches", "check_eager", "needs_whole_batches"]


@dataclass(frozen=True, eq=False)
class FitData:
    """A data set, cut as a replica sees it.

    Attributes:
        dataset: What is trained on.
        size: Examples in a batch.
        whole_batches: Whether a last batch of fewer examples is left out.
        window: Rows that are read at a time, where the data are streamed.
    """

    dataset: Dataset
    size: int
    whole_batches: bool
    window: int | None = None

    def batches(self, seed: int, epoch: int) -> Batches:
        """What a replica of this seed sees, from the epoch on that follows so many."""
        return Batches(self, seed, epoch)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self._steps(self.dataset.examples)

    @property
    def examples(self) -> int:
        """Training examples in an epoch."""
        every = self.dataset.examples
        return self.steps * self.size if self.whole_batches else every

    def rows(self, numbers: Any) -> tuple[Any, ...]:
        """Inputs, labels and weights of some training examples."""
        batch: tuple[Any, ...] = read_rows(self.dataset.train, numbers).batch
        return batch

    def evaluated(self, part: Examples, at_once: int) -> Examples:
        """A part as ``evaluate`` takes it, in its own order.

        Args:
            part: The data set's training or validation part.
            at_once: Examples in a batch.
        """
        examples = count(part.x)
        kept = self._steps(examples) * self.size if self.whole_batches else examples
        if self.window is not None:
            return Examples(InOrder(part.batch, at_once, kept), None)
        return rows(part, slice(kept)) if kept < examples else part

    def _steps(self, examples: int) -> int:
        return examples // self.size if self.whole_batches else math.ceil(examples / self.size)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches that a replica of this seed sees, in its order, epoch after epoch."""

    def __init__(self, data: FitData, seed: int, epoch: int) -> None:
        super().__init__(workers=1)
        self._data, examples = data, data.dataset.examples
        self._orders = itertools.islice(epoch_orders(seed, examples, data.window), epoch, None)
        self._order = np.arange(examples, dtype=np.int32)

    def next_epoch(self) -> None:
        """From here on, the order of the epoch that follows."""
        self._order = next(self._orders)

    def __len__(self) -> int:
        return self._data.steps

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        size = self._data.size
        return self._data.rows(self._order[index * size : (index + 1) * size])


def check_batches(model: keras.Model, dataset: Dataset, batch_size: int) -> str:
    """Which examples a stateful layer's whole batches leave out, in words; empty where none.

    Raises:
        ModelError: A part of the data is smaller than a batch, or the model takes batches of
            another size.
    """
    if not needs_whole_batches(model):
        return ""
    fixed = model.input_shape[0]
    if fixed not in (None, batch_size):
        raise ModelError(
            f"model {model.name!r} has a stateful layer and takes batches of {fixed}, and the "
            f"batch size is {batch_size}; expected the same; try --batch-size {fixed}"
        )
    counts = dataset.examples, count(dataset.x_val)
    fewest = min(counts)
    if fewest < batch_size:
        raise ModelError(
            f"model {model.name!r} has a stateful layer, which takes whole batches alone, and a "
            f"part of the data has {fewest} examples; expected a batch of {batch_size} to train on "
            f"and one to validate on; give ((x, y), (x_val, y_val)) with as many"
        )
    train, val = (examples % batch_size for examples in counts)
    said = [f"the last {train} examples are left out of training"] if train else []
    if val:
        said.append(f"the last {val}{'' if said else ' examples are left out'} of validation")
    if not said:
        return ""
    return (
        f"a stateful layer takes whole batches of {batch_size}: in each epoch {', and '.join(said)}"
    )


def check_eager(model: keras.Model, dataset: Dataset) -> None:
    """Refuse a model that ``fit`` cannot begin with, even where its steps are not traced.

    Args:
        model: Compiled.
        dataset: What is trained on.

    Raises:
        ModelError: The model's call, its loss or a metric asks for values that are not there yet.
    """
    with tracing(model, "training"):
        build_compiled(model, rows(dataset.train, slice(1)).batch)


def needs_whole_batches(model: keras.Model) -> bool:
    """Whether a layer keeps a state for each place in a batch."""
    return any(map(is_stateful, every_layer(model, itself=False)))
