"""An optimiser as it is written: its name and options."""

from __future__ import annotations

from normwise.domain import named_options

__all__ = ["optimizer_parts"]


def optimizer_parts(text: str) -> tuple[str, dict[str, float | bool]]:
    """Split ``NAME[:OPTION=VALUE,…]``.

    >>> optimizer_parts("sgd:momentum=0.9,nesterov=true")
    ('sgd', {'momentum': 0.9, 'nesterov': True})
    """
    return named_options("optimizer", text, "sgd:momentum=0.9")
