"""How replicas ended, measured against a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from normwise.domain.estimate import Estimate

__all__ = ["EpochsToTarget", "Outcome", "OutcomeKind"]

OutcomeKind = Literal["reached", "censored", "diverged", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a replica ended, measured against a target.

    Attributes:
        kind: ``reached`` (at ``epoch``), ``censored`` (not within the epochs it
            was given), ``diverged`` (its loss stopped being finite) or
            ``failed`` (it could not be trained).
        epoch: First epoch (from 1) that met the target; ``inf`` if none did.
        remedy: What to do about it; empty when the target was reached.
    """

    kind: OutcomeKind
    epoch: float
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class EpochsToTarget:
    """When the replicas of one variant reached the target.

    Attributes:
        median: Median epoch with its interval; ``inf`` if fewer than half
            of the replicas arrived.
        restricted_mean: Mean of the epochs, a replica that never arrived counted as
            the whole run: the area over the Kaplan-Meier curve.
        reached: How many arrived.
        censored: How many ran to the end without arriving.
        diverged: How many stopped being finite before arriving.
    """

    median: Estimate
    restricted_mean: Estimate
    reached: int
    censored: int
    diverged: int
