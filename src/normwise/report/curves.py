"""Replicas' curves in aggregate: what the charts draw, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from normwise.analysis import outcome
from normwise.domain import RunRecord, Target

__all__ = ["Arrival", "Curve", "Panel", "arrival", "build_panels", "metric_groups"]

Part = Literal["training", "validation"]
Groups = dict[str, dict[Part, str]]

BAND = (10.0, 90.0)
"""Percentiles of the replicas between which a curve's band lies."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one variant over the epochs, in aggregate.

    Attributes:
        variant: Name of the variant.
        part: ``training`` or ``validation``.
        epochs: Epochs (from 1) at which at least one replica was finite.
        median: Median over the finite replicas, one value an epoch.
        low: 10th percentile of the same.
        high: 90th percentile of the same.
        replicas: How many replicas were finite, one count an epoch.
    """

    variant: str
    part: Part
    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    replicas: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A training metric and its validation twin, for every variant.

    Attributes:
        metric: Name without the prefix ``val_``.
        curves: One per variant and part that has any finite value.
        target: Value of the study's target if it is about this metric.
    """

    metric: str
    curves: tuple[Curve, ...]
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Which share of a variant's replicas had reached the target by an epoch.

    Attributes:
        variant: Name of the variant.
        epochs: 0, then every epoch at which the share grew, then the last epoch.
        share: Share of all its replicas, in [0, 1]; never falls.
    """

    variant: str
    epochs: tuple[int, ...]
    share: tuple[float, ...]


def metric_groups(records: Sequence[RunRecord]) -> Groups:
    """Metrics paired as training and validation, in order of appearance.

    >>> from normwise.domain import RunKey
    >>> curves = {"loss": (1.0,), "mae": (1.0,), "val_loss": (1.0,)}
    >>> metric_groups([RunRecord(RunKey("none", 0, ""), 0.1, curves)])
    {'loss': {'training': 'loss', 'validation': 'val_loss'}, 'mae': {'training': 'mae'}}
    """
    groups: Groups = {}
    for name in dict.fromkeys(name for record in records for name in record.curves):
        part: Part = "validation" if name.startswith("val_") else "training"
        groups.setdefault(name.removeprefix("val_"), {})[part] = name
    return groups


def build_panels(
    records: Sequence[RunRecord], variants: Sequence[str], target: Target
) -> tuple[Panel, ...]:
    """One panel a metric: the target's first, then loss, then the others."""
    groups = metric_groups(records)
    aim = target.metric.removeprefix("val_")
    order = sorted(groups, key=lambda metric: (metric != aim, metric != "loss"))
    return tuple(
        Panel(
            metric,
            _curves(records, variants, groups[metric]),
            target.value if metric == aim else None,
        )
        for metric in order
    )


def _curves(
    records: Sequence[RunRecord], variants: Sequence[str], parts: dict[Part, str]
) -> tuple[Curve, ...]:
    found: list[Curve] = []
    for variant in variants:
        own = [record.curves for record in records if record.key.variant == variant]
        for part, name in parts.items():
            stack = [curves[name] for curves in own if name in curves]
            if (curve := _curve(variant, part, stack)) is not None:
                found.append(curve)
    return tuple(found)


def _curve(variant: str, part: Part, stack: Sequence[Sequence[float]]) -> Curve | None:
    if not stack:
        return None
    values = _matrix(stack)
    counts = np.isfinite(values).sum(axis=0)
    seen = np.flatnonzero(counts)
    if not seen.size:
        return None
    values = values[:, seen]
    percentile = np.percentile if counts[seen].min() == len(stack) else np.nanpercentile
    low, median, high = percentile(values, (BAND[0], 50.0, BAND[1]), axis=0)
    return Curve(
        variant,
        part,
        epochs=tuple((seen + 1).tolist()),
        median=tuple(median.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        replicas=tuple(counts[seen].tolist()),
    )


def _matrix(stack: Sequence[Sequence[float]]) -> np.ndarray:
    """(replicas, epochs), NaN where a replica is not finite or has ended."""
    values = np.full((len(stack), max(map(len, stack))), np.nan)
    for row, curve in zip(values, stack, strict=True):
        row[: len(curve)] = curve
    values[~np.isfinite(values)] = np.nan
    return values


def arrival(records: Sequence[RunRecord], variant: str, target: Target) -> Arrival | None:
    """The share of a variant's replicas that had arrived, epoch by epoch.

    ``None`` if the variant left no record that has the target's metric.
    """
    own = [r for r in records if r.key.variant == variant and target.metric in r.curves]
    if not own:
        return None
    firsts = np.sort([outcome(record, target).epoch for record in own])
    epochs = [0, *sorted({int(epoch) for epoch in firsts if math.isfinite(epoch)})]
    last = max(record.epochs for record in own)
    if epochs[-1] != last:
        epochs.append(last)
    share = np.searchsorted(firsts, epochs, side="right") / len(own)
    return Arrival(variant, tuple(epochs), tuple(share.tolist()))
