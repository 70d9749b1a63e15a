"""The normalisation layer that a variant asks for: Keras' own, but for what it does not have."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from normwise import layers
from normwise.domain import Variant
from normwise.errors import VariantError
from normwise.models.graph import Call

__all__ = ["check_options", "group_count", "normaliser"]

_MOST_GROUPS = 32
# And without places to normalise over, channels in a group at least.
_SIZED = 16
# In thousands of steps 5, 40 and 25 (Ioffe 2017): the clips begin to open, r's are open, d's are.
_SCHEDULE = (1, 8, 5)
_BATCH_ONLY = ("momentum", "renorm", "ghost")
_LEARNED = (*_BATCH_ONLY, "center", "scale", "epsilon", "bias")
# Keras' RMSNormalization has no offset and always learns a factor.
_UNUSED = {
    "batch": (),
    "layer": _BATCH_ONLY,
    "group": _BATCH_ONLY,
    "rms": (*_BATCH_ONLY, "center", "scale"),
    "zscore": _LEARNED,
    "minmax": _LEARNED,
    "mean": _LEARNED,
}


def check_options(variant: Variant) -> None:
    """Refuse options that the variant's normaliser would ignore.

    Raises:
        VariantError: ``momentum``, ``renorm`` or ``ghost`` with another norm than batch;
            ``center`` or ``scale`` with ``rms``; any of the layer's with a fixed norm;
            ``ghost`` with ``renorm``.
    """
    defaults: Any = Variant()
    for name in _UNUSED[variant.norm]:
        default = getattr(defaults, name)
        if getattr(variant, name) != default:
            plain = dataclasses.replace(variant, **{name: default})
            raise VariantError(
                f"variant {variant.name!r} sets {name!r}, which norm={variant.norm} does not have; "
                f"expected options of Keras' {_layer_of(variant).__name__}; try {plain.name!r}"
            )
    if variant.ghost and variant.renorm:
        plain = dataclasses.replace(variant, renorm=False)
        raise VariantError(
            f"variant {variant.name!r} sets 'ghost', for statistics of a part of the batch, beside "
            f"'renorm', for steadier ones; expected one of the two; try {plain.name!r}"
        )


def normaliser(variant: Variant, call: Call, *, axis: int, name: str) -> Any:
    """A normalisation layer for the (first) output of ``call``, not built yet.

    Args:
        variant: Which normaliser, with which settings.
        call: The call whose output is to be normalised.
        axis: The axis that holds the channels.
        name: The new layer's name.
    """
    dtype = call.operation.dtype_policy if isinstance(call.operation, keras.layers.Layer) else None
    settings: dict[str, Any] = {
        "axis": axis,
        "epsilon": variant.epsilon,
        "name": name,
        "dtype": dtype,
    }
    if variant.norm != "rms":
        settings |= {"center": variant.center, "scale": variant.scale}
    if variant.norm == "group":
        settings["groups"] = group_count(call.outputs[0].shape, axis)
    if variant.norm == "batch":
        settings |= {"momentum": variant.momentum, "renorm": bool(variant.renorm)}
    if variant.ghost:
        settings["virtual_batch_size"] = variant.ghost
    if _opens(variant):
        settings["renorm_schedule"] = tuple(int(variant.renorm) * part for part in _SCHEDULE)
    return _layer_of(variant)(**settings)


def _opens(variant: Variant) -> bool:
    """Whether the clips of its renormalisation open as training goes on."""
    return bool(variant.renorm) and not isinstance(variant.renorm, bool)


def _layer_of(variant: Variant) -> Any:
    if variant.ghost or _opens(variant):
        return layers.BatchNormalization
    return {
        "batch": keras.layers.BatchNormalization,
        "layer": keras.layers.LayerNormalization,
        "group": keras.layers.GroupNormalization,
        "rms": keras.layers.RMSNormalization,
    }.get(variant.norm, keras.layers.Normalization)


def group_count(shape: tuple[int | None, ...], axis: int) -> int:
    """The most groups, at most 32, that divide the channels evenly and have something to normalise.

    A channel of a picture has its places to normalise over; without these, as behind a dense layer,
    a group of one channel would be 0 whatever it was, and one of 16 is what Wu & He (2018) propose
    where groups are not counted but sized.

    Args:
        shape: Of what is normalised, the batch first.
        axis: The axis that holds the channels.

    >>> group_count((None, 8, 8, 64), -1), group_count((None, 8, 8, 48), -1)
    (32, 24)
    >>> group_count((None, 64), -1), group_count((None, 10), -1)
    (4, 1)
    """
    others = [size for place, size in enumerate(shape) if place not in (0, axis % len(shape))]
    has_places = any(size != 1 for size in others)
    channels = shape[axis] or 1
    most = min(_MOST_GROUPS, channels if has_places else channels // _SIZED)
    return next((n for n in range(most, 0, -1) if channels % n == 0), 1)
