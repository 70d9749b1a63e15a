"""What every probe is: a function from what a look has found to arrays with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from normwise.probes.found import Found

__all__ = ["Probe"]


class Probe(Protocol):
    """A pure look inside a network.

    What several probes need is computed once, and handed to all of them.
    """

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """What the leading axis of its series stands for, by name of the axis."""

    def read(self, found: Found) -> Mapping[str, Any]:
        """Name of a series to its values at this moment; pure, so that it may be compiled."""
