"""Arrays in a structure: one alone, or lists, tuples and dictionaries of them, however deep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from normwise.errors import DataError, listed

__all__ = [
    "Arrays",
    "count",
    "is_nested",
    "leaves",
    "mapped",
    "rows",
    "shape_of_examples",
    "shapes",
    "structure",
]

# An array ``(n, …)``; a list, tuple or dictionary of such structures; ``None`` for nothing.
Arrays: TypeAlias = Any


def is_nested(x: Arrays) -> bool:
    """Whether it is a structure rather than one array, or nothing."""
    return isinstance(x, Mapping | list | tuple)


def mapped(function: Callable[..., Any], x: Arrays, *others: Arrays) -> Arrays:
    """The function's results for each array, in the structure of ``x``; nothing stays nothing.

    Args:
        function: Takes an array of ``x``, and its counterpart in each of ``others``.
        x: Arrays in any structure.
        others: Arrays in the same structure.

    >>> mapped(len, {"a": [np.zeros(3), None]})
    {'a': [3, None]}
    """
    if isinstance(x, Mapping):
        return {key: mapped(function, x[key], *(one[key] for one in others)) for key in x}
    if isinstance(x, list | tuple):
        parts = [mapped(function, *parts) for parts in zip(x, *others, strict=True)]
        if isinstance(x, list):
            return parts
        return tuple(parts) if type(x) is tuple else type(x)(*parts)
    return None if x is None else function(x, *others)


def leaves(x: Arrays) -> list[Any]:
    """All arrays of a structure, those of a dictionary in the order of its keys, as Keras has it.

    >>> leaves({"b": np.zeros(1), "a": [np.ones(2), None]})
    [array([1., 1.]), array([0.])]
    """
    if isinstance(x, Mapping):
        return [leaf for key in sorted(x, key=str) for leaf in leaves(x[key])]
    if isinstance(x, list | tuple):
        return [leaf for part in x for leaf in leaves(part)]
    return [] if x is None else [x]


def rows(x: Arrays, index: Any) -> Arrays:
    """Some examples of each array: a slice, or their numbers.

    >>> rows([np.arange(4)], slice(1, 3))
    [array([1, 2])]
    """
    return mapped(lambda array: array[index], x)


def count(x: Arrays) -> int:
    """How many examples there are, in all parts of ``x`` alike.

    Raises:
        DataError: There are none, or the parts differ.

    >>> count({"a": np.zeros((3, 2)), "b": np.zeros(3)})
    3
    """
    lengths = {len(part) for part in leaves(x)}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(
            f"the inputs have {', '.join(map(str, sorted(lengths))) or 'no'} examples; expected "
            f"one number, above 0, of all their parts; check how the arrays were cut"
        )
    return lengths.pop()


def shapes(x: Arrays) -> str:
    """The shapes of all arrays in words.

    >>> shapes(np.zeros((2, 3))), shapes({"a": np.zeros(2), "b": np.zeros((2, 1))})
    ('(2, 3)', "'a': (2,), 'b': (2, 1)")
    """
    if isinstance(x, Mapping):
        return listed([f"{key!r}: {shapes(x[key])}" for key in x])
    if isinstance(x, list | tuple):
        return f"[{', '.join(map(shapes, x))}]"
    return "None" if x is None else str(tuple(np.shape(x)))


def shape_of_examples(sizes: Sequence[Any]) -> str:
    """The shape of an array that has any number of examples of these sizes, in words.

    >>> shape_of_examples((6, 6)), shape_of_examples(())
    ('(n, 6, 6)', '(n,)')
    """
    return f"({', '.join(['n', *map(str, sizes)])}{'' if sizes else ','})"


def structure(x: Arrays) -> Any:
    """The structure itself, to be compared with that of others: lists and tuples are alike.

    >>> structure([np.zeros(1), {"a": None}]) == structure((np.ones(2), {"a": None}))
    True
    """
    if isinstance(x, Mapping):
        return {str(key): structure(x[key]) for key in sorted(x, key=str)}
    if isinstance(x, list | tuple):
        return tuple(map(structure, x))
    return None if x is None else "array"
