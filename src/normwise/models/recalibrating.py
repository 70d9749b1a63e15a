"""Population statistics in place of moving averages, where the loss does not rise.

Moving averages lag behind the weights, and weigh the batches at the end of training most. Here the
layers take their turns in the order they run, so that what a layer sees already comes out of those
in front of it as they will be in inference.

A frozen layer keeps its statistics: training used them, too, so the weights behind it fit those and
no others. Nothing but moving statistics changes.

Reference: Wu & Johnson 2021, Rethinking "Batch" in BatchNorm, section 3,
https://arxiv.org/abs/2105.07576; here exact, and layer after layer.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from normwise.data import Given
from normwise.data.mapped_rows import pieces
from normwise.data.nested import leaves
from normwise.errors import DataError, ModelError, WorseError
from normwise.models.fit_data import given_to
from normwise.models.linear import as_array
from normwise.models.loss_comparison import loss_before, refuse_rise, restoring, warn_unlabelled
from normwise.models.moments import Moments
from normwise.models.population_statistics import (
    BATCH,
    batch_normalisations,
    population_statistics,
    reached_norms,
    require_norms,
    set_statistics,
)
from normwise.models.steps import OnStep, ignore_step
from normwise.models.untrained import never_moved

__all__ = ["Recalibration", "fingerprint", "recalibrate", "why_worse"]

log = logging.getLogger("normwise")

# Values of a channel below which a warning is due: the relative error of a variance, √(2/n), is
# then above a seventh.
FEW = 100
# A variance below this share of the squared mean is rounding: all values are the same.
SAME = 1e-12


def recalibrate(
    model: Any,
    x: Any,
    *,
    batch_size: int = BATCH,
    frozen: bool = False,
    force: bool = False,
    on_layer: OnStep = ignore_step,
) -> Any:
    """Give every batch normalisation the mean and variance of its inputs over all of ``x``.

    They change in place: ``nw.place``, ``nw.strip`` and ``keras.models.clone_model`` make copies.
    With labels, a compiled model whose loss would rise keeps its statistics; so does one with
    which anything else goes wrong on the way.

    Args:
        model: Any built Keras model.
        x: Inputs in any form that ``fit`` takes, alone or with labels: arrays, data frames, lists
            and dictionaries of them, a ``PyDataset``, a generator (drawn once into memory); or
            the name or file of data. All rows count; memory-mapped ones stay on the disk. With
            labels the loss is compared, over the validation part where there is one.
        batch_size: Examples at a time: a matter of memory, and not of the result.
        frozen: Recalibrate frozen layers, too: they were frozen after training, or the weights
            behind them will be trained on.
        force: Recalibrate also where the loss rises.
        on_layer: Called with (layers done, of, name of the next one).

    Returns:
        The model.

    Raises:
        ModelError: It is not built, or has no batch normalisation that ``x`` reaches, or none
            that is not frozen.
        DataError: ``x`` is empty, does not fit the model, or leads to what is no finite number; or
            the labels do not fit.
        WorseError: The loss would rise, by more than a hundredth.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(name="norm")])
    >>> _ = recalibrate(model, np.array([[2.0], [4.0], [9.0]], "float32"), batch_size=2)
    >>> norm = model.get_layer("norm")
    >>> float(norm.moving_mean[0]), round(float(norm.moving_variance[0]), 4)
    (5.0, 8.6667)
    """
    require_norms(model)
    given = given_to(model, x)
    layers = _layers_to_set(model, given.x, batch_size, frozen=frozen)
    before = None if force else loss_before(model, given)
    if not force and not isinstance(x, Given):
        warn_unlabelled(given)
    why = why_worse(layers)  # of the statistics that they have now
    with restoring(model):
        fewest = _set_all(model, given.x, layers, batch_size, on_layer)
        refuse_rise(model, before, why, ("try force=True", "try --force"))
    _warn_of_few(fewest)
    return model


def _layers_to_set(model: Any, x: Any, batch_size: int, *, frozen: bool) -> Counter[Any]:
    """The batch normalisations that get new statistics, and how often a call reaches each."""
    found = reached_norms(model, x, batch_size)
    layers = Counter({layer: calls for layer, calls in found.items() if frozen or layer.trainable})
    if not layers:
        raise ModelError(
            f"every batch normalisation of model {model.name!r} is frozen, so its training used "
            f"the statistics that it has; expected one that is not; if they were frozen after "
            f"training, try frozen=True (--frozen)"
        )
    return layers


def _set_all(model: Any, x: Any, layers: Counter[Any], batch_size: int, on_layer: OnStep) -> float:
    """Set the statistics of one layer after the other; the fewest values that a channel had."""
    counts = []
    for number, (layer, calls) in enumerate(layers.items()):
        on_layer(number, len(layers), layer.name)
        moments = population_statistics(model, x, layer, calls, batch_size)
        _require_variety(layer, moments, x)
        set_statistics(layer, moments)
        counts.append(moments.count.min())
    return float(min(counts))


def _warn_of_few(values: float) -> None:
    if values < FEW:
        log.warning(
            "The statistics are of %d values for a channel, whose variance is off by about %.0f%%; "
            "more examples give better ones.",
            values,
            100 * np.sqrt(2 / values),
        )


def _require_variety(layer: Any, found: Moments, x: Any) -> None:
    """Refuse examples that are all the same, where a layer's variances would all become 0.

    Behind a branch that starts at zero, such as γ = 0, variances are 0 for any examples.
    """
    varied = (as_array(layer.moving_variance) > layer.epsilon).any()
    if varied and (found.variance <= SAME * found.mean**2).all() and _are_all_the_same(x):
        raise DataError(
            f"layer {layer.name!r} takes the same value of every example, {found.count.min():.0f} "
            f"for a channel, so its variance would be 0; expected examples that differ; pass more "
            f"of them"
        )


def _are_all_the_same(x: Any) -> bool:
    return all((piece == part[:1]).all() for part in leaves(x) for piece in pieces(part))


def why_worse(layers: Iterable[Any]) -> str:
    """What may be the reason why population statistics of these layers make a loss rise."""
    for layer in layers:
        if never_moved(layer):
            return (
                f"the statistics of {layer.name!r} never moved from 0 and 1, so the weights have "
                f"learnt with those (trained without training=True?)"
            )
        if not layer.trainable:
            return f"{layer.name!r} is frozen, so the weights have learnt with its statistics"
    return (
        "the weights fit the statistics that they have better than those of these data: look "
        "whether the data are prepared as in training"
    )


def fingerprint(model: Any) -> str:
    """SHA-256 of every weight of a model but the moving statistics of batch normalisation.

    The same for the same weights, whatever file they lie in: neither names count nor the states of
    random numbers, of both of which Keras may make new ones whenever it loads a file.

    Args:
        model: Any built Keras model.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> before = fingerprint(model)
    >>> _ = recalibrate(model, np.array([[2.0], [4.0]], "float32"))
    >>> fingerprint(model) == before
    True
    """
    statistics = {
        id(variable)
        for norm in batch_normalisations(model)
        for variable in norm.non_trainable_variables
        if variable.name.startswith("moving_")
    }
    digest = hashlib.sha256()
    for variable in model.weights:
        if id(variable) not in statistics:
            value = np.asarray(variable.value)
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


class Recalibration(keras.callbacks.Callback):  # type: ignore[misc]
    """Recalibrates the model when its training ends.

    Also right for averaged weights: an optimiser's ``use_ema`` and ``SwapEMAWeights`` put them
    in place before, if that callback stands in front of this one; the moving averages were of
    the weights that trained.

    Args:
        x: The inputs whose statistics are taken, in any form that :func:`recalibrate` takes.
        batch_size: Examples at a time: a matter of memory, and not of the result.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> model.compile("sgd", "mse")
    >>> x = np.array([[2.0], [4.0], [9.0]], "float32")
    >>> _ = model.fit(x, x, epochs=1, verbose=0, callbacks=[Recalibration(x)])
    >>> float(model.layers[0].moving_mean[0])
    5.0
    """

    def __init__(self, x: Any, *, batch_size: int = BATCH) -> None:
        super().__init__()
        self._x, self._batch_size = x, batch_size

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras')
        """Recalibrate; a loss that would rise is logged, and does not end the training."""
        try:
            recalibrate(self.model, self._x, batch_size=self._batch_size)
        except WorseError as error:
            log.warning("not recalibrated: %s", error)
