"""How the axes of a grid and their values are called where they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from normwise.domain import Condition

__all__ = ["axis_name", "value_text", "varied_axes"]

_NAMES = {
    "learning_rate": ("learning rate", "learning rates"),
    "initializer": ("initialiser", "initialisers"),
    "batch_size": ("batch size", "batch sizes"),
    "depth": ("depth", "depths"),
}


def axis_name(axis: str, *, several: bool = False) -> str:
    """In words, of one value or of several.

    >>> axis_name("learning_rate"), axis_name("initializer", several=True)
    ('learning rate', 'initialisers')
    """
    return _NAMES[axis][several]


def value_text(value: float | str | None) -> str:
    """A value of an axis in a few digits.

    >>> value_text(0.00562341), value_text(4096), value_text("he_normal"), value_text(None)
    ('0.00562', '4096', 'he_normal', "the layers' own")
    """
    if value is None:
        return "the layers' own"
    if isinstance(value, str):
        return value
    return f"{value:g}" if float(value).is_integer() else f"{value:.3g}"


def varied_axes(points: Iterable[Condition]) -> list[str]:
    """Axes that have several values among these points of a grid.

    >>> varied_axes([Condition(0.1, depth=2), Condition(0.1, depth=10)])
    ['depth']
    """
    known = list(points)
    names = (field.name for field in fields(Condition))
    return [name for name in names if len({getattr(point, name) for point in known}) > 1]
