"""The weights alone, of a model that Keras cannot save whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.errors import in_words
from normwise.files import replacing
from normwise.keras_private import every_layer, is_keras_own
from normwise.models.graph import has_graph

__all__ = ["WEIGHTS_SUFFIX", "save_weights", "why_not_saved"]

# Keras writes weights into no file of another name.
WEIGHTS_SUFFIX = ".weights.h5"
_FORGOTTEN = (
    "what loads from its file has other layers: without a get_config() of the class, Keras writes "
    "the default values of its arguments down"
)


def why_not_saved(model: Any) -> str:
    """Why Keras cannot write a model as a ``.keras`` file, in words; empty where it can.

    Of a class with a ``call`` of its own, Keras may write a file that makes another model: it is
    loaded again, and its weights are compared. What it was compiled with does not count.

    Args:
        model: Built.

    >>> why_not_saved(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    ''
    """
    if has_graph(model):
        return ""  # a study makes them from their configurations
    own = {type(part).__name__: type(part) for part in every_layer(model)}
    own = {name: kind for name, kind in own.items() if not is_keras_own(kind)}
    try:
        with tempfile.TemporaryDirectory() as folder, _uncompiled(model):
            path = Path(folder, "model.keras")
            model.save(path)
            again = keras.saving.load_model(path, own, compile=False, safe_mode=False)
    except NotImplementedError:
        return "a class of its own has no get_config()"
    except Exception as error:  # noqa: BLE001 (a user's own code raises what it pleases)
        return in_words(error)
    return "" if _have_same_weights(model, again) else _FORGOTTEN


def save_weights(model: Any, path: Path) -> None:
    """Write a model's weights, beside and then in their place.

    Args:
        model: Built.
        path: Where, a name that ends in ``.weights.h5``.

    Raises:
        StoreError: It cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(path) as beside:
        whole = Path(folder, f"model{WEIGHTS_SUFFIX}")
        model.save_weights(whole)
        shutil.copyfile(whole, beside)


@contextmanager
def _uncompiled(model: Any) -> Iterator[None]:
    compiled, model.compiled = model.compiled, False  # which is all that Keras asks
    try:
        yield
    finally:
        model.compiled = compiled


def _have_same_weights(one: Any, other: Any) -> bool:
    pairs = one.get_weights(), other.get_weights()
    return len(pairs[0]) == len(pairs[1]) and all(map(np.array_equal, *pairs))
