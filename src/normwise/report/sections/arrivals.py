"""When replicas reach the target: the share of each variant's that had, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from normwise.analysis import outcome
from normwise.domain import RunRecord, Summary, Target
from normwise.report.axes import epoch_axis, share_axis
from normwise.report.formatting import number
from normwise.report.line_labels import line_labels
from normwise.report.metric_text import metric_text, target_text
from normwise.report.results import StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import (
    FAINT_RULE,
    HEIGHT,
    HIDDEN,
    SHOWN,
    chart_title,
    listed,
    short,
    step_of,
    variant_color,
)

__all__ = ["Arrival", "ArrivalChart", "arrival", "build"]


def build(results: StudyResults) -> Section | None:
    """One chart of all variants; nothing where no run has the target's metric."""
    target = results.summary.target
    found = (arrival(results.runs_shown, name, target) for name in results.variants)
    arrivals = tuple(item for item in found if item is not None)
    if not arrivals:
        return None
    chart = ArrivalChart(arrivals, results.colors, target, results.last_epoch, results.seeds_shown)
    return Section(
        "Arrivals",
        text=tuple(_within_noise(results.summary)),
        charts=(chart,),
        caption=_caption(results.summary),
    )


def _within_noise(summary: Summary) -> Iterator[str]:
    """That it is partly chance when a variant arrives, as where its plateau is the target."""
    target = summary.target
    for variant in summary.variants:
        final, noise = variant.final_median.get(target.metric), variant.epoch_noise or 0.0
        end = math.nan if final is None else final.value
        if abs(target.surplus(end)) < noise:
            surely = end - 3 * noise if target.relation == ">=" else end + 3 * noise
            yield (
                f"{variant.name} ends at {number(end)}, within its epoch noise of "
                f"{number(noise, 2)} from the target: when it arrives is partly chance. A target "
                f"that it surely reaches: {Target(target.metric, target.relation, surely)}."
            )


def _caption(summary: Summary) -> str:
    noises = ", ".join(
        f"{variant.name} {number(variant.epoch_noise, 2)}"
        for variant in summary.variants
        if variant.epoch_noise is not None
    )
    return (
        "A replica arrives with the first epoch from which its curve stays at the target or "
        "beyond, on average."
        + (
            f" Epoch noise of {metric_text(summary.target.metric)}, the deviation of one epoch "
            f"from the trend of its run: {noises}."
            if noises
            else ""
        )
    )


@dataclass(frozen=True, slots=True)
class Arrival:
    """Which share of a variant's replicas had reached the target by an epoch.

    Attributes:
        variant: Name of the variant.
        epochs: 0, then every epoch at which the share grew, then the last epoch.
        shares: Share of all its replicas by each of these epochs, in [0, 1]; never falls.
    """

    variant: str
    epochs: tuple[int, ...]
    shares: tuple[float, ...]

    @property
    def complete_at(self) -> int:
        """The epoch by which the last replica that ever arrives had arrived."""
        return self.epochs[self.shares.index(self.shares[-1])]


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
    shares = np.searchsorted(firsts, epochs, side="right") / len(own)
    return Arrival(variant, tuple(epochs), tuple(shares.tolist()))


@dataclass(frozen=True, slots=True)
class ArrivalChart:
    """The share of each variant's replicas that had reached the target, as steps.

    Attributes:
        arrivals: One a variant, at least one.
        colors: Each variant's colour.
        target: What they were to reach.
        last_epoch: Where the axis ends.
        seeds: Which seeds are counted; empty for all.
    """

    arrivals: tuple[Arrival, ...]
    colors: Mapping[str, str]
    target: Target
    last_epoch: int
    seeds: str = ""

    def spec(self, style: Style) -> Spec:
        """A line a variant, and a dash-dotted one at half of the replicas."""
        rows = [
            {"variant": item.variant, "epoch": epoch, "value": short(share)}
            for item in self.arrivals
            for epoch, share in _steps(item, self.last_epoch, self._step())
        ]
        y = share_axis("value", "share of replicas")
        labels = line_labels(self.ends, y["scale"]["domain"])
        color = variant_color(self.colors, style, is_labelled=labels is not None)
        half = {
            "data": {"values": [{"value": 0.5}]},
            "mark": FAINT_RULE,
            "encoding": {"y": y},
        }
        steps = {
            "transform": [SHOWN],
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
            "encoding": {
                "x": epoch_axis(self.last_epoch),
                "y": y,
                "color": color,
                "tooltip": [
                    {"field": "variant", "type": "nominal"},
                    {"field": "epoch", "type": "quantitative"},
                    {"field": "value", "type": "quantitative", "title": "reached", "format": ".0%"},
                ],
            },
        }
        return {
            "name": "arrivals",
            "description": self.description,
            "title": chart_title("replicas that reached the target", self._subtitle()),
            "height": HEIGHT,
            "data": {"values": rows},
            "params": [HIDDEN],
            "layer": [half, steps, *([labels.layer(color)] if labels else [])],
        }

    @property
    def ends(self) -> dict[str, float]:
        """Each variant's share at the end."""
        return {item.variant: item.shares[-1] for item in self.arrivals}

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        ends = (
            f"{one.variant} {one.shares[-1]:.0%}"
            + (f" by epoch {one.complete_at}" if one.shares[-1] else "")
            for one in self.arrivals
        )
        return (
            f"Steps over {self.last_epoch} epochs: the share of replicas that had reached a "
            f"{target_text(self.target)}. {listed(ends)}."
        )

    def _step(self) -> int:
        """Every which epoch at which a replica arrives is drawn."""
        return step_of(max(len(item.epochs) for item in self.arrivals), len(self.arrivals))

    def _subtitle(self) -> str:
        """What is drawn, and what is not."""
        step = self._step()
        return "; ".join(
            [
                target_text(self.target),
                "dash-dotted: half",
                *([self.seeds] if self.seeds else []),
                *([f"one arrival in {step}"] if step > 1 else []),
            ]
        )


def _steps(item: Arrival, end: int, step: int) -> Iterator[tuple[int, float]]:
    """(epoch, share) until ``end``, every so many."""
    points = [point for point in zip(item.epochs, item.shares, strict=True) if point[0] < end]
    yield from points[::step]
    yield end, item.shares[-1]
