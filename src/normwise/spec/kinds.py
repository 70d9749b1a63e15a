"""Kinds of values that settings have, with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from normwise.spec.series import MOST

__all__ = [
    "AboveOne",
    "BatchSize",
    "Count",
    "CountOrZero",
    "Name",
    "NotNegative",
    "Positive",
    "Rows",
    "Several",
    "Weight",
    "listed",
    "named",
    "sized",
]


def listed(value: object) -> object:
    """A tuple of one where a text stands alone."""
    return (value,) if isinstance(value, str) else value


def _no_boolean(value: object) -> object:
    # Pydantic would read `true` as 1.
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


def named(value: object) -> object:
    """Keys as texts."""
    # From Python, classes are numbers; a TOML key is always a text.
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else value


def sized(value: object) -> object:
    """Height and width as they are typed; in Python, both are numbers."""
    if isinstance(value, tuple | list) and len(value) == 2:
        return "x".join(map(str, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Count = Annotated[int, Field(gt=0, le=MOST), BeforeValidator(_no_boolean)]
CountOrZero = Annotated[int, Field(ge=0, le=MOST), BeforeValidator(_no_boolean)]
# Of which there may be more than anything else: they are numbered in 32 bits.
Rows = Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(_no_boolean)]
BatchSize = Annotated[int, Field(gt=0), BeforeValidator(_no_boolean)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_no_boolean)]
AboveOne = Annotated[float, Field(gt=1, allow_inf_nan=False), BeforeValidator(_no_boolean)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_no_boolean)]
Weight = NotNegative
Name = Annotated[str, Field(min_length=1)]
Item = TypeVar("Item")
Several = Annotated[tuple[Item, ...], Field(min_length=1)]
