"""An optimiser as it is written: its name and options."""

from __future__ import annotations

import math

from normwise.errors import SpecError

__all__ = ["optimizer_parts"]


def optimizer_parts(text: str) -> tuple[str, dict[str, float | bool]]:
    """Split ``NAME[:OPTION=VALUE,…]``.

    >>> optimizer_parts("sgd:momentum=0.9,nesterov=true")
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
                f"optimizer {text!r} has {item!r}; expected OPTION=NUMBER or OPTION=true; "
                f"try 'sgd:momentum=0.9'"
            )
        options[option] = number
    return name.strip(), options
