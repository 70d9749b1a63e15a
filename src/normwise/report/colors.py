"""One colour a variant, the same in every chart and beside every name.

Okabe and Ito's palette, which stays apart for colour-blind readers. Its black
and its yellow vanish on one of the two backgrounds (dark, light): grey and a
darker yellow stand in for them.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["class_colors", "variant_colors"]

_BASELINE = "#7f7f7f"
_VARIANTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#B0A000")
_CLASSES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#B0A000", "#7f7f7f")


def variant_colors(names: Sequence[str]) -> dict[str, str]:
    """Grey for the baseline ``none``, then one colour after the other.

    >>> variant_colors(["none", "after"])
    {'none': '#7f7f7f', 'after': '#0072B2'}
    """
    others = [name for name in names if name != "none"]
    colors = {name: _VARIANTS[i % len(_VARIANTS)] for i, name in enumerate(others)}
    return {name: colors.get(name, _BASELINE) for name in names}


def class_colors(count: int) -> list[str]:
    """Colours of the classes of a data set."""
    return [_CLASSES[i % len(_CLASSES)] for i in range(count)]
