"""Arguments that a class of the user's own leaves out of its configuration."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection
from typing import Any

import keras
import numpy as np

from normwise.keras_private import constructor_arguments, is_keras_own

__all__ = ["PARTS", "own_arguments", "refuse_forgotten"]

_MISSING = object()
# What a layer is made with that says of itself what it is made with.
PARTS = (
    keras.constraints.Constraint,
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
)


def own_arguments(part: Any) -> dict[str, Any]:
    """Arguments of constructors of the user's own, as attributes keep them.

    Plain values, arrays and functions; nothing of what Keras' own classes are made with.

    >>> own_arguments(keras.losses.Huber(3.0))
    {}
    """
    kept: dict[str, Any] = vars(part)
    kind: Any = type(part)
    found = {name: kept.get(name, kept.get(f"_{name}", _MISSING)) for name in _parameters(kind)}
    return {name: value for name, value in found.items() if _is_plain(value)}


def refuse_forgotten(old: Any, new: Any, said: Collection[str] = ()) -> None:
    """Refuse what was made anew from a configuration that leaves an argument out.

    Args:
        old: A layer, a metric or an optimiser.
        new: The same, made anew.
        said: Arguments that it was given.

    Raises:
        ValueError: One has another value.
    """
    before, after = own_arguments(old), own_arguments(new)
    lost = [
        f"{name}={value!r}"
        for name, value in before.items()
        if name in after and name not in said and not _same(value, after[name])
        # What only building says, as the size of an input, it will say again.
        if after[name] is not None or name in _given(old)
    ]
    if lost:
        raise ValueError(f"{', '.join(lost)} of {type(old).__name__} is not in it")
    for name, part in vars(old).items():
        other = vars(new).get(name)
        if isinstance(part, PARTS) and type(part) is type(other):
            refuse_forgotten(part, other, part.get_config())


# Of a hundred layers most are of a few classes, and a signature takes longer to read than a layer.
@functools.cache
def _parameters(kind: type) -> tuple[str, ...]:
    found: list[str] = []
    for one in kind.__mro__:
        ours = is_keras_own(one) or one.__module__.startswith("normwise.")
        if not ours and "__init__" in vars(one):
            found += list(inspect.signature(vars(one)["__init__"]).parameters)[1:]
    return tuple(found)


def _given(part: Any) -> Collection[str]:
    """Arguments that Keras saw a layer made with, but for those that say nothing."""
    seen = constructor_arguments(part) or {}
    return [name for name, value in seen.items() if value is not None]


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    known = bool | int | float | str | np.generic | np.ndarray | None
    return isinstance(value, known) or inspect.isroutine(value)


def _same(one: Any, other: Any) -> bool:
    if inspect.isroutine(one) or inspect.isroutine(other):
        return one is other
    return bool(np.array_equal(np.asarray(one, object), np.asarray(other, object)))
