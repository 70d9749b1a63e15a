"""How far off population statistics are that are of a sample of the training part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.domain.plain import ABSENT_IF_NONE

__all__ = ["PopulationSample"]


@dataclass(frozen=True, slots=True)
class PopulationSample:
    """What statistics of some training examples miss against those of all, in one replica.

    Attributes:
        examples: How many the statistics are of, ≥ 1.
        of: How many there are.
        off: Metric of the validation part to what its value by the sample's statistics differs by
            from its value by the whole part's, ≥ 0, in the metric's unit; NaN where one of the two
            is no number. Empty where that was not taken.
        why: The reason why it was not.
    """

    examples: int
    of: int
    off: Mapping[str, float]
    why: str | None = field(default=None, metadata=ABSENT_IF_NONE)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> PopulationSample:
        """What was written as plain JSON values.

        >>> PopulationSample.from_json({"examples": 2048, "of": 60000, "off": {"val_loss": 0.01}})
        PopulationSample(examples=2048, of=60000, off={'val_loss': 0.01}, why=None)
        """
        off = {name: math.nan if one is None else float(one) for name, one in body["off"].items()}
        return cls(int(body["examples"]), int(body["of"]), off, body.get("why"))
