"""A new model from an old one and a set of edits; the old one stays untouched."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from normwise.errors import ModelError
from normwise.keras_private import (
    calls_in_order,
    constructor_arguments,
    direct_sublayers,
    every_layer,
    is_keras_own,
    lambda_output_shape,
)
from normwise.models.graph import Call, functional_of, has_graph
from normwise.models.incomplete_config import refuse_forgotten
from normwise.models.kinds import defined_by_keras, has_keras_steps, unwrapped

__all__ = ["Edits", "clone_layer", "is_rebuildable", "keeping_policy", "layer_as", "rebuild"]

# How Keras calls what a layer is made with and calls itself.
_PARTS = ("activation", "constraint", "initializer", "regularizer")


@dataclass(frozen=True, slots=True)
class Edits:
    """How a new model differs from the old one.

    Calls in nested models are edited through the same object: a call belongs to
    one model only.

    Attributes:
        settings: A layer of the old model to the arguments by which it differs when rebuilt.
        appended: A call to the new layers that follow it, in this order.
        removed: Calls that are left out; the tensor that they take passes through.
        values: Values of new variables: (layer, variable name, old variable or array of that
            variable's shape). The layer is an appended one, or one of the old model.
    """

    settings: dict[Any, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    appended: dict[Call, list[Any]] = field(default_factory=lambda: defaultdict(list))
    removed: set[Call] = field(default_factory=set)
    values: list[tuple[Any, str, Any]] = field(default_factory=list)


def rebuild(model: Any, edits: Edits) -> Any:
    """The model with the edits applied, in new layers with the old names and values.

    A ``Sequential`` gives a ``Sequential``. A functional model keeps its class,
    unless that has a constructor of its own, and then becomes a plain
    ``keras.Model``. Variables keep their values where their layer and name
    stay. The compiled state (optimiser, loss, metrics) is not carried over.

    Raises:
        ModelError: The model has no graph to read, or a layer cannot be made
            anew from its configuration.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    >>> copy = rebuild(model, Edits())
    >>> bool((copy.layers[0].kernel == model.layers[0].kernel).all())
    True
    """
    clones: dict[Any, Any] = {}
    result = _clone_model(model, edits, clones)
    for old, new in clones.items():
        if isinstance(old, keras.layers.Layer) and not has_graph(old):
            _copy_values(old, new)
    for layer, name, source in edits.values:
        variables = unwrapped(clones.get(layer, layer)).variables
        _copy_value(source, next(variable for variable in variables if variable.name == name))
    return result


def clone_layer(operation: Any, **settings: Any) -> Any:
    """A new layer or operation of the same name and arguments, with other variables.

    Functions are returned as they are.

    Args:
        operation: A layer, an operation of ``keras.ops``, or a function.
        **settings: Arguments in place of its own.

    Raises:
        ModelError: It cannot be made anew from its configuration.

    >>> clone_layer(keras.layers.Dense(3, name="dense"), use_bias=False).use_bias
    False
    """
    if not isinstance(operation, keras.Operation):
        return operation
    try:
        config = operation.get_config()
        if isinstance(operation, keras.layers.Lambda):
            return _clone_lambda(operation, config)
        if unwrapped(operation) is not operation:
            return _clone_wrapper(operation, lambda layer: clone_layer(layer, **settings))
        with _own_code_known(operation):
            new = _from_config(operation, config, {**_live_parts(operation, config), **settings})
        refuse_forgotten(operation, new, {*config, *settings})
        for inner, other in list(_pairs(operation, new))[1:]:  # a cell, as its layer says it
            refuse_forgotten(inner, other, inner.get_config())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"layer {operation.name!r} of type {type(operation).__name__} cannot be made anew from "
            f"its configuration ({error}); expected get_config() to return every argument of "
            f"__init__(); try adding what is missing, and "
            f"@keras.saving.register_keras_serializable() on your own functions"
        ) from error
    _keep_names(operation, new)
    return new


def layer_as(kind: Any, layer: keras.Layer) -> Any:
    """A layer of another kind, with the arguments of this one.

    >>> class Mine(keras.layers.Dense):
    ...     pass
    >>> layer_as(Mine, keras.layers.Dense(3)).units
    3
    """
    config = layer.get_config()
    with _own_code_known(layer):
        return kind.from_config({**config, **_live_parts(layer, config)})


def _from_config(operation: Any, config: dict[str, Any], changes: dict[str, Any]) -> Any:
    try:
        return type(operation).from_config({**config, **changes})
    except (TypeError, ValueError):
        # A layer of the user's own has to return all arguments in get_config() itself.
        noted = constructor_arguments(operation) if is_keras_own(type(operation)) else None
        if noted is None:
            raise
        # Keras' RandomShear makes a range of a number, which its own constructor refuses (3.14):
        # it is made from the number again.
        return type(operation).from_config({**config, **noted, **changes})


def _keep_names(old: Any, new: Any) -> None:
    """Give a copied layer the name of the old one, and the layers inside it theirs.

    Keras would number them on: layers that a layer of the user's makes, and the layer itself where
    Keras guesses its configuration. Findings and an optimiser's state are matched by names.
    """
    for one, other in _pairs(old, new):
        other.name = one.name


def _pairs(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """A layer and those inside it, each with its counterpart, as far as both have them."""
    yield old, new
    if not isinstance(old, keras.layers.Layer):
        return
    insides = map(direct_sublayers, (old, new))
    for inner, other in zip(*insides, strict=False):  # some are made only when it is built
        if type(inner) is not type(other):
            return
        yield from _pairs(inner, other)


def _live_parts(operation: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The activation, and functions, as they are: those of the user's do not return from names."""
    parts = {name: getattr(operation, name, None) for name in config if name.endswith(_PARTS)}
    if isinstance(parts.get("activation"), keras.layers.PReLU):
        raise ModelError(
            f"layer {operation.name!r} has a PReLU inside, whose weights Keras builds at the first "
            f"call; expected it as a layer of its own; "
            f"try {type(operation).__name__}(...) followed by keras.layers.PReLU()"
        )
    return {
        name: clone_layer(part)
        for name, part in parts.items()
        if part is not None and (name == "activation" or inspect.isfunction(part))
    }


def _own_code_known(operation: Any) -> Any:
    """A block in which Keras finds the user's classes and functions that a configuration names.

    Those that are registered it finds anywhere.
    """
    layers = every_layer(operation) if isinstance(operation, keras.Layer) else [operation]
    parts = [*layers, *(part for layer in layers for part in vars(layer).values())]
    codes = [part if inspect.isroutine(part) else type(part) for part in parts if _is_own(part)]
    return keras.saving.custom_object_scope(
        {keras.saving.get_registered_name(code): code for code in codes}
    )


def _is_own(part: Any) -> bool:
    return callable(part) and not is_keras_own(part)


def _clone_lambda(layer: Any, config: dict[str, Any]) -> Any:
    # From its configuration, a lambda would come back without the globals it uses.
    live = {
        "function": layer.function,
        "output_shape": lambda_output_shape(layer),
        "mask": layer.mask,
    }
    return keras.layers.Lambda(**{**config, **live, "arguments": layer.arguments})


def _clone_model(model: Any, edits: Edits, clones: dict[Any, Any]) -> Any:
    if model not in clones:
        build = _clone_sequential if isinstance(model, keras.Sequential) else _clone_functional
        clones[model] = keeping_policy(model, build(model, edits, clones))
        if not model.trainable:
            clones[model].trainable = False
    return clones[model]


def keeping_policy(old: Any, new: Any) -> Any:
    """The new model with the dtype policy of the old one, by which ``compile`` scales the loss."""
    if old.dtype_policy.quantization_mode is None:
        new.dtype_policy = old.dtype_policy
    return new


def _clone_sequential(model: Any, edits: Edits, clones: dict[Any, Any]) -> Any:
    members = set(model.layers)
    layers = []
    for call in calls_in_order(functional_of(model)):
        # Operations that only make masks are calls, too, but no layers of the Sequential.
        if (call.is_input or call.operation in members) and call not in edits.removed:
            layers.append(_clone_operation(call.operation, edits, clones))
        layers.extend(edits.appended.get(call, ()))
    if len(layers) == 1:
        # Keras does not build a Sequential that holds nothing but its input.
        layers.append(keras.layers.Identity())
    return keras.Sequential(layers, name=model.name)


def _clone_functional(model: Any, edits: Edits, clones: dict[Any, Any]) -> Any:
    calls = calls_in_order(model)
    inputs = {
        id(call.outputs[0]): _clone_operation(call.operation, edits, clones).output
        for call in calls
        if call.is_input
    }
    tensors = dict(inputs)
    for call in calls:
        results = _call_again(call, tensors, edits, clones)
        tensors.update(zip(map(id, call.outputs), results, strict=True))
    return _constructor_of(model)(
        keras.tree.map_structure(lambda tensor: inputs[id(tensor)], model.input),
        keras.tree.map_structure(lambda tensor: tensors[id(tensor)], model.output),
        name=model.name,
    )


def _call_again(
    call: Call, tensors: dict[int, Any], edits: Edits, clones: dict[Any, Any]
) -> list[Any]:
    """The tensors of one call in the new model, behind the layers appended to it."""
    if call.is_input:
        results = [tensors[id(call.outputs[0])]]
    elif call in edits.removed:
        results = [tensors[id(call.input_tensors[0])]]
    else:
        args, kwargs = call.arguments.fill_in(tensors)
        results = keras.tree.flatten(
            _clone_operation(call.operation, edits, clones)(*args, **kwargs)
        )
    for layer in edits.appended.get(call, ()):
        results[0] = layer(results[0])
    return results


def is_rebuildable(model: Any) -> bool:
    """Whether a copy of the model trains as it does: it has a graph, and its class can be kept.

    A class with a constructor of its own cannot, which matters where it has steps of its own, too.
    """
    keeps_class = defined_by_keras(type(model), "__init__")
    return has_graph(model) and (keeps_class or has_keras_steps(model))


def _constructor_of(model: Any) -> Any:
    return type(model) if defined_by_keras(type(model), "__init__") else keras.Model


def _clone_operation(operation: Any, edits: Edits, clones: dict[Any, Any]) -> Any:
    if has_graph(operation):
        return _clone_model(operation, edits, clones)
    if operation not in clones:
        if has_graph(unwrapped(operation)):
            clones[operation] = _clone_wrapper(
                operation, lambda layer: _clone_operation(layer, edits, clones)
            )
        else:
            clones[operation] = clone_layer(operation, **edits.settings.get(operation, {}))
    return clones[operation]


def _clone_wrapper(wrapper: Any, clone_inner: Callable[[Any], Any]) -> Any:
    """A new ``TimeDistributed`` or ``SpectralNormalization`` around a copy of the layer inside."""
    config = wrapper.get_config()
    del config["layer"]
    return type(wrapper)(clone_inner(wrapper.layer), **config)


def _copy_values(old: Any, new: Any) -> None:
    """Copy variables by name; several of one name, as in ``Bidirectional``, in their order."""
    sources: dict[str, list[Any]] = defaultdict(list)
    for variable in old.variables:
        sources[variable.name].append(variable)
    for variable in new.variables:
        if sources[variable.name]:
            _copy_value(sources[variable.name].pop(0), variable)
    if isinstance(new, keras.layers.Normalization):
        new.finalize_state()


def _copy_value(source: Any, target: Any) -> None:
    value = source if isinstance(source, np.ndarray) else source.value
    # A true copy: on JAX, training donates a variable's buffer, and would take a shared one along.
    target.assign(np.array(keras.ops.convert_to_numpy(value)))
