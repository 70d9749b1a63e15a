"""Make sure that Keras runs on JAX, before anything imports it."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from normwise.errors import BackendError, in_words

__all__ = [
    "choose_jax",
    "import_keras_alone",
    "keras_home",
    "quieten_compiler",
    "require_jax",
    "require_keras",
]

log = logging.getLogger("normwise")

# What Keras 3.15 imports if it can, and does without if it cannot.
TAKEN_ALONG = ("IPython", "pandas", "requests", "sklearn")

# What Keras writes into its folder when it is first imported and nobody chose anything.
KERAS_OWN = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}


def quieten_compiler() -> None:
    """Keep XLA's reports of slow compilation off the terminal, before anything imports JAX.

    They are written at the level of errors, a screen each: that a program took two minutes, that
    Keras' padded average pooling, which counts its windows, was computed in advance. What is an
    error reaches Python as an exception, which is said, and what ends the process is still written.
    A level that the user chose stays: ``TF_CPP_MIN_LOG_LEVEL=0`` shows everything.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def choose_jax() -> None:
    """Choose JAX where nobody chose a backend; say so where another one is loaded already.

    Keras' own default is TensorFlow, which need not be installed. What the user chose, by the
    variable ``KERAS_BACKEND`` or in ``keras.json``, stays. Nothing is imported.
    """
    loaded = _loaded()
    if loaded is None:
        if not _is_chosen():
            os.environ["KERAS_BACKEND"] = "jax"
    elif loaded != "jax":
        log.warning(
            "Keras is already loaded with the %r backend, on which studies and checks do not run; "
            "expected 'jax'; %s",
            loaded,
            _what_to_type(),
        )


def require_jax() -> None:
    """Choose the JAX backend, or say that another one was chosen first.

    Raises:
        BackendError: Keras is already loaded with another backend.
    """
    loaded = _loaded()
    if loaded is None:
        chosen = os.environ.get("KERAS_BACKEND") or "jax"
        if chosen != "jax":
            log.warning("KERAS_BACKEND is %r; studies and checks run on 'jax', as here", chosen)
        os.environ["KERAS_BACKEND"] = "jax"
    elif loaded != "jax":
        raise BackendError(
            f"Keras is already loaded with the {loaded!r} backend; expected 'jax', which the "
            f"engine compiles with; {_what_to_type()}"
        )


def import_keras_alone() -> None:
    """Import Keras, on JAX, without other packages that it takes along where they are installed.

    These are for data frames that are handed to ``fit``, for scikit-learn's interface, for a
    callback that reports to a server and for notebooks; to import them takes longer than Keras
    itself. Whoever imports one of them afterwards gets it, but not so Keras: only for a command
    that runs no code of the user's. Where Keras is imported already, it stays as it is.

    Raises:
        BackendError: Keras is already loaded with another backend.
    """
    require_jax()
    modules: dict[str, Any] = sys.modules
    absent = [name for name in TAKEN_ALONG if name not in modules]
    modules.update(dict.fromkeys(absent))  # what is ``None`` counts as not installed
    try:
        importlib.import_module("keras")
    finally:
        for name in absent:
            del modules[name]


def require_keras() -> None:
    """Import Keras on whichever backend was chosen, or say that there is none of that name.

    Raises:
        BackendError: It is not installed, or Keras does not know it.
    """
    if _loaded() is not None:
        return
    try:
        importlib.import_module("keras")
    except (ImportError, ValueError) as error:
        chosen = os.environ.get("KERAS_BACKEND") or "of keras.json"
        raise BackendError(
            f"Keras cannot run on the backend {chosen!r} ({in_words(error)}); expected 'jax', or "
            f"another one that is installed; {_what_to_type()}"
        ) from error


def keras_home() -> Path:
    """The folder of Keras' settings and data sets."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _loaded() -> str | None:
    """The backend that Keras runs on, or ``None`` while Keras is not loaded."""
    keras = sys.modules.get("keras")
    return None if keras is None else str(keras.config.backend())


def _what_to_type() -> str:
    variable = "set KERAS_BACKEND=jax in the environment"
    if _is_chosen():
        return f"{variable} and start Python anew"
    return f"start Python anew with 'import normwise' before 'import keras', or {variable}"


def _is_chosen() -> bool:
    """Whether the user chose a backend: in the environment, or in a ``keras.json`` of theirs."""
    if os.environ.get("KERAS_BACKEND"):
        return True
    try:
        settings = json.loads((keras_home() / "keras.json").read_text("utf-8"))
    except (OSError, ValueError, RuntimeError):  # none, or none that Keras reads, or no home
        return False
    return isinstance(settings, dict) and "backend" in settings and settings != KERAS_OWN
