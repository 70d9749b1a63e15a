"""What a study says while it runs: heard, so that it is said once."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator
from contextlib import contextmanager

__all__ = ["heard"]


@contextmanager
def heard(before: Container[str] = ()) -> Iterator[set[str]]:
    """Sentences that are logged in this block, by any part of the package, each of them once.

    Args:
        before: Sentences that were logged already, and are not logged again.

    >>> log = logging.getLogger("normwise")
    >>> with heard() as first:
    ...     log.warning("Halves are as good.")
    >>> with heard(first) as second:
    ...     log.warning("Halves are as good.")
    >>> first, second
    ({'Halves are as good.'}, set())
    """
    found: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if text in before or text in found:
            return False
        found.add(text)
        return True

    log = logging.getLogger("normwise")
    log.addFilter(is_new)
    try:
        yield found
    finally:
        log.removeFilter(is_new)
