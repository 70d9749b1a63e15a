"""How long a study's timings and checks may take, so that they are not the study."""

from __future__ import annotations

import time

__all__ = ["Allowance"]

# Of what the runs train, and the least: seconds that nobody waits for in vain.
SHARE, FLOOR = 0.1, 2.0
# Of that. What it leaves, and a second at least, is for the replica that is trained as a whole.
FOR_TIMING = 0.25


class Allowance:
    """Seconds that timings and checks may take, a tenth of what they stand beside.

    Compiling ``fit``, and the first batches of every variant, take what they take: that leaves less
    for what can be shortened.

    Args:
        training: Seconds that the study's runs train, ≥ 0.

    >>> Allowance(training=600.0).for_timing, Allowance(training=0.5).for_timing
    (15.0, 0.5)
    """

    def __init__(self, training: float) -> None:
        self._most, self._begun = max(FLOOR, SHARE * training), time.perf_counter()

    @property
    def for_timing(self) -> float:
        """What an epoch takes, of all variants together."""
        return FOR_TIMING * self._most

    def for_whole_run(self) -> float:
        """One replica from its beginning on, by what is spent by now."""
        spent = time.perf_counter() - self._begun
        return max(FLOOR / 2, self._most - spent)
