"""How long an epoch takes a model that trains alone, round by round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

__all__ = ["EpochTimes"]


@dataclass(frozen=True, slots=True)
class EpochTimes:
    """What was measured of one model, in rounds that it shares with those it is compared with.

    Attributes:
        wall: Seconds of an epoch, one a round.
        processor: Processor seconds of an epoch, of all threads together, one a round; empty in
            journals that keep a single figure.
        calm: Of each round, whether the machine was free for it; empty likewise.
    """

    wall: tuple[float, ...]
    processor: tuple[float, ...] = ()
    calm: tuple[bool, ...] = ()

    @property
    def seconds(self) -> float:
        """Of an epoch: the geometric mean of the rounds in which the machine was free, or of all.

        >>> EpochTimes((1.0, 9.0, 4.0), (1.0, 1.1, 1.0), (True, False, True)).seconds
        2.0
        """
        free = [wall for wall, calm in zip(self.wall, self.calm, strict=False) if calm]
        return statistics.geometric_mean(free or self.wall)
