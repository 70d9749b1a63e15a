"""Which normalisation layers of a variant matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.domain.estimate import Estimate
from normwise.domain.plain import ABSENT_IF_NONE, estimate_of

__all__ = ["Ablation", "AblationStep"]


@dataclass(frozen=True, slots=True)
class AblationStep:
    """A variant with some of its normalisation layers only.

    Attributes:
        layers: Names of the layers that were kept.
        variant: The name of the variant with these layers only.
        restricted_mean: Restricted mean of the epochs to the target, as in
            :class:`EpochsToTarget`.
        final: Mean of the target's metric at the last epoch.
    """

    layers: tuple[str, ...]
    variant: str
    restricted_mean: Estimate
    final: Estimate


@dataclass(frozen=True, slots=True)
class Ablation:
    """Which of a variant's normalisation layers matter.

    Attributes:
        variant: The variant's name.
        layers: Names of all its normalisation layers, in the order they run.
        kept: The fewest that are shown to be no more than the margin slower than the best; all
            where that is shown of none with fewer.
        tried: What was trained, from all layers to none.
        is_open: Whether all are kept because it is not known that fewer would not do.
        margin: How many times slower than the best is still as good; ``None`` in summaries of
            before, whose answer was within the interval of the best mean.
    """

    variant: str
    layers: tuple[str, ...]
    kept: tuple[str, ...]
    tried: tuple[AblationStep, ...]
    is_open: bool = False
    margin: float | None = field(default=None, metadata=ABSENT_IF_NONE)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Ablation:
        """Read back what :meth:`Summary.to_json` made of one.

        Raises:
            LookupError: A part is missing.
            TypeError: There is one too many.
        """
        tried = [
            {
                **step,
                "layers": tuple(step["layers"]),
                "restricted_mean": estimate_of(step["restricted_mean"]),
                "final": estimate_of(step["final"]),
            }
            for step in body["tried"]
        ]
        return cls(
            variant=body["variant"],
            layers=tuple(body["layers"]),
            kept=tuple(body["kept"]),
            tried=tuple(AblationStep(**step) for step in tried),
            is_open=body.get("is_open", False),
            margin=body.get("margin"),
        )
