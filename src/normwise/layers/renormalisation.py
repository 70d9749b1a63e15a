"""Batch renormalisation: how far a batch may be corrected towards the moving statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras import ops

__all__ = ["PAPER_CLIPS", "PAPER_SCHEDULE", "bounds"]

PAPER_SCHEDULE = (5_000, 40_000, 25_000)
"""Calls until the clips begin to open, until r's and until d's are open (Ioffe 2017, section 4)."""
PAPER_CLIPS = {"rmax": 3.0, "dmax": 5.0}


def bounds(
    clipping: Mapping[str, float | None] | None, schedule: tuple[int, ...] | None, steps: Any
) -> tuple[Any, Any, Any]:
    """Least and largest ``r``, and largest ``|d|``, after so many calls in training mode.

    Args:
        clipping: ``rmin``, ``rmax`` and ``dmax``, each of which may be missing or ``None``.
        schedule: Calls until the bounds begin to open, until ``rmax`` is reached, and until
            ``dmax`` is; ``None`` for ``clipping`` as it is.
        steps: Calls so far; ignored without a schedule.

    >>> bounds({"rmax": 2.0}, None, None)
    (0.0, 2.0, inf)
    >>> [round(float(bound), 3) for bound in bounds(None, PAPER_SCHEDULE, 22_500)]
    [0.5, 2.0, 4.375]
    """
    given = {name: value for name, value in (clipping or {}).items() if value is not None}
    if schedule is None:
        return given.get("rmin", 0.0), given.get("rmax", math.inf), given.get("dmax", math.inf)
    final = PAPER_CLIPS | given
    begin, r_open, d_open = schedule
    rmax = 1 + (final["rmax"] - 1) * _progress(steps, begin, r_open)
    return 1 / rmax, rmax, final["dmax"] * _progress(steps, begin, d_open)


def _progress(steps: Any, begin: int, end: int) -> Any:
    done = ops.cast(steps, "float32") - begin
    return ops.clip(done / (end - begin), 0.0, 1.0)
