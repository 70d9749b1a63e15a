"""Looks inside a training network: pure functions of its state at the beginning of a step.

A step is looked at without being taken: what :class:`Looking` computes depends on the state and on
a batch alone, and nothing of it goes back into the training.
"""

from __future__ import annotations

from normwise.probes.looking import BATCHES, SHOWN, Looking, looking_at
from normwise.probes.moment import Moment, Start, start_of

__all__ = ["BATCHES", "SHOWN", "Looking", "Moment", "Start", "looking_at", "start_of"]
