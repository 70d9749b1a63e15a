"""What Keras has and does not promise: the only file that touches its private parts.

Each docstring says what a function gives, and why Keras' public interface cannot give it. All were
checked with Keras 3.14.0 and 3.15.1, unless a docstring names the versions. Where a version of
Keras lacks a part, the error names it; ``tests/test_keras_private.py`` compares each function with
what Keras shows publicly, so that an update of Keras which moves a part fails there.

The calls of a graph are described where they are read, in ``models/graph.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras.src.backend.common import masking
from keras.src.layers.core import einsum_dense

from normwise.errors import BackendError

__all__ = [
    "RANDOM_STATE",
    "batch_moments",
    "build_compiled",
    "calls_in_order",
    "compile_arguments",
    "compiled_losses",
    "compiled_metrics",
    "constructor_arguments",
    "decays",
    "direct_sublayers",
    "draw_from_key",
    "epoch_logs",
    "equation_axes",
    "every_layer",
    "excludes_variables_from_decay",
    "functional_inside",
    "is_augmentation",
    "is_keras_own",
    "is_operation",
    "is_pooling",
    "is_preprocessing",
    "is_regularization",
    "lambda_output_shape",
    "learning_rate",
    "loss_options",
    "mask_of",
    "operation_behind",
    "options_without_rate",
    "steps_taken",
    "trained_variables",
    "undecayed_pattern",
    "wrapped_function",
]

CHECKED = "3.14 and 3.15"

# The name of the variable, of shape (2,), in which a random layer such as Dropout keeps its state.
# Keras documents it nowhere.
RANDOM_STATE = "seed_generator_state"


def _part(owner: Any, name: str) -> Any:
    """An attribute that Keras does not promise.

    Raises:
        BackendError: This version of Keras has none of that name.
    """
    try:
        return getattr(owner, name)
    except AttributeError as error:
        kind = owner if isinstance(owner, type) else type(owner)
        raise BackendError(
            f"Keras {keras.__version__} has no {kind.__name__}.{name}; expected it as in Keras "
            f"{CHECKED}, with which normwise was checked; try pip install 'keras>=3.14,<3.16'"
        ) from error


# --- whose code something is ---------------------------------------------------------------------


def is_keras_own(code: Any) -> bool:
    """Whether a class, a function, an object's class or a module by its name is Keras' own.

    Keras tells no one which code is its own, so the name of the module decides.

    >>> is_keras_own(keras.layers.Dense), is_keras_own(is_keras_own)
    (True, False)
    """
    module = code if isinstance(code, str) else code.__module__
    return bool(module.startswith("keras."))


# Keras' pooling, regularisation and preprocessing layers have no public class in common, and
# `keras.ops` exports functions, not the classes of the operations that they add to a graph. The
# package in which Keras keeps a class decides.


def is_operation(operation: Any) -> bool:
    """Whether this is an operation that a function of ``keras.ops`` added to a graph, no layer."""
    return _is_in(operation, "keras.src.ops.")


def is_pooling(layer: Any) -> bool:
    """Whether this is one of Keras' pooling layers."""
    return _is_in(layer, "keras.src.layers.pooling.")


def is_regularization(layer: Any) -> bool:
    """Whether this is one of Keras' regularisation layers, such as ``Dropout``."""
    return _is_in(layer, "keras.src.layers.regularization.")


def is_preprocessing(layer: Any) -> bool:
    """Whether this is a preprocessing layer of Keras or KerasCV, which rescales or augments."""
    return ".layers.preprocessing." in type(layer).__module__


def is_augmentation(layer: Any) -> bool:
    """Whether this is one of the preprocessing layers that change images.

    >>> is_augmentation(keras.layers.RandomFlip()), is_augmentation(keras.layers.Rescaling(0.5))
    (True, False)
    """
    return ".preprocessing.image_preprocessing." in type(layer).__module__


def _is_in(code: Any, package: str) -> bool:
    return type(code).__module__.startswith(package)


# --- layers --------------------------------------------------------------------------------------


def every_layer(layer: Any, *, itself: bool = True) -> list[Any]:
    """A layer or model and every layer inside it, however deep, outer ones before inner ones.

    ``Model.layers`` shows one level; what a layer holds is not public.

    Args:
        layer: Any Keras layer or model, built or not.
        itself: Whether the layer or model itself comes first.
    """
    return list(_part(layer, "_flatten_layers")(include_self=itself))


def direct_sublayers(layer: Any) -> list[Any]:
    """The layers that a layer holds itself, one level deep.

    ``Model.layers`` is public; a layer has no such attribute.
    """
    return list(_part(layer, "_flatten_layers")(include_self=False, recursive=False))


def constructor_arguments(operation: Any) -> dict[str, Any] | None:
    """The arguments that a layer's constructor was called with; ``None`` where Keras kept none.

    Arguments that every layer takes, such as ``name``, are not among them. ``get_config`` may give
    what the constructor refuses, as that of ``RandomShear`` does.
    """
    noted = getattr(operation, "_auto_config", None)
    if noted is None:
        return None
    return dict(keras.saving.deserialize_keras_object(noted.config))


def lambda_output_shape(layer: keras.layers.Lambda) -> Any:
    """The ``output_shape`` that a ``Lambda`` was made with: a shape, a function or ``None``.

    ``get_config`` gives a function's code, without the global names that it uses.
    """
    return _part(layer, "_output_shape")


def equation_axes(layer: keras.layers.EinsumDense) -> tuple[Any, Any]:
    """The axes of a built layer's kernel that its equation sums over, and those of its output.

    Keras 3.15 scales the kernel's initial values by them, and ``kernel_initializer`` does not say
    so. Checked with 3.15.1; Keras 3.14 has no such axes.
    """
    of = _part(einsum_dense, "_analyze_einsum_string")
    shape = layer.get_build_config()["input_shape"]
    *_, summed, given = of(layer.equation, layer.bias_axes, shape, layer.partial_output_shape)
    return summed, given


def batch_moments(
    layer: keras.layers.BatchNormalization, inputs: Any, mask: Any = None
) -> tuple[Any, Any]:
    """Mean and variance of a batch as Keras' batch normalisation computes them, ``(channels,)``.

    With a mask and a single channel their shape is ``()``. ``keras.ops.moments`` takes no mask.

    Args:
        layer: Built; gives the axis of the channels.
        inputs: A tensor of the rank that the layer was built for.
        mask: Booleans of the shape of ``inputs`` without its last axis; only positions that are
            true count.
    """
    mean, variance = _part(layer, "_moments")(inputs, mask)
    return mean, variance


def mask_of(tensor: Any) -> Any | None:
    """The mask that travels with a tensor, if any.

    A layer whose ``call`` takes no mask is not shown it, and Keras exports no function for it.
    """
    return _part(masking, "get_keras_mask")(tensor)


# --- the graph of a model ------------------------------------------------------------------------


def functional_inside(model: keras.Sequential) -> Any | None:
    """The functional model that holds a ``Sequential``'s graph; ``None`` before it is built.

    A ``Sequential`` shows its layers, not their calls.
    """
    return _part(model, "_functional")


def calls_in_order(functional: keras.Function) -> list[Any]:
    """Every call of a functional model, each after the calls that it depends on.

    Keras exports operations (``Function.operations``), not their calls (``Node``), and so does not
    show the order and the arguments of each call of a shared layer.
    """
    by_depth = _part(functional, "_nodes_by_depth")
    return [call for depth in sorted(by_depth, reverse=True) for call in by_depth[depth]]


def operation_behind(tensor: keras.KerasTensor) -> Any:
    """The layer or operation that gives a symbolic tensor.

    A ``KerasTensor`` shows only its shape and its type.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="last")])
    >>> operation_behind(model.outputs[0]).name
    'last'
    """
    return _part(tensor, "_keras_history").operation


# --- what a model was compiled with --------------------------------------------------------------


def compile_arguments(model: keras.Model) -> dict[str, Any]:
    """The arguments of ``compile`` that a compiled model trains with, by their names, as objects.

    ``get_compile_config`` gives configurations, from which a function that the user wrote cannot be
    restored; nor does it know that after a second ``compile`` without a loss, or without metrics,
    those of the first one still count.
    """
    loss, metrics = compiled_losses(model), compiled_metrics(model)
    return {
        **_part(model, "_compile_config").config,
        "loss": loss and _part(loss, "_user_loss"),
        "loss_weights": loss and _part(loss, "_user_loss_weights"),
        "metrics": metrics and _part(metrics, "_user_metrics"),
        "weighted_metrics": metrics and _part(metrics, "_user_weighted_metrics"),
    }


def compiled_losses(model: keras.Model) -> Any | None:
    """The losses of all outputs and their sum, as one object; ``None`` without a loss.

    Its ``metrics`` are the losses of the outputs, and empty where there is one output. The public
    ``model.metrics`` holds them among other metrics, and nothing tells them apart.
    """
    return _part(model, "_compile_loss")


def compiled_metrics(model: keras.Model) -> Any | None:
    """The metrics that a model was compiled with, as one metric; ``None`` without any.

    The public ``model.metrics`` holds it among others.
    """
    return _part(model, "_compile_metrics")


def build_compiled(model: keras.Model, batch: Any) -> None:
    """Create the variables of the compiled loss and metrics, from the shapes of a batch.

    The public way is a first ``fit`` or ``evaluate``, which compiles a program.

    Args:
        model: Compiled.
        batch: Inputs, labels and weights, as ``evaluate`` takes them.
    """
    _part(model, "_symbolic_build")(data_batch=batch)


def epoch_logs(model: keras.Model, logs: Any) -> Any:
    """What ``fit`` records of an epoch whose last step gave ``logs``, by the metrics' variables.

    The public way is the history of a ``fit``.
    """
    return _part(model, "_get_metrics_result_or_logs")(logs)


def wrapped_function(metric: keras.metrics.MeanMetricWrapper) -> tuple[Any, dict[str, Any]]:
    """The function that a metric averages, and the keyword arguments that it is called with.

    ``get_config`` gives a function's name, from which one that the user wrote cannot be restored.
    """
    return _part(metric, "_fn"), dict(_part(metric, "_fn_kwargs"))


def loss_options(loss: Any) -> dict[str, Any]:
    """The options of one of Keras' losses; none for a function or a name.

    ``get_config`` leaves some out, such as ``axis`` in Keras 3.15.
    """
    return dict(getattr(loss, "_fn_kwargs", {}))


# --- optimisers and initialisers -----------------------------------------------------------------


def learning_rate(optimizer: Any) -> Any:
    """An optimiser's learning rate as it was given: a variable, a schedule or a function.

    ``optimizer.learning_rate`` gives the number that a schedule has reached.
    """
    return _part(optimizer, "_learning_rate")


def options_without_rate(optimizer: Any) -> dict[str, Any]:
    """An optimiser's configuration, whose learning rate is a placeholder.

    ``get_config`` fails where the rate is a schedule without a configuration of its own.
    """
    rate = learning_rate(optimizer)
    optimizer._learning_rate = keras.ops.convert_to_tensor(0.0)
    try:
        return dict(optimizer.get_config())
    finally:
        optimizer._learning_rate = rate


def steps_taken(optimizer: Any) -> int:
    """Training steps that an optimiser has taken.

    ``iterations`` counts updates: fewer, where gradients are accumulated over several steps.
    """
    return int(_part(optimizer, "_iterations").value)


def trained_variables(optimizer: Any) -> Sequence[Any]:
    """The weights that a built optimiser updates, in its order.

    ``optimizer.variables`` are its own, which bear the weights' names.
    """
    return list(_part(optimizer, "_trainable_variables"))


def decays(optimizer: Any, variable: Any) -> bool:
    """Whether an optimiser with weight decay would decay a variable.

    ``exclude_from_weight_decay`` can exclude it, and nothing public shows that.
    """
    return bool(_part(optimizer, "_use_weight_decay")(variable))


def undecayed_pattern(optimizer: Any) -> str | None:
    """The pattern that excludes weights from decay by their names; ``None`` where there is none.

    ``exclude_from_weight_decay(var_names=…)`` sets it, and no configuration holds it.
    """
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return None if pattern is None else str(pattern.pattern)


def excludes_variables_from_decay(optimizer: Any) -> bool:
    """Whether weights were excluded from decay as variables, not by their names.

    ``exclude_from_weight_decay(var_list=…)`` does so, and no configuration holds it.
    """
    return bool(getattr(optimizer, "_exclude_from_weight_decay", None))


def draw_from_key(initializer: Any, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """What a random initialiser draws from a JAX key, which may be traced.

    A documented seed is an integer or a generator, which would be a constant of a compiled
    program. On JAX, Keras passes a key on as it is.

    Args:
        initializer: One of Keras' random initialisers, or of the user's; it keeps the key.
        key: Of shape ``(2,)`` and type ``uint32``.
        shape: The shape of what is drawn.
        dtype: The type of what is drawn.
    """
    initializer.seed = key
    return initializer(shape, dtype)
