"""Names of layers that are the same whenever a model is built.

Keras numbers the layers that no one named, from the beginning of the process.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

__all__ = ["stable_names"]


def stable_names(layers: Iterable[Any]) -> dict[str, str]:
    """The name of each layer to one that is the same in every process.

    Those that Keras numbered are numbered anew, also where they begin another layer's name, as
    that of the normalisation placed behind it.

    >>> import keras
    >>> stable_names([keras.layers.Dense(1, name="dense_7"), keras.layers.ReLU(name="dense_7_x")])
    {'dense_7': 'dense', 'dense_7_x': 'dense_x'}
    """
    names = [layer.name for layer in layers]
    known: Counter[str] = Counter()
    numbered: dict[str, str] = {}
    for layer in layers:
        kind = _kind(layer)
        if re.fullmatch(rf"{kind}(_\d+)?", layer.name) and layer.name not in numbered:
            count = known[kind]
            known[kind] += 1
            numbered[layer.name] = f"{kind}_{count}" if count else kind
    return {name: _renamed(name, numbered) for name in names}


def _renamed(name: str, numbered: dict[str, str]) -> str:
    begins = [own for own in numbered if name == own or name.startswith(f"{own}_")]
    longest = max(begins, key=len, default="")
    return f"{numbered[longest]}{name[len(longest) :]}" if longest else name


def _kind(layer: Any) -> str:
    """What Keras calls a layer of this class that no one named."""
    name = re.sub(r"\W+|^_+", "", type(layer).__name__)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
