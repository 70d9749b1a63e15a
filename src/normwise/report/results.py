"""What the sections of a study's report are built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from normwise.analysis import judging_runs, runs_at_best
from normwise.domain import Comparison, Inside, RunRecord, Summary, is_with_population
from normwise.report.colors import variant_colors
from normwise.report.seen import Seen

__all__ = ["DataPreview", "InputScale", "StudyResults"]


@dataclass(frozen=True, slots=True)
class DataPreview:
    """Points of two-dimensional data, to be drawn coloured by class.

    Attributes:
        feature_names: Names of the two axes.
        points: Coordinates, shape (n, 2).
        labels: Classes as text, shape (n,).
        caption: Which data these are, without a full stop.

    >>> DataPreview(("x", "y"), ((0.0, 1.0),), ("inner",), "One point").labels
    ('inner',)
    """

    feature_names: tuple[str, str]
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class InputScale:
    """How large one input is: quantiles of the values that are not zero, signs left out.

    Attributes:
        name: Of the input.
        low: The 10% quantile, > 0.
        middle: The median.
        high: The 90% quantile.
    """

    name: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class StudyResults:
    """A study's answer, and what it was found from.

    Attributes:
        summary: The answer.
        records: Finished training runs, at all points of the grid.
        settings: What was asked for, name to text.
        preview: The data, if they are two-dimensional.
        notes: What was decided about the data for their owner, in sentences.
        inside: What probes saw inside some of the runs.
        incomplete: Whether the study stopped before its end.
        scales: How large each input is, where they are on unequal scales.
    """

    summary: Summary
    records: Sequence[RunRecord]
    settings: Mapping[str, str]
    preview: DataPreview | None = None
    notes: tuple[str, ...] = ()
    inside: tuple[Inside, ...] = ()
    incomplete: bool = False
    scales: tuple[InputScale, ...] = ()

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in the summary's order."""
        return tuple(variant.name for variant in self.summary.variants)

    @cached_property
    def colors(self) -> dict[str, str]:
        """Each variant's colour, the same in every table and chart."""
        return variant_colors(self.variants)

    @cached_property
    def seen(self) -> Seen:
        """What probes saw, by variant."""
        own = {
            name: [one for one in self.inside if one.key.variant == name] for name in self.variants
        }
        return Seen({name: runs for name, runs in own.items() if runs}, self.colors)

    @cached_property
    def runs_shown(self) -> list[RunRecord]:
        """The runs that the numbers count: of every variant where it stands in the grid."""
        records = self.records
        return [run for variant in self.summary.variants for run in judging_runs(variant, records)]

    @property
    def seeds_shown(self) -> str:
        """Which seeds these are, in words; empty where they are all."""
        variants, records = self.summary.variants, self.records
        if len(self.runs_shown) == sum(len(runs_at_best(one, records)) for one in variants):
            return ""
        counts = {len(judging_runs(one, records)) for one in variants}
        return f"the {f'{counts.pop()} ' if len(counts) == 1 else ''}seeds that judge"

    @property
    def last_epoch(self) -> int:
        """The epoch at which every chart over the epochs ends; 0 without runs."""
        return max((run.epochs for run in self.runs_shown), default=0)

    @property
    def baseline(self) -> str:
        """Name of the variant the others are compared with; empty if nothing was compared."""
        return next((item.baseline for item in self.summary.comparisons), "")

    def comparison(self, variant: str) -> Comparison | None:
        """A variant against the baseline; ``None`` for the baseline itself."""
        found = (item for item in self.summary.comparisons if item.variant == variant)
        return next(found, None)

    def runs_of(self, variant: str) -> list[RunRecord]:
        """All runs of a variant, at every point of the grid."""
        return [record for record in self.records if record.key.variant == variant]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of all final metrics: the target's, its training or validation twin, others."""
        # Those with population statistics are drawn; what the model has in the end are the others.
        names = dict.fromkeys(
            name
            for variant in self.summary.variants
            for name in variant.final
            if not is_with_population(name)
        )
        aim = self.summary.target.metric
        twin = aim.removeprefix("val_")
        return tuple(sorted(names, key=lambda n: (n != aim, n.removeprefix("val_") != twin)))

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The target's metric and its training or validation twin."""
        aim = self.summary.target.metric.removeprefix("val_")
        return tuple(name for name in self.metrics if name.removeprefix("val_") == aim)
