"""Runs of the deep network to begin with, each with what to look for, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["START", "Try", "recorded_tries"]


@dataclass(frozen=True)
class Try:
    """Positions of the sliders, and what one sees there.

    Attributes:
        name: What the button says.
        at: Slider to its value.
        figure: Where to look.
        look: What to look for.
    """

    name: str
    at: dict[str, Any]
    figure: str
    look: str


START = Try(
    "Two layers: both learn",
    {"depth": 2, "rate": 1.0, "batch": 64, "epoch": 5},
    "landscape",
    "Without normalisation the loss falls along the step and soon rises again: a much longer "
    "step would have done harm. With it the loss changes less, and still falls at four times "
    "the step. On the right: so it is in most epochs, and not in all.",
)
"""Where the page begins: both networks learn, so that what differs is not that one stands still."""

_TRIES = (
    START,
    Try(
        "Ten layers: one learns",
        {"depth": 10, "rate": 0.1, "batch": 64, "epoch": 3},
        "xray",
        "Without normalisation a unit's answer varies from digit to digit about four times "
        "less in each layer than in the one before, until all digits look alike; and on its "
        "way back the gradient shrinks in the same way, until layer 1 has next to none. With "
        "normalisation neither happens.",
    ),
    Try(
        "Thirty layers: a flat landscape",
        {"depth": 30, "rate": 0.1, "batch": 64, "epoch": 10},
        "landscape",
        "Without normalisation the loss hardly changes along the step, and that is no good "
        "sign: the gradient of the lower layers has vanished, and all digits look alike to the "
        "upper ones, so that a step changes next to nothing. Flat because nothing moves is not "
        "smooth.",
    ),
    Try(
        "A learning rate too large",
        {"depth": 2, "rate": 1.0, "batch": 8, "epoch": 7},
        "curves",
        "Without normalisation this rate throws the network back to chance, one digit in ten. "
        "With it more than half are right, and it loses some of that again: it bears a larger "
        "rate, and not any rate.",
    ),
    Try(
        "Batches of two",
        {"depth": 2, "rate": 0.01, "batch": 2, "epoch": 20},
        "batches",
        "The gradient of layer 1 with normalisation: in batches of 64 and of 8 it stays within "
        "a factor of five of the output layer's; in batches of two it is anything from "
        "millionths of it to forty times as long.",
    ),
    Try(
        "Statistics that lag",
        {"depth": 10, "rate": 0.1, "batch": 64, "epoch": 3, "momentum": 0.99},
        "curves",
        "The dashed line is what the network with normalisation has learned, the solid one "
        "what its evaluation shows: much the same, some ten epochs later. Now move the "
        "momentum to 0.5.",
    ),
)
_AXES = {
    "depth": "depth",
    "rate": "learning_rate",
    "batch": "batch_size",
    "momentum": "momentum",
}


def recorded_tries(deep: Any) -> list[Try]:
    """Those that a recording of the deep network has."""
    return [one for one in _TRIES if _is_recorded(deep, one.at)]


def _is_recorded(deep: Any, at: dict[str, Any]) -> bool:
    axes = deep["axes"]
    return at["epoch"] <= deep["epochs"] and all(
        at[name] in axes[axis] for name, axis in _AXES.items() if name in at
    )
