"""What is under way, on the terminal: a study's replicas, epoch and time left; named steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from normwise.commands.interrupts import doing
from normwise.commands.list import roughly

if TYPE_CHECKING:
    from normwise.study import Progress as StudyProgress

__all__ = ["step_progress", "study_progress"]

# Rich stops the clock where all is done, and what follows the training takes its time, too.
NEARLY = 0.999
# Columns of a terminal below which words have no room beside a bar.
WIDE = 80


@contextmanager
def study_progress(
    *, quiet: bool, verbose: bool = False
) -> Iterator[Callable[[StudyProgress], None]]:
    """Draw a progress line on standard error while the block runs.

    Args:
        quiet: Draw no line.
        verbose: Say, above the line, what is decided on the way.
    """
    from rich.console import Console
    from rich.logging import RichHandler
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    said, where = TextColumn("{task.description}"), TextColumn("{task.fields[where]}")
    columns: tuple[ProgressColumn, ...] = (said, where, TimeElapsedColumn())
    if console.width >= WIDE:
        left = TextColumn("left"), TimeRemainingColumn()
        columns = (said, BarColumn(bar_width=20), where, TimeElapsedColumn(), *left)
    if verbose:
        log = logging.getLogger("normwise")
        log.setLevel(logging.INFO)
        log.addHandler(RichHandler(console=console, show_time=False, show_path=False))
    hidden = quiet or not console.is_terminal  # to a file, it would leave an empty line
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("preparing", total=1.0, where="")

        def update(progress: StudyProgress) -> None:
            description = _described(progress)
            where = ""
            if progress.stage == "training":
                where = (
                    f"{progress.replicas}/{progress.of} replicas, "
                    f"epoch {progress.epoch}/{progress.epochs}"
                )
            elif progress.stage == "checking":
                where = "again by Keras' own fit"
            share = min(progress.share, NEARLY)
            doing(description)
            bar.update(task, completed=share, description=description, where=where)

        yield update


def _described(progress: StudyProgress) -> str:
    """What is under way, and how long it takes where that is known.

    >>> from normwise.study import Progress
    >>> _described(Progress("compiling", programs=3, seconds=17.2))
    'compiling 3 programs, about 20 s'
    >>> _described(Progress("compiling", programs=1)), _described(Progress("training", "after"))
    ('compiling 1 program', 'training after')
    """
    if not progress.programs:
        return f"{progress.stage} {progress.variant}".strip()
    count = f"{progress.programs} program{'s' * (progress.programs > 1)}"
    about = "" if progress.seconds is None else f", about {roughly(progress.seconds)}"
    return f"{progress.stage} {count}{about}"


@contextmanager
def step_progress(verb: str, *, quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """Draw a bar of named steps on standard error while the block runs.

    Args:
        verb: What is done, in front of the step's name.
        quiet: Draw none.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn())
    console = Console(stderr=True)
    remaining = TimeRemainingColumn()
    hidden = quiet or not console.is_terminal  # as above
    with Progress(*columns, remaining, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(verb, total=None)

        def update(done: int, of: int, name: str) -> None:
            doing(f"{verb} {name}")
            bar.update(task, completed=done, total=of, description=f"{verb} {name}")

        yield update
