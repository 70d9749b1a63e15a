"""Models as files: loaded without running what they might bring along, written whole or not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras

from normwise.errors import ModelError, StoreError, in_words
from normwise.files import is_file, replacing

__all__ = ["check_output", "load_model", "save_model"]

SUFFIX = ".keras"


def load_model(path: str | Path) -> keras.Model:
    """The model in a ``.keras`` file, in Keras' safe mode.

    Raises:
        ModelError: There is no such file, or it is no model that loads without custom code.
    """
    if not is_file(path):
        raise ModelError(
            f"there is no file {str(path)!r}; expected a model saved with "
            f"model.save('NAME.keras'); check the path from {str(Path.cwd())!r}"
        )
    try:
        with warnings.catch_warnings():
            # What momenta an optimiser had is of no interest to any of us.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            return keras.saving.load_model(path, safe_mode=True)
    except Exception as error:
        raise ModelError(
            f"cannot load {str(path)!r} ({in_words(error)}); expected a model saved by Keras 3 "
            f"without custom code; try --model package.module:function with a function that "
            f"builds it"
        ) from error


def save_model(model: Any, path: Path) -> None:
    """Write a model, beside and then in its place.

    Raises:
        StoreError: It cannot be written.
    """
    with replacing(path) as beside:
        model.save(beside)


def check_output(path: Path, source: Path) -> None:
    """Refuse to write over the model that was read, before any work is done.

    Raises:
        StoreError: ``path`` is the source, or has another suffix than ``.keras``.

    >>> check_output(Path("new.keras"), Path("old.keras"))
    """
    if path.suffix != SUFFIX:
        raise StoreError(
            f"output {str(path)!r} does not end in {SUFFIX}; expected a Keras file; "
            f"try -o {path.with_suffix(SUFFIX)}"
        )
    if path.resolve() == source.resolve():
        raise StoreError(
            f"output {str(path)!r} is the model itself, which is never written over; expected "
            f"another file; try -o {path.with_name(f'{path.stem}-new{SUFFIX}')}"
        )
