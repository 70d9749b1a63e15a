"""Arrays of one shape share their operations.

A deep network has hundreds of arrays: compiling operations of each one's own would take longer
than training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Alike", "of_alike"]


class Alike(NamedTuple):
    """Which of several arrays are of the same shape and type.

    Attributes:
        places: Of those of each kind, where they stand.
    """

    places: tuple[tuple[int, ...], ...]

    @classmethod
    def among(cls, *columns: Sequence[Any]) -> Alike:
        """Those of one list, or the rows of several."""
        kinds: dict[Any, list[int]] = {}
        for place, row in enumerate(zip(*columns, strict=True)):
            kind = tuple((np.shape(one), jnp.result_type(one)) for one in row)
            kinds.setdefault(kind, []).append(place)
        return cls(tuple(map(tuple, kinds.values())))

    def stacked(self, arrays: Sequence[Any]) -> list[Any]:
        """The arrays of each kind, with a leading axis."""
        return [jnp.stack([arrays[place] for place in own]) for own in self.places]

    def in_order(self, parts: Sequence[Any]) -> Any:
        """What was found of each stack, as one, in the order of the arrays."""
        order = np.argsort([place for own in self.places for place in own])
        return jax.tree.map(lambda *each: jnp.concatenate(each)[order], *parts)


def of_alike(function: Callable[..., Any], *columns: Sequence[Any]) -> Any:
    """A function of stacks, for lists of arrays.

    Args:
        function: Of as many arrays as there are lists, each with a leading axis, which what it
            gives has, too.
        columns: Lists of arrays of equal length, at least one array each.

    >>> of_alike(lambda rows: rows.sum(axis=1), [np.ones(2), np.ones(3), np.zeros(2)]).tolist()
    [2.0, 3.0, 0.0]
    """
    alike = Alike.among(*columns)
    stacks = zip(*[alike.stacked(column) for column in columns], strict=True)
    return alike.in_order([function(*own) for own in stacks])
