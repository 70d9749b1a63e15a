"""Records as plain JSON values, and numbers back from them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from normwise.domain.estimate import Estimate

__all__ = ["ABSENT_IF_NONE", "estimate_of", "infinite_if_null", "plain"]

# Metadata of a field that only some studies have: where it is ``None``, the JSON lacks its key.
ABSENT_IF_NONE = {"absent_if_none": True}

_ENDS = ("value", "low", "high")


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dictionaries; an estimate is its value and its interval's ends.

    What is not finite becomes ``None``, since JSON has no word for it.

    >>> plain({"ratio": Estimate(2.0, 1.0, math.inf)})
    {'ratio': {'value': 2.0, 'low': 1.0, 'high': None}}
    """
    if isinstance(value, Estimate):
        return {name: plain(getattr(value, name)) for name in _ENDS}
    if dataclasses.is_dataclass(value):
        parts = {item: getattr(value, item.name) for item in dataclasses.fields(value)}
        return {
            item.name: plain(part)
            for item, part in parts.items()
            if not (part is None and "absent_if_none" in item.metadata)
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def estimate_of(body: Mapping[str, Any]) -> Estimate:
    """An estimate as :func:`plain` wrote it; NaN where it is ``null``.

    Raises:
        LookupError: An end of its interval is missing.
    """
    value, low, high = (math.nan if body[end] is None else body[end] for end in _ENDS)
    return Estimate(value, low, high)


def infinite_if_null(value: float | None) -> float:
    """A difference, which JSON cannot say where one of the two sides is no number."""
    return math.inf if value is None else float(value)
