"""What a model's file is, by its name: one that is read, or one that is refused by what it is."""

from __future__ import annotations

from pathlib import Path

from normwise.errors import ModelError
from normwise.models.hdf5_file import HDF5

__all__ = ["SUFFIX", "is_named_as_model", "refuse_other_kinds"]

SUFFIX = ".keras"
_SAVE = f"model.save('NAME{SUFFIX}')"
_BUILD = f"build the model in Keras, load them into it, and {_SAVE}"
_WHERE_MADE = f"save the Keras model that it was made from, with {_SAVE}"
_WEIGHTS_OF_KERAS = f"build the model as it was, then model.load_weights(…) and {_SAVE}"
_WEIGHTS_OF_TORCH = f"a model of PyTorch has to be written in Keras: {_BUILD}"
# Ending to what it is and how to come to a model; a longer ending counts first.
_REFUSED = {
    ".weights.h5": ("holds weights alone and no model", _WEIGHTS_OF_KERAS),
    ".safetensors": ("holds weights alone and no model", _BUILD),
    ".pt": ("is a file of PyTorch", _WEIGHTS_OF_TORCH),
    ".pth": ("is a file of PyTorch", _WEIGHTS_OF_TORCH),
    ".ckpt": ("is a checkpoint, which holds weights alone", _BUILD),
    ".index": ("is a checkpoint of TensorFlow, which holds weights alone", _WEIGHTS_OF_KERAS),
    ".onnx": ("is an ONNX file, which says how to predict and not how to train", _WHERE_MADE),
    ".tflite": ("is a LiteRT file, which says how to predict and not how to train", _WHERE_MADE),
    ".pb": ("is a graph of TensorFlow, which says how to predict, not how to train", _WHERE_MADE),
    ".pkl": ("is a pickle, which runs code as it is loaded", _WHERE_MADE),
    ".pickle": ("is a pickle, which runs code as it is loaded", _WHERE_MADE),
    ".joblib": ("is a pickle, which runs code as it is loaded", _WHERE_MADE),
}
_SAVED_MODEL = "saved_model.pb"


def is_named_as_model(text: str) -> bool:
    """Whether a text names a model's file or folder, be it one that is read or not.

    >>> is_named_as_model("m.keras"), is_named_as_model("m.onnx"), is_named_as_model("m:build")
    (True, True, False)
    """
    return _ends(text, (SUFFIX, *HDF5, *_REFUSED)) or _is_saved_model(text)


def refuse_other_kinds(path: str | Path) -> None:
    """Refuse what is known to be no model that Keras 3 loads, by what it is.

    Raises:
        ModelError: It is such a file or folder.

    >>> refuse_other_kinds("model.keras")
    """
    if _is_saved_model(path):
        raise ModelError(
            f"{str(path)!r} is a SavedModel folder, which Keras 3 does not load; expected a model "
            f"saved with {_SAVE}; where TensorFlow is, "
            f"tf_keras.models.load_model({str(path)!r}).save('NAME.h5'), which is read here and "
            f"which Keras 3 saves as {SUFFIX}"
        )
    for ending, (what, instead) in _REFUSED.items():
        if _ends(path, (ending,)):
            raise ModelError(
                f"{str(path)!r} {what}; expected a model saved with {_SAVE}; {instead}"
            )


def _ends(path: str | Path, endings: tuple[str, ...]) -> bool:
    return str(path).lower().endswith(endings)


def _is_saved_model(path: str | Path) -> bool:
    try:
        return (Path(path) / _SAVED_MODEL).is_file()
    except (OSError, ValueError):
        return False  # a name that no file can have
