"""Looking into a model that is there: nothing of it changes."""

from normwise.diagnose.gap import Gap, gap
from normwise.diagnose.leakage import Leakage, leakage

__all__ = ["Gap", "Leakage", "gap", "leakage"]
