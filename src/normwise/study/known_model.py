"""What a model says of data before they are read: the size of pictures, the names of arrays."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras

from normwise.data import AskNames, Names, is_image_folder
from normwise.domain import Variant
from normwise.models.picture_inputs import form_of_pictures
from normwise.models.source import ModelLike, find_model
from normwise.models.structure import names_of
from normwise.spec import Spec

__all__ = ["asking_names", "for_pictures"]


def for_pictures(given: ModelLike, spec: Spec) -> Spec:
    """A study's settings, with the model's own size and channels of pictures where none are set.

    Args:
        given: As the study got it. What needs the data to be built says nothing yet.
        spec: The settings; as they are where the data are no folder of pictures.
    """
    if not is_image_folder(spec.data) or (spec.image_size and spec.color_mode):
        return spec
    model = _model_of(given, spec.depths[0])
    size, color = (None, None) if model is None else form_of_pictures(model)
    typed = None if size is None else "x".join(map(str, size))
    return spec.model_copy(
        update={"image_size": spec.image_size or typed, "color_mode": spec.color_mode or color}
    )


def asking_names(given: ModelLike, depth: int | None = None) -> AskNames:
    """A function that says what a model calls its inputs and outputs, where it is known.

    Args:
        given: As the study got it.
        depth: What its function is asked for, if it is.

    >>> asking_names("churn")() is None  # it takes ``dataset``
    True
    """

    @functools.cache
    def names() -> Names | None:
        model = _model_of(given, depth)
        return None if model is None else names_of(model)

    return names


def _model_of(given: ModelLike, depth: int | None) -> Any:
    found = find_model(given) if isinstance(given, str) else given
    if isinstance(found, keras.Model):
        return found
    try:
        taken = inspect.signature(found).parameters
        own: dict[str, Any] = {"norm": Variant()} if "norm" in taken else {}
        own |= {} if depth is None else {"depth": depth}
        model = None if "dataset" in taken else found(**own)
    except Exception:  # noqa: BLE001 (it is called again, and what it raises then is said)
        return None
    return model if isinstance(model, keras.Model) else None
