"""From what the user gave as a model to one Keras model a variant."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np

from normwise.data import Dataset, Given, Task
from normwise.data.nested import is_nested, rows, shapes
from normwise.data.pixels import scaled
from normwise.domain import Variant
from normwise.errors import ModelError, NormwiseError, UnknownNameError, in_words
from normwise.keras_private import RANDOM_STATE, every_layer
from normwise.models.as_asked import check_told_apart, tell_other_momentum
from normwise.models.builder_text import builder_for
from normwise.models.compiled import Compiled, compiled_of
from normwise.models.default_model import default_model
from normwise.models.depth import parameters_of, refuse_without_depth
from normwise.models.file_kinds import is_named_as_model
from normwise.models.fitted_data import with_inputs_of, with_labels_for
from normwise.models.graph import has_graph
from normwise.models.hidden_normalisation import refuse_normalised_baseline
from normwise.models.identity import architecture, named, own_code
from normwise.models.io import load_model
from normwise.models.noted_initializers import noting_initializers
from normwise.models.pixel_range import scaling_note
from normwise.models.placing import place, placed_layers
from normwise.models.rebuild import Edits, is_rebuildable, rebuild
from normwise.models.stripping import strip
from normwise.models.target_units import TargetUnits
from normwise.models.tracing import raised_by
from normwise.models.unsupported import check_trainable
from normwise.spec import DEFAULT_MODEL
from normwise.studies.models import MODELS

__all__ = ["ModelLike", "ModelSource", "as_model_takes", "find_model"]

ModelLike: TypeAlias = str | keras.Model | Callable[..., keras.Model]


class ModelSource:
    """Builds the model of each variant.

    Args:
        model: A Keras model; a function that returns one; or text: a built-in
            model's name, a ``.keras`` file, ``package.module:function``. A
            function may take ``dataset`` (a :class:`~normwise.data.Dataset`)
            and, to place the normalisation itself, ``norm`` (a
            :class:`~normwise.domain.Variant`); one that takes ``depth`` builds several networks.
        dataset: What the study trains on.
        standardize: Whether to standardise the targets of a regression; the model decides
            unless told.
        loss: The loss that was asked for, in place of the model's own.
        task: What the user said that the labels are.
        depth: What the model's function is to get as its ``depth``; its own unless given.

    Attributes:
        given: The model as it was named or given.
        compiled: What the model was compiled with, if it was.
        dataset: What the study trains on, as the model and its loss take it.
        units: What is done with the targets.

    Raises:
        ModelError: There is no such model, it cannot be rewritten or trained, its baseline
            keeps normalisation, or a depth is given and it takes none.
        UnknownNameError: No built-in model has that name.
    """

    def __init__(
        self,
        model: ModelLike,
        dataset: Dataset,
        standardize: bool | None = None,
        *,
        loss: str | None = None,
        task: Task | None = None,
        depth: int | None = None,
    ) -> None:
        self.given, self.dataset = model, dataset
        self._depth = depth
        again = functools.partial(ModelSource, model, dataset, standardize, loss=loss, task=task)
        self._of_depth = functools.cache(again)
        found = find_model(model) if isinstance(model, str) else model
        if not callable(found):
            raise ModelError(
                f"the model is of type {type(found).__name__}; expected a keras.Model, a function "
                f"that returns one, or a text; try Study('circles', 'circles')"
            )
        if depth is not None:
            refuse_without_depth(found, model, depth)
        self._builder: Callable[..., Any] | None = None
        if isinstance(found, keras.Model):
            built = found
        elif "norm" in parameters_of(found):
            self._builder = found
            built = self._call(found, norm=Variant())
        else:
            built = self._call(found)
        check_trainable(built)
        self.compiled = compiled_of(built)
        self._prepared: dict[Variant, keras.Model] = {}
        self._steps = _steps_of(built)
        dataset = with_inputs_of(dataset, built)
        trained = loss or (self.compiled and self.compiled.loss)
        self.dataset = dataset = with_labels_for(dataset, built, trained, task)
        self.units = TargetUnits.of(built, dataset, standardize)
        if self._builder is None:
            _refuse_lost_steps(built)
            self._plain = strip(built)
        else:
            refuse_normalised_baseline(built, getattr(self._builder, "__name__", "build"))
            self._plain = built

    def at(self, depth: int | None) -> ModelSource:
        """The same function's model of another depth.

        Raises:
            ModelError: The function takes none, or compiles that model otherwise.
        """
        if depth == self._depth:
            return self
        other = self._of_depth(depth=depth)
        if _text_of(other.compiled) != _text_of(self.compiled):
            raise ModelError(
                f"the model's function compiles the model of depth {depth} otherwise than that "
                f"of depth {self._depth}; expected the same optimiser, loss and metrics for "
                f"all, so that one study can train them; compile it without asking for 'depth'"
            )
        return other

    def build(self, variant: Variant, steps: int = 1) -> keras.Model:
        """The model with the variant's normalisation, in Keras' own layers.

        Its predictions are in the targets' own units.

        Args:
            variant: Which.
            steps: Batches of an epoch, which only ``momentum=auto`` depends on.
        """
        return self.units.behind(self._placed(variant, steps))

    def _placed(self, variant: Variant, steps: int) -> keras.Model:
        if self._builder is not None:
            if variant.only:
                self.layers(variant)  # refuses
            return self._built_with(self._builder, variant, steps)
        if variant.is_baseline:
            return self._plain
        if not variant.is_fixed:
            return place(self._plain, variant, steps=steps)
        if variant not in self._prepared:  # whose statistics take a look at all the data
            data = Given(self.dataset.x_train)
            self._prepared[variant] = place(self._plain, variant, data=data)
        return self._prepared[variant]

    def layers(self, variant: Variant) -> list[str]:
        """Names of the normalisation layers that the variant places, in their order.

        Raises:
            ModelError: The model's own function places them.
        """
        if self._builder is not None:
            raise ModelError(
                f"the model's function {getattr(self._builder, '__name__', 'build')!r} takes "
                f"'norm' and places normalisation itself, so which layers it has cannot be seen; "
                f"expected a function without 'norm'; leave --ablate and only= out"
            )
        return placed_layers(self._plain, variant, data=Given(self.dataset.x_train))

    def noted(self, more: Iterable[str] = ()) -> Dataset:
        """The data, with notes on what the model makes of them.

        Where the baseline gets pixels that nothing scales, and where a model had learnt before.
        """
        said = [scaling_note(self.build(Variant()), self.dataset.x_train)]
        if self._steps:
            said.append(
                f"The model had been trained for {self._steps:,} steps: weights that train are "
                f"drawn anew for each seed, frozen ones stay."
            )
        notes = (*self.dataset.notes, *filter(None, said), *more)
        return dataclasses.replace(self.dataset, notes=notes)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of the baseline's architecture, whatever Keras called its layers.

        And of what training does not move, such as frozen weights: all others are drawn
        anew for each seed. Of a function that takes ``norm`` its source counts, too, as it
        says what the variants are.
        """
        model = self.build(Variant())
        texts = [architecture(model), *own_code(model, self.dataset.x_train)]
        if self._builder is not None:
            texts.append(named(self._builder))
        digest = hashlib.sha256("|".join(texts).encode())
        for variable in model.non_trainable_variables:
            if variable.name != RANDOM_STATE:
                digest.update(np.asarray(variable.value).tobytes())
        return digest.hexdigest()[:16]

    def _built_with(self, builder: Callable[..., Any], variant: Variant, steps: int) -> keras.Model:
        asked = variant.in_epochs_of(steps)
        model = self._call(builder, norm=asked)
        check_trainable(model)
        compiled = compiled_of(model)
        if _text_of(compiled) != _text_of(self.compiled):
            raise ModelError(
                f"the model's function compiles the model of {variant.name!r} otherwise than that "
                f"of 'none'; expected the same optimiser, loss and metrics for all, so that "
                f"normalisation is all that differs; compile it without asking for 'norm'"
            )
        name = getattr(builder, "__name__", "build")
        check_told_apart(name, variant, model, self._plain)
        tell_other_momentum(name, variant, float(asked.momentum), model)
        # Not compiled, or Keras would compile each copy of it from a configuration.
        return rebuild(model, Edits()) if compiled and is_rebuildable(model) else model

    @noting_initializers()
    def _call(self, function: Callable[..., Any], **arguments: Any) -> keras.Model:
        name = getattr(function, "__name__", type(function).__name__)
        parameters = parameters_of(function)
        if "dataset" in parameters:
            arguments["dataset"] = self.dataset
        if self._depth is not None:
            arguments["depth"] = self._depth
        needed = [
            key
            for key, parameter in parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            and key not in arguments
        ]
        if needed:
            instead = "try --depth 2,10" if needed == ["depth"] else "give the others defaults"
            raise ModelError(
                f"the model's function {name!r} needs {', '.join(map(repr, needed))}; expected no "
                f"other arguments than 'dataset', 'norm' and, with --depth, 'depth'; {instead}"
            )
        try:
            model = function(**arguments)
        except NormwiseError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model's function {name!r} failed ({in_words(error)}); expected it to "
                f"return a keras.Model; call it alone to see where it fails"
            ) from error
        if not isinstance(model, keras.Model):
            raise ModelError(
                f"the model's function {name!r} returned {type(model).__name__}; "
                f"expected a keras.Model; return keras.Sequential([keras.Input(shape), …])"
            )
        return self._built(model, name)

    def _built(self, model: keras.Model, name: str) -> keras.Model:
        if model.built and (has_graph(model) or all(one.built for one in every_layer(model))):
            return model
        x = self.dataset.x_train
        try:
            if isinstance(model, keras.Sequential) and not is_nested(x):
                model.build((None, *x.shape[1:]))
            else:
                model(rows(x, slice(1)))
        except Exception as error:
            shape = shapes(rows(x, slice(1))) if is_nested(x) else x.shape[1:]
            code = raised_by(error)[0]
            where = f"in its {code}, " if code else ""
            raise ModelError(
                f"the model of {name!r} cannot be built for examples of shape "
                f"{shape} ({where}{in_words(error)}); expected layers that "
                f"take them; begin the model with keras.Input({shape})"
            ) from error
        return model


def _text_of(compiled: Compiled | None) -> str:
    """What a model was compiled with; empty where it was not."""
    return compiled.text if compiled else ""


def _refuse_lost_steps(model: keras.Model) -> None:
    """Refuse a class whose steps a rewritten model would lose, as it would not be of that class."""
    if has_graph(model) and not is_rebuildable(model):
        raise ModelError(
            f"model {model.name!r} is of type {type(model).__name__}, which has steps of training "
            f"and a constructor of its own, so that no other model of it can be made from its "
            f"layers; expected one of the two, or a builder that takes an argument `norm` and "
            f"places the normalisation itself:\n\n{builder_for(model)}"
        )


def _steps_of(model: keras.Model) -> int:
    """Steps that a compiled model was trained for."""
    return int(model.optimizer.iterations) if getattr(model, "optimizer", None) else 0


def as_model_takes(model: ModelLike, dataset: Dataset) -> Dataset:
    """The data as the model is to get them: images of bytes scaled for a built-in one.

    A model of the user's gets what Keras' ``fit`` would give it.
    """
    return scaled(dataset) if isinstance(model, str) and model in MODELS else dataset


def find_model(text: str) -> Any:
    """What a text names: a built-in model's function, a model from its file, a user's function.

    Raises:
        ModelError: It cannot be loaded or imported.
        UnknownNameError: There is none of that name.
    """
    if text in MODELS:
        return MODELS[text]
    if text == DEFAULT_MODEL:
        return default_model
    if is_named_as_model(text):
        return load_model(
            text,
            compiled=True,
            otherwise="try --model package.module:function with a function that builds it",
        )
    if ":" in text:
        return _import(text)
    if text.endswith(".py") or text in {path.stem for path in Path().glob("*.py")}:
        raise ModelError(
            f"model {text!r} is a module; expected package.module:function with the function that "
            f"builds the model; try --model {text.removesuffix('.py')}:build"
        )
    raise UnknownNameError("model", text, [*MODELS, "FILE.keras", "FILE.h5", "FILE.py:function"])


def _import(text: str) -> Any:
    module_name, _, name = text.rpartition(":")
    folder = Path.cwd()
    if module_name.endswith(".py"):
        folder, module_name = Path(module_name).resolve().parent, Path(module_name).stem
    # As `python -m` does: modules beside the user are found first.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"cannot import {module_name!r} from {text!r} ({in_words(error)}); expected "
            f"package.module:function; run from the folder that holds the module, or name its "
            f"file: FOLDER/FILE.py:function"
        ) from error
    functions = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
    if name not in functions:
        raise UnknownNameError(f"function in module {module_name!r}:", name, functions or ["build"])
    return getattr(module, name)
