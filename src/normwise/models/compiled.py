"""What a compiled model brings along: its optimiser, its loss and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import keras

from normwise.errors import ModelError
from normwise.keras_private import (
    compile_arguments,
    compiled_losses,
    excludes_variables_from_decay,
    is_keras_own,
    learning_rate,
    wrapped_function,
)
from normwise.models.identity import named
from normwise.models.incomplete_config import refuse_forgotten
from normwise.models.optimizers import inner_optimizer

__all__ = [
    "Compiled",
    "clone_metric",
    "cloned_metrics",
    "compiled_of",
    "has_own_loss",
    "is_compiled",
    "is_computed_by_keras",
    "parts_of",
    "takes_loss",
    "words_of",
]

_OF_EVERY_METRIC = ("name", "dtype")
# Arguments of a ``test_step`` on JAX.
_STATE_AND_DATA = 2
_SCHEDULE = keras.optimizers.schedules.LearningRateSchedule


@dataclass(frozen=True)
class Compiled:
    """What ``model.compile`` was given, as objects of the user's: read, never trained with.

    Attributes:
        optimizer: A Keras optimiser.
        loss: A name, a function or a loss, or those of several outputs in the structure that Keras
            takes; ``None`` if there is none.
        loss_weight: Its factor, or those of several outputs, or ``None``.
        metrics: Names, functions or metrics, or those of several outputs.
        weighted_metrics: The same, which class and sample weights count for.
    """

    optimizer: Any
    loss: Any
    loss_weight: Any
    metrics: Any
    weighted_metrics: Any

    @property
    def text(self) -> str:
        """All of it in words that stay the same from process to process."""
        parts = [
            self.optimizer,
            self.loss,
            self.loss_weight,
            *parts_of(self.metrics),
            "",
            *parts_of(self.weighted_metrics),
        ]
        return "|".join(map(words_of, parts))


def compiled_of(model: keras.Model) -> Compiled | None:
    """What a model was compiled with; ``None`` if it was not.

    ``run_eagerly``, ``jit_compile`` and ``steps_per_execution`` say how steps are run, not
    what they compute, and do not count.

    Raises:
        ModelError: Its optimiser does something that the engine cannot honour, or weights of losses
            are no numbers.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> compiled_of(model) is None
    True
    >>> model.compile("adam", "mse")
    >>> compiled_of(model).loss
    'mse'
    """
    if not model.compiled:
        return None
    given, optimizer = compile_arguments(model), _plain_optimizer(model)
    names = ("loss", "loss_weights", "metrics", "weighted_metrics")
    loss, weight, metrics, weighted = (given[name] for name in names)
    _check_weights(model, weight)
    if _has_one_output(model, loss):
        # Keras takes `loss={"output": "mse"}` and `loss=["mse"]` for one output, too.
        loss, weight = _only(model, "losses", loss), _only(model, "loss weights", weight)
        metrics, weighted = parts_of(metrics), parts_of(weighted)
    return Compiled(optimizer, loss, weight, metrics, weighted)


def is_compiled(model: Any) -> bool:
    """Whether a model is compiled, in Keras' own way.

    A file keeps nothing of a ``compile`` of the user's own; Keras calls what comes out of it
    compiled all the same.
    """
    return bool(model.compiled) and hasattr(model, "optimizer")


def takes_loss(model: Any) -> bool:
    """Whether Keras' ``evaluate`` can take a model's loss, on JAX.

    Not without one, as where a ``train_step`` of the user's own computes it, nor by a
    ``test_step`` that was written for TensorFlow or PyTorch: that takes the data alone.

    Args:
        model: Built, and called once where its layers add losses.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> takes_loss(model)
    False
    >>> model.compile(loss="mse")
    >>> takes_loss(model)
    True
    """
    if not is_compiled(model):
        return False
    takes_state = len(signature(model.test_step).parameters) == _STATE_AND_DATA
    return takes_state and bool(compiled_losses(model) is not None or model.losses)


def has_own_loss(model: Any) -> bool:
    """Whether the loss of a model is computed by the user's own code.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> has_own_loss(model)
    False
    >>> model.compile(loss=lambda labels, outputs: keras.ops.nanmean((labels - outputs) ** 2))
    >>> has_own_loss(model)
    True
    """
    named = keras.tree.flatten(model.loss)
    steps = [getattr(type(model), name) for name in ("compute_loss", "train_step", "test_step")]
    parts = [one for one in (*named, *steps) if not (one is None or isinstance(one, str))]
    return not all(map(is_keras_own, parts))


def is_computed_by_keras(part: Any) -> bool:
    """Whether a loss or a metric is Keras' own, and averages no function of the user's.

    >>> is_computed_by_keras(keras.metrics.AUC())
    True
    >>> is_computed_by_keras(keras.metrics.MeanMetricWrapper(lambda labels, outputs: outputs))
    False
    """
    if isinstance(part, keras.metrics.MeanMetricWrapper):
        return is_keras_own(type(part)) and is_keras_own(wrapped_function(part)[0])
    return is_keras_own(part)


def clone_metric(metric: Any) -> Any:
    """A metric with variables of its own: training writes into them.

    Raises:
        ModelError: It cannot be made anew from its configuration.
    """
    if not isinstance(metric, keras.metrics.Metric):
        return metric
    if type(metric) is keras.metrics.MeanMetricWrapper:
        # From its configuration, a function of the user's does not return.
        function, options = wrapped_function(metric)
        return keras.metrics.MeanMetricWrapper(function, metric.name, metric.dtype, **options)
    try:
        config = metric.get_config()
        new = _metric_from(metric, config)
        refuse_forgotten(metric, new, config)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"metric {metric.name!r} of type {type(metric).__name__} cannot be made anew from its "
            f"configuration ({error}); expected get_config() to return every argument of "
            f"__init__(); compile the model without it"
        ) from error
    return new


def _metric_from(metric: Any, config: dict[str, Any]) -> Any:
    taken = signature(type(metric).__init__).parameters
    if any(one.kind is Parameter.VAR_KEYWORD for one in taken.values()):
        return type(metric).from_config(config)
    # Keras puts name and type into every configuration, and a class need not take them.
    new = type(metric).from_config(
        {key: value for key, value in config.items() if key in taken or key not in _OF_EVERY_METRIC}
    )
    new.name = metric.name
    return new


def parts_of(structure: Any) -> list[Any]:
    """All losses, weights or metrics of a structure of them."""
    return [part for part in keras.tree.flatten(structure) if part is not None]


def words_of(structure: Any) -> str:
    """A loss or metric, or those of several outputs, in words that stay the same."""
    if isinstance(structure, dict):
        return str({str(key): words_of(structure[key]) for key in sorted(structure, key=str)})
    if isinstance(structure, list | tuple):
        return str([*map(words_of, structure)])
    return named(structure)


def cloned_metrics(structure: Any) -> Any:
    """Metrics with variables of their own, in the same structure.

    Raises:
        ModelError: One cannot be made anew from its configuration.
    """
    return keras.tree.map_structure(clone_metric, structure)


def _has_one_output(model: keras.Model, loss: Any) -> bool:
    """Whether a model gives one thing; of a subclassed one, its losses tell."""
    outputs = getattr(model, "outputs", None)
    if outputs:
        return len(outputs) == 1
    return not isinstance(loss, Mapping) and len(parts_of([loss])) <= 1


def _check_weights(model: keras.Model, weights: Any) -> None:
    """Refuse names in the place of weights, which Keras refuses as it trains."""
    names = [part for part in parts_of([weights]) if isinstance(part, str)]
    if names:
        raise ModelError(
            f"model {model.name!r} was compiled with loss_weights {names}; expected numbers: the "
            f"third argument of compile() is loss_weights; try compile(optimizer, loss, "
            f"metrics={names})"
        )


def _only(model: keras.Model, what: str, parts: Any) -> Any:
    flat = [] if parts is None else parts_of([parts])
    if len(flat) > 1:
        raise ModelError(
            f"model {model.name!r} was compiled with {len(flat)} {what}; expected one, as the "
            f"model has one output; try a function that adds them up"
        )
    return flat[0] if flat else None


def _plain_optimizer(model: keras.Model) -> Any:
    optimizer = model.optimizer
    inner = inner_optimizer(optimizer)
    if model.dtype_policy.name == "mixed_float16" and _scales_by_default(optimizer):
        optimizer = inner  # Keras put the scaling in, and will again
    if excludes_variables_from_decay(inner):
        _refuse(
            model,
            "variables excluded from weight decay, which no other copy of the model has",
            "them to be excluded by name",
            "exclude_from_weight_decay(var_names=['bias'])",
        )
    rate = learning_rate(inner)
    if callable(rate) and not isinstance(rate, (_SCHEDULE, keras.Variable)):
        _refuse(
            model,
            "a Python function for its learning rate",
            "a number or one of keras.optimizers.schedules, which are functions of the step",
            "keras.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)",
        )
    return optimizer


def _scales_by_default(optimizer: Any) -> bool:
    if type(optimizer) is not keras.optimizers.LossScaleOptimizer:
        return False
    default = keras.optimizers.LossScaleOptimizer(optimizer.inner_optimizer)
    names = ("initial_scale", "dynamic_growth_steps")
    return all(getattr(optimizer, name) == getattr(default, name) for name in names)


def _refuse(model: keras.Model, arrived: str, expected: str, instead: str) -> None:
    raise ModelError(
        f"the optimiser that model {model.name!r} was compiled with has {arrived}; expected "
        f"{expected}; compile it anew, with {instead}"
    )
