"""How much a variant depends on an axis of the grid."""

from __future__ import annotations

from dataclasses import dataclass, field

from normwise.domain.estimate import Estimate
from normwise.domain.plain import ABSENT_IF_NONE

__all__ = ["AxisPoint", "Sensitivity"]


@dataclass(frozen=True, slots=True)
class AxisPoint:
    """A variant at one value of an axis, at the best of the other axes.

    Attributes:
        value: Of the axis: a learning rate, an initialiser, a batch size, a depth; ``None`` for
            each layer's own initialiser.
        epochs: Median epochs to the target.
        reached: Replicas that reached it.
        replicas: Of so many.
        epochs_ratio: The baseline's epochs at this value over the variant's: above 1 the variant
            gets there sooner. ``None`` of the baseline itself.
        end: Median of the target's metric at the last epoch, infinite where that replica diverged;
            ``None`` where some replica does not say.
    """

    value: float | str | None
    epochs: Estimate
    reached: int
    replicas: int
    epochs_ratio: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    end: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)

    @property
    def arrives(self) -> bool:
        """Whether at least half of the replicas reach the target."""
        return 2 * self.reached >= self.replicas


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much a variant depends on an axis: over its values, each at the best of the other axes.

    Every interval holds by itself.

    Attributes:
        axis: ``learning_rate``, ``initializer``, ``batch_size`` or ``depth``.
        points: A variant at each value.
        arrived: Of a seed, the share of values at which it reaches the target: mean over seeds.
        slowdown: Epochs at the slowest value over those at the quickest: median over seeds.
        arrived_gain: How much larger that share is than the baseline's, over the same seeds;
            ``None`` of the baseline itself, and where they cannot be compared.
        slowdown_ratio: The baseline's slowdown over the variant's, likewise: above 1 the variant
            depends less on the axis.
        end_spread: How much better the target's metric ends at the value where it ends best than
            where it ends worst, in its unit: median over seeds; infinite where the worst diverged.
        end_spread_saved: How much less that is than the baseline's, over the same seeds: above 0
            the variant depends less on the axis.
    """

    axis: str
    points: tuple[AxisPoint, ...]
    arrived: Estimate
    slowdown: Estimate
    arrived_gain: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    slowdown_ratio: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    end_spread: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    end_spread_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
