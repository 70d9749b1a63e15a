"""How sure every interval and verdict is, unless a caller asks for something else."""

from __future__ import annotations

__all__ = ["CONFIDENCE"]

CONFIDENCE = 0.95
"""Share of studies in which an interval holds the truth, and in which all verdicts are right."""
