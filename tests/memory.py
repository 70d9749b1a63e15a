"""How much memory a process takes at most, beside what it had."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

__all__ = ["growing"]

SECONDS = 0.005


@contextmanager
def growing() -> Iterator[list[int]]:
    """By how many bytes the memory of this process grows while a block runs, once it has run."""
    process, done = psutil.Process(), threading.Event()
    before, peak, grown = process.memory_info().rss, [0], [0]

    def watch() -> None:
        while not done.wait(SECONDS):
            peak[0] = max(peak[0], process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield grown
    finally:
        done.set()
        watching.join()
        grown[0] = max(peak[0], process.memory_info().rss) - before
