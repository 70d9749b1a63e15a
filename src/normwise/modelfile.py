"""Models as files: loaded without running what they might bring along, written whole or not."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from normwise import layers  # noqa: F401 (Keras knows our layer by name from here on)
from normwise.errors import ModelError, StoreError, in_words, listed
from normwise.files import is_file, replacing

__all__ = ["check_output", "load_model", "save_model"]

SUFFIX = ".keras"
KINDS = {SUFFIX: "a Keras file", ".onnx": "an ONNX file"}
# The member of the archive that says which classes it needs.
CONFIG = "config.json"
# Bytes; that of a thousand layers takes one million.
LARGEST_CONFIG = 2**26
TRUST = "add --unsafe if you trust whoever made it"


def load_model(path: str | Path, *, unsafe: bool = False, otherwise: str = TRUST) -> keras.Model:
    """The model in a ``.keras`` file.

    A file that needs more than Keras, and what is registered with Keras already, is refused
    before anything of it is made.

    Args:
        path: The file.
        unsafe: Load it all the same: run its ``Lambda`` layers, and import the modules that it
            names, from the current folder, too.
        otherwise: What to do about such a file, for the message.

    Raises:
        ModelError: There is no such file, or it is no model, or holds code of its own.
    """
    if not is_file(path):
        raise ModelError(
            f"there is no file {str(path)!r}; expected a model saved with "
            f"model.save('NAME.keras'); check the path from {str(Path.cwd())!r}"
        )
    try:
        foreign = _foreign_in(path)
        if unsafe or not foreign:
            return _loaded(path, foreign)
    except Exception as error:
        raise ModelError(
            f"cannot load {str(path)!r} ({in_words(error)}); expected a model saved by Keras 3; "
            f"save it again with model.save('NAME{SUFFIX}')"
        ) from error
    code = list(dict.fromkeys(map(_in_words, foreign)))
    raise ModelError(
        f"{str(path)!r} holds code that loading it would run: {listed(code)}; expected layers of "
        f"Keras alone; {otherwise}"
    )


def _loaded(path: str | Path, foreign: list[dict[str, Any]]) -> keras.Model:
    with warnings.catch_warnings():
        # What momenta an optimiser had is of no interest to any of us.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        return keras.saving.load_model(
            path, custom_objects=_imported(foreign), safe_mode=not foreign
        )


def _imported(foreign: list[dict[str, Any]]) -> dict[str, Any]:
    """The classes that a file names, from their modules; Keras imports no others than its own."""
    here = str(Path.cwd())
    if foreign and here not in sys.path:
        # As `python -m` does: the user's own modules are beside the user.
        sys.path.insert(0, here)
    found = {}
    for config in foreign:
        if config.get("module") not in (None, "builtins"):
            kind = config["class_name"]
            module = importlib.import_module(config["module"])
            found[config.get("registered_name") or kind] = getattr(module, kind)
    return found


def _foreign_in(path: str | Path) -> list[dict[str, Any]]:
    """The parts of a file's configuration that need more than Keras."""
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(CONFIG).file_size
        if size > LARGEST_CONFIG:
            raise ValueError(f"{CONFIG} would unpack to {size:,} bytes")
        return list(_foreign(json.loads(archive.read(CONFIG))))


def _foreign(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, list):
        for item in config:
            yield from _foreign(item)
    if not isinstance(config, dict):
        return
    kind = config.get("class_name")
    if isinstance(kind, str) and not _is_known(kind, config):
        yield config
    for value in config.values():
        yield from _foreign(value)


def _is_known(kind: str, config: dict[str, Any]) -> bool:
    module, registered = config.get("module"), config.get("registered_name")
    name = config.get("config") if kind == "function" else registered or kind
    if isinstance(name, str) and keras.saving.get_registered_object(name) is not None:
        return True
    if kind in ("Lambda", "__lambda__"):
        return False
    own = module == "keras" or str(module).startswith("keras.")
    # Keras writes tuples, slices and the like with a class name of this kind, and no module.
    return own or (kind.startswith("__") and module is None)


def _in_words(config: dict[str, Any]) -> str:
    kind = config["class_name"]
    if kind in ("Lambda", "__lambda__"):
        return "a Lambda"
    if kind == "function":
        return f"the function {config.get('config')!r}"
    place = f" of the module {config['module']!r}" if config.get("module") else ""
    return f"the class {kind!r}{place}"


def save_model(model: Any, path: Path) -> None:
    """Write a model, beside and then in its place.

    Raises:
        StoreError: It cannot be written.
    """
    with replacing(path) as beside:
        model.save(beside)


def check_output(path: Path, source: Path, suffix: str = SUFFIX, option: str = "-o") -> None:
    """Refuse to write over the model that was read, or where nothing can be, before any work.

    Raises:
        StoreError: ``path`` is the source or a folder, lies below a file, or has another suffix
            than ``suffix``.

    >>> check_output(Path("new.keras"), Path("old.keras"))
    """
    if path.suffix != suffix:
        raise StoreError(
            f"output {str(path)!r} does not end in {suffix}; expected {KINDS[suffix]}; "
            f"try {option} {path.parent / (path.stem or 'new')}{suffix}"
        )
    both = path.exists() and source.exists()
    if path.resolve() == source.resolve() or (both and path.samefile(source)):
        raise StoreError(
            f"output {str(path)!r} is the model itself, which is never written over; expected "
            f"another file; try -o {path.with_name(f'{path.stem}-new{SUFFIX}')}"
        )
    nearest = next(parent for parent in path.parents if parent.exists())
    if path.is_dir() or not nearest.is_dir():
        raise StoreError(
            f"cannot write {str(path)!r} ({'it' if path.is_dir() else repr(str(nearest))} is no "
            f"{'file' if path.is_dir() else 'folder'}); expected a new file, or one to replace; "
            f"try {option} {path.stem}-new{suffix}"
        )
