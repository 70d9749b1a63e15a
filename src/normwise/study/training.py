"""The training of one study: its ledger, who trains, and who is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from normwise.domain import RunKey, RunRecord
from normwise.errors import StoreError, StudyIncomplete, listed
from normwise.execution import Checkpointed, Event, Failed, Finished
from normwise.execution.checkpoint import Checkpoints, FolderCheckpoints, MemoryCheckpoints
from normwise.execution.choosing import MakeExecutor
from normwise.study.budget import Budget
from normwise.study.case import Case
from normwise.study.driver import BudgetSpent, RunsFailed, drive
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.keeping import Keeper, score
from normwise.study.ledger import Ledger
from normwise.study.live_report import LiveReport
from normwise.study.planners import Planner
from normwise.study.planners.plan import Goals
from normwise.study.progress import Progress, Watch
from normwise.study.store import Store

__all__ = ["Training"]


class Training:
    """What one call of :meth:`normwise.Study.run` trains, and how far it is.

    Args:
        case: The study with its model and data.
        store: The study's folder, if it has one.
        on_progress: Called often, from the calling thread.
        budget: Seconds that rounds of seeds may take; without end if ``None``.
        make_executor: Makes who trains.

    Attributes:
        case: The study with its model and data.
        ledger: What is known of each run.
        checkpoints: Where states of runs are kept.
        executor: Who trains.
        watch: Who is told.
        has_begun: Whether anything was trained, or is about to be.
    """

    def __init__(
        self,
        case: Case,
        store: Store | None,
        on_progress: Callable[[Progress], None],
        budget: float | None,
        make_executor: MakeExecutor,
    ) -> None:
        self.case, self._store, self._budget = case, store, Budget(budget)
        self.checkpoints = _checkpoints(store)
        log = None if store is None else EventLog(store)
        self.ledger = Ledger(log, self.checkpoints.names())
        self.executor = make_executor(case.setup, self.checkpoints)
        self.watch = Watch(on_progress, self.ledger, case.question.spec.epochs)
        self._live = None if store is None else LiveReport(case.question, self.ledger, store.folder)
        self._keeper = Keeper(self.ledger, self.checkpoints, self._score)
        self._keep_ended()
        self.has_begun = False

    def train(self, planner: Planner, left_open: str) -> Goals:
        """Train what a planner wants, as far as the budget goes.

        Args:
            planner: Says what is wanted.
            left_open: What to say where the budget does not suffice for all of it.

        Returns:
            What is reached: each run to the epochs of it that count.

        Raises:
            StudyIncomplete: The budget did not suffice for anything that answers, or runs failed.
        """
        try:
            return drive(
                planner,
                self.ledger,
                self.executor,
                budget=self._budget,
                on_plan=self._on_plan,
                on_event=self._on_event,
                left_open=left_open,
            )
        except BudgetSpent as spent:
            raise self._too_small(spent.goals) from None
        except RunsFailed as failed:
            raise self.stopped(
                f"lacks runs that failed ({_in_words(failed.events)})",
                "expected every run to reach its end; mend what made them fail, then",
            ) from None

    def begin(self) -> None:
        """Journal once that training starts, or what is done in its stead."""
        if self._store is not None and not self.has_begun:
            question, said = self.case.question, self.case.dataset.said
            History(self._store).started(question.fingerprint, said, question.examples)
        self.has_begun = True

    def records(self, goals: Goals) -> list[RunRecord]:
        """What the runs leave behind, as far as they count, in the order of the study."""
        question = self.case.question
        return [
            self.ledger.record(run, goals[run], question.spec.epochs)
            for run in question.in_order(goals)
        ]

    def stopped(self, why: str, instead: str = "") -> StudyIncomplete:
        """Journal that the study stops here.

        Args:
            why: What happened, after "the study".
            instead: What was expected and what to do, before "run the same command again".

        Returns:
            What to raise about it.
        """
        done, of = self.watch.done, self.watch.of
        has_trained = bool(self.ledger.runs)
        how_far = _how_far(done, of) if has_trained else "before anything was trained"
        said = f"the study {why} {how_far}"
        instead = f"{instead} " if instead else ""
        if self._store is None:
            return StudyIncomplete(
                f"{said} and kept nothing; {instead}pass out='FOLDER' to be able to continue"
            )
        with contextlib.suppress(StoreError):  # that it stopped is known without
            History(self._store).stopped(done, of)
            if self._live is not None:
                self._live.stopped(done, of)
        if not has_trained:
            return StudyIncomplete(f"{said}; nothing is lost; {instead}run the same command again")
        return StudyIncomplete(
            f"{said}; {str(self._store.folder)!r} keeps what was trained and is marked incomplete; "
            f"{instead}run the same command again to go on"
        )

    def tidy(self) -> None:
        """Let states go that only going on would need."""
        self._keeper.tidy()

    def _too_small(self, goals: Goals) -> StudyIncomplete:
        """What to raise where the budget does not suffice for the first round."""
        budget, ledger = self._budget, self.ledger
        needed = budget.needed(ledger.missing(goals), ledger.seconds_a_run())
        return self.stopped(
            f"had spent its budget of {budget.seconds:g} s",
            f"expected enough for a first round of {self.case.question.spec.seeds} seeds; try "
            f"--budget {1.5 * needed:.0f}s, or",
        )

    def _on_plan(self, goals: Goals) -> None:
        self.begin()
        self.watch.plan(goals)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Finished) and event.epoch == self.case.question.spec.epochs:
            self._keeper.keep(event)
        self.watch.event(event)
        if self._live is not None and isinstance(event, Checkpointed):
            self._live.write_if_due(self.watch.done, self.watch.of)

    def _keep_ended(self) -> None:
        """Where a kill came between a run's end and the choice of whose state stays."""
        epochs, settings = self.case.question.spec.epochs, self.case.question.settings.values()
        ended = [
            run.key
            for run in self.ledger.runs
            if run.key.setting in settings and self.ledger.epochs(run.key) == epochs
        ]
        self._keeper.keep(Finished(tuple(ended), epochs))

    def _score(self, key: RunKey) -> float:
        question = self.case.question
        final = self.ledger.value(key, question.metric, question.spec.epochs)
        return score(final, rising=question.rising)


def _how_far(done: int, of: int) -> str:
    """Of a study that has trained something.

    >>> _how_far(3, 6), _how_far(0, 6), _how_far(0, 0)
    ('after 3 of 6 replicas', 'before the first of 6 replicas was done', 'before it went on')
    """
    if not of:
        return "before it went on"
    return (
        f"after {done} of {of} replicas" if done else f"before the first of {of} replicas was done"
    )


def _in_words(events: Sequence[Failed]) -> str:
    """Which runs failed, and why; those that failed alike together.

    >>> keys = RunKey("after", 0, "f"), RunKey("after", 1, "f")
    >>> _in_words([Failed((key,), 4, "ValueError: no luck") for key in keys])
    "'after', seeds 0, 1, after 4 epochs: ValueError: no luck"
    """
    alike: dict[tuple[str, int, str], tuple[RunKey, ...]] = {}
    for event in events:
        how = event.keys[0].variant, event.epoch, event.why
        alike[how] = (*alike.get(how, ()), *event.keys)
    return listed(
        [_one_in_words(Failed(keys, epoch, why)) for (_, epoch, why), keys in alike.items()]
    )


def _one_in_words(event: Failed) -> str:
    seeds = listed([str(seed) for seed in sorted({key.seed for key in event.keys})])
    variant = event.keys[0].variant
    return f"{variant!r}, seeds {seeds}, after {event.epoch} epochs: {event.why}"


def _checkpoints(store: Store | None) -> Checkpoints:
    if store is None:
        return MemoryCheckpoints()
    return FolderCheckpoints(store.folder / "checkpoints")
