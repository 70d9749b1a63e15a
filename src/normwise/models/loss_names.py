"""Losses by their names: what each of them takes labels for."""

from __future__ import annotations

from typing import Any

from normwise.models.compiled import parts_of
from normwise.models.metrics import name_of

__all__ = ["BY_ELEMENT", "COUNTING", "OF_EACH", "OF_SHARES", "OF_TWO", "loss_kind"]

# Names are Keras', functions' and classes' alike, without their spelling. Counts classes from 0:
COUNTING = "sparsecategoricalcrossentropy"
# Take each output for the share of a class, or whether one of several labels holds.
OF_EACH = ("binarycrossentropy", "binaryfocalcrossentropy", "bce")
# Take 0 and 1 for any two classes.
OF_TWO = (*OF_EACH, "hinge", "squaredhinge")
# Compare shares of classes.
OF_SHARES = (
    *OF_EACH, "categoricalcrossentropy", "categoricalfocalcrossentropy", "kldivergence", "kldiv",
    "kld",
)  # fmt: skip
# Compare each number of the output with one of the labels.
BY_ELEMENT = frozenset(
    {
        *OF_TWO, *OF_SHARES, "mse", "meansquarederror", "mae", "meanabsoluteerror", "mape",
        "huber", "logcosh", "meanabsolutepercentageerror", "msle", "meansquaredlogarithmicerror",
        "poisson", "categoricalhinge",
    }
)  # fmt: skip


def loss_kind(loss: Any) -> str:
    """A loss' name without its spelling; empty for none, and for those of several outputs.

    >>> loss_kind("binary_crossentropy"), loss_kind(["mse", "mae"])
    ('binarycrossentropy', '')
    """
    parts = parts_of([loss])
    if len(parts) != 1:
        return ""
    name = parts[0] if isinstance(parts[0], str) else type(parts[0]).__name__
    return (name if name != "function" else name_of(parts[0])).replace("_", "").lower()
