"""Looks inside a training network: pure functions of its state at the beginning of a step.

A step is looked at without being taken: what :class:`Looking` computes depends on the state and on
a batch alone, and nothing of it goes back into the training.
"""

from __future__ import annotations

from normwise.probes.looking import Looking, looking_at
from normwise.probes.moment import Moment

__all__ = ["Looking", "Moment", "looking_at"]
