"""A study's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.domain.ablation import Ablation
from normwise.domain.comparison import Comparison
from normwise.domain.condition import Condition
from normwise.domain.estimate import Estimate
from normwise.domain.lag import Lag
from normwise.domain.outcome import EpochsToTarget
from normwise.domain.overfitting import Overfitting
from normwise.domain.plain import ABSENT_IF_NONE, plain
from normwise.domain.population_sample import PopulationSample
from normwise.domain.program import ProgramKey
from normwise.domain.sensitivity import Sensitivity
from normwise.domain.solo_check import SoloCheck
from normwise.domain.target import Target

__all__ = ["EarlyStopping", "Summary", "VariantSummary"]


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """What Keras' early stopping would have made of a variant's runs.

    Attributes:
        patience: Epochs without an improvement after which it stops.
        monitor: The metric it watches.
        epochs: Mean number of epochs trained.
        final: Mean of the target's metric at the restored epoch.
        epochs_saved: Mean number of epochs not trained, of all that the runs were given.
        seconds_saved: Of a training alone; ``None`` where that was not timed.
        cost_saved: Likewise, at the hourly price that was given.
        lost: By how much worse than at its last epoch the target's metric then is, the mean over
            replicas that did not diverge; ``None`` where that is no more than the margin of ends.
    """

    patience: int
    monitor: str
    epochs: Estimate
    final: Estimate
    epochs_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    seconds_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    cost_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    lost: float | None = field(default=None, metadata=ABSENT_IF_NONE)


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """One variant in numbers.

    Attributes:
        name: The variant's canonical name.
        seeds: How many replicas were trained.
        final: Metric to its mean at the last epoch, over replicas that did not
            diverge.
        epochs_to_target: When they reached the target.
        seconds_per_epoch: Training time of one epoch of this variant's model alone, by
            Keras' own ``fit`` on this machine, validation not counted; NaN where that
            was not measured.
        learning_rate: Learning rate of the point of the grid where the variant stands, > 0;
            ``None`` where curves from elsewhere do not say.
        initializer: Name of the initialiser of all kernels there; ``None`` for each layer's own.
        batch_size: Examples in a batch there; ``None`` in summaries that do not say.
        depth: Of the model there; ``None`` where its function was not asked for one.
        working_range: Decades of learning rates at which it reaches the target;
            ``None`` where the grid has a single one.
        early_stopping: What early stopping would have saved, if that was asked.
        final_median: Metric to its median at the last epoch, over all replicas: one that
            diverged is worse than any value, so that it may be infinite.
        cost: Cost of a training alone to the median epoch, at the hourly price that was given.
        epoch_seconds: The same as ``seconds_per_epoch``, with its interval, which is NaN where the
            machine was too busy to tell; ``None`` where no rounds were kept.
        epoch_noise: The standard deviation of one epoch's value of the target's metric around the
            trend of its run, the median over the replicas, in the metric's unit; ``None`` with
            fewer than ten epochs.
        never: The share of its replicas that never arrive; ``None`` where all do.
        lag: How far its moving statistics lag behind what it has learned, where that was measured.
        sensitivity: How much it depends on each axis of the grid with several values; ``None``
            where there is none, and where the grid was pruned.
        overfitting: Its gap between training and validation, of the loss and of the target's
            metric; ``None`` where runs do not have both parts.
        population_sample: How far off its population statistics are, where they are of a sample
            of the training part.
    """

    name: str
    seeds: int
    final: Mapping[str, Estimate]
    epochs_to_target: EpochsToTarget
    seconds_per_epoch: float
    learning_rate: float | None
    initializer: str | None = field(default=None, metadata=ABSENT_IF_NONE)
    batch_size: int | None = field(default=None, metadata=ABSENT_IF_NONE)
    depth: int | None = field(default=None, metadata=ABSENT_IF_NONE)
    working_range: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    early_stopping: EarlyStopping | None = field(default=None, metadata=ABSENT_IF_NONE)
    cost: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    epoch_seconds: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    epoch_noise: float | None = field(default=None, metadata=ABSENT_IF_NONE)
    lag: Lag | None = field(default=None, metadata=ABSENT_IF_NONE)
    population_sample: PopulationSample | None = field(default=None, metadata=ABSENT_IF_NONE)
    final_median: Mapping[str, Estimate] = field(default_factory=dict)
    sensitivity: tuple[Sensitivity, ...] | None = field(default=None, metadata=ABSENT_IF_NONE)
    never: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    overfitting: tuple[Overfitting, ...] | None = field(default=None, metadata=ABSENT_IF_NONE)

    @property
    def lost(self) -> int:
        """How many of its replicas never arrive."""
        return self.never.censored if self.never else 0

    @property
    def condition(self) -> Condition:
        """The point of the grid where it stands."""
        return Condition(self.learning_rate, self.initializer, self.batch_size or 0, self.depth)

    @property
    def learns_at(self) -> Condition:
        """The point of the grid where it learns soonest: where it stands, unless its lag says."""
        return self.lag.point if self.lag and self.lag.point else self.condition

    @property
    def momentum(self) -> float | None:
        """Of its moving statistics where it stands; ``None`` where its lag does not say."""
        if self.lag is None or self.learns_at.batch_size != self.condition.batch_size:
            return None
        return self.lag.momentum

    @property
    def program(self) -> ProgramKey:
        """What trains it there."""
        return ProgramKey(self.name, self.batch_size, self.depth)

    @property
    def seconds_to_target(self) -> Estimate:
        """Seconds of a training alone to the median epoch, with their interval.

        >>> times = EpochsToTarget(Estimate(10, 8, 12), Estimate(10, 9, 11), 5, 0, 0)
        >>> VariantSummary("after", 5, {}, times, 0.5, learning_rate=0.1).seconds_to_target.high
        6.0
        """
        return self.epochs_to_target.median.times(self.epoch_seconds or self.seconds_per_epoch)


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """A study's answer: the content of ``summary.json``, version 1.

    Attributes:
        study: The study's name.
        target: What the replicas were timed to.
        variants: Each in numbers, in the order they were given.
        comparisons: Each of the others against the baseline.
        verdict: The answer: a line a variant, with what it reaches, how much sooner, and its end.
        recommended: Name of a variant.
        solo_check: One replica trained again by Keras' own ``fit``.
        environment: Where it ran, name to text.
        rounds: Seeds after which the comparisons could be decided; empty where all
            seeds came at once.
        ablation: Which normalisation layers matter, if that was asked.
        headline: The verdict in at most twelve words.
    """

    study: str
    target: Target
    variants: tuple[VariantSummary, ...]
    comparisons: tuple[Comparison, ...]
    verdict: str
    recommended: str
    solo_check: SoloCheck | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    rounds: tuple[int, ...] = ()
    ablation: Ablation | None = field(default=None, metadata=ABSENT_IF_NONE)
    headline: str = ""

    def __repr__(self) -> str:
        """Whose it is, and its headline: all of it fills pages."""
        return f"<Summary of {self.study!r}: {self.headline}>"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is not finite becomes ``null``.

        What only some studies have (a grid, early stopping) is left out where there is none.
        """
        body: dict[str, Any] = {"version": 1, **plain(self)}
        if self.solo_check is not None:
            body["solo_check"] = self.solo_check.to_json()
        for variant in body["variants"]:
            medians = variant.pop("final_median")
            variant["final"] = {
                metric: {
                    "mean": final["value"],
                    "low": final["low"],
                    "high": final["high"],
                    **({"median": medians[metric]} if metric in medians else {}),
                }
                for metric, final in variant["final"].items()
            }
            times = variant["epochs_to_target"]
            median = times.pop("median")
            median["median"] = median.pop("value")
            variant["restricted_mean"] = times.pop("restricted_mean")
            variant["epochs_to_target"] = {**median, **times}
        if not self.rounds:
            del body["rounds"]
        return body
