"""Which variant's layers are left out one by one, and how that is written."""

from __future__ import annotations

import dataclasses

from normwise.analysis import Subset
from normwise.domain import Condition, Summary, Variant, VariantSummary

__all__ = ["stands_at", "to_ablate", "with_layers"]


def to_ablate(summary: Summary) -> VariantSummary:
    """The variant whose layers are looked at: the recommended one, or the first that has any."""
    normalised = [one for one in summary.variants if Variant.parse(one.name).places]
    return next((one for one in normalised if one.name == summary.recommended), normalised[0])


def stands_at(variant: VariantSummary, point: Condition) -> bool:
    """Whether the variant stands at that point of the grid."""
    return (
        point.learning_rate in (None, variant.learning_rate)
        and point.initializer == variant.initializer
        and point.batch_size == variant.batch_size
    )


def with_layers(variant: Variant, kept: Subset, layers: int) -> Variant:
    """The variant with these of its normalisation layers; without any, the baseline.

    >>> after = Variant.parse("after")
    >>> with_layers(after, (2,), 3), with_layers(after, (), 3), with_layers(after, (1, 2, 3), 3)
    (Variant.parse('after:only=2'), Variant.parse('none'), Variant.parse('after'))
    """
    if not kept:
        return Variant(drop_after=variant.drop_after)
    numbers = variant.only or tuple(range(1, layers + 1))
    only = tuple(numbers[number - 1] for number in kept)
    return variant if len(kept) == layers else dataclasses.replace(variant, only=only)
