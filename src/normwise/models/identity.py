"""What makes a model another one: a text that stays the same from process to process."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

import jax
import keras
import numpy as np

from normwise.data.nested import Arrays, rows
from normwise.keras_private import is_keras_own, options_without_rate, undecayed_pattern
from normwise.models.graph import has_graph
from normwise.models.incomplete_config import PARTS, own_arguments
from normwise.models.kinds import has_keras_steps, has_own_code, is_called, sublayers
from normwise.models.optimizers import rate_of
from normwise.models.stateless_call import stateless
from normwise.models.tracing import tracing

__all__ = ["architecture", "named", "named_maker", "own_code"]

# Where a configuration says which layers an operation takes from.
_WIRES = ("keras_history", "input_layers", "output_layers")
# What Keras puts behind a name that was taken in this process.
_COUNT = re.compile(r"_[0-9]+$")
# How JAX prints a function: with its address.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def architecture(model: keras.Model) -> str:
    """Layers, their options and wiring; layers count up whatever numbers Keras gave their names.

    >>> def network():
    ...     return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> architecture(network()) == architecture(network())
    True
    """
    if not has_graph(model):
        return str([(variable.name, variable.shape) for variable in model.variables])
    return json.dumps(_counted_up(model.get_config(), {}), sort_keys=True, default=str)


def _counted_up(part: Any, names: dict[str, str], key: str = "") -> Any:
    if isinstance(part, dict):
        if part.get("class_name") == "__lambda__":
            return None  # its bytes, with the path of its file; `own_code` says what it computes
        return {name: _counted_up(value, names, name) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_counted_up(one, names, key if key in _WIRES else "") for one in part]
    if isinstance(part, str) and key in ("name", *_WIRES):
        # In the next process of Keras, dense_7 and dense_8 are dense and dense_1.
        return names.setdefault(part, f"{_COUNT.sub('', part)}#{len(names)}")
    return part


def own_code(model: keras.Model, x: Arrays) -> Iterator[str]:
    """What code of the user's own in a model computes, which its configuration only names.

    As the program that JAX traces for two examples; of initialisers, regularisers and
    constraints, which no call of a model shows, as their source. Nothing where all code is Keras'.

    Args:
        model: A built model.
        x: Inputs, as the model takes them.

    Raises:
        ModelError: It cannot be traced.

    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="relu")])
    >>> list(own_code(network, np.zeros((3, 2))))
    []
    >>> inputs = keras.Input((2,))
    >>> network = keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs))
    >>> ["mul" in text for text in own_code(network, np.zeros((3, 2)))]
    [True, True]
    """
    yield from _own_parts(model)
    if not has_keras_steps(model):
        yield named(type(model))
    if (has_graph(model) and not has_own_code(model)) or not is_called(model):
        return
    trainable = [variable.value for variable in model.trainable_variables]
    non_trainable = [variable.value for variable in model.non_trainable_variables]
    for training in (True, False):
        with tracing(model, "training" if training else "evaluation"):
            yield _program(
                stateless(model, training=training), trainable, non_trainable, rows(x, slice(2))
            )


def _own_parts(model: keras.Model) -> Iterator[str]:
    for layer in sublayers(model):
        for name, part in vars(layer).items():
            if isinstance(part, PARTS) and not is_keras_own(type(part)):
                yield f"{name}={named(part)}"


def _program(function: Callable[..., Any], *arguments: Any) -> str:
    """What a function computes, and the arrays that it brings along, but for random states."""
    program = jax.make_jaxpr(function)(*arguments)
    brought = [np.asarray(one) for one in program.consts]
    arrays = [_digest(one) for one in brought if one.dtype.kind != "u"]
    return "|".join([_ADDRESS.sub("", str(program.jaxpr)), *arrays])


def _digest(array: np.ndarray) -> str:
    return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"


def named(part: Any) -> str:
    """A loss, metric, optimiser or function in words that stay the same from process to process.

    Code of the user's is its source, with the values that it finds around it.

    >>> def power(exponent):
    ...     return lambda y, prediction: (y - prediction) ** exponent
    >>> named(power(2)) == named(power(2)), named(power(2)) == named(power(4))
    (True, False)
    """
    return _named(part, ())


def named_maker(code: Any) -> str:
    """What is called for something, in words that stay the same wherever it is written.

    A lambda goes by what it computes: the line of code around it may say anything.

    >>> two = named_maker(lambda: [1, 2])
    >>> named_maker(lambda: [1, 2]) == two, named_maker(lambda: [1, 3]) == two
    (True, False)
    """
    if isinstance(code, functools.partial):
        return "|".join([named_maker(code.func), *map(named, (code.args, code.keywords))])
    if getattr(code, "__name__", "") == "<lambda>":
        return "|".join([_bytecode(code.__code__), *_values(_around(code))])
    if inspect.ismethod(code):
        return "|".join([named(code.__func__), *_values(vars(code.__self__))])
    if inspect.isfunction(code) or inspect.isclass(code):
        return named(code)
    return "|".join([named(type(code)), *_values(vars(code))])


def _values(known: Mapping[str, Any]) -> list[str]:
    return [f"{name}={named(known[name])}" for name in sorted(known)]


def _bytecode(code: CodeType) -> str:
    consts = [_bytecode(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()}{code.co_names}{code.co_varnames}{consts}"


def _named(part: Any, within: tuple[Any, ...]) -> str:
    if inspect.isfunction(part) or inspect.isclass(part):
        return _sourced(part, within)
    if isinstance(part, keras.Model):
        return architecture(part)
    if hasattr(part, "get_config"):
        # Keras counts up the names of optimisers and metrics in a process.
        config = {key: _unnumbered(one) for key, one in _config(part).items() if key != "name"}
        text = json.dumps(config, sort_keys=True, default=lambda one: _named(one, within))
        # Wrappers of Keras' hold functions of the user's, which a configuration only names.
        codes = [type(part), *filter(inspect.isfunction, vars(part).values())]
        return "|".join([*(_sourced(one, within) for one in codes), _ADDRESS.sub("", text)])
    if isinstance(part, np.ndarray | jax.Array):
        return _digest(np.asarray(part))
    return _ADDRESS.sub("", str(part))


def _unnumbered(part: Any, key: str = "") -> Any:
    """A configuration inside another, such as an optimiser's that another one wraps."""
    if isinstance(part, dict):
        return {name: _unnumbered(value, name) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [*map(_unnumbered, part)]
    return _COUNT.sub("", part) if key == "name" and isinstance(part, str) else part


def _config(part: Any) -> dict[str, Any]:
    """What an object says of itself, and what those of the user's own need not say."""
    own = own_arguments(part)
    if isinstance(part, keras.optimizers.Optimizer):
        more = {"learning_rate": rate_of(part), "undecayed": undecayed_pattern(part)}
        return {**own, **options_without_rate(part), **more}
    try:
        return {**own, **part.get_config()}
    except NotImplementedError:  # such as a schedule, which Keras asks only to be saved
        return own


def _sourced(code: Any, within: tuple[Any, ...]) -> str:
    """The source of a function or class, and what its names stand for."""
    if is_keras_own(code) or code.__module__.split(".")[0] == "jax" or code in within:
        return str(code.__qualname__)
    try:
        text = inspect.getsource(code)
    except (TypeError, OSError):
        text = str(code.__qualname__)
    around = {key: value for one in _functions(code) for key, value in _around(one).items()}
    known = (*within, code)
    return text + "".join(f"|{key}={_named(around[key], known)}" for key in sorted(around))


def _functions(code: Any) -> list[Any]:
    return [*filter(inspect.isfunction, vars(code).values())] if inspect.isclass(code) else [code]


def _around(function: Any) -> dict[str, Any]:
    """Values of a function's names: its defaults, and what it takes from where it was defined."""
    defaults = {
        key: one.default
        for key, one in inspect.signature(function).parameters.items()
        if one.default is not one.empty
    }
    try:
        found = inspect.getclosurevars(function)
    except ValueError:  # a name that has no value yet
        return defaults
    taken = {**found.globals, **found.nonlocals, **defaults}
    return {key: value for key, value in taken.items() if not inspect.ismodule(value)}
