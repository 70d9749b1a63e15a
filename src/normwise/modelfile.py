"""Models as files: loaded without running what they might bring along, written whole or not."""

from __future__ import annotations

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
# The member of the archive that says which classes it needs.
CONFIG = "config.json"
# Bytes; that of a thousand layers takes one million.
LARGEST_CONFIG = 2**26
TRUST = "add --unsafe if you trust whoever made it"


def load_model(path: str | Path, *, unsafe: bool = False, otherwise: str = TRUST) -> keras.Model:
    """The model in a ``.keras`` file.

    Keras imports whatever module a file names. Here a file that needs more than Keras, and what
    is registered with Keras already, is refused before anything of it is run.

    Args:
        path: The file.
        unsafe: Load it all the same: ``Lambda`` layers and custom classes run code.
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
        code = [] if unsafe else _code_in(path)
        if not code:
            return _loaded(path, unsafe=unsafe)
    except Exception as error:
        raise ModelError(
            f"cannot load {str(path)!r} ({in_words(error)}); expected a model saved by Keras 3; "
            f"save it again with model.save('NAME{SUFFIX}')"
        ) from error
    raise ModelError(
        f"{str(path)!r} holds code that loading it would run: {listed(code)}; expected layers of "
        f"Keras alone; {otherwise}"
    )


def _loaded(path: str | Path, *, unsafe: bool) -> keras.Model:
    here = str(Path.cwd())
    if unsafe and here not in sys.path:
        # As `python -m` does: the user's own modules are beside the user.
        sys.path.insert(0, here)
    with warnings.catch_warnings():
        # What momenta an optimiser had is of no interest to any of us.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        return keras.saving.load_model(path, safe_mode=not unsafe)


def _code_in(path: str | Path) -> list[str]:
    """What the file needs beyond Keras, each once, in words."""
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(CONFIG).file_size
        if size > LARGEST_CONFIG:
            raise ValueError(f"{CONFIG} would unpack to {size:,} bytes")
        config = json.loads(archive.read(CONFIG))
    return list(dict.fromkeys(_code_of(config)))


def _code_of(config: Any) -> Iterator[str]:
    if isinstance(config, list):
        for item in config:
            yield from _code_of(item)
    if not isinstance(config, dict):
        return
    kind = config.get("class_name")
    if isinstance(kind, str) and not _is_known(kind, config):
        yield _in_words(kind, config)
    for value in config.values():
        yield from _code_of(value)


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


def _in_words(kind: str, config: dict[str, Any]) -> str:
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
    both = path.exists() and source.exists()
    if path.resolve() == source.resolve() or (both and path.samefile(source)):
        raise StoreError(
            f"output {str(path)!r} is the model itself, which is never written over; expected "
            f"another file; try -o {path.with_name(f'{path.stem}-new{SUFFIX}')}"
        )
