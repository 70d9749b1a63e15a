"""The loss of a model before and after it was changed: no change is kept that makes it rise."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from normwise.data import Given
from normwise.data.mapped_rows import is_on_disk
from normwise.data.nested import count, leaves
from normwise.errors import DataError, WorseError, in_words
from normwise.keras_private import compiled_losses
from normwise.models.compiled import is_compiled, takes_loss
from normwise.models.feeding import InOrder
from normwise.models.labels import UnknownClassesError, labels_for
from normwise.models.tracing import needs_values, refusal_of, unfiltered_tracebacks

__all__ = [
    "Labelled",
    "LossBefore",
    "Losses",
    "can_compare_losses",
    "evaluated",
    "has_labels",
    "labelled_part",
    "labels_fitting",
    "labels_in",
    "loss_before",
    "losses_of",
    "refuse_rise",
    "restoring",
    "risen_loss",
    "warn_unlabelled",
    "with_class_numbers",
]

log = logging.getLogger("normwise")

# The share of a loss by which it may rise. With the last batches, moving statistics scatter about
# those of all data, and the loss with them: by a thousandth after a training that went well. Half
# precision rounds as much. Why this is no significance test: see `risen_loss`.
NOISE = 1e-2
# A loss below this is 0 up to rounding: predictions and labels differ by 1e-5.
ZERO = 1e-10
# Examples that an evaluation takes at once, as Keras' own.
BATCH = 32
# Relative error in single precision of the penalties that are subtracted from a loss.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Labelled:
    """Examples that a loss is taken over.

    Attributes:
        name: ``validation`` if they are held out, else ``training``.
        part: Inputs and labels as the model and its loss take them, and weights if there are any.
    """

    name: str
    part: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss of a model, and those of its outputs.

    Attributes:
        values: ``loss`` to the loss of the model, without penalties; with several outputs, the name
            of each output's metric to that output's loss.
        penalties: The sum that regularisers add for the weights.
    """

    values: dict[str, float]
    penalties: float = 0.0


@dataclass(frozen=True, slots=True)
class LossBefore:
    """The loss of a model before it is changed, which :func:`refuse_rise` compares with.

    Attributes:
        on: The examples that it was taken over.
        losses: Its values, with penalties apart.
    """

    on: Labelled
    losses: Losses


def loss_before(model: Any, given: Given | None) -> LossBefore | None:
    """The loss that a change of the model must not make rise; ``None`` where none can be taken.

    Raises:
        DataError: Labels are held out that the training part does not have, or the examples do not
            fit the model, its loss or a metric.
    """
    on = labelled_part(model, given)
    return None if on is None else LossBefore(on, losses_of(model, on))


def labelled_part(model: Any, given: Given | None) -> Labelled | None:
    """What a model is judged on: the validation part where there is one, else all rows.

    ``None`` where no loss can be taken: of data without labels, or for a reason that is logged
    (:func:`with_class_numbers`).

    Raises:
        DataError: Labels are held out that the training part does not have.
    """
    if given is None or not has_labels(given):
        return None
    found = with_class_numbers(model, given)
    if not has_labels(found):
        return None
    return Labelled("training" if found.validation is None else "validation", found.parts[-1])


def with_class_numbers(model: Any, given: Given) -> Given:
    """Data with their labels as the compiled loss of a model takes them; what was done is logged.

    Without labels where no loss can be taken of them, which is logged, too: the model has none
    that Keras' ``evaluate`` takes, or which class a label stands for cannot be known. What came
    out of this function stays as it is.

    Args:
        model: Built, and called once where its layers add losses.
        given: What was given for it.

    Raises:
        DataError: Labels are held out that the training part does not have.
    """
    if not has_labels(given):
        return given
    if not takes_loss(model):
        log.warning(
            "Model %r is not compiled%s, so no loss before and after is compared: "
            "model.compile(loss=...).",
            model.name,
            " with a loss that Keras' evaluate takes here" if is_compiled(model) else "",
        )
        return _labelled(given, [None] * 2)
    try:
        labels, notes = labels_for(model, labels_in(given), given.x)
    except UnknownClassesError as error:
        log.warning("No loss before and after is compared: %s.", error)
        return _labelled(given, [None] * 2)
    for note in notes:
        log.warning(note)
    return _labelled(given, labels)


def warn_unlabelled(given: Given) -> None:
    """Log that there are no labels to take a loss of, where there are none."""
    if not has_labels(given):
        log.warning(
            "The data have no labels, so no loss before and after is compared: pass (x, y)."
        )


def can_compare_losses(model: Any, given: Given) -> bool:
    """Whether the loss of a model can be taken over data, and so before and after be compared."""
    if not (has_labels(given) and takes_loss(model)):
        return False
    try:
        labels_for(model, labels_in(given), given.x)
    except DataError:
        return False
    return True


def has_labels(given: Given) -> bool:
    """Whether there are labels for all parts."""
    return all(one is not None for one in labels_in(given))


def labels_in(given: Given) -> list[Any]:
    """The labels of the training part, and of the validation part if there is one."""
    return [labels for _, labels, *_ in given.parts]


def _labelled(given: Given, labels: list[Any]) -> Given:
    validation = given.validation
    if validation is not None:
        validation = (validation[0], labels[1], *validation[2:])
    return dataclasses.replace(given, y=labels[0], validation=validation)


def losses_of(model: Any, on: Labelled) -> Losses:
    """The compiled loss in inference, as ``evaluate`` gives it, and that of each of its outputs.

    Without what regularisers add for the weights: beside a large penalty, predictions at random
    would be a hundredth more.

    Raises:
        DataError: The examples do not fit the model, its loss or a metric.
    """
    found = evaluated(model, on.part)
    penalties = sum(
        float(weight.regularizer(weight))
        for weight in model.trainable_weights
        if weight.regularizer is not None
    )
    compiled = compiled_losses(model)
    outputs = [] if compiled is None else compiled.metrics
    each = {one.name: float(found[one.name]) for one in outputs if one.name in found}
    return Losses({"loss": float(found["loss"]) - penalties, **each}, penalties)


def evaluated(model: Any, part: tuple[Any, ...]) -> dict[str, float]:
    """Loss and metrics of a part as ``evaluate`` gives them, whether it is in memory or on disk.

    Raises:
        DataError: The examples do not fit the model, its loss or a metric.
    """
    x, y, weights = (*part, None)[:3]
    given = {"x": x, "y": y, "sample_weight": weights}
    if any(map(is_on_disk, leaves(part))):
        given = {"x": InOrder(part, BATCH)}
    with labels_fitting(model):
        found: dict[str, float] = model.evaluate(
            **given, batch_size=BATCH, verbose=0, return_dict=True
        )
    return found


def risen_loss(before: Losses, after: Losses) -> str | None:
    """The name of a loss that has risen by more than a hundredth, the scatter of the statistics.

    The limit is a share, and no significance test of the examples' paired differences: a test asks
    whether there is a rise, not whether it matters. With enough examples a rise of a thousandth is
    significant (0.1% on 400 pictures has t = 0.5, on 6,400 t = 2), and with few examples no damage
    is: where statistics never moved, which doubles the loss, a t test at 5% misses 43% on 8
    examples drawn from 400, this share 2%. Nor are there losses of single examples where a layer
    adds one, or ``test_step`` gives their mean.

    Of several outputs the sum decides; where it stays as it is, each of them: a small one could
    not be seen in it.

    >>> risen_loss(Losses({"loss": 0.5}), Losses({"loss": 0.501}))
    >>> risen_loss(Losses({"loss": 0.5}), Losses({"loss": math.nan}))
    'loss'
    >>> before = Losses({"loss": 90.3, "a": 90.0, "b": 0.3})
    >>> risen_loss(before, Losses({"loss": 91.0, "a": 90.0, "b": 1.0}))
    'b'
    """
    rounding = ZERO + ROUNDING * abs(before.penalties)

    def rises(old: float, new: float) -> bool:
        return math.isfinite(old) and not new <= old + NOISE * abs(old) + rounding

    old, new = before.values, after.values
    if rises(old["loss"], new["loss"]):
        return "loss"
    if rises(new["loss"], old["loss"]):
        return None
    return next((name for name in old if rises(old[name], new[name])), None)


def _not_finite(before: Losses, after: Losses) -> str | None:
    """The name of a loss that is not finite, neither before nor after."""
    pairs = ((name, (before.values[name], after.values[name])) for name in before.values)
    return next((name for name, pair in pairs if not any(map(math.isfinite, pair))), None)


def refuse_rise(model: Any, kept: LossBefore | None, why: str, ways: tuple[str, str]) -> None:
    """Refuse a change of a model that made its loss rise.

    Args:
        model: As it is now.
        kept: Its loss as it was; without one, nothing is refused.
        why: What may have made one rise.
        ways: What to do about it, as :class:`~normwise.errors.WorseError` takes it.

    Raises:
        WorseError: It has risen, or is finite neither before nor after, so nobody can say.
        DataError: As :func:`losses_of`.
    """
    if kept is None:
        return
    on, before = kept.on, kept.losses
    after = losses_of(model, on)
    which = f"{count(on.part[0]):,} examples"
    name = _not_finite(before, after)
    if name is not None:
        raise WorseError(
            f"the {on.name} {name} of model {model.name!r} is {before.values[name]} before and "
            f"{after.values[name]} after ({which}), so whether it would do worse cannot be told; "
            f"expected a finite number, so nothing was written or kept; look for overflow and NaN "
            f"in weights, predictions and labels",
            ways,
        )
    if not math.isfinite(before.values["loss"]):
        old, new = (losses.values["loss"] for losses in (before, after))
        log.warning("The %s loss of model %r was %s, and is %.4g.", on.name, model.name, old, new)
    name = risen_loss(before, after)
    if name is not None:
        old, new = before.values[name], after.values[name]
        raise WorseError(
            f"model {model.name!r} would do worse: {on.name} {name} {old:.4g} before, {new:.4g} "
            f"after ({which}); expected a loss that does not rise, so "
            f"nothing was written or kept; {why}",
            ways,
        )


@contextmanager
def restoring(model: Any) -> Iterator[None]:
    """Give all of a model's variables their values back if the block raises.

    >>> import contextlib, keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> with contextlib.suppress(KeyError), restoring(model):
    ...     _ = model.layers[0].moving_mean.assign([5.0])
    ...     raise KeyError
    >>> float(model.layers[0].moving_mean[0])
    0.0
    """
    # Copies: Keras' `evaluate` donates the arrays of a model to its program.
    kept = [(variable, np.array(variable.value)) for variable in model.variables]
    try:
        yield
    except BaseException:
        for variable, value in kept:
            variable.assign(value)
        raise


@contextmanager
def labels_fitting(model: Any) -> Iterator[None]:
    """Within the block, an error of a loss or metric is reported as labels that do not fit.

    Raises:
        DataError: The labels do not fit.
        ModelError: The model, its loss or a metric cannot be compiled.
    """
    try:
        with unfiltered_tracebacks():
            yield
    except (ValueError, TypeError, RuntimeError) as error:
        if needs_values(error):
            raise refusal_of(model, "evaluation", error) from error
        raise DataError(
            f"inputs and labels do not fit the loss or a metric of model {model.name!r} "
            f"({in_words(error)}); expected what it was trained on; check shapes, and whether "
            f"the labels are class numbers or one-hot"
        ) from error
