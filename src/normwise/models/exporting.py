"""A model as an ONNX file, and whether that predicts the same."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.errors import ModelError, UsageError, in_words
from normwise.files import replacing
from normwise.models.certificate import largest_difference, tolerance_of

__all__ = ["export_onnx", "require_onnx"]


def require_onnx() -> None:
    """Refuse to go on where Keras cannot export.

    Raises:
        UsageError: The packages of the extra ``onnx`` are not installed.
    """
    missing = [name for name in ("jax2onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"an ONNX file was asked for, and {' and '.join(missing)} cannot be imported; expected "
            f"what Keras exports with; try pip install 'normwise[onnx]'"
        )


def export_onnx(model: Any, path: Path, inputs: Any) -> float:
    """Write a model as ONNX, with Keras' own export, and predict with what was written.

    Args:
        model: A built Keras model on the JAX backend; float32.
        path: The file to write, whole or not at all.
        inputs: What to predict, as the model takes it.

    Returns:
        Largest difference of an output, over the largest value of that output; of ONNX Runtime
        and Keras.

    Raises:
        UsageError: The packages of the extra ``onnx`` are not installed.
        ModelError: A layer of the model cannot be exported, or is exported wrongly.
        StoreError: The file cannot be written.
    """
    require_onnx()
    # Keras exports no model that was never called; `predict` does not count.
    wanted = keras.tree.map_structure(np.asarray, model(inputs, training=False))
    with replacing(path) as beside:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages that this one does not use itself
                model.export(beside, format="onnx", verbose=False)
        except (ValueError, TypeError, NotImplementedError, RuntimeError) as error:
            raise ModelError(
                f"model {model.name!r} cannot be exported to ONNX ({in_words(error)}); expected "
                f"layers that jax2onnx knows; leave --onnx out"
            ) from error
        difference = largest_difference(wanted, _run(beside, model, inputs))
        tolerance = tolerance_of(model)
        if difference > tolerance:
            raise ModelError(
                f"the ONNX file of model {model.name!r} predicts otherwise: ONNX Runtime differs "
                f"by {difference:.2g} of the largest value, and rounding explains {tolerance:.2g}; "
                f"expected the same, so nothing was written; leave --onnx out: a layer is exported "
                f"wrongly"
            )
        return difference


def _run(path: Path, model: Any, inputs: Any) -> Any:
    """What ONNX Runtime predicts with a file of the model."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    # Keras casts what it is given; ONNX Runtime refuses it.
    dtypes = [one.dtype for one in keras.tree.flatten(model.inputs)]
    parts = keras.tree.flatten(inputs)
    given = [np.asarray(part, dtype) for part, dtype in zip(parts, dtypes, strict=True)]
    return session.run(None, dict(zip(names, given, strict=True)))
