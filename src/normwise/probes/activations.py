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
        """The layers of signals, their kinds, which ones they are made of, which are outputs."""
        layers, kinds, takes, is_output = zip(*self.signals, strict=True)
        outputs = tuple(str(place) for place, own in enumerate(is_output) if own)
        return {"signals": layers, "kinds": kinds, "takes": takes, "outputs": outputs}

    def read(self, found: Found) -> Mapping[str, Any]:
        """The fields of :class:`~normwise.probes.activity.Activity`, with samples."""
        return found.activity._asdict()
