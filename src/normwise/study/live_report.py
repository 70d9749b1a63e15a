"""The report of a study that still trains: written whole, again and again, as it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from normwise.domain import Target
from normwise.report import live_page
from normwise.spec import title_of
from normwise.study.ledger import Ledger
from normwise.study.question import Question
from normwise.study.report_files import write_page

__all__ = ["LiveReport"]

# Seconds before the first one, which a short study does without, and between two.
_EVERY = 15.0
# At most a fiftieth of the time goes into them.
_SHARE = 50


class LiveReport:
    """Writes ``report.html`` with the curves so far, no more often than it is worth.

    Args:
        question: The study.
        ledger: Knows how far the runs are.
        folder: The study's folder.
        clock: Seconds from any moment.
    """

    def __init__(
        self,
        question: Question,
        ledger: Ledger,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._question, self._ledger, self._folder, self._clock = question, ledger, folder, clock
        self._due, self._is_written = clock() + _EVERY, False

    def write_if_due(self, done: int, of: int) -> None:
        """Write the page, where enough time has passed since the last one.

        Args:
            done: Replicas that are at their end.
            of: Of how many so far.
        """
        began = self._clock()
        if began < self._due:
            return
        note = (
            f"In progress, as of {time.strftime('%H:%M:%S')}: the verdict follows when all is "
            f"trained. This page is written again at checkpoints, and loads itself anew."
        )
        self._write(done, of, note, goes_on=True)
        now = self._clock()
        self._due = now + max(_EVERY, _SHARE * (now - began))

    def stopped(self, done: int, of: int) -> None:
        """Say that the study does not go on by itself, where a page says that it does."""
        if self._is_written:
            note = "Stopped before its end: run the same command again to go on."
            self._write(done, of, note, goes_on=False)

    def _write(self, done: int, of: int, note: str, *, goes_on: bool) -> None:
        spec, epochs = self._question.spec, self._question.spec.epochs
        settings = set(self._question.settings.values())
        runs = [run for run in self._ledger.runs if run.key.setting in settings]
        records = [self._ledger.record(run, self._ledger.epochs(run.key), epochs) for run in runs]
        aim = Target.parse(spec.target).value if spec.target else None
        page = live_page(
            title_of(spec),
            records,
            self._question.metric,
            aim,
            how_far=f"{done} of {of} replicas trained",
            note=note,
            goes_on=goes_on,
        )
        write_page(page, self._folder)
        self._is_written = True
