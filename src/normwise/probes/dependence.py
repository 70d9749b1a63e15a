"""What the results of a function are computed from, as JAX sees it: whatever code computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import jax
from jax.extend.core import Literal

__all__ = ["Origin", "origins"]


class Origin(NamedTuple):
    """What a result is computed from.

    Attributes:
        arguments: Numbers of the arguments.
        results: Of the other results that it is computed from, arguments among them.
    """

    arguments: frozenset[int]
    results: frozenset[int]


def origins(function: Callable[..., list[Any]], arguments: Sequence[Any]) -> list[Origin]:
    """What each result of a function is computed from.

    An inner function that JAX compiles, or a loop, counts as one operation.

    Args:
        function: From arrays to a list of arrays; it is traced once.
        arguments: Arrays.

    >>> import jax.numpy as jnp
    >>> def function(a, b):
    ...     half = a / 2
    ...     return [half, half + b, b, jnp.ones(1)]
    >>> for own in origins(function, [jnp.ones(1), jnp.ones(1)]):
    ...     print(sorted(own.arguments), sorted(own.results))
    [0] []
    [0, 1] [0, 2]
    [1] []
    [] []
    """
    program = jax.make_jaxpr(function)(*arguments).jaxpr
    # A set is a number whose bits say what is in it: deep networks have many operations.
    bits = {variable: 1 << place for place, variable in enumerate(program.invars)}
    marks: dict[Any, int] = {}
    for place, variable in enumerate(program.outvars, len(arguments)):
        if not isinstance(variable, Literal):
            marks[variable] = marks.get(variable, 0) | 1 << place
    for step in program.eqns:
        taken = [
            bits.get(one, 0) | marks.get(one, 0)
            for one in step.invars
            if not isinstance(one, Literal)
        ]
        bits |= dict.fromkeys(step.outvars, reduce(or_, taken, 0))
    return [
        _origin(0 if isinstance(one, Literal) else bits.get(one, 0), len(arguments))
        for one in program.outvars
    ]


def _origin(bits: int, arguments: int) -> Origin:
    places = [place for place in range(bits.bit_length()) if bits >> place & 1]
    return Origin(
        frozenset(place for place in places if place < arguments),
        frozenset(place - arguments for place in places if place >= arguments),
    )
