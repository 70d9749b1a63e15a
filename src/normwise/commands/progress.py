"""What is under way, on the terminal: a study's replicas, epoch and time left; named steps."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from normwise.commands.interrupts import doing

if TYPE_CHECKING:
    from rich.console import Console

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
    hidden = quiet or not console.is_terminal  # to a file, it would leave an empty line
    heard = _told(console) if verbose else contextlib.nullcontext()
    with heard, Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("preparing", total=1.0, where="")

        def update(progress: StudyProgress) -> None:
            share = min(progress.share, NEARLY)
            doing(progress.what)
            bar.update(task, completed=share, description=progress.what, where=progress.where)

        yield update


@contextmanager
def _told(console: Console) -> Iterator[None]:
    """Print what is decided on the way, until the block ends."""
    from rich.logging import RichHandler

    log = logging.getLogger("normwise")
    level, handler = log.level, RichHandler(console=console, show_time=False, show_path=False)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


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
