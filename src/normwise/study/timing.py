"""What an epoch takes each variant that trains alone: measured once a study, and journalled."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from normwise.domain import EpochTimes, ProgramKey
from normwise.study.history import History
from normwise.study.planners import planner_of
from normwise.study.store import Store
from normwise.study.training import Training
from normwise.study.verification import Fits, times_alone

__all__ = ["Timing", "announce"]

log = logging.getLogger("normwise")


class Timing:
    """What an epoch takes by Keras' own ``fit``, by program.

    Args:
        training: Of the study.
        store: Its folder, if it has one: what was measured in it is known.
        fits: Its variants, by Keras' own ``fit``.

    Attributes:
        known: What was measured.
    """

    def __init__(self, training: Training, store: Store | None, fits: Fits) -> None:
        self._training, self._fits = training, fits
        self._history = None if store is None else History(store)
        self._fingerprint = training.case.question.fingerprint
        found = {} if self._history is None else self._history.times(self._fingerprint)
        self.known: dict[ProgramKey, EpochTimes] = found

    def of(self, programs: Collection[ProgramKey]) -> Mapping[ProgramKey, EpochTimes]:
        """What these take at least, measured together where any is missing."""
        if not self.known.keys() >= set(programs):
            self._training.watch.stage("timing")
            found = times_alone(self._fits, programs)
            if self._history is not None:
                self._history.add_times(self._fingerprint, found)
            self.known |= found
        return self.known


def announce(training: Training, timing: Timing) -> None:
    """Say before a study is trained by ``fit`` why, and how long it will take."""
    question, ledger = training.case.question, training.ledger
    goals = planner_of(question).next(ledger).goals
    missing = {run: until - ledger.epochs(run.key) for run, until in goals.items()}
    missing = {run: epochs for run, epochs in missing.items() if epochs > 0}
    if not missing:
        return
    training.begin()
    times = timing.of(dict.fromkeys(run.program for run in missing))
    total = sum(epochs * times[run.program].seconds for run, epochs in missing.items())
    log.warning(
        "Keras' own fit trains each run alone: %s. One after another, %s about %s.",
        training.case.setup.engine.why,
        "1 run takes" if len(missing) == 1 else f"{len(missing)} runs take",
        in_words(total),
    )


def in_words(seconds: float) -> str:
    """A duration, rounded.

    >>> in_words(0.2), in_words(75), in_words(4000), in_words(200_000)
    ('a second', '75 s', '67 min', '56 h')
    """
    if seconds < 1.5:
        return "a second"
    for size, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if seconds < 100 * size or unit == "h":
            return f"{seconds / size:.0f} {unit}"
    raise AssertionError
