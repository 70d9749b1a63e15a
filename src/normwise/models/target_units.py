"""The targets of a regression: standardised in training, in their own units everywhere else.

A fixed layer behind the model brings what it computes to the targets' mean and deviation. What
is compared, recorded and saved is then in the units of the data, and the layers in front of it
train as if the targets had mean 0 and deviation 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.data import Dataset
from normwise.errors import ModelError, SpecError
from normwise.keras_private import operation_behind
from normwise.models.graph import has_graph
from normwise.models.rebuild import keeping_policy

__all__ = ["TargetUnits"]

_PASSING = (keras.layers.Flatten, keras.layers.Reshape)


@dataclass(frozen=True)
class TargetUnits:
    """What a study does with its targets.

    Attributes:
        mean: The mean of each number to predict over the training part, ``(outputs,)``;
            ``None`` where targets are not standardised.
        deviation: The standard deviation of each, ``(outputs,)``; ``None`` as the mean is.
        note: What is done, in a sentence; empty for classes.
    """

    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    note: str = ""

    @classmethod
    def of(cls, model: keras.Model, dataset: Dataset, wanted: bool | None) -> TargetUnits:
        """Standardised targets, unless the model was compiled for them or cannot take them.

        Args:
            model: As the user gave it.
            dataset: What is trained on.
            wanted: Whether to standardise; ``None`` decides by the model.

        Raises:
            ModelError: That was asked for, and the model does not end linearly.
            SpecError: That was asked for, and the labels are classes.
        """
        if dataset.task != "regression":
            _refuse_classes(dataset, wanted)
            return cls()
        reason = _why_not(model, wanted)
        if reason is not None:
            return cls(note=f"The targets keep their own units in training: {reason}.")
        targets = dataset.y_train.astype(np.float64).reshape(-1, dataset.label_width)
        mean, deviation = targets.mean(axis=0), targets.std(axis=0)
        deviation[deviation == 0] = 1.0
        return cls(tuple(mean.tolist()), tuple(deviation.tolist()), _said(mean, deviation))

    def behind(self, model: keras.Model) -> keras.Model:
        """The model with predictions in the targets' units; as it is where that is no change."""
        if self.mean is None or self.deviation is None:
            return model
        layer = keras.layers.Rescaling(
            _plain(self.deviation), _plain(self.mean), dtype="float32", name="target_units"
        )
        outputs = layer(model.outputs[0])
        return keeping_policy(model, keras.Model(model.inputs, outputs, name=model.name))


def _plain(values: tuple[float, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _said(mean: Any, deviation: Any) -> str:
    figures = f" (mean {mean[0]:,.5g}, deviation {deviation[0]:,.5g})" if len(mean) == 1 else ""
    return (
        f"The targets are standardised in training{figures}; losses, metrics and the model's "
        f"predictions are in their own units."
    )


def _refuse_classes(dataset: Dataset, wanted: bool | None) -> None:
    if wanted:
        raise SpecError(
            f"standardize_targets was given and the labels of {dataset.name!r} are classes; "
            f"expected a regression; try --task regression, or leave --standardize-targets out"
        )


def _why_not(model: keras.Model, wanted: bool | None) -> str | None:
    """Why targets are not standardised; ``None`` if they are."""
    if wanted is False:
        return "so it was asked for"
    linear = has_graph(model) and _ends_linearly(model)
    if wanted and not linear:
        raise ModelError(
            f"standardize_targets was given and model {model.name!r} does not end in a Dense layer "
            f"without activation; expected one, which can predict any number; try "
            f"--no-standardize-targets, or end the model with keras.layers.Dense(1)"
        )
    if not linear:
        return "the model does not end in a Dense layer without activation"
    if model.compiled and model.loss is not None and wanted is None:
        return "the model was compiled for them (--standardize-targets, if large ones diverge)"
    return None


def _ends_linearly(model: Any) -> bool:
    tensor = model.outputs[0]
    last = operation_behind(tensor)
    while isinstance(last, _PASSING):
        last = operation_behind(last.input)
    if has_graph(last):
        return _ends_linearly(last)
    activation = getattr(last, "activation", None)
    is_dense = isinstance(last, keras.layers.Dense | keras.layers.EinsumDense)
    return is_dense and activation in (None, keras.activations.linear)
