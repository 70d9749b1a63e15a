"""The loss that a study trains with: as given, else the compiled model's, else what fits."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.nested import shapes
from normwise.errors import ModelError, SpecError, UnknownNameError
from normwise.keras_private import is_keras_own
from normwise.models.compiled import Compiled
from normwise.models.graph import has_graph
from normwise.models.kinds import has_keras_steps
from normwise.models.outputs import ends_in_probabilities, output_units, outputs_in_words

__all__ = ["TrainingLoss"]

LOSSES = (
    "binary_crossentropy",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
    "mean_absolute_error",
    "huber",
)


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """What a study minimises, and its unit.

    Attributes:
        given: The name of one of Keras' losses, if it was given.
        compiled: What the model was compiled with, if it was.
        dataset: What is trained on.
        standardised: Whether the steps of training are those of standardised targets.
    """

    given: str | None
    compiled: Compiled | None
    dataset: Dataset
    standardised: bool

    @property
    def kept(self) -> tuple[Any, float | None] | None:
        """The compiled model's loss and its factor, where they count."""
        compiled = self.compiled
        if compiled is None or compiled.loss is None or self.given is not None:
            return None
        return compiled.loss, compiled.loss_weight

    def of(self, model: keras.Model) -> Any:
        """The loss that a model is compiled with.

        Raises:
            ModelError: The model's output does not fit the labels.
            SpecError: The loss does not fit them.
            UnknownNameError: Keras has no loss of the given name.
        """
        if self.dataset.task == "own":
            return self._of_own_labels(model)
        has_one = self.kept is not None or self.given is not None
        units = output_units(model, self.dataset, or_more=has_one)
        if self.kept is not None:
            return _fitting(self.kept[0], units, self.dataset)
        if self.given is not None:
            return _named_loss(self.given, units, self.dataset)
        return _default_loss(model, units, self.dataset)

    def _of_own_labels(self, model: keras.Model) -> Any:
        if self.kept is not None:
            return self.kept[0]
        if self.given is not None:
            return _known_loss(self.given)
        if has_keras_steps(model, ("train_step", "compute_loss")):
            raise ModelError(
                f"the model's output has shape {outputs_in_words(model, self.dataset)} and the "
                f"labels of {self.dataset.name!r} {shapes(self.dataset.y_train)}, and model "
                f"{model.name!r} is compiled with no loss that says how they go together; "
                f"expected labels that fit, or a compiled model; try model.compile('adam', 'mse')"
            )
        return None

    def weight(self, unit: float) -> float | None:
        """The factor that a loss counted in ``unit`` is compiled with; ``None`` for none."""
        return self.kept and self.kept[1] if unit == 1 else self._factor / unit

    @functools.cached_property
    def unit(self) -> float:
        """The loss that counts as 1 in training: that of predicting the mean.

        The mean squared error of targets in their own units makes steps of the size that it
        makes with standardised ones if it is divided by the variance.
        """
        loss = self._of_mean(self.dataset.y_train) if self.standardised else 1.0
        return loss if 0 < loss < math.inf else 1.0

    @functools.cached_property
    def of_predicting_the_mean(self) -> float | None:
        """The validation loss of always predicting the training part's mean, in a regression."""
        if self.dataset.task != "regression":
            return None
        return self._of_mean(self.dataset.y_val) * self._factor

    @property
    def _factor(self) -> float:
        weight = self.kept and self.kept[1]
        return 1.0 if weight is None else weight

    def _of_mean(self, labels: NDArray[Any]) -> float:
        loss = keras.losses.get((self.kept[0] if self.kept else self.given) or "mean_squared_error")
        mean = self.dataset.y_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        predicted = np.broadcast_to(mean, (len(labels), self.dataset.label_width))
        return float(np.mean(loss(labels, predicted)))


def _default_loss(model: keras.Model, units: int, dataset: Dataset) -> keras.losses.Loss:
    """The loss that fits labels and output."""
    if dataset.task == "regression":
        return keras.losses.MeanSquaredError()
    if not has_graph(model):
        raise SpecError(
            f"no loss was given, and what model {model.name!r} ends in cannot be seen from "
            f"outside; expected the loss of a subclassed model; try --loss binary_crossentropy, "
            f"which takes probabilities"
        )
    from_logits = not ends_in_probabilities(model)
    if units == 1:
        return keras.losses.BinaryCrossentropy(from_logits=from_logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def _named_loss(name: str, units: int, dataset: Dataset) -> Any:
    return _fitting(_known_loss(name), units, dataset, name)


def _known_loss(name: str) -> Any:
    try:
        return keras.losses.get(name)
    except ValueError:
        raise UnknownNameError("loss", name, LOSSES) from None


def _fitting(loss: Any, units: int, dataset: Dataset, name: str | None = None) -> Any:
    """The loss, if it takes class numbers, or no classes are to be told."""
    known = name or (loss if isinstance(loss, str) else getattr(loss, "__name__", None))
    kind = (known or type(loss).__name__).lower()
    of_classes = "categorical" in kind
    # Of a function or a class of the user's, Keras' trust is ours.
    is_keras = isinstance(loss, keras.losses.Loss) and is_keras_own(loss)
    judged = isinstance(loss, str) or is_keras or name is not None or of_classes
    fits = kind.startswith("sparse") if units > 1 else not of_classes
    if dataset.task == "classes" and dataset.label_width > 1:  # rows with a single 1
        fits = units > 1 and not kind.startswith("sparse")
    if dataset.task != "regression" and judged and not fits:
        # Keras would broadcast one against the other, and train on nonsense.
        example = "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy"
        raise SpecError(
            f"loss {known or type(loss).__name__!r} does not fit a model with {units} output(s) "
            f"and the labels of {dataset.name!r}, which are numbers of classes; expected one that "
            f"does; try --loss {example}"
        )
    return loss
