"""A study's variants as Keras' own ``fit`` trains them."""

from __future__ import annotations

from normwise.domain import ProgramKey, Variant
from normwise.engine import Fit
from normwise.execution.setup import Setup

__all__ = ["Fits"]


class Fits:
    """A study's variants as Keras' own ``fit`` trains them, each compiled once for all that asks.

    Args:
        setup: What the study's jobs share.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._fits: dict[ProgramKey, Fit] = {}

    def of(self, program: ProgramKey) -> Fit:
        """What trains such replicas on the study's data."""
        if program not in self._fits:
            self._fits[program] = self.anew(program)
        return self._fits[program]

    def anew(self, program: ProgramKey) -> Fit:
        """The same for who may change the model itself."""
        variant, size, depth = program
        return self.setup.fit(Variant.parse(variant), size or 1, depth)
