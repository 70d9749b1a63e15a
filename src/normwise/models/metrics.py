"""Keras' compiled metrics as functions of a whole epoch's outputs.

``fit`` updates a metric batch by batch. Most metrics come to the same when all
outputs of an epoch are taken at once, which costs a stack of replicas far less;
one that does not is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.data import Dataset
from normwise.domain import derive_seed
from normwise.errors import ModelError, in_words
from normwise.keras_private import compiled_metrics
from normwise.models.outputs import example_output

__all__ = [
    "build_compiled_parts",
    "build_metrics",
    "check_metrics",
    "epoch_metrics",
    "metric_names",
    "name_of",
]

# Examples that a metric is tried on, in two batches of different size.
TRIED, FIRST = 50, 13


def build_compiled_parts(model: keras.Model, dataset: Dataset) -> None:
    """Create the variables of the compiled metrics, which Keras otherwise does in ``fit``."""
    outputs = jnp.zeros((1, *example_output(model, dataset)))
    build_metrics(model, jnp.asarray(dataset.y_train[:1]), outputs)


def build_metrics(model: keras.Model, labels: Any, outputs: Any) -> None:
    """The same for labels and outputs of these shapes."""
    compiled = compiled_metrics(model)
    if compiled is None or compiled.built:
        return
    compiled.build(labels, outputs)
    for metric in compiled.metrics:
        # Some, such as F1Score, create their variables at the first update only.
        if not isinstance(metric, keras.metrics.Mean):
            metric.update_state(labels, outputs)
            metric.reset_state()


def epoch_metrics(
    model: keras.Model, labels: Any, outputs: Any, weights: Any = None
) -> dict[str, jax.Array]:
    """The compiled metrics of one epoch.

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


def metric_names(model: keras.Model) -> list[str]:
    """What :func:`epoch_metrics` gives, in its order."""
    metric: Any = compiled_metrics(model)
    start = [variable.value for variable in metric.variables]
    return list(jax.eval_shape(metric.stateless_result, start))


def check_metrics(
    model: keras.Model, metrics: Sequence[Any], dataset: Dataset, output: tuple[int, ...]
) -> None:
    """Refuse metrics that the engine cannot compute as ``fit`` does.

    Args:
        model: Compiled with the metrics.
        metrics: Those that are to be tried: names, functions or metrics.
        dataset: Gives the labels.
        output: Shape of what the model gives for one example.

    Raises:
        ModelError: A metric does not take these labels and outputs, or is not the
            same over an epoch at once and batch by batch.
    """
    labels, outputs = _tried(dataset, output)
    for metric in metrics:
        name = name_of(metric)
        try:
            at_once, in_batches = _both_ways(metric, labels, outputs)
        except Exception as error:
            raise ModelError(
                f"metric {name!r} of model {model.name!r} cannot be computed for labels of shape "
                f"{labels.shape} and outputs of shape {outputs.shape} "
                f"({in_words(error)}); expected one "
                f"that fits them; compile the model without it"
            ) from error
        if at_once.shape:
            raise ModelError(
                f"metric {name!r} of model {model.name!r} gives numbers of shape {at_once.shape} "
                f"for an epoch; expected a single one; compile the model with one that averages"
            )
        if not np.allclose(at_once, in_batches, rtol=1e-4, equal_nan=True):
            raise ModelError(
                f"metric {name!r} of model {model.name!r} depends on how an epoch is cut into "
                f"batches ({at_once:g} at once, {in_batches:g} in two batches); expected one that "
                f"gives a value for each example, or a keras.metrics.Metric that adds them up; "
                f"compile the model without it"
            )


def name_of(metric: Any) -> str:
    """What Keras records a metric as: a name, a function or a metric itself."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__))


def _tried(dataset: Dataset, output: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    rows = np.arange(TRIED) % len(dataset.y_train)
    draw = np.random.default_rng(derive_seed(0, "metrics")).uniform(0.01, 1, (TRIED, *output))
    if dataset.task == "classes":
        draw /= draw.sum(axis=-1, keepdims=True)
    return jnp.asarray(dataset.y_train[rows]), jnp.asarray(draw, jnp.float32)


def _both_ways(metric: Any, labels: jax.Array, outputs: jax.Array) -> tuple[Any, Any]:
    built = keras.Sequential()  # Keras makes metrics of names and functions in a compiled model
    built.compile(metrics=[metric])
    build_metrics(built, labels, outputs)
    compiled: Any = compiled_metrics(built)

    start = [variable.value for variable in compiled.variables]

    @jax.jit
    def values() -> tuple[Any, Any]:
        batch = start
        for part in (slice(0, FIRST), slice(FIRST, None)):
            batch = compiled.stateless_update_state(batch, labels[part], outputs[part])
        whole = compiled.stateless_update_state(start, labels, outputs)
        return compiled.stateless_result(whole), compiled.stateless_result(batch)

    at_once, in_batches = (np.asarray(next(iter(result.values()))) for result in values())
    return at_once, in_batches
