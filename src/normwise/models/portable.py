"""A study's model as plain data, of which another process makes it again.

What a user named crosses by its name, a function by its import path, a model and a file of one as
the bytes of a ``.keras`` file. Nothing is pickled: what has no name that another process could
import, and what a file does not hold, is refused.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from normwise.errors import ModelError, UsageError, in_words
from normwise.models.file_kinds import SUFFIX, is_named_as_model
from normwise.models.io import load_model, modules_needed
from normwise.models.source import ModelLike, find_model

__all__ = ["PortableModel"]

_INSTALLED = {"site-packages", "dist-packages"}
_IN_A_FILE = "a script or notebook, which no other process can import"


@dataclass(frozen=True)
class PortableModel:
    """What a study got as its model, in a form that crosses to another process or machine.

    Attributes:
        name: A built-in model's name or ``package.module:function``; of a model as bytes, what
            messages call it.
        saved: The bytes of its ``.keras`` file, if it crosses so.
        is_own: Whether the file was written by this process, from a model that it had: then the
            classes that it names are loaded, too.
        modules: What is imported before it is loaded, since its layers are registered there.
    """

    name: str
    saved: bytes | None = None
    is_own: bool = False
    modules: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: ModelLike) -> PortableModel:
        """The model that a study got.

        Raises:
            ModelError: It cannot cross; says what of it cannot, and what to give instead.

        >>> PortableModel.of("circles").name
        'circles'
        >>> from normwise.studies.models.dense import circles
        >>> PortableModel.of(circles).name
        'normwise.studies.models.dense:circles'
        """
        if isinstance(model, str):
            if model.endswith(SUFFIX):
                return _of_file(Path(model))
            if not is_named_as_model(model):
                return cls(model)
            model = find_model(model)  # of an older format: it crosses as a file of today's
        return _of_model(model) if isinstance(model, keras.Model) else cls(_import_path(model))

    @property
    def sources(self) -> list[str]:
        """Files and folders of the user's own modules that it needs, beside what is installed.

        >>> PortableModel("circles").sources, PortableModel("keras.layers:Dense").sources
        ([], [])
        """
        named = [] if self.saved is not None or ":" not in self.name else [self.name]
        tops = {re.split(r"[.:]", module)[0] for module in (*self.modules, *named)}
        found = [spec for top in sorted(tops) if (spec := importlib.util.find_spec(top))]
        places = [next(iter(one.submodule_search_locations or []), one.origin) for one in found]
        return [place for place in places if place and not _INSTALLED & set(Path(place).parts)]

    def open(self) -> ModelLike:
        """What a study takes as its model.

        Raises:
            ModelError: A module that it needs is not here, or it does not load.
        """
        for module in self.modules:
            _imported(module, self.name)
        if self.saved is None:
            return self.name
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"model{SUFFIX}")
            path.write_bytes(self.saved)
            model: keras.Model = load_model(path, unsafe=self.is_own, compiled=True)
        return model


def _of_file(path: Path) -> PortableModel:
    return PortableModel(str(path), path.read_bytes(), modules=_modules(path, str(path)))


def _of_model(model: keras.Model) -> PortableModel:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{SUFFIX}")
        with _as_a_file(model.name):
            model.save(path)
        modules = _modules(path, model.name)
        with _as_a_file(model.name):
            load_model(path, unsafe=True, compiled=True)
        return PortableModel(model.name, path.read_bytes(), is_own=True, modules=modules)


@contextmanager
def _as_a_file(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ModelError(
            f"the model {name!r} cannot go to other processes ({in_words(error)}); expected one "
            f"that Keras saves as {SUFFIX} and loads again; try the function that builds it, in a "
            f"module of its own"
        ) from error


def _modules(path: Path, name: str) -> tuple[str, ...]:
    """Of the user's code that a file needs."""
    needed = modules_needed(path)
    for what, module in needed.items():
        why, instead = "", ""
        if module == "":
            why = "a file says nothing but its name, and it is not registered"
            instead = "decorate it with @keras.saving.register_keras_serializable()"
        elif module in (None, "__main__"):
            why = f"it is defined in {_IN_A_FILE}"
            instead = "move it into a file of its own, mylayers.py, and import it from there"
        if why:
            raise ModelError(
                f"the model {name!r} cannot go to other processes: it needs {what}, and {why}; "
                f"expected code that can be imported by its name; {instead}"
            )
    return tuple(sorted(set(filter(None, needed.values()))))


def _import_path(function: Callable[..., Any]) -> str:
    """``package.module:function``, if importing that gives this very function."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if module == "__main__":
        raise _cannot_cross(name, f"it is defined in {_IN_A_FILE}")
    try:
        found = find_model(f"{module}:{name}")
    except UsageError as error:
        raise _cannot_cross(name, str(error).split("; expected", maxsplit=1)[0]) from error
    if found is not function:
        raise _cannot_cross(name, f"{module}:{name} is another one")
    return f"{module}:{name}"


def _cannot_cross(name: str, why: str) -> ModelError:
    return ModelError(
        f"the model's function {name!r} cannot go to other processes: {why}; expected a function "
        f"that they can import by its name; define it in a module, mymodels.py, at its top level, "
        f"or give the model that it returns"
    )


def _imported(module: str, name: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:
        raise ModelError(
            f"cannot import {module!r}, which holds layers of the model {name!r} "
            f"({in_words(error)}); expected the module on every machine; install it there"
        ) from error
