"""Loss, metrics and optimiser: what a study compiles its models with."""

from __future__ import annotations

from typing import Any

import keras

from normwise.datasets import Dataset
from normwise.engine import output_shape
from normwise.errors import ModelError, SpecError, UnknownNameError
from normwise.records import Target
from normwise.rewrite.graph import has_graph
from normwise.spec import Spec, optimizer_parts

__all__ = ["check_target", "compile_model", "default_metric", "make_loss"]

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "nadam", "adagrad", "adamax", "lion")
LOSSES = (
    "binary_crossentropy",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
    "mean_absolute_error",
    "huber",
)
_PROBABILITIES = ("sigmoid", "softmax")


def compile_model(model: keras.Model, spec: Spec, dataset: Dataset) -> keras.Model:
    """Compile in place as the study asks; returns the model.

    Raises:
        ModelError: The model's output does not fit the labels.
        UnknownNameError: There is no such optimiser or loss.
    """
    model.compile(
        optimizer=_make_optimizer(spec),
        loss=make_loss(model, spec.loss, dataset),
        metrics=[_metric(dataset)],
    )
    return model


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
    of_classes = "categorical" in name.lower()
    fits = name.lower().startswith("sparse") if units > 1 else not of_classes
    if dataset.task != "regression" and not fits:
        # Keras would broadcast one against the other, and train on nonsense.
        example = "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy"
        raise SpecError(
            f"loss {name!r} does not fit a model with {units} output(s) and the labels of "
            f"{dataset.name!r}, which are numbers of classes; expected one that does; "
            f"try --loss {example}"
        )
    return loss


def check_target(target: Target, dataset: Dataset) -> None:
    """Refuse a target whose metric the study does not record.

    Raises:
        UnknownNameError: Of that kind; offers those it does record.
    """
    metric = _metric(dataset)
    known = [f"val_{metric}", "val_loss", metric, "loss"]
    if target.metric not in known:
        raise UnknownNameError("target metric", target.metric, known)


def default_metric(dataset: Dataset) -> str:
    """The metric that replicas are timed to where no target is given."""
    return "val_loss" if dataset.task == "regression" else "val_accuracy"


def _metric(dataset: Dataset) -> str:
    return "mean_absolute_error" if dataset.task == "regression" else "accuracy"


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
            f"activation={_activation_for(dataset, min(wanted))!r})"
        )
    inputs = model.input_shape if has_graph(model) else (None, *dataset.x_train.shape[1:])
    if not isinstance(inputs, tuple) or not _fits(inputs[1:], dataset.x_train.shape[1:]):
        raise ModelError(
            f"the model's input has shape {inputs} and an example of {dataset.name!r} "
            f"{dataset.x_train.shape[1:]}; expected the same; begin the model with "
            f"keras.Input({dataset.x_train.shape[1:]})"
        )
    return int(shape[1])


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
    last = model.outputs[0]._keras_history.operation
    if has_graph(last):
        return _ends_in_probabilities(last)
    activation = getattr(last, "activation", None)
    names = (type(last).__name__.lower(), getattr(activation, "__name__", ""))
    return any(name in _PROBABILITIES for name in names)


def _make_optimizer(spec: Spec) -> keras.optimizers.Optimizer:
    name, options = optimizer_parts(spec.optimizer)
    if name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimizer", name, OPTIMIZERS)
    kind = type(keras.optimizers.get(name))
    try:
        return kind(learning_rate=spec.learning_rate, **options)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"optimizer {spec.optimizer!r} cannot be made ({error}); expected options that "
            f"keras.optimizers.{kind.__name__} takes; try 'sgd:momentum=0.9'"
        ) from None
