"""From a job to events by Keras' own ``fit``: one run after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from normwise.domain import ProgramKey, segment_length
from normwise.engine import Fit
from normwise.errors import UsageError
from normwise.execution.checkpoint import Checkpoints
from normwise.execution.event import Compiled, Compiling, Event, Segment
from normwise.execution.job import Job
from normwise.execution.part import Piece, failed, told, where_left
from normwise.execution.setup import Setup, replica_of

__all__ = ["FitWorker"]


class FitWorker:
    """Trains jobs in this process by ``fit``.

    A run with callbacks is trained in one go: what they remember of its epochs cannot be kept, so a
    run that was interrupted begins again, and comes to the same.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._setup, self._checkpoints = setup, checkpoints
        self._fits: dict[ProgramKey, Fit] = {}

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiling | Compiled]:  # noqa: ARG002 (as the stack's)
        """Nothing: ``fit`` compiles with its first step."""
        return iter(())

    def run(self, job: Job) -> Iterator[Event]:
        """Train a job's runs in their order.

        Yields:
            For each a :class:`Segment` and a :class:`Checkpointed` at the ends of segments, and
            :class:`Finished`, or :class:`Failed` where it raises.
        """
        for part in job.parts(1):
            epoch = part.first
            try:
                for event in told(part, self._pieces(part), self._setup, self._checkpoints):
                    epoch = event.until if isinstance(event, Segment) else epoch
                    yield event
            except UsageError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
                self._fits.pop(part.program, None)
                yield failed(part, epoch, error)

    def _pieces(self, part: Job) -> Iterator[Piece]:
        [run] = part.runs
        engine, of = self._setup.engine, self._setup.spec.epochs
        callbacks = engine.callbacks and engine.callbacks.made(run.key.variant, run.key.seed)
        fit, replica = self._fit(part), replica_of(run)
        rows = None if callbacks is not None else where_left(part, self._checkpoints)
        epoch, state = (0, fit.begin(replica)) if rows is None else (part.first, rows)
        step = part.until if callbacks is not None else segment_length(of)
        for until in range(epoch + step, part.until + 1, step):
            fitted = fit.train(replica, state, range(until - step, until), callbacks or (), of)
            state = fitted.state
            yield Piece(
                until,
                {name: [values] for name, values in fitted.curves.items()},
                state._replace,  # as it is
                ended_at=(fitted.ended_at,),
                goes_on_later=callbacks is None,
            )

    def _fit(self, part: Job) -> Fit:
        """What trains such runs; anew for each where code may have changed the model itself."""
        engine = self._setup.engine
        if engine.callbacks is not None or engine.eager:
            self._fits.pop(part.program, None)
        if part.program not in self._fits:
            population = self._setup.spec.population
            self._fits[part.program] = self._setup.fit(
                part.variant, part.batch_size, part.depth, population=population
            )
        return self._fits[part.program]
