"""What Keras holds and does not promise: the only file that touches its private parts.

Each function says what it gives, why Keras' public interface does not give it, and with which
versions it was checked; ``tests/test_keras_private.py`` compares each with what Keras shows
publicly. Where a version of Keras lacks a part, the error names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import keras
from keras.src.layers.core import einsum_dense

from normwise.errors import BackendError

__all__ = [
    "RANDOM_STATE",
    "Arguments",
    "Call",
    "CompileArguments",
    "batch_moments",
    "build_compiled",
    "calls_in_order",
    "compile_arguments",
    "compile_settings",
    "compiled_losses",
    "compiled_metrics",
    "constructor_arguments",
    "decays",
    "defined_by_keras",
    "direct_sublayers",
    "draw_from_key",
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
    "operation_behind",
    "options_without_rate",
    "steps_taken",
    "trained_variables",
    "undecayed_pattern",
    "wrapped_function",
]

CHECKED = "3.14 and 3.15"

# The name of the variable that holds the state of a random layer, such as Dropout: of shape (2,).
# Keras gives it to the generator's variable and documents it nowhere. Checked: 3.14.0, 3.15.1.
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
    """Whether Keras defines a class, function or object, and not the user.

    Keras registers its classes for files only; of code as such it says nothing, so the module
    decides. Checked: 3.14.0, 3.15.1.

    >>> is_keras_own(keras.layers.Dense), is_keras_own(is_keras_own)
    (True, False)
    """
    return bool(code.__module__.startswith("keras."))


def defined_by_keras(kind: type, method: str) -> bool:
    """Whether what a class does under a method's name is Keras' code, inherited or its own.

    Public is what a method is documented to do, not who wrote it. Checked: 3.14.0, 3.15.1.

    >>> class Model(keras.Model):
    ...     def call(self, inputs):
    ...         return inputs
    >>> defined_by_keras(Model, "call"), defined_by_keras(Model, "fit")
    (False, True)
    """
    return is_keras_own(next(one for one in kind.__mro__ if method in vars(one)))


def is_operation(operation: Any) -> bool:
    """Whether this is what a function of ``keras.ops`` leaves in a graph, and no layer.

    ``keras.ops`` exports the functions, not the classes of what they leave: of those, the package
    decides. Checked: 3.14.0, 3.15.1.
    """
    return _is_in(operation, "keras.src.ops.")


def is_pooling(layer: Any) -> bool:
    """Whether this is one of Keras' pooling layers.

    They have no public class in common. Checked: 3.14.0, 3.15.1.

    >>> is_pooling(keras.layers.GlobalMaxPooling1D()), is_pooling(keras.layers.Flatten())
    (True, False)
    """
    return _is_in(layer, "keras.src.layers.pooling.")


def is_regularization(layer: Any) -> bool:
    """Whether this is one of Keras' regularisation layers, such as ``Dropout``.

    They have no public class in common. Checked: 3.14.0, 3.15.1.

    >>> is_regularization(keras.layers.SpatialDropout1D(0.5))
    True
    """
    return _is_in(layer, "keras.src.layers.regularization.")


def is_preprocessing(layer: Any) -> bool:
    """Whether this is one of the preprocessing layers of Keras or KerasCV: rescaling, augmenting.

    They have no public class in common. Checked: 3.14.0, 3.15.1.

    >>> is_preprocessing(keras.layers.Rescaling(0.5)), is_preprocessing(keras.layers.Dense(1))
    (True, False)
    """
    return ".layers.preprocessing." in type(layer).__module__


def is_augmentation(layer: Any) -> bool:
    """Whether this is one of the preprocessing layers that change pictures.

    Their base class is not exported. Checked: 3.14.0, 3.15.1.

    >>> is_augmentation(keras.layers.RandomFlip()), is_augmentation(keras.layers.Rescaling(0.5))
    (True, False)
    """
    return ".preprocessing.image_preprocessing." in type(layer).__module__


def _is_in(code: Any, package: str) -> bool:
    return type(code).__module__.startswith(package)


# --- layers --------------------------------------------------------------------------------------


def every_layer(layer: Any, *, itself: bool = True) -> list[Any]:
    """A layer or model and every layer inside it, however deep, outer ones before inner ones.

    ``Model.layers`` shows one level, and of a layer that holds layers nothing is public.
    Checked: 3.14.0, 3.15.1.

    Args:
        layer: Any Keras layer or model, built or not.
        itself: Whether it comes along, as the first.
    """
    return list(_part(layer, "_flatten_layers")(include_self=itself))


def direct_sublayers(layer: Any) -> list[Any]:
    """The layers that a layer holds itself, one level deep.

    ``Model.layers`` is public, the same of a layer is not. Checked: 3.14.0, 3.15.1.
    """
    return list(_part(layer, "_flatten_layers")(include_self=False, recursive=False))


def constructor_arguments(operation: Any) -> dict[str, Any] | None:
    """The arguments of its own that a layer was made with; ``None`` where Keras noted none.

    Those of every layer, such as ``name``, are not among them. ``get_config`` may give what the
    constructor refuses, as of ``RandomShear``.
    Checked: 3.14.0, 3.15.1.
    """
    noted = getattr(operation, "_auto_config", None)
    if noted is None:
        return None
    return dict(keras.saving.deserialize_keras_object(noted.config))


def lambda_output_shape(layer: keras.layers.Lambda) -> Any:
    """The ``output_shape`` that a ``Lambda`` was made with: a shape, a function or ``None``.

    ``get_config`` gives the code of a function, without the globals that it uses.
    Checked: 3.14.0, 3.15.1.
    """
    return _part(layer, "_output_shape")


def equation_axes(layer: keras.layers.EinsumDense) -> tuple[Any, Any]:
    """Axes of a built layer's kernel that its equation sums over, and those that it gives.

    From Keras 3.15 its initialiser is scaled by them; ``kernel_initializer`` does not say so.
    Checked: 3.15.1.
    """
    of = _part(einsum_dense, "_analyze_einsum_string")
    shape = layer.get_build_config()["input_shape"]
    *_, summed, given = of(layer.equation, layer.bias_axes, shape, layer.partial_output_shape)
    return summed, given


def batch_moments(
    layer: keras.layers.BatchNormalization, inputs: Any, mask: Any = None
) -> tuple[Any, Any]:
    """Mean and variance of a batch as Keras' batch normalisation takes them, ``(channels,)`` each.

    With a mask and a single channel they have the shape ``()``. ``keras.ops.moments`` knows no
    mask. Checked: 3.14.0, 3.15.1.

    Args:
        layer: Built; its axis counts.
        inputs: Tensor of the rank that it was built for.
        mask: Booleans of the shape of ``inputs`` without the last axis; only true positions count.
    """
    mean, variance = _part(layer, "_moments")(inputs, mask)
    return mean, variance


# --- the graph of a model ------------------------------------------------------------------------


class Arguments(Protocol):
    """What a call was given, with symbolic tensors (``keras.KerasTensor``) in their places.

    Attributes:
        args: The positional arguments.
        kwargs: The keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def fill_in(self, tensors: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a tensor for each symbolic one, found by its ``id``."""


class Call(Protocol):
    """One use of a layer or operation in a graph: Keras' ``Node``, as far as it is used here.

    Keras exports operations (``Function.operations``), not their calls, and so does not show the
    order and arguments of each use of a shared layer. Checked: 3.14.0, 3.15.1.

    Attributes:
        operation: The layer or operation that is called.
        arguments: What it is called with.
        input_tensors: The symbolic tensors among the arguments, in their order.
        outputs: The symbolic tensors that it gives.
        is_input: Whether this is an input of the model, which takes no tensor.
    """

    operation: Any
    arguments: Arguments
    outputs: list[Any]
    is_input: bool

    @property
    def input_tensors(self) -> list[Any]:
        """The symbolic tensors among the arguments, in their order."""


def functional_inside(model: keras.Sequential) -> Any | None:
    """The functional model that holds the graph of a ``Sequential``; ``None`` before it is built.

    A ``Sequential`` shows its layers, not their calls. Checked: 3.14.0, 3.15.1.
    """
    return _part(model, "_functional")


def calls_in_order(functional: keras.Function) -> list[Call]:
    """Every call of a functional model, each after the calls that it depends on.

    See :class:`Call` for why this is not public. Checked: 3.14.0, 3.15.1.
    """
    by_depth = _part(functional, "_nodes_by_depth")
    return [call for depth in sorted(by_depth, reverse=True) for call in by_depth[depth]]


def operation_behind(tensor: keras.KerasTensor) -> Any:
    """The layer or operation that gives a symbolic tensor.

    A ``KerasTensor`` shows its shape and type only. Checked: 3.14.0, 3.15.1.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="last")])
    >>> operation_behind(model.outputs[0]).name
    'last'
    """
    return _part(tensor, "_keras_history").operation


# --- what a model was compiled with --------------------------------------------------------------


class CompileArguments(NamedTuple):
    """What ``compile`` was given and the model trains with, as the user's own objects.

    Attributes:
        loss: A name, a function, a loss, or a structure of them; ``None`` if there is none.
        loss_weights: Factors of the losses, structured like them, or ``None``.
        metrics: Names, functions, metrics, or structures of them, or ``None``.
        weighted_metrics: The same, which class and sample weights count for.
    """

    loss: Any
    loss_weights: Any
    metrics: Any
    weighted_metrics: Any


def compile_arguments(model: keras.Model) -> CompileArguments:
    """Loss, its weights and the metrics of a compiled model, as objects.

    ``get_compile_config`` gives configurations, from which a function of the user's does not
    return; and a second ``compile`` without a loss keeps the first one's. Checked: 3.14.0, 3.15.1.
    """
    loss, metrics = compiled_losses(model), compiled_metrics(model)
    return CompileArguments(
        loss=loss and _part(loss, "_user_loss"),
        loss_weights=loss and _part(loss, "_user_loss_weights"),
        metrics=metrics and _part(metrics, "_user_metrics"),
        weighted_metrics=metrics and _part(metrics, "_user_weighted_metrics"),
    )


def compile_settings(model: keras.Model) -> dict[str, Any]:
    """All arguments of a model's last ``compile`` by their names, as objects.

    ``get_compile_config`` gives configurations, from which a function of the user's does not
    return. Checked: 3.14.0, 3.15.1.
    """
    return dict(_part(model, "_compile_config").config)


def compiled_losses(model: keras.Model) -> Any | None:
    """The losses of all outputs and their sum, as one object; ``None`` without a loss.

    Its ``metrics`` are those of the single outputs, empty where there is one output: in
    ``model.metrics``, which is public, nothing tells them from other metrics.
    Checked: 3.14.0, 3.15.1.
    """
    return _part(model, "_compile_loss")


def compiled_metrics(model: keras.Model) -> Any | None:
    """The metrics that a model was compiled with, as one metric; ``None`` without any.

    ``model.metrics``, which is public, holds it among others. Checked: 3.14.0, 3.15.1.
    """
    return _part(model, "_compile_metrics")


def build_compiled(model: keras.Model, batch: Any) -> None:
    """Create the variables of the compiled loss and metrics, from the shapes of a batch.

    Publicly they come with the first ``fit`` or ``evaluate``, which compiles a program for it.
    Checked: 3.14.0, 3.15.1.

    Args:
        model: Compiled.
        batch: Inputs, labels and weights, as ``evaluate`` gets them.
    """
    _part(model, "_symbolic_build")(data_batch=batch)


def wrapped_function(metric: keras.metrics.MeanMetricWrapper) -> tuple[Any, dict[str, Any]]:
    """The function that a metric averages, and the keyword arguments that it gets.

    ``get_config`` gives the name of a function, from which the user's does not return.
    Checked: 3.14.0, 3.15.1.
    """
    return _part(metric, "_fn"), dict(_part(metric, "_fn_kwargs"))


def loss_options(loss: Any) -> dict[str, Any]:
    """The options of one of Keras' losses, ``axis`` among them; none of a function or name.

    ``get_config`` leaves some out (``axis``, Keras 3.15). Checked: 3.14.0, 3.15.1.
    """
    return dict(getattr(loss, "_fn_kwargs", {}))


# --- optimisers and initialisers -----------------------------------------------------------------


def learning_rate(optimizer: Any) -> Any:
    """What an optimiser has for its learning rate: a variable, a schedule or a function.

    ``optimizer.learning_rate`` gives what a schedule comes to now. Checked: 3.14.0, 3.15.1.
    """
    return _part(optimizer, "_learning_rate")


def options_without_rate(optimizer: Any) -> dict[str, Any]:
    """An optimiser's configuration, in which the learning rate means nothing.

    ``get_config`` fails where the rate is a schedule of the user's without a configuration.
    Checked: 3.14.0, 3.15.1.
    """
    rate = learning_rate(optimizer)
    optimizer._learning_rate = keras.ops.convert_to_tensor(0.0)
    try:
        return dict(optimizer.get_config())
    finally:
        optimizer._learning_rate = rate


def steps_taken(optimizer: Any) -> int:
    """Training steps that an optimiser has taken.

    ``iterations`` counts updates, fewer where gradients are accumulated over several steps.
    Checked: 3.14.0, 3.15.1.
    """
    return int(_part(optimizer, "_iterations").value)


def trained_variables(optimizer: Any) -> Sequence[Any]:
    """The weights that a built optimiser moves, in its order.

    ``optimizer.variables`` are its own, named after them only. Checked: 3.14.0, 3.15.1.
    """
    return list(_part(optimizer, "_trainable_variables"))


def decays(optimizer: Any, variable: Any) -> bool:
    """Whether an optimiser with weight decay would decay a variable.

    ``exclude_from_weight_decay`` sets what does not decay, and nothing shows it.
    Checked: 3.14.0, 3.15.1.
    """
    return bool(_part(optimizer, "_use_weight_decay")(variable))


def undecayed_pattern(optimizer: Any) -> str | None:
    """The pattern of names of weights that do not decay; ``None`` where none was given.

    ``exclude_from_weight_decay(var_names=…)`` sets it; no configuration holds it.
    Checked: 3.14.0, 3.15.1.
    """
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return None if pattern is None else str(pattern.pattern)


def excludes_variables_from_decay(optimizer: Any) -> bool:
    """Whether variables were excluded from weight decay as such, not by their names.

    ``exclude_from_weight_decay(var_list=…)`` sets it; no configuration holds it.
    Checked: 3.14.0, 3.15.1.
    """
    return bool(getattr(optimizer, "_exclude_from_weight_decay", None))


def draw_from_key(initializer: Any, key: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """What a random initialiser draws from a JAX key, which may be traced.

    Documented seeds are whole numbers and generators, which a compiled program would hold fast.
    On JAX, Keras hands a key on as it is. Checked: 3.14.0, 3.15.1.

    Args:
        initializer: One of Keras' random ones, or of the user's; it keeps the key.
        key: Of shape ``(2,)`` and type ``uint32``.
        shape: The shape of what is drawn.
        dtype: Its type.
    """
    initializer.seed = key
    return initializer(shape, dtype)
