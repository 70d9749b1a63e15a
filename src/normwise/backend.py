"""Make sure that Keras runs on JAX, before anything imports it."""

from __future__ import annotations

import os
import sys

from normwise.errors import BackendError

__all__ = ["require_jax"]


def require_jax() -> None:
    """Choose the JAX backend, or say that another one was chosen first.

    Raises:
        BackendError: Keras is already loaded with another backend.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        os.environ["KERAS_BACKEND"] = "jax"
        return
    loaded = keras.config.backend()
    if loaded != "jax":
        raise BackendError(
            f"Keras is already loaded with the {loaded!r} backend; expected 'jax', which the "
            f"engine compiles with; set KERAS_BACKEND=jax in the environment, or import normwise "
            f"and build the study before importing keras"
        )
