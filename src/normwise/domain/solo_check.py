"""What Keras' own `fit` makes of the same replicas."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normwise.domain.plain import infinite_if_null, plain

__all__ = ["SoloCheck"]


@dataclass(frozen=True, slots=True)
class SoloCheck:
    """One replica retrained alone by Keras' own ``fit`` on the same batches.

    Attributes:
        variant: Which variant it was.
        seed: Which replica.
        max_relative_difference: Largest |solo − stacked| / |solo| over all
            epochs and metrics. Training amplifies rounding from step to step,
            and one example on the other side of a threshold moves an accuracy
            by one over their number.
        first_epoch_difference: The same over the losses of the first epoch, where
            rounding has mostly not grown yet: what the two ways of training differ by.
        first_steps: The same over the losses of the first batches of one replica of each
            variant, where rounding has had no time to grow.
        failed: Variants whose first batches differ by more than rounding explains: what the
            engine trained is not what Keras' own ``fit`` trains, and no verdict stands.
    """

    variant: str
    seed: int
    max_relative_difference: float
    first_epoch_difference: float = 0.0
    first_steps: Mapping[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def first_steps_difference(self) -> float | None:
        """That of the replica's own variant; ``None`` where it was not looked at."""
        return self.first_steps.get(self.variant)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        parts = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        own = self.first_steps_difference
        if own is not None:
            parts["first_steps_difference"] = own
        return {name: plain(part) for name, part in parts.items()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SoloCheck:
        """What :meth:`to_json` wrote.

        >>> none = float("inf")
        >>> check = SoloCheck("after", 3, none, none, {"after": none}, ("after",))
        >>> SoloCheck.from_json(check.to_json()) == check
        True
        """
        numbers = {
            name: infinite_if_null(body.get(name, 0.0))
            for name in ("max_relative_difference", "first_epoch_difference")
        }
        steps = {
            name: infinite_if_null(value) for name, value in body.get("first_steps", {}).items()
        }
        failed = tuple(body.get("failed", ()))
        return cls(body["variant"], body["seed"], **numbers, first_steps=steps, failed=failed)
