"""Keras' compiled metrics in a program: over a whole epoch at once, or batch by batch.

``fit`` updates a metric batch by batch. A mean of values of single examples comes to the same
when all outputs of an epoch are taken at once, which costs a stack of replicas far less; any
other metric is accumulated as ``fit`` does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras

from normwise.data import Dataset
from normwise.data.nested import rows, shapes
from normwise.errors import ModelError, NormwiseError, in_words
from normwise.keras_private import (
    build_compiled,
    compile_arguments,
    compiled_losses,
    compiled_metrics,
    epoch_logs,
)
from normwise.models.compiled import is_computed_by_keras, parts_of, takes_loss
from normwise.models.kinds import has_keras_steps
from normwise.models.outputs import named_outputs, output_shape, outputs_in_words
from normwise.models.tracing import (
    needs_values,
    raised_by,
    refusal_of,
    unfiltered_tracebacks,
)

__all__ = [
    "build_compiled_parts",
    "end_of_epoch",
    "epoch_metrics",
    "is_evaluated",
    "is_taken_at_once",
    "metrics_at_start",
    "name_of",
    "not_fitting",
    "scalars",
]

# All outputs of an epoch may take this much memory in each replica.
MOST_BYTES = 2**26


def build_compiled_parts(model: keras.Model, dataset: Dataset, *, in_steps: bool = False) -> None:
    """Create the variables of the compiled loss and metrics, which Keras otherwise does in ``fit``.

    Args:
        model: Compiled.
        dataset: What it trains on.
        in_steps: Whether steps of Keras' own are to update them, whatever they are.

    Raises:
        ModelError: They cannot be computed for these labels and outputs.
    """
    try:
        with unfiltered_tracebacks():
            if not in_steps and _gives_rows(model, dataset) and _are_simple(model):
                _build_metrics(model, dataset)
            else:
                build_compiled(model, rows(dataset.train, slice(1)).batch)
    except NormwiseError:
        raise
    except Exception as error:
        raise not_fitting(model, dataset, error) from error


def metrics_at_start(model: keras.Model) -> list[Any]:
    """Values of the metrics' variables before the first step."""
    return [variable.value for variable in model.metrics_variables]


def _build_metrics(model: keras.Model, dataset: Dataset) -> None:
    """What Keras does, for one output and without a call of the model."""
    compiled = compiled_metrics(model)
    if compiled is None or compiled.built:
        return
    labels = jnp.asarray(dataset.y_train[:1])
    outputs = jnp.zeros((1, *output_shape(model, dataset)[1:]))
    compiled.build(labels, outputs)
    for metric in compiled.metrics:
        # Some, such as F1Score, create their variables at the first update only.
        if not isinstance(metric, keras.metrics.Mean):
            metric.update_state(labels, outputs)
            metric.reset_state()


def not_fitting(model: keras.Model, dataset: Dataset, error: Exception) -> ModelError:
    """What to raise where a step, loss or metric fails on labels and outputs.

    Args:
        model: Compiled.
        dataset: What it trains on.
        error: What it raised.
    """
    who, is_of_inputs = raised_by(error)
    if needs_values(error) or is_of_inputs:
        return refusal_of(model, "training", error)
    labels, outputs = shapes(rows(dataset.y_train, slice(1))), outputs_in_words(model, dataset)
    if _have_other_names(model, dataset):
        return ModelError(
            f"the labels of {dataset.name!r} are {labels}, and model {model.name!r} gives "
            f"{outputs}; expected labels for each output that has a loss, by its name; rename "
            f"them, or add what is missing"
        )
    who = who or "the loss or a metric"
    if dataset.y_train is None:
        return ModelError(
            f"data {dataset.name!r} have no labels, and {who} of model {model.name!r} fails "
            f"without ({in_words(error)}); expected labels, or a model whose own steps look at "
            f"none; try Study(model, (x, y))"
        )
    return ModelError(
        f"{who} of model {model.name!r} cannot be computed for labels of shape "
        f"{labels} and outputs of shape {outputs} "
        f"({in_words(error)}); expected one that fits them; compile the model with another, "
        f"or reshape the labels"
    )


def _have_other_names(model: keras.Model, dataset: Dataset) -> bool:
    """Whether labels in a dictionary have other names than the outputs."""
    labels, outputs = dataset.y_train, named_outputs(output_shape(model, dataset), model)
    return isinstance(labels, Mapping) and not set(outputs or ()) <= set(labels)


def is_taken_at_once(model: keras.Model, dataset: Dataset) -> bool:
    """Whether the metrics of an epoch are those of all its outputs taken at once.

    They are where there are labels, the model has one output, a row of numbers an example, all
    rows of an epoch take little memory, its steps are Keras' own, and each metric is Keras' own
    mean of values that examples have.

    Args:
        model: Compiled, its metrics built.
        dataset: What it trains on.
    """
    has_labels = dataset.y_train is not None
    if not (has_labels and _gives_rows(model, dataset) and has_keras_steps(model)):
        return False
    if 4 * output_shape(model, dataset)[1] * dataset.examples > MOST_BYTES:
        return False
    losses, compiled = compiled_losses(model), compiled_metrics(model)
    if losses is None or losses.metrics:
        return False
    known = [] if compiled is None else list(compiled.metrics)
    others = [one for one in model.metrics if one is not compiled]
    return len(others) == 1 and all(map(_averages_examples, known))  # the loss' own mean


def _are_simple(model: keras.Model) -> bool:
    """Whether Keras' own steps are all that there is, and metrics are made of names."""
    given = compile_arguments(model)
    made = parts_of([given["metrics"], given["weighted_metrics"]])
    return has_keras_steps(model) and all(
        isinstance(one, keras.metrics.Mean) or not isinstance(one, keras.metrics.Metric)
        for one in made
    )


def _gives_rows(model: keras.Model, dataset: Dataset) -> bool:
    shape = output_shape(model, dataset)
    is_one = isinstance(shape, tuple) and all(isinstance(size, int | None) for size in shape)
    return is_one and len(shape) == 2


def _averages_examples(metric: Any) -> bool:
    return isinstance(metric, keras.metrics.MeanMetricWrapper) and is_computed_by_keras(metric)


def is_evaluated(model: keras.Model) -> bool:
    """Whether there is anything to evaluate by: a ``test_step`` of the model's own, or a loss.

    A model whose ``train_step`` takes the only loss that there is has none.
    """
    own = not has_keras_steps(model, ("test_step", "compute_loss"))
    return own or takes_loss(model)


def epoch_metrics(
    model: keras.Model, labels: Any, outputs: Any, weights: Any = None
) -> dict[str, jax.Array]:
    """The compiled metrics of one epoch, of all its outputs at once.

    Args:
        model: Compiled, its metrics built.
        labels: The labels of all examples of the epoch, first axis ``n``.
        outputs: What the model gave for them.
        weights: How much each example counts, ``(n,)``, in Keras' ``weighted_metrics`` only.
    """
    metric = compiled_metrics(model)
    if metric is None:
        return {}
    start = [variable.value for variable in metric.variables]
    end = metric.stateless_update_state(start, labels, outputs, weights)
    result: dict[str, jax.Array] = metric.stateless_result(end)
    return result


def end_of_epoch(model: keras.Model, metrics: Sequence[Any], logs: Any) -> dict[str, Any]:
    """What ``fit`` records of an epoch that was accumulated batch by batch.

    Args:
        model: Compiled, its metrics built.
        metrics: Values of its metrics' variables after the last step.
        logs: What the last step gave.
    """
    mapping = list(zip(model.metrics_variables, metrics, strict=True))
    with keras.StatelessScope(state_mapping=mapping):
        return scalars(epoch_logs(model, logs))


def scalars(logs: Mapping[str, Any]) -> dict[str, Any]:
    """A number for each name; what a metric gives several of is numbered from 0.

    >>> import numpy as np
    >>> found = scalars({"f1": np.array([0.5]), "each": np.array([0.25, 0.75])})
    >>> {name: float(value) for name, value in found.items()}
    {'f1': 0.5, 'each_0': 0.25, 'each_1': 0.75}
    """
    found: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            found |= scalars(value)
            continue
        flat = keras.ops.reshape(value, (-1,)) if hasattr(value, "shape") else [value]
        if len(flat) == 1:
            found[name] = flat[0]
        else:
            found |= {f"{name}_{place}": flat[place] for place in range(len(flat))}
    return found


def name_of(metric: Any) -> str:
    """What Keras records a metric as: a name, a function or a metric itself."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__))
