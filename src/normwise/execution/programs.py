"""Compiled programs, each as wide as memory allows."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeAlias

from normwise.domain import ProgramKey
from normwise.engine import Stacked, bytes_needed, bytes_usable, narrower
from normwise.errors import ModelError, UsageError
from normwise.execution.compile_times import CompileTimes
from normwise.execution.event import Compiled, Compiling
from normwise.execution.forecast import THREADS, Forecast, keeps_programs, text_of
from normwise.execution.job import Job
from normwise.execution.setup import Setup
from normwise.models.tracing import tracing

__all__ = ["Program", "Programs"]

# Waits until a program is compiled; raises what tracing or compiling it raised.
Compilation: TypeAlias = "Callable[[], Program]"

log = logging.getLogger("normwise")


@dataclass(frozen=True)
class Program:
    """What trains some runs side by side.

    Attributes:
        cohort: What the runs share.
        compiled: Its compiled program.
    """

    cohort: Stacked
    compiled: Any

    @property
    def is_divisible(self) -> bool:
        """Whether fewer runs can train at a time."""
        return self.cohort.width > 1


class Programs:
    """The programs of a study in this process, by variant, batch size and depth.

    Args:
        setup: What all jobs share.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._programs: dict[ProgramKey, Program] = {}
        self._errors: dict[ProgramKey, BaseException] = {}

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiling | Compiled]:
        """Compile what these jobs need and is not compiled yet, side by side.

        Raises:
            ModelError: There is no memory for one run at a time.
        """
        known = self._programs.keys() | self._errors.keys()
        new = {job.program: job for job in jobs if job.program not in known}
        if not new:
            return
        yield Compiling(len(new))
        with Forecast(len(new), CompileTimes.here()) as forecast:
            compiling = yield from self._begun(new, forecast)
            for key, compiled in compiling.items():
                try:
                    program = compiled()
                except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
                    self._errors[key] = error
                else:
                    self._programs[key] = _fitting(key, program)
                    yield Compiled(*key)
            if new.keys() <= self._programs.keys():
                forecast.ready()

    def error(self, job: Job) -> BaseException | None:
        """Why there is no program for a job that was prepared; ``None`` where there is one."""
        return self._errors.get(job.program)

    def of(self, job: Job) -> Program:
        """The program that trains a job that was prepared."""
        return self._programs[job.program]

    def halve(self, job: Job, why: str) -> None:
        """Train half as many of such runs at a time from now on, since memory did not suffice.

        Args:
            job: What was trained; its program is divisible.
            why: What was raised.
        """
        width = self.of(job).cohort.width
        self._programs[job.program] = smaller = _narrower(self.of(job), 0.5)
        log.warning(
            "%s ran out of memory with %d runs side by side (%s). From their last checkpoint on %d "
            "train at a time; their curves stay the same.",
            _named(job.program),
            width,
            why,
            smaller.cohort.width,
        )

    def _begun(
        self, new: Mapping[ProgramKey, Job], forecast: Forecast
    ) -> Generator[Compiling, None, dict[ProgramKey, Compilation]]:
        """Begin to compile what these jobs need.

        Tracing is Python and takes turns; compiling is not, and runs beside it. A program that is
        another's, as with another momentum, waits until that one is in JAX's folder.
        """
        compiling: dict[ProgramKey, Compilation] = {}
        begun: dict[str, Future[Program]] = {}
        pool = ThreadPoolExecutor(thread_name_prefix=THREADS)
        try:
            for key, job in new.items():
                try:
                    cohort, traced = self._traced(job)
                except UsageError:
                    raise
                except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
                    compiling[key] = functools.partial(_raised, error)
                    continue
                text = text_of(traced)
                if text in begun and keeps_programs():
                    compiling[key] = functools.partial(_found, begun[text], cohort, traced)
                    continue
                yield from forecast.traced(text)
                begun[text] = pool.submit(_compiled, cohort, traced)
                compiling[key] = begun[text].result
        finally:
            pool.shutdown(wait=False)
        return compiling

    def _traced(self, job: Job) -> tuple[Stacked, Any]:
        population = self._setup.spec.population
        cohort = self._setup.cohort(
            job.variant, job.batch_size, depth=job.depth, population=population
        )
        return cohort, _traced(cohort)


def _compiled(cohort: Stacked, traced: Any) -> Program:
    return Program(cohort, cohort.compile(traced))


def _found(same: Future[Program], cohort: Stacked, traced: Any) -> Program:
    wait([same])
    return _compiled(cohort, traced)


def _raised(error: Exception) -> Program:
    raise error


def _fitting(key: ProgramKey, program: Program) -> Program:
    """The program, or one of fewer runs side by side where there is no memory for it."""
    asked = program.cohort.width
    while (needed := _needed(program)) > (share := bytes_usable(program.cohort.mesh)):
        said = f"about {_in_bytes(needed)} of memory, of which {_in_bytes(share)} may be used"
        if not program.is_divisible:
            raise _too_large(key, said)
        if program.cohort.width == asked:
            log.warning(
                "%s: %d runs side by side would take %s. Fewer train at a time; their curves stay "
                "the same.",
                _named(key),
                asked,
                said,
            )
        program = _narrower(program, share / needed)
    width, text = program.cohort.width, _in_bytes(needed)
    log.info("%s: %d side by side, about %s of memory", _named(key), width, text)
    return program


def _needed(program: Program) -> int:
    return bytes_needed(program.cohort, program.compiled)


def _narrower(program: Program, share: float) -> Program:
    cohort = narrower(program.cohort, share)
    return _compiled(cohort, _traced(cohort))


def _traced(cohort: Stacked) -> Any:
    with tracing(cohort.program.model, "training"):
        return cohort.lower()


def _too_large(key: ProgramKey, said: str) -> ModelError:
    size = key.batch_size or 1
    smaller = f"--batch-size {size // 2}, " if size > 1 else ""
    return ModelError(
        f"{_named(key)}: one run alone would take {said}; expected a run that fits; try "
        f"{smaller}fewer examples, a smaller model or a machine with more memory"
    )


def _named(key: ProgramKey) -> str:
    depth = "" if key.depth is None else f", depth {key.depth}"
    return f"variant {key.variant!r}, batches of {key.batch_size}{depth}"


def _in_bytes(count: float) -> str:
    """Rounded, in the unit that suits.

    >>> _in_bytes(2_450_000), _in_bytes(31_000_000_000)
    ('2.5 MB', '31 GB')
    """
    unit, size = ("GB", 1e9) if count >= 1e9 else ("MB", 1e6)
    return f"{count / size:.2g} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
