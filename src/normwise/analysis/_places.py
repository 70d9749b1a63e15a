"""Where a variant normalises, by its name."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.domain import Variant
from normwise.errors import UsageError

__all__ = ["places_of"]


def places_of(name: str) -> Sequence[str]:
    """Places of a variant's name; none where it normalises nowhere, or is a name from elsewhere.

    >>> places_of("input+after:momentum=0.9"), places_of("none:drop_after=0.3"), places_of("adam")
    (('input', 'after'), (), ())
    """
    try:
        return Variant.parse(name).places
    except UsageError:
        return ()
