"""What a compiled model brings along: its optimiser, its loss and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
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

__all__ = [
    "Compiled",
    "clone_metric",
    "compiled_of",
    "has_own_loss",
    "is_compiled",
    "takes_loss",
]

# Arguments of a ``test_step`` on JAX.
_STATE_AND_DATA = 2
_SCHEDULE = keras.optimizers.schedules.LearningRateSchedule


@dataclass(frozen=True)
class Compiled:
    """What ``model.compile`` was given, as objects of the user's: read, never trained with.

    Attributes:
        optimizer: A Keras optimiser.
        loss: A name, a function or a loss; ``None`` if there is none.
        loss_weight: Its factor, or ``None``.
        metrics: Names, functions or metrics.
        weighted_metrics: The same, which class and sample weights count for.
    """

    optimizer: Any
    loss: Any
    loss_weight: float | None
    metrics: Sequence[Any]
    weighted_metrics: Sequence[Any]

    @property
    def text(self) -> str:
        """All of it in words that stay the same from process to process."""
        parts = [
            self.optimizer,
            self.loss,
            self.loss_weight,
            *self.metrics,
            "",
            *self.weighted_metrics,
        ]
        return "|".join(map(named, parts))


def compiled_of(model: keras.Model) -> Compiled | None:
    """What a model was compiled with; ``None`` if it was not.

    ``run_eagerly``, ``jit_compile`` and ``steps_per_execution`` say how steps are run, not
    what they compute, and do not count.

    Raises:
        ModelError: Its optimiser does something that the engine cannot honour.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> compiled_of(model) is None
    True
    >>> model.compile("adam", "mse")
    >>> compiled_of(model).loss
    'mse'
    """
    if not model.compiled:
        return None
    given = compile_arguments(model)
    return Compiled(
        optimizer=_plain_optimizer(model),
        loss=_only(model, "losses", given["loss"]),
        loss_weight=_only(model, "loss weights", given["loss_weights"]),
        metrics=_flat(given["metrics"]),
        weighted_metrics=_flat(given["weighted_metrics"]),
    )


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
        new = type(metric).from_config(config)
        refuse_forgotten(metric, new, config)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"metric {metric.name!r} of type {type(metric).__name__} cannot be made anew from its "
            f"configuration ({error}); expected get_config() to return every argument of "
            f"__init__(); compile the model without it"
        ) from error
    return new


def _flat(metrics: Any) -> Sequence[Any]:
    return [part for part in keras.tree.flatten(metrics) if part is not None]


def _only(model: keras.Model, what: str, parts: Any) -> Any:
    # Keras takes `loss={"output": "mse"}` and `loss=["mse"]` for one output, too.
    flat = [] if parts is None else _flat([parts])
    if len(flat) > 1:
        raise ModelError(
            f"model {model.name!r} was compiled with {len(flat)} {what}; expected one, as the "
            f"model has one output; try a function that adds them up"
        )
    return flat[0] if flat else None


def _plain_optimizer(model: keras.Model) -> Any:
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        if model.dtype_policy.name != "mixed_float16":
            _refuse(
                model, "a LossScaleOptimizer", "one that leaves the loss as it is", "its inner one"
            )
        optimizer = optimizer.inner_optimizer  # Keras put it in, and will again
    if optimizer.use_ema:
        _refuse(
            model,
            "use_ema=True, which replaces the weights by their average when training ends, unseen "
            "by the metrics of any epoch",
            "an optimiser whose weights are those that were measured",
            "use_ema=False",
        )
    if excludes_variables_from_decay(optimizer):
        _refuse(
            model,
            "variables excluded from weight decay, which no other copy of the model has",
            "them to be excluded by name",
            "exclude_from_weight_decay(var_names=['bias'])",
        )
    rate = learning_rate(optimizer)
    if callable(rate) and not isinstance(rate, (_SCHEDULE, keras.Variable)):
        _refuse(
            model,
            "a Python function for its learning rate",
            "a number or one of keras.optimizers.schedules, which are functions of the step",
            "keras.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)",
        )
    return optimizer


def _refuse(model: keras.Model, arrived: str, expected: str, instead: str) -> None:
    raise ModelError(
        f"the optimiser that model {model.name!r} was compiled with has {arrived}; expected "
        f"{expected}; compile it anew, with {instead}"
    )
