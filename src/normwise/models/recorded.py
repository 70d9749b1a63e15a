"""What is recorded of each epoch: the names of losses and metrics, as ``fit`` would give them."""

from __future__ import annotations

from typing import Any

import jax
import keras

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.errors import NormwiseError
from normwise.keras_private import compiled_metrics
from normwise.models.metrics import (
    end_of_epoch,
    is_evaluated,
    is_taken_at_once,
    not_fitting,
    scalars,
)
from normwise.models.tracing import tracing, unfiltered_tracebacks

__all__ = ["recorded", "recorded_by_fit"]


def recorded(model: keras.Model, dataset: Dataset) -> tuple[list[str], list[str]]:
    """Names of what is recorded of the training and of the validation part, the loss last.

    Args:
        model: Compiled, its metrics built.
        dataset: What it trains on.

    Raises:
        ModelError: A step cannot be computed for these labels and outputs.
    """
    if is_taken_at_once(model, dataset):
        metric: Any = compiled_metrics(model)
        start = [variable.value for variable in metric.variables] if metric else []
        names = [*(jax.eval_shape(metric.stateless_result, start) if metric else ()), "loss"]
        return names, names
    model.optimizer.build(model.trainable_variables)
    trainable, non_trainable, optimizer, metrics = _state(model)
    batch = rows(dataset.train, slice(1)).handed

    def train(batch: Any) -> Any:
        logs, state = model.train_step((trainable, non_trainable, optimizer, metrics), batch)
        return end_of_epoch(model, state[-1], logs)

    def evaluate(batch: Any) -> Any:
        logs, state = model.test_step((trainable, non_trainable, metrics), batch)
        return end_of_epoch(model, state[-1], logs)

    try:
        with unfiltered_tracebacks():
            found = [
                jax.eval_shape(train, batch),
                jax.eval_shape(evaluate, batch) if is_evaluated(model) else {},
            ]
    except NormwiseError:
        raise
    except Exception as error:
        raise not_fitting(model, dataset, error) from error
    train_names, val_names = (sorted(names, key=lambda name: name == "loss") for names in found)
    return train_names, val_names


def recorded_by_fit(model: keras.Model, dataset: Dataset) -> tuple[list[str], list[str]]:
    """The same of a model whose steps cannot be traced: what ``fit`` gives for one batch.

    Args:
        model: Compiled; its weights are overwritten.
        dataset: What it trains on.
    """
    model.run_eagerly = True
    x, y, weights = rows(dataset.train, slice(1))
    validation = (x, y) if is_evaluated(model) else None
    with tracing(model, "training"):
        done = model.fit(x, y, sample_weight=weights, validation_data=validation, verbose=0)
    history = done.history
    names = sorted(scalars({name: values[-1] for name, values in history.items()}))
    names.sort(key=lambda name: name.endswith("loss"))
    return (
        [name for name in names if not name.startswith("val_")],
        [name.removeprefix("val_") for name in names if name.startswith("val_")],
    )


def _state(model: keras.Model) -> list[list[Any]]:
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    return [[variable.value for variable in group] for group in groups]
