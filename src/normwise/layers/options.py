"""Options of the layer that contradict each other, or where it is used, refused by name."""

from __future__ import annotations

import math
from typing import Any

import keras

from normwise.errors import LayerError
from normwise.layers.renormalisation import PAPER_CLIPS, PAPER_SCHEDULE

__all__ = ["OWN_OPTIONS", "check_axis", "check_backend", "check_options"]

# Options that Keras' layer does not have; `None` where unset.
OWN_OPTIONS = ("renorm_schedule", "virtual_batch_size", "axis_name")


def check_options(layer: Any) -> None:
    """Refuse options that contradict each other.

    Raises:
        LayerError: They do.
    """
    _check_momentum(layer, "momentum")
    if layer.renorm:
        _check_momentum(layer, "renorm_momentum")
    if layer.renorm_schedule is not None:
        _check_schedule(layer, layer.renorm_schedule, layer.renorm_clipping or {})
    if layer.virtual_batch_size is not None:
        _check_slices(layer, layer.virtual_batch_size)


def _check_momentum(layer: Any, name: str) -> None:
    momentum = getattr(layer, name)
    if momentum is not None and not 0 <= momentum <= 1:
        raise LayerError(
            f"layer {layer.name!r} has {name}={momentum:g}, the weight of the old moving "
            f"statistics; expected a number from 0 to 1; try {name}=0.99"
        )


def _check_schedule(layer: Any, schedule: tuple[int, ...], clipping: dict[str, Any]) -> None:
    if not layer.renorm:
        raise LayerError(
            f"layer {layer.name!r} has a renorm_schedule without renorm; expected clips that it "
            f"can open; try renorm=True"
        )
    if len(schedule) != 3 or not 0 <= schedule[0] < min(schedule[1:]):
        raise LayerError(
            f"layer {layer.name!r} has renorm_schedule={schedule}; expected the calls until the "
            f"clips begin to open, until rmax is reached and until dmax is, the first the fewest; "
            f"try renorm_schedule={PAPER_SCHEDULE}"
        )
    if clipping.get("rmin") is not None or (clipping.get("rmax") or math.inf) < 1:
        raise LayerError(
            f"layer {layer.name!r} has renorm_clipping={clipping} beside a renorm_schedule, with "
            f"which rmax rises from 1 and rmin is its inverse; expected no rmin, and an rmax of at "
            f"least 1; try renorm_clipping={PAPER_CLIPS}"
        )


def _check_slices(layer: Any, size: int) -> None:
    if isinstance(size, bool) or int(size) != size or size < 2:
        raise LayerError(
            f"layer {layer.name!r} has virtual_batch_size={size}; expected a whole number of at "
            f"least 2, since one example has no deviation; try virtual_batch_size=16"
        )
    for name, without in (("renorm", False), ("axis_name", None), ("synchronized", False)):
        if getattr(layer, name) != without:
            raise LayerError(
                f"layer {layer.name!r} has virtual_batch_size={size}, for statistics of a part of "
                f"the batch, beside {name}={getattr(layer, name)!r}, for steadier ones; expected "
                f"one of the two; try {name}={without}"
            )


def check_axis(layer: Any, rank: int) -> None:
    """Refuse ghost batches where the first axis holds the channels.

    Raises:
        LayerError: It does.
    """
    if layer.virtual_batch_size is not None and layer.axis % rank == 0:
        raise LayerError(
            f"layer {layer.name!r} has its channels along axis {layer.axis} of {rank}, the one "
            f"that virtual_batch_size cuts; expected examples along the first axis; try axis=-1"
        )


def check_backend(layer: Any) -> None:
    """Refuse training with options that only JAX has.

    Raises:
        LayerError: There is one.
    """
    for name in ("virtual_batch_size", "axis_name"):
        if getattr(layer, name) is not None:
            raise LayerError(
                f"layer {layer.name!r} trains with {name}={getattr(layer, name)!r} while Keras "
                f"runs on {keras.backend.backend()}; expected JAX; try the environment variable "
                f"KERAS_BACKEND=jax"
            )
