"""From a long table of runs to one record a run, as an analysis takes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Condition, RunKey, RunRecord, is_with_population
from normwise.errors import DataError, SpecError, listed
from normwise.runs.long_table import RUN, LongTable
from normwise.runs.scale import Scale, scale_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Runs", "cut", "runs_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """What a long table holds.

    Attributes:
        records: One a run; its curves end where it did.
        horizon: Epochs up to which variants can be compared: where the longest run of each ends
            that did not diverge, of the variant that ends first.
        notes: What was found in the runs, in sentences.
    """

    records: tuple[RunRecord, ...]
    horizon: int
    notes: tuple[str, ...]


def runs_of(table: LongTable, metric: str, horizon: int | None = None) -> Runs:
    """The runs of a table, in epochs at which a metric was measured.

    A run diverged where its loss (without one: every metric) is no longer finite to its end.

    Args:
        table: At least one row.
        metric: One of the table's; what was logged between two of its values counts at the second.
        horizon: The last epoch that counts; as far as every variant goes unless given.

    Raises:
        DataError: Two values for one metric, run and epoch; a run without any.
        SpecError: A variant ends before the horizon.
    """
    frame = table.frame
    _check_doubled(table)
    measured = frame["place"][np.isfinite(frame[metric])]
    scale = scale_of(measured.to_numpy(dtype=np.float64))
    seen = [
        _seen(key, rows, scale, table.metrics, metric)
        for key, rows in frame.groupby(list(RUN), sort=False, dropna=False)
    ]
    common = _common_end(seen)
    if horizon is not None and horizon > common:
        raise SpecError(
            f"horizon is {horizon}, and one variant ends at epoch {common}; expected at most that; "
            f"try --horizon {common}, or leave it out"
        )
    if horizon is not None:
        seen = [replace(one, record=cut(one.record, horizon)) for one in seen]
    horizon = horizon or common
    notes = [*_of_scale(scale, table.counted), *_of_gaps(seen, metric), *_of_ends(seen, horizon)]
    return Runs(tuple(one.record for one in seen), horizon, tuple(notes))


def _common_end(seen: Sequence[_Seen]) -> int:
    """Where the longest run of each variant ends that did not diverge: the first of these."""
    ends: dict[str, int] = {}
    for one in seen:
        if one.diverged_at is None:
            ends[one.variant] = max(ends.get(one.variant, 0), one.epochs)
    return min(ends.values(), default=max(one.epochs for one in seen))


@dataclass(frozen=True)
class _Seen:
    """A run, and where its metric was measured.

    Attributes:
        record: The run.
        missing: Epochs before its end, or its divergence, without a value of the metric.
    """

    record: RunRecord
    missing: tuple[int, ...]

    @property
    def variant(self) -> str:
        return self.record.key.variant

    @property
    def diverged_at(self) -> int | None:
        return self.record.diverged_at

    @property
    def epochs(self) -> int:
        return self.record.epochs

    @property
    def name(self) -> str:
        return f"{self.variant!r}, seed {self.record.key.seed}"


def _seen(
    key: Any, rows: pd.DataFrame, scale: Scale, metrics: Mapping[str, str], metric: str
) -> _Seen:
    variant, seed, rate, size, initializer, depth = key
    epochs = scale.epochs(rows["place"].to_numpy(dtype=np.float64))
    last = int(epochs.max())
    # A later row adds what an earlier one of the same epoch lacks.
    merged = rows[list(metrics)].groupby(epochs).last().reindex(range(1, last + 1))
    logged = np.isin(np.arange(1, last + 1), epochs)
    values = {name: merged[name].to_numpy(dtype=np.float64, copy=True) for name in metrics}
    diverged = _diverged_at(values, logged)
    measured = np.flatnonzero(np.isfinite(values[metric]))
    if diverged is None and not measured.size:
        raise DataError(
            f"the run of {variant!r}, seed {seed}, has no value of {metric}; expected one an "
            f"epoch; try another --metric, or leave the run out"
        )
    end = int(measured[-1]) + 1 if diverged is None else last
    whole = end if diverged is None else diverged - 1
    for curve in values.values():
        curve[whole:] = math.nan
    condition = Condition(
        None if math.isnan(rate) else float(rate),
        initializer if isinstance(initializer, str) else None,
        0 if math.isnan(size) else int(size),
        None if math.isnan(depth) else int(depth),
    )
    record = RunRecord(
        key=RunKey(variant, int(seed), str(condition)),
        learning_rate=condition.learning_rate,
        curves={name: tuple(curve[:end].tolist()) for name, curve in _measured(values).items()},
        diverged_at=diverged,
        initializer=condition.initializer,
        batch_size=condition.batch_size or None,
        depth=condition.depth,
    )
    missing = 1 + np.flatnonzero(~np.isfinite(values[metric][:whole]))
    return _Seen(record, tuple(missing.tolist()))


def _measured(values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Without metrics by population statistics, where a variant has none to take: empty columns."""
    return {
        name: curve
        for name, curve in values.items()
        if not is_with_population(name) or np.isfinite(curve).any()
    }


def _diverged_at(values: Mapping[str, FloatArray], logged: NDArray[np.bool_]) -> int | None:
    """The first epoch (from 1) from which on the run is lost, or ``None``.

    Args:
        values: Metric to one value an epoch, NaN where there is none.
        logged: Whether an epoch has any row.
    """
    loss = values.get("loss")
    if loss is not None and np.isinf(loss).any():
        return int(np.flatnonzero(np.isinf(loss))[0]) + 1
    if loss is None or not np.isfinite(loss).any():
        # Of a run that has no loss all metrics tell, or those that are losses.
        losses = [curve for name, curve in values.items() if "loss" in name]
        finite = np.isfinite(np.array(losses or list(values.values()))).any(axis=0)
    else:
        finite = np.isfinite(loss)
    lost = np.flatnonzero(logged & ~finite)
    good = np.flatnonzero(finite)
    last_good = int(good[-1]) if good.size else -1
    # A loss that is missing now and then was not logged; one that is missing to the end is lost.
    if not lost.size or lost[0] < last_good:
        return None
    return int(lost[0]) + 1


def cut(record: RunRecord, epochs: int) -> RunRecord:
    """A run as far as some epoch; what came later, such as a divergence, has not happened.

    >>> run = RunRecord(RunKey("none", 0, ""), None, {"loss": (2.0, 1.0, math.nan)}, diverged_at=3)
    >>> cut(run, 2).curves, cut(run, 2).diverged_at
    ({'loss': (2.0, 1.0)}, None)
    """
    lost = record.diverged_at
    return replace(
        record,
        curves={name: values[:epochs] for name, values in record.curves.items()},
        diverged_at=None if lost is None or lost > epochs else lost,
    )


def _check_doubled(table: LongTable) -> None:
    """Refuse two values of a metric in one run and epoch, unless finer steps tell them apart."""
    frame = table.frame
    where = [*RUN, "place", "step"]
    counts = frame.groupby(where, dropna=False, sort=False)[list(table.metrics)].count()
    doubled = counts[(counts > 1).any(axis=1)]
    if doubled.empty:
        return
    variant, seed, *_, place, _step = doubled.index[0]
    rows = (
        f"{int(doubled.iloc[0].max())} rows for {table.counted} {place:g} "
        f"({len(doubled)} such places in all)"
    )
    if not table.seeded:
        raise DataError(
            f"no column says the seed, and {variant!r} has {rows}; expected a column that numbers "
            f"the runs of a variant, such as 'seed' or 'trial'; try --seed-column NAME"
        )
    raise DataError(
        f"{variant!r}, seed {seed}, has {rows}; expected one for each variant, seed and "
        f"epoch; drop the doubled rows, or name the column that tells runs apart by --seed-column"
    )


def _of_scale(scale: Scale, counted: str) -> Iterator[str]:
    if scale.unit != 1:
        yield (
            f"An epoch here is {scale.unit:g} of what {counted!r} counts: that is how often the "
            f"target's metric was logged."
        )


def _of_gaps(seen: Sequence[_Seen], metric: str) -> Iterator[str]:
    gaps = [one for one in seen if one.missing]
    if gaps:
        first = gaps[0]
        rest = f" ({len(gaps)} of {len(seen)} runs have gaps)" if len(gaps) > 1 else ""
        yield (
            f"{first.name}, has no {metric} in {_ranges(first.missing)}{rest}: what a run reaches "
            f"in a gap counts at the next epoch that is there."
        )


def _ranges(epochs: Sequence[int]) -> str:
    """Epochs in words.

    >>> _ranges([4, 5, 6, 9]), _ranges([2])
    ('epochs 4 to 6, 9', 'epoch 2')
    """
    parts: list[list[int]] = []
    for epoch in epochs:
        if parts and parts[-1][-1] == epoch - 1:
            parts[-1].append(epoch)
        else:
            parts.append([epoch])
    texts = [f"{part[0]} to {part[-1]}" if len(part) > 1 else str(part[0]) for part in parts]
    return f"{'epoch' if len(epochs) == 1 else 'epochs'} {listed(texts)}"


def _of_ends(seen: Sequence[_Seen], horizon: int) -> Iterator[str]:
    early = [one for one in seen if one.diverged_at is None and one.epochs < horizon]
    if early:
        shortest = min(early, key=lambda one: one.epochs)
        yield (
            f"{len(early)} of {len(seen)} runs end before epoch {horizon}, {shortest.name}, after "
            f"{shortest.epochs}: as after early stopping, they count as not reaching what they had "
            f"not reached by then. If they were cut off, compare all at --horizon "
            f"{shortest.epochs}."
        )
    longest = max(one.epochs for one in seen)
    if longest > horizon:
        yield f"All are compared up to epoch {horizon}, where one variant ends."
