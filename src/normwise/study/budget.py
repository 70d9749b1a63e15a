"""How much time a study may take for rounds of seeds."""

from __future__ import annotations

import math
import time

__all__ = ["Budget"]


class Budget:
    """Time that counts from the moment this is made.

    Args:
        seconds: How many; without end if ``None``.

    Attributes:
        seconds: How many there are; infinity if without end.

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

    def allows(self, replicas: int, each: float) -> bool:
        """Whether there is time to train so many more, at so many seconds each."""
        return self.needed(replicas, each) <= self.seconds

    def needed(self, replicas: int, each: float) -> float:
        """The budget, in seconds, that would have sufficed for so many more as well."""
        return time.monotonic() - self._started + replicas * each
