"""Loss, metrics and optimiser: what a study compiles its models with."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.domain import Target
from normwise.errors import ModelError, SpecError, UnknownNameError
from normwise.keras_private import operation_behind, options_without_rate
from normwise.models.compiled import Compiled, clone_metric
from normwise.models.graph import has_graph
from normwise.models.identity import named
from normwise.models.metrics import build_compiled_parts, check_metrics, metric_names, name_of
from normwise.models.optimizers import clone_optimizer, rate_of
from normwise.models.outputs import example_output, output_shape
from normwise.spec import LEARNING_RATE, OPTIMIZER, Spec, optimizer_parts

__all__ = ["Recipe", "check_target", "learning_rate_of", "make_loss"]

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "nadam", "adagrad", "adamax", "lion")
LOSSES = (
    "binary_crossentropy",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
    "mean_absolute_error",
    "huber",
)
_PROBABILITIES = ("sigmoid", "softmax")
_LOSSES = ("loss", "val_loss")


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a study trains: each part as given, else as the model was compiled, else the default.

    Attributes:
        spec: What was given.
        dataset: What is trained on.
        compiled: What the model was compiled with, if it was.
        weights: How much each training example counts in the loss, ``(n,)``; all alike if
            ``None``.
        standardised: Whether the steps of training are those of standardised targets.
    """

    spec: Spec
    dataset: Dataset
    compiled: Compiled | None = None
    weights: NDArray[Any] | None = None
    standardised: bool = False

    def compile(
        self,
        model: keras.Model,
        learning_rate: float | None = None,
        *,
        loss_unit: float | None = None,
    ) -> keras.Model:
        """Compile in place, with parts that no other model has; returns the model.

        Args:
            model: Any variant's.
            learning_rate: A rate of the grid; the first one unless given.
            loss_unit: What the loss is divided by; :attr:`loss_unit` unless told.

        Raises:
            ModelError: The model's output does not fit the labels, or a part of what it was
                compiled with cannot be honoured.
            SpecError: A given part does not fit.
            UnknownNameError: There is no such optimiser or loss.
        """
        loss = self._loss(model)
        own = [] if self._has_own_metric else [_own_metric(loss, self.dataset)]
        model.compile(
            optimizer=self._optimizer(learning_rate or self._first_rate),
            loss=loss,
            loss_weights=self._loss_weight(self.loss_unit if loss_unit is None else loss_unit),
            metrics=[*own, *map(clone_metric, self._metrics)],
            weighted_metrics=[*map(clone_metric, self._weighted_metrics)] or None,
        )
        return model

    def metrics(self, model: keras.Model) -> list[str]:
        """Names of what a study of this model records, the target's candidates first.

        Raises:
            ModelError: A metric that the model was compiled with cannot be honoured.
        """
        self.compile(model)
        build_compiled_parts(model, self.dataset)
        compiled = [*self._metrics, *self._weighted_metrics]
        check_metrics(model, compiled, self.dataset, example_output(model, self.dataset))
        names = [*metric_names(model), "loss"]
        return [f"val_{name}" for name in names] + names

    @functools.cached_property
    def loss_unit(self) -> float:
        """The loss that counts as 1 in training: that of predicting the mean.

        The mean squared error of targets in their own units makes steps of the size that it
        makes with standardised ones if it is divided by the variance.
        """
        loss = self._loss_of_mean(self.dataset.y_train) if self.standardised else 1.0
        return loss if 0 < loss < math.inf else 1.0

    @functools.cached_property
    def mean_loss(self) -> float | None:
        """The validation loss of always predicting the training part's mean, in a regression."""
        if self.dataset.task != "regression":
            return None
        return self._loss_of_mean(self.dataset.y_val) * self._loss_factor

    def in_own_units(self, curves: Mapping[str, Any]) -> dict[str, Any]:
        """Curves of training with losses in the units of the data, as metrics are."""
        return {
            name: np.asarray(values) * self.loss_unit if name in _LOSSES else values
            for name, values in curves.items()
        }

    @property
    def fingerprint(self) -> str:
        """Hash of what the spec does not say: the compiled model's parts, and the weights.

        Empty where there are none.
        """
        kept = self._kept_optimizer
        parts = [] if kept is None else [named(kept)]
        if self._kept_loss is not None:
            parts += map(named, self._kept_loss)
        parts += [f"metric {named(metric)}" for metric in self._metrics]
        parts += [f"weighted {named(metric)}" for metric in self._weighted_metrics]
        digest = hashlib.sha256("|".join(parts).encode())
        if self.weights is not None:
            digest.update(self.weights.tobytes())
        return digest.hexdigest()[:16] if parts or self.weights is not None else ""

    def settings(self, model: keras.Model) -> dict[str, str]:
        """What a compiled ``model`` trains with, in words for the report."""
        optimizer = self.spec.optimizer or OPTIMIZER
        if self._kept_optimizer is not None and self.spec.optimizer is None:
            optimizer = f"{_in_words(self._kept_optimizer)} (the model's own)"
        settings = {"optimizer": optimizer, "learning_rate": self._rates_in_words(model)}
        rate = rate_of(model.optimizer)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            settings["learning_rate"] += f", then {type(rate).__name__} (the model's own)"
        if self._kept_loss is not None:
            settings["loss"] = f"{name_of(self._kept_loss[0])} (the model's own)"
        return settings

    def _rates_in_words(self, model: keras.Model) -> str:
        if self.spec.learning_rate and len(self.spec.learning_rate) > 1:
            return ", ".join(f"{rate:g}" for rate in self.spec.learning_rate)
        return f"{learning_rate_of(model):g}"

    @property
    def _first_rate(self) -> float | None:
        return self.spec.learning_rate[0] if self.spec.learning_rate else None

    def _optimizer(self, learning_rate: float | None) -> Any:
        spec, kept = self.spec, self._kept_optimizer
        if spec.optimizer is None and kept is not None:
            return clone_optimizer(kept, learning_rate)
        rate = learning_rate or (LEARNING_RATE if kept is None else rate_of(kept))
        return _make_optimizer(spec.optimizer or OPTIMIZER, rate)

    @property
    def _kept_optimizer(self) -> Any:
        """The compiled model's, where anything of it counts."""
        spec = self.spec
        all_given = spec.optimizer is not None and spec.learning_rate is not None
        return None if self.compiled is None or all_given else self.compiled.optimizer

    @property
    def _kept_loss(self) -> tuple[Any, float | None] | None:
        """The compiled model's loss and its factor, where they count."""
        compiled = self.compiled
        if compiled is None or compiled.loss is None or self.spec.loss is not None:
            return None
        return compiled.loss, compiled.loss_weight

    @property
    def _loss_factor(self) -> float:
        weight = self._kept_loss and self._kept_loss[1]
        return 1.0 if weight is None else weight

    def _loss_weight(self, unit: float) -> float | None:
        return self._kept_loss and self._kept_loss[1] if unit == 1 else self._loss_factor / unit

    def _loss_of_mean(self, labels: NDArray[Any]) -> float:
        kept = self._kept_loss[0] if self._kept_loss else self.spec.loss
        loss = keras.losses.get(kept or "mean_squared_error")
        mean = self.dataset.y_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        return float(np.mean(loss(labels, np.broadcast_to(mean, labels.shape))))

    def _loss(self, model: keras.Model) -> Any:
        if self._kept_loss is not None:
            return _fitting(self._kept_loss[0], _output_units(model, self.dataset), self.dataset)
        return make_loss(model, self.spec.loss, self.dataset)

    @property
    def _metrics(self) -> Sequence[Any]:
        return self.compiled.metrics if self.compiled else ()

    @property
    def _weighted_metrics(self) -> Sequence[Any]:
        return self.compiled.weighted_metrics if self.compiled else ()

    @property
    def _has_own_metric(self) -> bool:
        known = [*self._metrics, *self._weighted_metrics]
        return _metric(self.dataset) in map(name_of, known)


def learning_rate_of(model: keras.Model) -> float:
    """The learning rate of a compiled model's first step.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.01), "mse")
    >>> learning_rate_of(model)
    0.01
    """
    # Through its text: as a float64, a float32 of 0.01 would be 0.009999999776482582.
    return float(str(np.float32(model.optimizer.learning_rate)))


def make_loss(model: keras.Model, name: str | None, dataset: Dataset) -> Any:
    """The loss that fits labels and output, unless one is named.

    Raises:
        ModelError: The model's output does not fit the labels.
        SpecError: The named loss does not fit them.
        UnknownNameError: Keras has no loss of that name.
    """
    units = _output_units(model, dataset)
    if name is not None:
        return _named_loss(name, units, dataset)
    if dataset.task == "regression":
        return keras.losses.MeanSquaredError()
    if not has_graph(model):
        raise SpecError(
            f"no loss was given, and what model {model.name!r} ends in cannot be seen from "
            f"outside; expected the loss of a subclassed model; try --loss binary_crossentropy, "
            f"which takes probabilities"
        )
    from_logits = not _ends_in_probabilities(model)
    if units == 1:
        return keras.losses.BinaryCrossentropy(from_logits=from_logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def _named_loss(name: str, units: int, dataset: Dataset) -> Any:
    try:
        loss = keras.losses.get(name)
    except ValueError:
        raise UnknownNameError("loss", name, LOSSES) from None
    return _fitting(loss, units, dataset, name)


def _fitting(loss: Any, units: int, dataset: Dataset, name: str | None = None) -> Any:
    """The loss, if it takes class numbers, or no classes are to be told."""
    known = name or (loss if isinstance(loss, str) else getattr(loss, "__name__", None))
    kind = (known or type(loss).__name__).lower()
    of_classes = "categorical" in kind
    # Of a function of the user's, Keras' trust is ours.
    judged = isinstance(loss, str | keras.losses.Loss) or name is not None or of_classes
    fits = kind.startswith("sparse") if units > 1 else not of_classes
    if dataset.task != "regression" and judged and not fits:
        # Keras would broadcast one against the other, and train on nonsense.
        example = "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy"
        raise SpecError(
            f"loss {known or type(loss).__name__!r} does not fit a model with {units} output(s) "
            f"and the labels of {dataset.name!r}, which are numbers of classes; expected one that "
            f"does; try --loss {example}"
        )
    return loss


def check_target(target: Target, known: Sequence[str]) -> None:
    """Refuse a target whose metric is not among those that the study records.

    Raises:
        UnknownNameError: The metric is not recorded; the message offers those that are.
    """
    if target.metric not in known:
        raise UnknownNameError("target metric", target.metric, known)


def _metric(dataset: Dataset) -> str:
    return "mean_absolute_error" if dataset.task == "regression" else "accuracy"


def _own_metric(loss: Any, dataset: Dataset) -> Any:
    if isinstance(loss, keras.losses.BinaryCrossentropy) and loss.get_config()["from_logits"]:
        # Of a logit, one half is not the threshold.
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return _metric(dataset)


def _output_units(model: keras.Model, dataset: Dataset) -> int:
    shape = output_shape(model, dataset)
    if dataset.task == "regression":
        wanted = {dataset.y_train.shape[1]}
        labels = f"{dataset.y_train.shape[1]} numbers to predict"
    else:
        wanted = {1, 2} if dataset.task == "binary" else {dataset.classes}
        labels = f"{dataset.classes} classes"
    if isinstance(shape, list | dict) or len(shape) != 2 or shape[1] not in wanted:
        fits = " or ".join(str((None, units)) for units in sorted(wanted))
        raise ModelError(
            f"the model's output has shape {shape} and the labels of {dataset.name!r} are "
            f"{labels}; expected {fits}; end the model with keras.layers.Dense({min(wanted)}, "
            f"activation={_activation_for(dataset, min(wanted))!r}){_other_task(dataset)}"
        )
    inputs = model.input_shape if has_graph(model) else (None, *dataset.x_train.shape[1:])
    if not isinstance(inputs, tuple) or not _fits(inputs[1:], dataset.x_train.shape[1:]):
        raise ModelError(
            f"the model's input has shape {inputs} and an example of {dataset.name!r} "
            f"{dataset.x_train.shape[1:]}; expected the same; begin the model with "
            f"keras.Input({dataset.x_train.shape[1:]})"
        )
    return int(shape[1])


def _other_task(dataset: Dataset) -> str:
    """What else whole numbers may be taken for, as a way out."""
    whole = dataset.y_train.dtype.kind in "iu" or not (dataset.y_train % 1).any()
    if dataset.task == "binary" or not whole:
        return ""
    return f", or try --task {'classes' if dataset.task == 'regression' else 'regression'}"


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(wanted) == len(shape) and all(
        want is None or want == size for want, size in zip(wanted, shape, strict=True)
    )


def _activation_for(dataset: Dataset, units: int) -> str | None:
    if dataset.task == "regression":
        return None
    return "sigmoid" if units == 1 else "softmax"


def _ends_in_probabilities(model: keras.Model) -> bool:
    # Not the last of the layers: keras.ops.sigmoid(x) is an operation and none of them.
    last = operation_behind(model.outputs[0])
    if has_graph(last):
        return _ends_in_probabilities(last)
    activation = getattr(last, "activation", None)
    names = (type(last).__name__.lower(), getattr(activation, "__name__", ""))
    return any(name in _PROBABILITIES for name in names)


def _make_optimizer(text: str, learning_rate: Any) -> keras.optimizers.Optimizer:
    name, options = optimizer_parts(text)
    if name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimizer", name, OPTIMIZERS)
    if options.get("use_ema"):
        raise SpecError(
            f"optimizer {text!r} asks for use_ema, which replaces the weights by their average "
            f"when training ends, unseen by the metrics of any epoch; expected weights that were "
            f"measured; leave use_ema out"
        )
    kind = type(keras.optimizers.get(name))
    try:
        return kind(learning_rate=learning_rate, **options)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"optimizer {text!r} cannot be made ({error}); expected options that "
            f"keras.optimizers.{kind.__name__} takes; try 'sgd:momentum=0.9'"
        ) from None


def _in_words(optimizer: Any) -> str:
    """An optimiser's name and those of its options that are not Keras' defaults."""
    config, default = options_without_rate(optimizer), {}
    with contextlib.suppress(TypeError):  # the user's own may need arguments
        default = options_without_rate(type(optimizer)())
    options = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in config.items()
        if name not in {"name", "learning_rate"} and value != default.get(name)
    ]
    return " ".join([type(optimizer).__name__, ", ".join(options)]).strip()
