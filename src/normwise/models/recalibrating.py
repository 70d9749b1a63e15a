"""Population statistics: what moving averages approximate, computed exactly."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from normwise.data import Given
from normwise.errors import DataError, ModelError, WorseError
from normwise.keras_private import every_layer
from normwise.models.beginnings import never_moved
from normwise.models.feeding import batches, inputs_fitting
from normwise.models.intake import given_to
from normwise.models.kinds import require_keras, unwrapped
from normwise.models.linear import as_array
from normwise.models.losses import (
    labelled_part,
    losses_of,
    refuse_rise,
    restoring,
    warn_unlabelled,
)
from normwise.models.moments import Moments
from normwise.models.steps import OnStep, ignore_step
from normwise.models.watching import watching

__all__ = [
    "Recalibration",
    "batch_normalisations",
    "fingerprint",
    "holds_numbers",
    "population_statistics",
    "reached_norms",
    "recalibrate",
    "require_norms",
    "set_statistics",
    "why_worse",
]

log = logging.getLogger("normwise")

# Examples at a time, unless the caller says.
BATCH = 256
# Values of a channel below which a warning is due: the relative error of a variance, √(2/n), is
# then above a seventh.
FEW = 100
# A variance below this share of the squared mean is rounding: all values are the same.
SAME = 1e-12


class _SeenEnough(Exception):  # noqa: N818 (no error)
    """Ends a call of the model early: the layers wanted have been seen, the rest is not needed."""


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

    Moving averages lag behind the weights, and weigh the batches at the end of training most.
    Here, with the weights as they are, each layer's inputs are gone through once, in inference
    mode: batches count by their size, and the variance is that of all values together. The
    layers take their turns in the order they run, so that what a layer sees already comes out of
    those in front of it as they will be in inference. A mask counts. A frozen layer keeps its
    statistics: training used them, too, so the weights behind it fit those and no others.

    Nothing but moving statistics changes. They change in place: ``nw.place``, ``nw.strip``
    and ``keras.models.clone_model`` make copies. With labels, a compiled model whose loss would
    rise keeps its statistics; so does one with which anything else goes wrong on the way.

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

    Reference: Wu & Johnson 2021, Rethinking "Batch" in BatchNorm, section 3,
    https://arxiv.org/abs/2105.07576; here exact, and layer after layer.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(name="norm")])
    >>> _ = recalibrate(model, np.array([[2.0], [4.0], [9.0]], "float32"), batch_size=2)
    >>> norm = model.get_layer("norm")
    >>> float(norm.moving_mean[0]), round(float(norm.moving_variance[0]), 4)
    (5.0, 8.6667)
    """
    require_norms(model)
    given = given_to(model, x)
    found = reached_norms(model, given.x, batch_size)
    layers = {layer: calls for layer, calls in found.items() if frozen or layer.trainable}
    if not layers:
        raise ModelError(
            f"every batch normalisation of model {model.name!r} is frozen, so its training used "
            f"the statistics that it has; expected one that is not; if they were frozen after "
            f"training, try frozen=True (--frozen)"
        )
    labelled = None if force else labelled_part(model, given)
    before = None if labelled is None else losses_of(model, labelled)
    if not force and not isinstance(x, Given):
        warn_unlabelled(given)
    why, counts = why_worse(layers), []
    with restoring(model):
        for number, layer in enumerate(layers):
            on_layer(number, len(layers), layer.name)
            moments = population_statistics(model, given.x, layer, layers[layer], batch_size)
            _require_variety(layer, moments, given.x)
            set_statistics(layer, moments)
            counts.append(moments.count.min())
        refuse_rise(model, labelled, before, why, ("try force=True", "try --force"))
    _warn_of_few(min(counts))
    return model


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
    parts = [np.asarray(part) for part in keras.tree.flatten(x) if part is not None]
    return all((part[1:] == part[:1]).all() for part in parts)


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
    """SHA-256 of every variable of a model but the moving statistics of batch normalisation.

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
    for variable in model.variables:
        if id(variable) not in statistics:
            value = np.asarray(variable.value)
            digest.update(f"{variable.path}{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def set_statistics(layer: Any, found: Moments) -> None:
    """Set the moving statistics of a batch normalisation to these moments.

    Raises:
        DataError: They overflow the type that it keeps its statistics in.
    """
    new = {"moving_mean": found.mean, "moving_variance": found.variance}
    if layer.renorm:
        new["moving_stddev"] = np.sqrt(found.variance + layer.epsilon)
    for name, values in new.items():
        variable = getattr(layer, name)
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            held = keras.ops.convert_to_numpy(keras.ops.cast(values, variable.dtype))
        if not np.isfinite(held).all():
            kind = variable.dtype
            wider = f", or make the layer anew with dtype='mixed_{kind}'" if "16" in kind else ""
            raise DataError(
                f"layer {layer.name!r} keeps its {name} as {kind}, in which the data's, up to "
                f"{np.abs(values).max():.3g}, overflows; expected values that fit; scale the inputs"
                f"{wider}"
            )
        variable.assign(held)


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


def population_statistics(
    model: Any, x: Any, layer: Any, calls: int, batch_size: int = BATCH
) -> Moments:
    """Moments of what one layer takes, over all of ``x``, with the model in inference mode.

    Args:
        model: Any built Keras model.
        x: Inputs as the model takes them, ``(examples, …)`` each.
        layer: One of its batch normalisations.
        calls: How often one call of the model calls this layer.
        batch_size: Examples at a time: a matter of memory, and not of the result.

    Raises:
        DataError: A mask leaves the layer no value, or it takes values that are not finite.
    """
    moments, seen = Moments(layer.axis), 0

    def watch(_layer: Any, inputs: Any, mask: Any) -> None:
        nonlocal seen
        moments.add(inputs, mask)
        seen += 1
        if seen == calls:
            raise _SeenEnough

    with watching([layer], watch):
        for batch in batches(x, batch_size):
            seen = 0
            try:
                model(batch, training=False)
            except _SeenEnough:
                continue
    if not moments.count.any():
        raise DataError(
            f"layer {layer.name!r} of model {model.name!r} is reached by no value: a mask leaves "
            f"none of these inputs; expected at least one; look at the mask and at the padding"
        )
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.variance).all()):
        raise DataError(
            f"layer {layer.name!r} of model {model.name!r} takes values that are not finite; "
            f"expected inputs and weights that are; look for NaN in the data, or overflow"
        )
    return moments


def batch_normalisations(model: Any) -> list[Any]:
    """Every batch normalisation of a model, nested, wrapped and frozen ones as well, each once.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="a")])
    >>> [layer.name for layer in batch_normalisations(model)]
    ['a']
    """
    found = [unwrapped(layer) for layer in every_layer(model)]
    norms = [layer for layer in found if isinstance(layer, keras.layers.BatchNormalization)]
    return list(dict.fromkeys(norms))


def reached_norms(model: Any, x: Any, batch_size: int = BATCH) -> Counter[Any]:
    """The batch normalisations that a call of the model reaches, and how often each.

    In the order of their last calls: a layer that is called again behind another one waits for it.
    Seen on the first batch, not on one example: a layer may treat that in another way.

    Args:
        model: Any built Keras model.
        x: Inputs as the model takes them, ``(examples, …)`` each.
        batch_size: Examples in the batch that the model is called on.

    Raises:
        ModelError: The model is not built, none of its batch normalisations is reached, or one
            runs where its inputs cannot be seen.
        DataError: ``x`` is empty, or does not fit the model.
    """
    layers = require_norms(model)
    called: list[Any] = []
    unseen: list[Any] = []

    def watch(layer: Any, inputs: Any, _mask: Any) -> None:
        (called if holds_numbers(inputs) else unseen).append(layer)

    with watching(layers, watch):
        first = next(batches(x, batch_size))
        with inputs_fitting(model):
            model(first, training=False)
    if unseen:  # said here, as Keras puts the layer's arguments around what is raised in a call
        raise ModelError(_why_unseen(model, unseen[0]))
    if not called:
        raise ModelError(
            f"no call of model {model.name!r} on these inputs reaches a batch normalisation "
            f"(first {layers[0].name!r}); expected one that its outputs depend on; look whether "
            f"the model's own code leaves it out"
        )
    last = dict.fromkeys(reversed(called))
    return Counter({layer: called.count(layer) for layer in reversed(last)})


def require_norms(model: Any) -> list[Any]:
    """Every batch normalisation of a model that has some.

    Raises:
        ModelError: It is no Keras model, not built, or has none.
    """
    require_keras(model)
    layers = batch_normalisations(model) if model.built else []
    if not layers:
        what = "has no batch normalisation" if model.built else "is not built"
        raise ModelError(
            f"model {model.name!r} {what}; expected a built model with at least one "
            f"BatchNormalization; there is nothing to recalibrate"
        )
    return layers


def holds_numbers(inputs: Any) -> bool:
    """Whether inputs hold numbers: in a compiled loop they are tracers, which hold none."""
    try:
        np.asarray(inputs)
    except TypeError:  # JAX's tracers raise a kind of it
        return False
    return True


def _why_unseen(model: Any, norm: Any) -> str:
    around = [
        layer.name
        for layer in every_layer(model, itself=False)
        if layer is not norm and norm in every_layer(layer)
    ]
    place, loop = (f"inside {around[0]!r} ", repr(around[0])) if around else ("", "the loop")
    return (
        f"batch normalisation {norm.name!r} {place}of model {model.name!r} runs in a loop that JAX "
        f"compiles (as the cell of a recurrent layer does), where what it takes cannot be seen, "
        f"nor its statistics move; expected one that the model calls; put it in front of "
        f"{loop} or behind, or normalise there with keras.layers.LayerNormalization"
    )
