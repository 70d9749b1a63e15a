"""In which mode ``model(x)`` runs each call of a model: inference, unless something asks otherwise.

Keras keeps what a call asks for as ``training``: every call after it, in the order they run, that
asks for nothing itself runs in that mode, too, whether or not it is fed by the first one.
``model.predict``, ``evaluate`` and ``fit`` say the mode to each call, and override all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from normwise.keras_private import calls_in_order
from normwise.models.graph import Call, functional_of, has_graph
from normwise.models.kinds import unwrapped

__all__ = ["Mode", "modes_of"]


@dataclass(frozen=True, slots=True)
class Mode:
    """The mode of a call in ``model(x)``.

    Attributes:
        is_training: Whether it is training mode.
        decided_by: The call that asked for it: this one, one that ran before, or that of a model
            around it. ``None`` where nothing did.
    """

    is_training: bool = False
    decided_by: Any = None


def modes_of(model: Any) -> dict[Call, Mode]:
    """The mode of each call of a model with a graph, and of those nested in it.

    Of a nested model that is called more than once, training mode where one of its calls is in it.

    Args:
        model: A built ``Sequential`` or functional model.

    >>> x, drop = keras.Input((2,)), keras.layers.Dropout(0.5, name="drop")
    >>> model = keras.Model(x, keras.layers.BatchNormalization(name="norm")(drop(x, training=True)))
    >>> modes = modes_of(model)
    >>> [(call.operation.name, modes[call].decided_by.operation.name) for call in modes]
    [('drop', 'drop'), ('norm', 'drop')]
    """
    found: dict[Call, Mode] = {}
    _note_modes(model, Mode(), found)
    return found


def _note_modes(model: Any, mode: Mode, found: dict[Call, Mode]) -> Mode:
    """Note the mode of each call inside a model; returns the mode of what runs after it."""
    told = mode.decided_by is not None  # the model then passes its mode to each of its calls
    for call in calls_in_order(functional_of(model)):
        layer = call.operation
        if call.is_input or not isinstance(layer, keras.layers.Layer):
            continue
        mode = mode if told else _mode_of(call, mode)
        if has_graph(unwrapped(layer)):
            mode = _note_modes(unwrapped(layer), mode, found)
        elif call not in found or mode.is_training:
            found[call] = mode
    return mode


def _mode_of(call: Call, before: Mode) -> Mode:
    """The mode of a call without one from outside: its own ``training``, else the one before."""
    # Keras notes it with the call: what the user passed, or else the signature's default.
    asked = call.arguments.kwargs.get("training")
    return before if asked is None else Mode(bool(asked), call)
