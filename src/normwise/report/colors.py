"""One colour a placement, the same in every study, every chart and beside every name.

Okabe and Ito's palette is the basis: it stays apart for colour-blind readers. Every colour has a
contrast of at least 3 against a report's light and its dark background, so its lightness lies
within narrow bounds; joined placements and the shades of a placement were chosen inside them for
the largest distances as seen with all three cones, without green ones and without red ones
(Machado, Oliveira and Fernandes 2009).
"""

from __future__ import annotations

from collections.abc import Sequence

from normwise.domain import Variant
from normwise.errors import UsageError

__all__ = ["PART_COLORS", "class_colors", "variant_colors"]

# Of each placement the colour without options, then shades for variants with some.
_SHADES = {
    "none": ("#6e6e6e", "#9d8873", "#7591a1", "#756f54", "#717a93", "#7f9093", "#798479", "#726f62",
             "#6a6e7b"),
    "input": ("#009e73", "#04a322", "#20a04e", "#25998f", "#137d4a", "#297d2d", "#219e61",
              "#39775b", "#218a45"),
    "before": ("#d55e00", "#a1574b", "#cd7a4d", "#c87974", "#a3581e", "#b97155", "#d96533",
               "#a56763", "#d02e1e"),
    "after": ("#0072b2", "#1292e6", "#47768a", "#3666d5", "#1899c5", "#2277a0", "#457cfd",
              "#1276ce", "#0a8fd1"),
    "input+before": ("#a75431", "#985c53", "#d6743d", "#b0815a", "#d71908", "#b87a6f", "#de6e29",
                     "#9b664a", "#b0642c"),
    "input+after": ("#309bb3", "#0685b6", "#34898b", "#2f7990", "#4696c0", "#279ea2", "#1f7fa2",
                    "#1d7779", "#3f8c9f"),
    "before+after": ("#7a4ff0", "#7e6486", "#c458cf", "#b858ea", "#88629f", "#a57ca8", "#9b45c7",
                     "#9a50b0", "#9541d7"),
    "input+before+after": ("#6887ff", "#658dc9", "#597092", "#5861c9", "#538ce0", "#6d61eb",
                           "#6282b0", "#684ff9", "#496fa8"),
}  # fmt: skip
# What is no variant: names of runs that something else trained, classes of data.
_OTHERS = ("#c774a2", "#9b9205", "#399d57", "#3d68ca", "#4692d0", "#f45152", "#a55093", "#8e625a")

PART_COLORS = {"training": "#0072b2", "validation": "#d55e00"}
"""Colours of the parts of the data, where no variants are drawn."""


def variant_colors(names: Sequence[str]) -> dict[str, str]:
    """A colour a name, whatever the order: its placement's, or with options a shade of that.

    Names that are no variants have the colours that no placement has.

    >>> variant_colors(["none", "after"])
    {'none': '#6e6e6e', 'after': '#0072b2'}
    >>> variant_colors(["after:momentum=0.9", "resnet"])
    {'after:momentum=0.9': '#1292e6', 'resnet': '#c774a2'}
    """
    free = {place: iter(shades[1:] * len(names)) for place, shades in _SHADES.items()}
    others = iter(_OTHERS * len(names))
    found: dict[str, str] = {}
    for name in sorted(names):
        place, is_plain = _place(name)
        shades = free.get(place, others)
        found[name] = _SHADES[place][0] if is_plain else next(shades)
    return {name: found[name] for name in names}


def _place(name: str) -> tuple[str, bool]:
    """Where a variant normalises, and whether it says no more; nowhere for another name."""
    try:
        variant = Variant.parse(name)
    except UsageError:
        return "", False
    place = "+".join(variant.places) or "none"
    return place, name == place


def class_colors(count: int) -> list[str]:
    """Colours of the classes of a data set."""
    return [_OTHERS[i % len(_OTHERS)] for i in range(count)]
