"""A name and its options, as an optimiser or an initialiser is written."""

from __future__ import annotations

import math

from normwise.errors import SpecError

__all__ = ["named_options"]


def named_options(kind: str, text: str, example: str) -> tuple[str, dict[str, float | bool]]:
    """Split ``NAME[:OPTION=VALUE,…]``.

    Args:
        kind: What it is of, for the message.
        text: As it was typed; a value is a number, ``true`` or ``false``.
        example: One that is right, for the message.

    Raises:
        SpecError: A value is none of these.

    >>> named_options("optimizer", "sgd:momentum=0.9,nesterov=true", "sgd:momentum=0.9")
    ('sgd', {'momentum': 0.9, 'nesterov': True})
    """
    name, _, rest = text.partition(":")
    options: dict[str, float | bool] = {}
    for item in filter(None, rest.split(",")):
        option, _, value = (part.strip() for part in item.partition("="))
        try:
            number = value == "true" if value in ("true", "false") else float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SpecError(
                f"{kind} {text!r} has {item!r}; expected OPTION=NUMBER or OPTION=true; "
                f"try {example!r}"
            )
        options[option] = number
    return name.strip(), options
