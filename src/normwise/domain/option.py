"""Options of a variant: how a value of each is typed, read and written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normwise.errors import UnknownNameError, VariantError

__all__ = [
    "Option",
    "above_zero",
    "flag",
    "joined_numbers",
    "one_of",
    "option",
    "options_of",
    "share",
    "whole_number",
    "written",
]


@dataclass(frozen=True, slots=True)
class Option:
    """How the value of an option is typed.

    Attributes:
        read: From the text to the value; raises ``ValueError`` where it is none.
        expected: What is expected, in words; where it is empty, one of ``choices``.
        example: A value as it is typed.
        choices: Names that there are, where the value is a name.
        note: What ``--help`` says behind the example.
        without_norm: Whether it means something where there is no normalisation, too.
    """

    read: Callable[[str], Any]
    expected: str
    example: str
    choices: tuple[str, ...] = ()
    note: str = ""
    without_norm: bool = False

    def parse(self, name: str, text: str, *, of: str) -> Any:
        """The value of the option of this name in the text ``name=value``.

        Args:
            name: The option's.
            text: As it was typed.
            of: The whole variant's text, for messages.

        Raises:
            VariantError: There is no such value.
            UnknownNameError: There is no such name.
        """
        value = text.partition("=")[2].strip()
        if self.choices and value not in self.choices:
            raise UnknownNameError(f"{name} in variant {of!r}:", value, self.choices)
        try:
            return self.read(value)
        except ValueError:
            raise VariantError(
                f"variant {of!r} has {text!r}; expected {self.expected}; "
                f"try '{name}={self.example}'"
            ) from None


def option(kind: Option, *, note: str = "", without_norm: bool = False) -> dict[str, Option]:
    """Metadata of a dataclass field that is an option.

    Args:
        kind: How a value is typed.
        note: See :class:`Option`.
        without_norm: See :class:`Option`.
    """
    return {"option": dataclasses.replace(kind, note=note, without_norm=without_norm)}


def options_of(kind: type[Any]) -> dict[str, Option]:
    """The fields of a dataclass that are options, by name."""
    return {
        item.name: item.metadata["option"]
        for item in dataclasses.fields(kind)
        if "option" in item.metadata
    }


def flag(example: str) -> Option:
    """``true`` or ``false``; a name alone is true."""
    words = {"": True, "true": True, "false": False}

    def read(value: str) -> bool:
        if value not in words:
            raise ValueError(value)
        return words[value]

    return Option(read, "true or false", example)


def share(example: str) -> Option:
    """A number in [0, 1)."""
    return _number(lambda value: 0 <= value < 1, "a number at least 0 and below 1", example)


def above_zero(example: str) -> Option:
    """A finite number above 0."""
    return _number(lambda value: 0 < value < math.inf, "a number above 0", example)


def _number(is_inside: Callable[[float], bool], expected: str, example: str) -> Option:
    def read(value: str) -> float:
        number = float(value)
        if not is_inside(number):
            raise ValueError(value)
        return number + 0.0  # -0 is 0: one plan, one name

    return Option(read, expected, example)


def whole_number(expected: str, example: str, *, without: int) -> Option:
    """A whole number from 0, ``without`` one that has no meaning."""

    def read(value: str) -> int:
        number = _digits(value)
        if number == without:
            raise ValueError(value)
        return number

    return Option(read, expected, example)


def joined_numbers(expected: str, example: str) -> Option:
    """Whole numbers above 0, joined by ``+``, in order."""

    def read(value: str) -> tuple[int, ...]:
        numbers = {_digits(word.strip()) for word in value.split("+")}
        if 0 in numbers:
            raise ValueError(value)
        return tuple(sorted(numbers))

    return Option(read, expected, example)


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def one_of(choices: tuple[str, ...], example: str) -> Option:
    """A name that there is."""
    return Option(str, "", example, choices)


def written(value: object) -> str:
    """A value as it is typed.

    >>> written(False), written((1, 3)), written(1e-5)
    ('false', '1+3', '1e-05')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
