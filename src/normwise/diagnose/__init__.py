"""Diagnoses of a finished model, which leave it unchanged."""

from normwise.diagnose.gap import Gap, gap
from normwise.diagnose.leakage import Leakage, leakage

__all__ = ["Gap", "Leakage", "gap", "leakage"]
