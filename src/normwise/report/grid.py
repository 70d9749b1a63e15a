"""A study's grid as plain data: how many replicas arrived at each of its points."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from normwise.analysis import outcome
from normwise.domain import RunRecord, Target

__all__ = ["Cell", "grid_cells"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One variant at one point of the grid.

    Attributes:
        row: The variant, and what else than the learning rate tells points apart.
        learning_rate: The point's.
        share: Of its replicas that reached the target, 0 to 1.
        epochs: Median of those that did, ``None`` if none did.
        replicas: How many there are.
    """

    row: str
    learning_rate: float
    share: float
    epochs: float | None
    replicas: int


def grid_cells(
    records: Sequence[RunRecord], variants: Sequence[str], target: Target
) -> tuple[Cell, ...]:
    """The cells of every variant in order; none where there is a single learning rate.

    >>> from normwise.domain import RunKey
    >>> runs = [
    ...     RunRecord(RunKey("none", 0, str(rate)), rate, {"val_loss": (1.0, rate)})
    ...     for rate in (0.1, 1.0)
    ... ]
    >>> cells = grid_cells(runs, ["none"], Target.parse("val_loss<=0.5"))
    >>> [(cell.row, cell.share) for cell in cells]
    [('none', 1.0), ('none', 0.0)]
    """
    if len({record.learning_rate for record in records}) < 2:
        return ()
    several = [
        name
        for name in ("initializer", "batch_size")
        if len({getattr(record, name) for record in records}) > 1
    ]
    groups: dict[tuple[int, str, float], list[RunRecord]] = {}
    for record in records:
        row = ", ".join([record.key.variant, *(_text(record, name) for name in several)])
        place = variants.index(record.key.variant), row, record.learning_rate
        groups.setdefault(place, []).append(record)
    return tuple(
        _cell(row, rate, groups[order, row, rate], target) for order, row, rate in sorted(groups)
    )


def _text(record: RunRecord, name: str) -> str:
    if name == "batch_size":
        return f"batch {record.batch_size}"
    return record.initializer or "own initialisers"


def _cell(row: str, rate: float, records: Sequence[RunRecord], target: Target) -> Cell:
    found = [outcome(record, target) for record in records]
    arrived = [one.epoch for one in found if one.kind == "reached"]
    share = len(arrived) / len(found)
    return Cell(row, rate, share, statistics.median(arrived) if arrived else None, len(found))
