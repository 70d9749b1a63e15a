"""Keeping statistics where they are while a model is fine-tuned."""

from __future__ import annotations

from typing import Any

from normwise.errors import ModelError, UnknownNameError
from normwise.models.population_statistics import require_norms

__all__ = ["freeze", "is_frozen_on_purpose"]

WHAT = ("normalisation", "statistics", "everything")
# An attribute of layers that were frozen here. It means nothing once the layer trains again.
_MARK = "_frozen_by_normwise"


def freeze(model: Any, what: str = "normalisation") -> Any:
    """Keep the statistics of every batch normalisation while the rest of a model trains on.

    A frozen batch normalisation uses its moving statistics in training as it does in inference,
    and leaves them as they are. Three things can stay:

    - ``normalisation``: statistics, γ and β; all other weights train as before. The usual choice
      for small batches.
    - ``statistics``: statistics alone; γ and β train, those of frozen layers as well. A file
      does not hold this: after loading, γ and β are frozen, too, until this is called again.
    - ``everything``: all weights and all statistics, as ``model.trainable = False``: for the base
      under a new head.

    It happens in place, and takes hold when the model is compiled the next time: a compiled
    training goes on as it was. So ``model`` is no longer compiled, and Keras asks for it; a model
    around it, which is not seen from here, has to be compiled again, too.
    ``layer.trainable = True`` takes all of it back.

    Args:
        model: Any built Keras model.
        what: What stays as it is: ``normalisation``, ``statistics`` or ``everything``.

    Returns:
        The model.

    Raises:
        UnknownNameError: ``what`` is none of the three.
        ModelError: The model is not built or has no batch normalisation; or ``statistics`` was
            asked of a model that is frozen as a whole, none of whose weights train.

    >>> import keras
    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(2), keras.layers.BatchNormalization(),
    ... ])
    >>> [weight.name for weight in freeze(model).trainable_variables]
    ['kernel', 'bias']
    >>> [weight.name for weight in freeze(model, "statistics").trainable_variables]
    ['kernel', 'bias', 'gamma', 'beta']
    >>> freeze(model, "everything").trainable_variables
    []
    """
    if what not in WHAT:
        raise UnknownNameError("choice of what to freeze", what, WHAT)
    norms = _norms(model, what)
    if what == "everything":
        model.trainable = False
    for norm in norms:
        norm.trainable = True  # a frozen layer does not list what it would train
        weights = norm.trainable_variables
        norm.trainable = False
        setattr(norm, _MARK, True)
        if what == "statistics":
            # The layer is frozen and so in inference mode; its weights need not be.
            for weight in weights:
                weight.trainable = True
    # Programs that Keras compiled before would go on moving the statistics, unsaid.
    model.compiled = False
    return model


def is_frozen_on_purpose(norm: Any) -> bool:
    """Whether a layer is frozen and :func:`freeze` did it; no file remembers."""
    return not norm.trainable and getattr(norm, _MARK, False)


def _norms(model: Any, what: str) -> list[Any]:
    norms = require_norms(model, "for other layers try layer.trainable = False")
    if what == "statistics" and not model.trainable:
        raise ModelError(
            f"model {model.name!r} is frozen as a whole, so γ and β cannot train in it; expected "
            f"model.trainable to be True; set it, and freeze its layers one by one"
        )
    return norms
