"""From what the user gave as a model to one Keras model a variant."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import keras

from normwise.datasets import Dataset
from normwise.errors import ModelError, UnknownNameError
from normwise.records import Variant
from normwise.rewrite import place, strip
from normwise.rewrite.graph import has_graph
from normwise.studies.models import MODELS

__all__ = ["ModelSource"]

ModelLike: TypeAlias = str | keras.Model | Callable[..., keras.Model]


class ModelSource:
    """Builds the model of each variant.

    Args:
        model: A Keras model; a function that returns one; or text: a built-in
            model's name, a ``.keras`` file, ``package.module:function``. A
            function may take ``dataset`` (a :class:`~normwise.datasets.Dataset`)
            and, to place the normalisation itself, ``norm`` (a
            :class:`~normwise.records.Variant`).
        dataset: What the study trains on.

    Raises:
        ModelError: There is no such model, or it cannot be rewritten.
        UnknownNameError: No built-in model has that name.
    """

    def __init__(self, model: ModelLike, dataset: Dataset) -> None:
        self._dataset = dataset
        found = _find(model) if isinstance(model, str) else model
        self._builder: Callable[..., Any] | None = None
        if isinstance(found, keras.Model):
            built = found
        elif "norm" in inspect.signature(found).parameters:
            self._builder = found
            return
        else:
            built = self._call(found)
        self._plain = strip(built)

    def build(self, variant: Variant) -> keras.Model:
        """The model with the variant's normalisation, in Keras' own layers."""
        if self._builder is not None:
            return self._call(self._builder, norm=variant)
        return self._plain if variant.is_baseline else place(self._plain, variant)

    @property
    def fingerprint(self) -> str:
        """Hash of the baseline's architecture, whatever Keras called its layers."""
        model = self.build(Variant())
        if has_graph(model):
            text = json.dumps(model.get_config(), sort_keys=True, default=str)
            # Keras numbers the layers of a process: dense_7 is dense in the next one.
            text = re.sub(r"_\d+\b", "", text)
        else:
            text = str([(variable.name, variable.shape) for variable in model.variables])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _call(self, function: Callable[..., Any], **arguments: Any) -> keras.Model:
        if "dataset" in inspect.signature(function).parameters:
            arguments["dataset"] = self._dataset
        try:
            model = function(**arguments)
        except TypeError as error:
            raise ModelError(
                f"the model's function {function.__name__!r} could not be called ({error}); "
                f"expected no other arguments than 'dataset' and 'norm'; give the others "
                f"default values"
            ) from None
        if not isinstance(model, keras.Model):
            raise ModelError(
                f"the model's function {function.__name__!r} returned {type(model).__name__}; "
                f"expected a keras.Model; return keras.Sequential([keras.Input(shape), …])"
            )
        if not model.built:
            model.build(self._dataset.x_train[:1].shape)
        return model


def _find(text: str) -> Any:
    if text in MODELS:
        return MODELS[text]
    if text.endswith(".keras"):
        return _load(text)
    if ":" in text:
        return _import(text)
    raise UnknownNameError("model", text, [*MODELS, "FILE.keras", "package.module:function"])


def _load(text: str) -> keras.Model:
    if not Path(text).is_file():
        raise ModelError(
            f"there is no file {text!r}; expected a model saved with model.save('NAME.keras'); "
            f"check the path from {str(Path.cwd())!r}"
        )
    try:
        return keras.saving.load_model(text, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"cannot load {text!r} ({reason}); expected a model saved by Keras 3 without custom "
            f"code; try --model package.module:function with a function that builds it"
        ) from None


def _import(text: str) -> Any:
    module_name, _, name = text.partition(":")
    # As `python -m` does: modules beside the user are found first.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(
            f"cannot import {module_name!r} from {text!r} ({error}); expected "
            f"package.module:function; run from the folder that holds the module, without '.py' "
            f"in its name"
        ) from None
    functions = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
    if name not in functions:
        raise UnknownNameError(f"function in module {module_name!r}:", name, functions or ["build"])
    return getattr(module, name)
