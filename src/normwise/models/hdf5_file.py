"""Model files of Keras' older format, HDF5, as Keras' own loader reads them.

What older releases of Keras wrote otherwise is translated in the configuration before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from normwise.errors import ModelError
from normwise.models.keras2_config import class_of_keras, translated, translated_training

__all__ = ["HDF5", "change_config", "is_class_of_keras", "read_config", "steps_in"]

HDF5 = (".h5", ".hdf5")
_MODEL, _TRAINING, _OPTIMIZER = "model_config", "training_config", "optimizer_weights"
_OTHERS = {"Functional", "Policy", "TensorShape"}  # known to its loader all the same
# What TensorFlow's Keras 2 made of an operation between layers.
_OPERATIONS = {"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"}


def read_config(path: str | Path, compiled: str, largest: int) -> Any:
    """The configuration of a model, as that of a ``.keras`` file is written.

    Args:
        path: The file.
        compiled: The key for what the model was compiled with.
        largest: Bytes that it may have.

    Raises:
        ModelError: The file holds no configuration, but weights alone; or operations of TensorFlow.
        OSError: It is no HDF5 file.
        ValueError: The configuration is too large, or is none.
    """
    with h5py.File(path) as file:
        texts = {name: file.attrs[name] for name in (_MODEL, _TRAINING) if name in file.attrs}
    if _MODEL not in texts:
        raise ModelError(
            f"{str(path)!r} holds weights alone and no model; expected a model saved with "
            f"model.save('NAME.keras'); build the model as it was, then "
            f"model.load_weights({str(path)!r}) and model.save('NAME.keras')"
        )
    if sum(map(len, texts.values())) > largest:
        raise ValueError(f"its configuration has more than {largest:,} bytes")
    config = json.loads(texts[_MODEL])
    if not isinstance(config, dict):
        raise ValueError("its configuration is none of a model")  # noqa: TRY004 (not a mistake in types)
    _refuse_operations(path, config)
    config = translated(config)
    if _TRAINING in texts:
        config[compiled] = translated_training(json.loads(texts[_TRAINING]))
    return config


def change_config(old: str | Path, new: Path, config: Mapping[str, Any], compiled: str) -> None:
    """Copy a file, with another configuration than it has, and without its optimiser's momenta.

    Keras' loader would build an optimiser for them that knows no weights.
    """
    shutil.copyfile(old, new)
    new.chmod(0o600)
    with h5py.File(new, "r+") as file:
        file.attrs[_MODEL] = json.dumps({k: v for k, v in config.items() if k != compiled})
        if compiled in config:
            file.attrs[_TRAINING] = json.dumps(config[compiled])
        else:
            file.attrs.pop(_TRAINING, None)
        file.pop(_OPTIMIZER, None)


def steps_in(path: str | Path) -> int:
    """For how many steps the file says that its model was trained; 0 where it says nothing."""
    found: list[int] = []

    def look(name: str, part: Any) -> None:
        last = name.rpartition("/")[2].partition(":")[0]
        if last in ("iteration", "iterations", "iter") and getattr(part, "shape", None) == ():
            found.append(int(part[()]))

    with h5py.File(path) as file:
        if _OPTIMIZER in file:
            file[_OPTIMIZER].visititems(look)
    return max(found, default=0)


def is_class_of_keras(name: str) -> bool:
    """Whether Keras has a class of this name, where a file does not say from which module.

    >>> is_class_of_keras("Dense"), is_class_of_keras("MyLayer")
    (True, False)
    """
    return name in _OTHERS or class_of_keras(name) is not None


def _refuse_operations(path: str | Path, config: Any) -> None:
    for part in _parts(config):
        if part.get("class_name") in _OPERATIONS:
            name = part.get("config", {}).get("function") or part.get("name")
            raise ModelError(
                f"{str(path)!r} holds an operation of TensorFlow ({name}), which Keras 3 cannot "
                f"load; expected layers of Keras alone; where it was made, write it as a layer of "
                f"Keras, such as Add, Rescaling or Reshape, and save it with "
                f"model.save('NAME.keras')"
            )


def _parts(config: Any) -> list[dict[str, Any]]:
    if isinstance(config, list):
        return [part for item in config for part in _parts(item)]
    if isinstance(config, dict):
        return [config, *(part for item in config.values() for part in _parts(item))]
    return []
