"""Models as files: loaded without running what they might bring along, written whole or not."""

from __future__ import annotations

import importlib
import json
import logging
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from normwise import layers
from normwise.domain import kind_of
from normwise.errors import ModelError, StoreError, in_words, listed
from normwise.files import is_file, replacing
from normwise.models.file_kinds import SUFFIX, refuse_other_kinds
from normwise.models.hdf5_file import HDF5, change_config, is_class_of_keras, read_config, steps_in

__all__ = ["check_output", "load_model", "modules_needed", "save_model"]

log = logging.getLogger("normwise")

KINDS = {SUFFIX: "a Keras file", ".onnx": "an ONNX file"}
# The member of the archive that says which classes it needs.
CONFIG = "config.json"
# The one that says what wrote it.
METADATA = "metadata.json"
# What a model was compiled with, in its configuration.
COMPILED = "compile_config"
# Where Keras finds functions of its own by their names alone.
FUNCTIONS = ("activations", "initializers", "losses", "metrics", "regularizers", "constraints")
_LAMBDAS = ("Lambda", "__lambda__")
# Bytes; that of a thousand layers takes one million.
LARGEST_CONFIG = 2**26
TRUST = "add --unsafe if you trust whoever made it"


def load_model(
    path: str | Path, *, unsafe: bool = False, compiled: bool = False, otherwise: str = TRUST
) -> keras.Model:
    """The model in a ``.keras`` file, or in an HDF5 file of Keras' older format.

    A file that needs more than Keras, and what is registered with Keras already, is refused
    before anything of it is made. Where only its loss, metrics or optimiser do, the model is
    loaded uncompiled, and a warning says so. A ``BatchNormalization(synchronized=True)``, which
    Keras can make on TensorFlow alone, becomes ours, with a warning as well.

    Args:
        path: The file.
        unsafe: Load it all the same: run its ``Lambda`` layers, and import the modules that it
            names, from the current folder, too.
        compiled: Whether the model is of no use without its loss, metrics and optimiser, if it
            has them.
        otherwise: What to do about a file that is refused, for the message.

    Raises:
        ModelError: There is no such file, or it is no model, or holds code of its own.
    """
    refuse_other_kinds(path)
    if not is_file(path):
        raise ModelError(
            f"there is no file {str(path)!r}; expected a model saved with "
            f"model.save('NAME.keras'); check the path from {str(Path.cwd())!r}"
        )
    if kind_of(str(path)):
        raise ModelError(
            f"{str(path)!r} is a file of data; expected a model saved with "
            f"model.save('NAME{SUFFIX}'); try MODEL{SUFFIX} --data {path}"
        )
    try:
        config = _config_in(path)
        plain = _uncompiled(config)
        code = list(_foreign(config if compiled else plain))
        if unsafe or not code:
            return _loaded(path, config, plain, unsafe=unsafe, compiled=compiled)
    except ModelError:
        raise
    except Exception as error:
        _refuse_of_keras_2(path)
        raise ModelError(
            f"cannot load {str(path)!r} ({in_words(error)}); expected a model saved by Keras 3; "
            f"save it again with model.save('NAME{SUFFIX}')"
        ) from error
    _refuse_of_keras_2(path)
    raise ModelError(
        f"{str(path)!r} holds code that loading it would run: {_listed(code)}; expected layers of "
        f"Keras alone; {otherwise}"
    )


def _refuse_of_keras_2(path: str | Path) -> None:
    """Say so where a file that does not load was written by Keras 2."""
    try:
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read(METADATA))["keras_version"])
    except Exception:  # noqa: BLE001 (a damaged file, or an HDF5 one, says none)
        return
    if version.startswith("2."):
        raise ModelError(
            f"{str(path)!r} was written by Keras {version}, whose {SUFFIX} files Keras 3 does not "
            f"load; expected one of Keras 3; where it was made, save it with "
            f"model.save('NAME.h5'), which is read here"
        )


def _loaded(
    path: str | Path, config: Any, plain: Any, *, unsafe: bool, compiled: bool
) -> keras.Model:
    """The model, compiled if that is possible or needed."""
    code = list(_foreign(config))
    why = _listed(code)
    # Of a function the file says nothing but its name, so there is nothing to import it from.
    remedy = "" if all(part["class_name"] == "function" for part in code) else f" ({TRUST})"
    if unsafe or not code:
        try:
            return _read(path, config)
        except Exception as error:
            if compiled or config == plain:
                raise
            why, remedy = in_words(error), ""
    model = _read(path, plain)
    log.warning(
        "%r was loaded without its loss, metrics and optimiser, which need more than Keras: %s%s",
        str(path),
        why,
        remedy,
    )
    return model


def _read(path: str | Path, config: Any) -> keras.Model:
    """The model in a file, of another configuration than the file's perhaps."""
    names: list[str] = []
    wanted = _synchronised_ours(config, names)
    if names:
        log.warning(
            "%s of %r has synchronized=True, which Keras' layer takes on TensorFlow alone: "
            "normwise.layers.BatchNormalization stands in its place",
            listed(list(map(repr, names))),
            str(path),
        )
    code = list(_foreign(wanted))
    with _with_config(path, wanted) as file, warnings.catch_warnings():
        # What momenta an optimiser had is of no interest to any of us.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        compiled = not _is_hdf5(path) or COMPILED in wanted
        with _quiet_absl():
            model = keras.saving.load_model(
                file, custom_objects=_imported(code), compile=compiled, safe_mode=not code
            )
    if _is_hdf5(path) and model.compiled:
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(steps_in(path))
    return model


def _is_hdf5(path: str | Path) -> bool:
    return Path(path).suffix.lower() in HDF5


@contextmanager
def _quiet_absl() -> Iterator[None]:
    """Without Keras' remarks on the older format: what matters of them is said by us."""
    remarks = logging.getLogger("absl")
    before, remarks.disabled = remarks.disabled, True
    try:
        yield
    finally:
        remarks.disabled = before


@contextmanager
def _with_config(path: str | Path, config: Any) -> Iterator[str]:
    """The path of a file with this configuration: the file itself if it has it already."""
    if not _is_hdf5(path) and config == _config_in(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        if _is_hdf5(path):
            changed = Path(folder, f"model{HDF5[0]}")
            change_config(path, changed, config, COMPILED)
            yield str(changed)
            return
        changed = Path(folder, f"model{SUFFIX}")
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
            for member in old.infolist():
                if member.filename != CONFIG:
                    with old.open(member) as source, new.open(member, "w") as target:
                        shutil.copyfileobj(source, target)
            new.writestr(CONFIG, json.dumps(config))
        yield str(changed)


def _uncompiled(config: Any) -> Any:
    """A configuration without what models were compiled with, nested ones neither."""
    if isinstance(config, list):
        return [_uncompiled(item) for item in config]
    if isinstance(config, dict):
        return {key: _uncompiled(item) for key, item in config.items() if key != COMPILED}
    return config


def _synchronised_ours(config: Any, names: list[str]) -> Any:
    """A configuration in which our layer stands for Keras' synchronised one; adds their names."""
    if keras.backend.backend() == "tensorflow":
        return config
    if isinstance(config, list):
        return [_synchronised_ours(item, names) for item in config]
    if not isinstance(config, dict):
        return config
    options = config.get("config")
    changed = {key: _synchronised_ours(item, names) for key, item in config.items()}
    of_keras = config.get("module", "keras.layers") == "keras.layers"
    if config.get("class_name") != "BatchNormalization" or not of_keras:
        return changed
    if isinstance(options, dict) and options.get("synchronized"):
        names.append(str(options.get("name")))
        registered = keras.saving.get_registered_name(layers.BatchNormalization)
        if "module" not in config:  # as the older format writes all layers
            return changed | {"class_name": registered}
        changed["registered_name"] = registered
        changed["module"] = layers.BatchNormalization.__module__
    return changed


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


def _config_in(path: str | Path) -> Any:
    """A file's configuration, parsed."""
    if _is_hdf5(path):
        return read_config(path, COMPILED, LARGEST_CONFIG)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(CONFIG).file_size
        if size > LARGEST_CONFIG:
            raise ValueError(f"{CONFIG} would unpack to {size:,} bytes")
        return json.loads(archive.read(CONFIG))


def _foreign(config: Any) -> Iterator[dict[str, Any]]:
    """The parts of a configuration that need more than Keras."""
    return (part for part in _parts(config) if not _is_known(part))


def _is_known(part: dict[str, Any]) -> bool:
    kind, module = part["class_name"], part.get("module")
    if _registered(part) is not None:
        return True
    if kind in _LAMBDAS:
        return False
    if kind == "function" and module == "builtins":
        return any(hasattr(getattr(keras, name), str(part.get("config"))) for name in FUNCTIONS)
    if module is None and is_class_of_keras(kind):  # as the older format writes all of them
        return True
    own = str(module).split(".")[0] == "keras"
    # Keras writes tuples, slices and the like with a class name of this kind, and no module.
    return own or (kind.startswith("__") and module is None)


def modules_needed(path: str | Path) -> dict[str, str | None]:
    """The user's own code that a file names, each part in words, and the module that defines it.

    Args:
        path: A ``.keras`` file.

    Returns:
        Module names; ``None`` where the file says none, since a script or notebook defines it, and
        ``""`` of functions, of which it says nothing but the name.
    """
    config = _config_in(path)
    foreign = [part for part in _foreign(config) if part["class_name"] not in _LAMBDAS]
    needed = {
        _in_words(part): "" if part["class_name"] == "function" else part.get("module")
        for part in foreign
    }
    return needed | {
        _in_words(part): found.__module__
        for part in _parts(config)
        if (found := _registered(part)) is not None
        and found.__module__.split(".")[0] not in ("keras", "normwise")
    }


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """All objects in a configuration."""
    if isinstance(config, list):
        for item in config:
            yield from _parts(item)
    elif isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config
        for value in config.values():
            yield from _parts(value)


def _registered(part: dict[str, Any]) -> Any:
    """What stands in Keras' register for a part of a configuration."""
    kind = part["class_name"]
    name = part.get("config") if kind == "function" else part.get("registered_name") or kind
    return keras.saving.get_registered_object(name) if isinstance(name, str) else None


def _listed(code: list[dict[str, Any]]) -> str:
    return listed(list(dict.fromkeys(map(_in_words, code))))


def _in_words(config: dict[str, Any]) -> str:
    kind = config["class_name"]
    if kind in _LAMBDAS:
        return "a Lambda"
    if kind == "function":
        return f"the function {config.get('config')!r}"
    place = f" of the module {config['module']!r}" if config.get("module") else ""
    return f"the class {kind!r}{place}"


def save_model(model: Any, path: Path) -> None:
    """Write a model, beside and then in its place.

    It is a ``.keras`` file, whatever it was read from. Where what it was compiled with cannot be
    saved, it is written uncompiled, which is said.

    Raises:
        StoreError: It cannot be written.
    """
    compiled = model.compiled
    try:
        model.get_compile_config()
    except (NotImplementedError, TypeError, ValueError) as error:
        log.warning(
            "%s is written uncompiled: what the model was compiled with cannot be saved (%s). "
            "Compile it anew to train it on.",
            path.name,
            in_words(error),
        )
        model.compiled = False  # which is all that Keras asks
    try:
        with replacing(path) as beside:
            model.save(beside)
    finally:
        model.compiled = compiled


def check_output(path: Path, source: Path, suffix: str = SUFFIX, option: str = "-o") -> None:
    """Refuse to write over the model that was read, or where nothing can be, before any work.

    Raises:
        StoreError: ``path`` is the source or a folder, lies below a file, or has another suffix
            than ``suffix``.

    >>> check_output(Path("new.keras"), Path("old.keras"))
    """
    if path.suffix != suffix:
        read = f", whatever was read ({source.name})" if source.suffix == path.suffix else ""
        raise StoreError(
            f"output {str(path)!r} does not end in {suffix}; expected {KINDS[suffix]}{read}; "
            f"try {option} {path.parent / (path.stem or 'new')}{suffix}"
        )
    both = path.exists() and source.exists()
    if path.resolve() == source.resolve() or (both and path.samefile(source)):
        raise StoreError(
            f"output {str(path)!r} is the model itself, which is never written over; expected "
            f"another file; try -o {path.with_name(f'{path.stem}-new{SUFFIX}')}"
        )
    if _is_hdf5(source) and suffix == SUFFIX:
        log.warning("%s is of Keras' older format; %s is a %s file", source.name, path.name, suffix)
    nearest = next(parent for parent in path.parents if parent.exists())
    if path.is_dir() or not nearest.is_dir():
        raise StoreError(
            f"cannot write {str(path)!r} ({'it' if path.is_dir() else repr(str(nearest))} is no "
            f"{'file' if path.is_dir() else 'folder'}); expected a new file, or one to replace; "
            f"try {option} {path.stem}-new{suffix}"
        )
