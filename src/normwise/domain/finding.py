"""What a rule of the check found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule of the check found in a model.

    Attributes:
        code: The rule's code, such as ``NW001``.
        rule: Its name, such as ``redundant-bias``.
        layer: The layer it was found in; ``None`` for the whole model.
        severity: ``error`` (predictions are wrong), ``warning`` (likely to be), ``note``.
        message: What was found there.
        fix: What to do.
        safe: Whether ``normwise fix`` does it, with predictions as they were, or statistics
            of the data in place of others.

    >>> Finding("NW001", "redundant-bias", "a", "note", "…", "…", safe=True).to_json()["layer"]
    'a'
    """

    code: str
    rule: str
    layer: str | None
    severity: Severity
    message: str
    fix: str
    safe: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dataclasses.asdict(self)
