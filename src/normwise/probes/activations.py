"""Activations: what flows through each layer, before and after normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from normwise.probes.found import Found
from normwise.probes.signals import Signal

__all__ = ["Activations"]


@dataclass(frozen=True)
class Activations:
    """Of each signal, over the reference.

    Attributes:
        signals: The signals.
    """

    signals: tuple[Signal, ...]

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The layers of the signals, of what kind they are, and which one each is made of."""
        layers, kinds, takes = zip(*self.signals, strict=True)
        return {"signals": layers, "kinds": kinds, "takes": takes}

    def read(self, found: Found) -> Mapping[str, Any]:
        """The fields of :class:`~normwise.probes.activity.Activity`, with samples."""
        return found.activity._asdict()
