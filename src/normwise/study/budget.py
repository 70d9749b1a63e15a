"""How much time a study may take for rounds of seeds."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Collection

from normwise.domain import RunRecord

__all__ = ["Budget"]


class Budget:
    """Time that counts from the moment this is made.

    Args:
        seconds: How many; without end if ``None``.

    Attributes:
        seconds: Likewise.

    >>> Budget(None).is_spent, Budget(0.0).is_spent
    (False, True)
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self._started = time.monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() - self._started >= self.seconds

    def allows(self, replicas: int, trained: Collection[RunRecord]) -> bool:
        """Whether there is time to train so many more, at the pace of those trained."""
        return self.needed(replicas, trained) <= self.seconds

    def needed(self, replicas: int, trained: Collection[RunRecord]) -> float:
        """The budget, in seconds, that would have sufficed for so many more as well."""
        pace = statistics.fmean(record.seconds for record in trained) if trained else 0.0
        return time.monotonic() - self._started + replicas * pace
