"""What a running study tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from normwise.domain import ProgramKey, Run
from normwise.execution import Compiling, Event, Finished, Segment
from normwise.report.formatting import roughly
from normwise.study.ledger import Ledger

__all__ = ["Progress", "Watch"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running study is.

    Attributes:
        stage: ``preparing``, ``compiling``, ``training``, ``checking``,
            ``timing``, ``looking inside`` or ``reporting``.
        variant: The variant being trained, or ``""``.
        replicas: Replicas done, of all variants.
        of: Replicas in all, of the rounds of seeds so far.
        epoch: Epoch that the running chunk has reached.
        epochs: Epochs of each replica.
        share: How much of all training is done, 0 to 1.
        programs: Programs that are being compiled; 0 where that is not known.
        seconds: About how long compiling takes from now on, by what was measured before on this
            machine; ``None`` where nothing was, or where it takes little.
    """

    stage: str
    variant: str = ""
    replicas: int = 0
    of: int = 0
    epoch: int = 0
    epochs: int = 0
    share: float = 0.0
    programs: int = 0
    seconds: float | None = None

    @property
    def what(self) -> str:
        """What is under way, and how long it takes where that is known.

        >>> Progress("compiling", programs=3, seconds=17.2).what
        'compiling 3 programs, about 20 s'
        >>> Progress("compiling", programs=1).what, Progress("training", "after").what
        ('compiling 1 program', 'training after')
        """
        if not self.programs:
            return f"{self.stage} {self.variant}".strip()
        count = f"{self.programs} program{'s' * (self.programs > 1)}"
        about = "" if self.seconds is None else f", about {roughly(self.seconds)}"
        return f"{self.stage} {count}{about}"

    @property
    def where(self) -> str:
        """How far that is, where it can be said.

        >>> Progress("training", replicas=3, of=9, epoch=5, epochs=20).where
        '3/9 replicas, epoch 5/20'
        """
        if self.stage == "training":
            return f"{self.replicas}/{self.of} replicas, epoch {self.epoch}/{self.epochs}"
        return "again by Keras' own fit" if self.stage == "checking" else ""


class Watch:
    """Turns plans and events into progress.

    Args:
        tell: Called often, from the calling thread.
        ledger: Knows how far the runs are; it has an event before this hears of it.
        epochs: How many a run has that goes to its end.
    """

    def __init__(self, tell: Callable[[Progress], None], ledger: Ledger, epochs: int) -> None:
        self._tell, self._ledger, self._epochs = tell, ledger, epochs
        self._goals: dict[Run, int] = {}
        self._done = self._trained = self._wanted = 0

    @property
    def done(self) -> int:
        """How many runs are at their end, or were stopped: none that may yet be to go further."""
        return self._done

    @property
    def of(self) -> int:
        """How many runs are wanted by now."""
        return len(self._goals)

    def stage(self, name: str, variant: str = "") -> None:
        """What follows the training; of which variant, where it is of one."""
        self._tell(Progress(name, variant, share=1.0))

    def plan(self, goals: Mapping[Run, int]) -> None:
        """What is wanted from now on, beside what was."""
        for run, until in goals.items():
            self._goals[run] = max(until, self._goals.get(run, 0))
        self._done = self._ended()
        self._trained = sum(
            min(self._ledger.epochs(run.key), until) for run, until in self._goals.items()
        )
        self._wanted = sum(self._goals.values())
        self._compiling(Compiling(0))

    def event(self, event: Event) -> None:
        """What an executor said."""
        if isinstance(event, Compiling):
            self._compiling(event)
        elif isinstance(event, Segment):
            self._trained += len(event.runs) * (event.until - event.first)
            self._tell(
                Progress(
                    stage="training",
                    variant=event.runs[0].key.variant,
                    replicas=self._done,
                    of=self.of,
                    epoch=event.until,
                    epochs=self._epochs,
                    share=self._share,
                )
            )
        elif isinstance(event, Finished):
            # Of those at a rung the next plan says who goes on.
            self._done += len(event.keys) * (event.epoch == self._epochs)

    def _compiling(self, event: Compiling) -> None:
        self._tell(
            Progress(
                stage="compiling",
                replicas=self._done,
                of=self.of,
                share=self._share,
                programs=event.programs,
                seconds=event.seconds,
            )
        )

    @property
    def _share(self) -> float:
        return min(1.0, self._trained / self._wanted)

    def _ended(self) -> int:
        """Runs at their end, and those that were stopped, as others like them go further."""
        furthest: dict[ProgramKey, int] = {}
        for run, until in self._goals.items():
            furthest[run.program] = max(until, furthest.get(run.program, 0))
        return sum(
            self._ledger.epochs(run.key) >= until
            and (until == self._epochs or until < furthest[run.program])
            for run, until in self._goals.items()
        )
