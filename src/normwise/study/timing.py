"""What an epoch takes each variant that trains alone: measured once a study, and journalled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from normwise.domain import EpochTimes, ProgramKey
from normwise.engine import epoch_times
from normwise.study.allowance import Allowance
from normwise.study.fits import Fits
from normwise.study.history import History
from normwise.study.planners import planner_of
from normwise.study.store import Store
from normwise.study.training import Training

__all__ = ["Timing", "announce"]

log = logging.getLogger("normwise")

# From what an epoch of each program takes, roughly, to the seconds that timing them may take.
Allowed: TypeAlias = Callable[[Mapping[ProgramKey, float]], float]


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

    def of(
        self, programs: Collection[ProgramKey], allowed: Allowed
    ) -> Mapping[ProgramKey, EpochTimes]:
        """What these take at least, measured together where any is missing.

        Args:
            programs: Which.
            allowed: The seconds that the measurement may take, by what an epoch takes roughly.
        """
        if not self.known.keys() >= set(programs):
            self._training.watch.stage("timing")
            models = {one: (self._fits.of(one).model, one.batch_size or 1) for one in programs}
            found = epoch_times(models, self._training.case.setup.recipe.dataset, allowed)
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

    def total(seconds: Mapping[ProgramKey, float]) -> float:
        return sum(epochs * seconds[run.program] for run, epochs in missing.items())

    programs = dict.fromkeys(run.program for run in missing)
    times = timing.of(programs, lambda rough: Allowance(total(rough)).for_timing)
    log.warning(
        "Keras' own fit trains each run alone: %s. One after another, %s about %s.",
        training.case.setup.engine.why,
        "1 run takes" if len(missing) == 1 else f"{len(missing)} runs take",
        in_words(total({program: times[program].seconds for program in programs})),
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
