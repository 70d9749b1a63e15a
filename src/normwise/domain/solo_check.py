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
        max_relative_difference: Largest |solo − stacked| / |solo| over all metrics and
            the epochs that were checked, or over the losses of the first batches where none
            was. Training amplifies rounding from step to step,
            and one example on the other side of a threshold moves an accuracy
            by one over their number.
        first_epoch_difference: The same over the losses of the first epoch, or of the first
            batches, where rounding has mostly not grown yet: what the two ways of training
            differ by.
        first_steps: The same over the losses of the first batches of one replica of each
            variant, where rounding has had no time to grow.
        failed: Variants whose first batches differ by more than rounding explains: what the
            engine trained is not what Keras' own ``fit`` trains, and no verdict stands.
        epochs_checked: Epochs that were trained again, ≥ 0: as many as take a small part of the
            study's time. ``None`` in older studies, which checked all.
        epochs_trained: Epochs that the replica had trained, ≥ 1; ``None`` likewise.
    """

    variant: str
    seed: int
    max_relative_difference: float
    first_epoch_difference: float = 0.0
    first_steps: Mapping[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    epochs_checked: int | None = None
    epochs_trained: int | None = None

    @property
    def first_steps_difference(self) -> float | None:
        """That of the replica's own variant; ``None`` where it was not looked at."""
        return self.first_steps.get(self.variant)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        parts = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        parts["first_steps_difference"] = self.first_steps_difference
        return {name: plain(part) for name, part in parts.items() if part is not None}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SoloCheck:
        """What :meth:`to_json` wrote.

        >>> none = float("inf")
        >>> check = SoloCheck("after", 3, none, none, {"after": none}, ("after",))
        >>> SoloCheck.from_json(check.to_json()) == check
        True
        """
        steps = {
            name: infinite_if_null(value) for name, value in body.get("first_steps", {}).items()
        }
        return cls(
            body["variant"],
            body["seed"],
            infinite_if_null(body.get("max_relative_difference", 0.0)),
            infinite_if_null(body.get("first_epoch_difference", 0.0)),
            first_steps=steps,
            failed=tuple(body.get("failed", ())),
            epochs_checked=body.get("epochs_checked"),
            epochs_trained=body.get("epochs_trained"),
        )
