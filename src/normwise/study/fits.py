"""A study's variants as Keras' own ``fit`` trains them."""

from __future__ import annotations

from collections.abc import Iterable

from normwise.domain import ProgramKey, Variant
from normwise.engine import Fit, compile_steps
from normwise.execution.setup import Setup

__all__ = ["SHORT", "Fits"]

# An epoch of at most so many batches is short.
SHORT = 512


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

    def compile(self, programs: Iterable[ProgramKey]) -> None:
        """Compile side by side what their first batch takes, and a short epoch."""
        compile_steps([self.of(program) for program in programs], SHORT)

    def anew(self, program: ProgramKey) -> Fit:
        """The same for who may change the model itself."""
        variant, size, depth = program
        return self.setup.fit(Variant.parse(variant), size or 1, depth)
