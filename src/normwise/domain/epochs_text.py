"""A number of epochs in words."""

from __future__ import annotations

__all__ = ["epochs_text"]


def epochs_text(number: float) -> str:
    """A finite number of epochs with its unit.

    >>> epochs_text(1), epochs_text(16.5), epochs_text(1234.0)
    ('1 epoch', '16.5 epochs', '1234 epochs')
    """
    digits = f"{number:.0f}" if number >= 100 else f"{number:.3g}"
    return f"{digits} {'epoch' if number == 1 else 'epochs'}"
