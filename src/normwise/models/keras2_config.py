"""Configurations as Keras 2 wrote them, as Keras 3 reads them, where its own loader does not do it.

What a layer, a loss or an optimiser was made with stays; what is renamed is renamed, and what Keras
3 has no option for goes where it said nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

__all__ = ["class_of_keras", "translated", "translated_training"]

# Where a class is looked for of which a file says nothing but the name.
_PLACES = (
    *(keras.layers, keras, keras.models, keras.initializers, keras.regularizers, keras.losses),
    *(keras.constraints, keras.metrics, keras.optimizers, keras.optimizers.schedules),
)
# In front of the name of a class that Keras 2 had registered, its own optimisers among them.
_REGISTERED = "Custom>"
# Models with a graph, whose class Keras 3 has under no name of its own.
_GRAPHS = ("Functional", "Model")
# Options that say how something is computed, or what follows from the class, and not what.
_IDLE = {"rng_type", "jit_compile", "is_legacy_optimizer", "implementation", "fn"}
_IDLE |= {"query_shape", "key_shape", "value_shape"}
# What is called otherwise in Keras 3, by class.
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
# Values by which an option that there is no more says nothing.
_NOTHING: tuple[Any, ...] = (None, False, 1)
# As of a schedule, for which Keras 3 needs a text.
_NAMELESS = ("name", None)
# Kernels of a plain convolution, which layers of two kernels got from their parent.
_TWO_KERNELS = ("Separable", "Depthwise")
# What Layer takes for those that pass on what they do not know.
_OF_ANY_LAYER = {"name", "trainable", "dtype", "autocast", "activity_regularizer"}


def translated(config: Any) -> Any:
    """A configuration, or what a model was compiled with, as Keras 3 reads it.

    Args:
        config: Of JSON: dictionaries and lists, however deep.

    >>> translated({"class_name": "Custom>Adam", "config": {"lr": 0.1, "jit_compile": True}})
    {'class_name': 'Adam', 'config': {'learning_rate': 0.1}}
    """
    if isinstance(config, list):
        return [translated(part) for part in config]
    if not isinstance(config, Mapping):
        return config
    part = {key: translated(value) for key, value in config.items()}
    name, options = part.get("class_name"), part.get("config")
    if isinstance(name, str) and isinstance(options, dict):
        return _object(part, name, options)
    return part


def _object(part: dict[str, Any], name: str, options: dict[str, Any]) -> dict[str, Any]:
    """A layer, an optimiser or anything else with a class and options."""
    if name in _GRAPHS and isinstance(options.get("layers"), list):
        return part | {"config": _with_nodes_from_zero(options)}
    if name == "MeanMetricWrapper" and isinstance(options.get("fn"), str):
        return _metric_of(options)
    plain = name.removeprefix(_REGISTERED)
    kind = class_of_keras(plain)
    if kind is None:
        return part
    if name != plain and "registered_name" in part:
        part["registered_name"] = None
    part |= {"class_name": plain, "config": _options(kind, options)}
    return _with_input_layer(part) if kind is keras.Sequential else part


def translated_training(config: Any) -> Any:
    """What a model was compiled with, as Keras 3 reads it.

    Its loader knows no loss by a short name, and names no function that it does not find.

    >>> translated_training({"loss": "mse"})
    {'loss': 'mean_squared_error'}
    """
    training = translated(config)
    if isinstance(training, dict) and "loss" in training:
        training["loss"] = _named_in_full(training["loss"])
    return training


def _metric_of(options: dict[str, Any]) -> dict[str, Any]:
    """The metric of a function, by its class: Keras' loader leaves the function's name as it is."""
    try:
        kind = type(keras.metrics.get(options["fn"]))
    except ValueError:
        return _function(options["fn"])
    kept = {key: value for key, value in options.items() if key in ("name", "dtype")}
    return {"class_name": kind.__name__, "config": kept}


def _function(name: str) -> dict[str, Any]:
    """A function of the user's, as a ``.keras`` file has it."""
    return {"class_name": "function", "config": name, "module": "builtins"}


def _named_in_full(loss: Any) -> Any:
    if isinstance(loss, list):
        return [_named_in_full(part) for part in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _named_in_full(part) for key, part in loss.items()}
    if not isinstance(loss, str):
        return loss
    try:
        return getattr(keras.losses.get(loss), "__name__", loss)
    except ValueError:
        return _function(loss)


def class_of_keras(name: str) -> type | None:
    """Keras' class of this name; ``None`` where there is none.

    >>> class_of_keras("Dense").__name__, class_of_keras("MyLayer")
    ('Dense', None)
    """
    found = next((getattr(place, name) for place in _PLACES if hasattr(place, name)), None)
    return found if isinstance(found, type) else None


def _options(kind: type, options: dict[str, Any]) -> dict[str, Any]:
    if issubclass(kind, keras.optimizers.Optimizer):
        options = _of_optimizer(options)
    if issubclass(kind, keras.losses.Loss) and options.get("reduction") == "auto":
        options = options | {"reduction": "sum_over_batch_size"}
    if issubclass(kind, keras.layers.InputLayer) and "batch_input_shape" in options:
        shape = options.pop("batch_input_shape")
        options = options | {"batch_shape": shape}
    axis = options.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        options = options | {"axis": axis[0]}
    known = _arguments(kind)
    return {
        _RENAMED.get((kind.__name__, name), name): value
        for name, value in options.items()
        if (name in known or not _says_nothing(kind, name, value)) and (name, value) != _NAMELESS
    }


def _says_nothing(kind: type, name: str, value: Any) -> bool:
    if (name, value) == ("trainable", True):
        return True
    of_two = kind.__name__.startswith(_TWO_KERNELS) and name.startswith("kernel_")
    return name in _IDLE or of_two or any(value is one or value == one for one in _NOTHING)


def _arguments(kind: type) -> set[str]:
    """Names of what a class is made with, with those that it passes on to its parents."""
    names: set[str] = set()
    for parent in kind.__mro__:
        if parent is keras.Layer:
            return names | _OF_ANY_LAYER
        if "__init__" in vars(parent):
            parameters = inspect.signature(vars(parent)["__init__"]).parameters.values()
            names |= {one.name for one in parameters}
            if not any(one.kind is one.VAR_KEYWORD for one in parameters):
                break
    return names


def _of_optimizer(options: dict[str, Any]) -> dict[str, Any]:
    """Its options by the names of Keras 3, with a rate that decays as a schedule."""
    kept = {key: value for key, value in options.items() if key not in ("lr", "decay")}
    if "lr" in options:
        kept["learning_rate"] = options["lr"]
    if options.get("decay"):
        # With each step, as those releases of Keras did it.
        kept["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "registered_name": None,
            "config": {
                "initial_learning_rate": kept.get("learning_rate", 0.01),
                "decay_steps": 1,
                "decay_rate": options["decay"],
            },
        }
    return kept


def _with_nodes_from_zero(options: dict[str, Any]) -> dict[str, Any]:
    """A graph that counts the calls of a nested ``Sequential`` from 0.

    Keras 2 counted the model itself as the first one.
    """
    nested = {one.get("name") for one in options["layers"] if one.get("class_name") == "Sequential"}
    calls = list(_calls(options, nested))
    later = nested - {call[0] for call in calls if call[1] == 0}
    for call in calls:
        call[1] -= call[0] in later
    return options


def _calls(config: Any, names: set[Any]) -> Iterator[list[Any]]:
    """References to what layers of these names gave: name, number of the call, of the tensor."""
    if isinstance(config, list):
        match config:
            case [str(name), int(), int(), *_] if name in names:
                yield config
        for part in config:
            yield from _calls(part, names)
    elif isinstance(config, dict):
        for part in config.values():
            yield from _calls(part, names)


def _with_input_layer(part: dict[str, Any]) -> dict[str, Any]:
    """A ``Sequential`` that begins with an input layer, which alone knows the batch's shape.

    Keras' loader takes the batch's shape, where it stands in another layer, for an example's.
    """
    options = part["config"]
    layers = options.get("layers")
    if not (isinstance(layers, list) and layers and isinstance(layers[0], dict)):
        return part
    first = layers[0]
    shape = first.get("config", {}).get("batch_input_shape")
    for layer in layers:
        layer.get("config", {}).pop("batch_input_shape", None)
    if shape is None:
        return part
    name = f"{first['config'].get('name', 'first')}_input"
    inputs: dict[str, Any] = {"class_name": "InputLayer"}
    inputs["config"] = {"name": name, "batch_shape": shape}
    if "module" in first:
        inputs |= {"module": "keras.layers", "registered_name": None}
    return part | {"config": options | {"layers": [inputs, *layers]}}
