"""What a look has computed once, for all probes to read."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from normwise.probes.activity import Activity
from normwise.probes.moment import Moment
from normwise.probes.sweep import Swept

__all__ = ["Found", "Moments"]


class Moments(NamedTuple):
    """Mean and deviation of each channel of what a normalisation takes, ``(channels,)`` each.

    With a leading axis where they are of several batches.
    """

    mean: Any
    deviation: Any


class Found(NamedTuple):
    """What a look has computed.

    Attributes:
        moment: What was looked at.
        activity: Of the signals of the reference where the step begins.
        afterwards: And where it ends.
        population: Moments of what each normalisation with moving statistics takes of the
            reference.
        noise: The same of each of some batches, ``(batches, groups, channels)``: those of what is
            normalised together, which is a whole batch unless it is cut.
        around: Loss and gradients at points around the step; ``None`` where what it does is not
            known, and then no probe asks for them.
    """

    moment: Moment
    activity: Activity
    afterwards: Activity
    population: tuple[Moments, ...]
    noise: tuple[Moments, ...]
    around: Swept | None

    @property
    def swept(self) -> Swept:
        """Loss and gradients at points around the step."""
        return cast("Swept", self.around)
