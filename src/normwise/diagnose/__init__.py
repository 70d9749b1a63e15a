"""Diagnoses of a finished model, which leave it unchanged, and of one that is being trained."""

from normwise.diagnose.gap import Gap, gap
from normwise.diagnose.leakage import Leakage, leakage
from normwise.diagnose.monitor import Monitor

__all__ = ["Gap", "Leakage", "Monitor", "gap", "leakage"]
