"""The gap between training and inference, by its causes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from normwise.data import Given
from normwise.data.nested import rows
from normwise.diagnose.distances import Distance, distance
from normwise.diagnose.evaluating import Evaluate, Scores, evaluation, prepare, shuffled
from normwise.diagnose.parts import Parts, parts_of
from normwise.diagnose.untouched import untouched
from normwise.errors import DataError, ModelError, SpecError, listed
from normwise.models.compiled import takes_loss
from normwise.models.fit_data import given_to
from normwise.models.folding import folding_of
from normwise.models.hooks import Call, wrapping
from normwise.models.population_statistics import (
    BATCH,
    population_statistics,
    reached_norms,
    require_norms,
    set_statistics,
)
from normwise.models.steps import OnStep, ignore_step
from normwise.report import Page, Shown, diagnosis_page

__all__ = ["WAYS", "Gap", "gap"]

WAYS = ("batch", "moving", "population", "folded")
TRAINING, VALIDATION = "training", "validation"


@dataclass(frozen=True, slots=True, repr=False)
class Gap(Shown):
    """A model's loss by four kinds of statistics, and the causes of the gap they show.

    Attributes:
        model: The name of the model.
        batch_size: Examples in a batch that is normalised by its own statistics.
        ways: From a way of normalising (``batch``, ``moving``, ``population``, ``folded``) to
            the part (``training``, ``validation``) to ``loss`` and each compiled metric. Empty
            where the model is not compiled; without ``folded`` where nothing folds.
        layers: The distances of moving from population statistics, in the order the layers run.
        notes: What was left out, and why, in sentences.
    """

    model: str
    batch_size: int
    ways: Mapping[str, Mapping[str, Scores]]
    layers: tuple[Distance, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> float | None:
        """Validation loss as inference shows it minus training loss as training shows it.

        The sum of :attr:`lagging`, :attr:`generalisation` and :attr:`batch_noise`; like them
        ``None`` where there are no losses.
        """
        return self._between(("moving", VALIDATION), ("batch", TRAINING))

    @property
    def lagging(self) -> float | None:
        """The part of the gap due to lagging statistics: validation loss, moving - population."""
        return self._between(("moving", VALIDATION), ("population", VALIDATION))

    @property
    def generalisation(self) -> float | None:
        """The part due to generalisation: loss by population statistics, validation - training."""
        return self._between(("population", VALIDATION), ("population", TRAINING))

    @property
    def batch_noise(self) -> float | None:
        """The part due to batch noise: training loss, population - batch."""
        return self._between(("population", TRAINING), ("batch", TRAINING))

    def summary(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        names = ("total", "lagging", "generalisation", "batch_noise")
        return {
            "version": 1,
            "model": self.model,
            "batch_size": self.batch_size,
            "ways": {way: dict(parts) for way, parts in self.ways.items()},
            "gap": {name: getattr(self, name) for name in names} if self.ways else None,
            "layers": [asdict(layer) for layer in self.layers],
            "notes": list(self.notes),
        }

    def _shown(self) -> Page:
        return diagnosis_page({**self.summary(), "leakage": None}, "nw.recalibrate(model, data)")

    def _between(self, one: tuple[str, str], other: tuple[str, str]) -> float | None:
        if not self.ways:
            return None
        return self.ways[one[0]][one[1]]["loss"] - self.ways[other[0]][other[1]]["loss"]


def gap(
    model: Any,
    data: Any,
    *,
    batch_size: int = 32,
    seed: int = 0,
    on_step: OnStep = ignore_step,
) -> Gap:
    """How much each cause contributes to the gap between training and inference.

    The same weights on the same data, with every batch normalisation normalising

    - ``batch``: by its batch's own statistics, as in training (with renorm, as that does), and
      nothing else in training mode: dropout stays off;
    - ``moving``: by its moving statistics: plain inference;
    - ``population``: by the statistics of the whole training part, as :func:`recalibrate` sets
      them: inference as it could be, without training on;
    - ``folded``: as it is in inference, but folded into the weights: what :func:`fold` deploys.

    From them the gap, validation loss in inference minus training loss in training, is the sum
    of lagging statistics, generalisation and batch noise (see :class:`Gap`), exactly. A layer
    that uses its moving statistics in training as well (frozen, or called for inference) keeps
    them in all ways; only its distance is measured.

    The model comes back bit for bit, also from an error or Ctrl-C.

    Args:
        model: Any built Keras model. Losses need a compiled one; a regularisation is part of
            them, as in ``evaluate``.
        data: ``(x, y, x_val, y_val)`` or ``((x, y), (x_val, y_val))``; ``(x, y)``, of which a
            part validates, as in ``nw.Study``; weights of examples may follow the labels. Inputs
            in any form that ``fit`` takes, as in :func:`recalibrate`: nothing is scaled. Or a
            :class:`~normwise.data.Dataset`, a built-in name or a file.
        batch_size: Examples in a batch of the way ``batch``, at least 1: choose the training's.
        seed: Decides which examples share a batch there.
        on_step: Called with (steps done, of, name of the next one).

    Raises:
        ModelError: The model is not built, or has no batch normalisation that ``x`` reaches.
        DataError: The data do not fit the model or one another, or a loss is not finite.
        SpecError: ``batch_size`` is below 1.

    >>> import keras
    >>> x = np.random.default_rng(0).normal(3.0, 2.0, (50, 1)).astype("float32")
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> model.compile(loss="mse")
    >>> found = gap(model, (x, (x - 3) / 2))
    >>> found.lagging > 4, abs(found.generalisation) < 0.01, found.layers[0].ratio < 0.5
    (True, True, True)
    """
    if batch_size < 1:
        raise SpecError(f"batch_size is {batch_size}; expected at least 1; try batch_size=32")
    require_norms(model, "there is nothing to diagnose")
    with untouched(model):
        given = given_to(model, data)
        layers = reached_norms(model, given.x)  # before which not all layers need be built
        return _measured(model, given, layers, batch_size, seed, on_step)


def _measured(
    model: Any,
    given: Given,
    layers: Mapping[Any, int],
    batch_size: int,
    seed: int,
    on_step: OnStep,
) -> Gap:
    """What :func:`gap` finds in a model whose reached layers are known, each to its calls."""
    compiled = takes_loss(model)  # which the call has to come before
    parts, decided = parts_of(model, given) if compiled else ({}, [])
    x = parts[TRAINING][0] if compiled else given.x
    if compiled:
        prepare(model, parts[TRAINING])
    tell = _step_counter(on_step, len(layers) + (len(WAYS) if compiled else 0))
    live = _normalising_by_batch(model, rows(x, slice(2)), layers)
    with untouched(model):
        notes = [*decided, *_notes(model, layers, live, compiled=compiled)]
        ways: dict[str, dict[str, Scores]] = {}
        if compiled:
            plain = evaluation(model)
            tell("batch")
            with wrapping(live, _by_batch):
                ways["batch"] = _scores("batch", evaluation(model), parts, batch_size, seed)
            tell("moving")
            ways["moving"] = _scores("moving", plain, parts)
            tell("folded")
            folded = _folded(model, notes)
            if folded is not None:
                with wrapping([model], lambda _model, _call: folded):
                    ways["folded"] = _scores("folded", evaluation(model), parts)
        distances = tuple(_distances(model, x, layers, live, tell))
        if compiled:
            tell("population")
            ways["population"] = _scores("population", plain, parts)
    ordered = {way: ways[way] for way in WAYS if way in ways}
    return Gap(model.name, batch_size, ordered, distances, tuple(notes))


def _step_counter(on_step: OnStep, steps: int) -> Callable[[str], None]:
    done = iter(range(steps))
    return lambda name: on_step(next(done), steps, name)


def _normalising_by_batch(model: Any, x: Any, layers: Iterable[Any]) -> set[Any]:
    """The layers that training normalises by their batch: not frozen, nor called for inference."""
    found = set()

    def asked(layer: Any, call: Call) -> Call:
        def called(inputs: Any, training: Any = None, mask: Any = None) -> Any:
            if training and layer.trainable:
                found.add(layer)
            return call(inputs, training=training, mask=mask)

        return called

    with untouched(model), wrapping(layers, asked):
        model(x, training=True)
    return found


def _by_batch(_layer: Any, call: Call) -> Call:
    def called(inputs: Any, training: Any = None, mask: Any = None) -> Any:  # noqa: ARG001
        return call(inputs, training=True, mask=mask)

    return called


def _notes(model: Any, layers: Iterable[Any], live: set[Any], *, compiled: bool) -> list[str]:
    fixed = [layer.name for layer in layers if layer not in live]
    notes = []
    if fixed:
        notes.append(
            f"Training uses the moving statistics of {listed(fixed)}, too (frozen, or called for "
            f"inference): no way changes them."
        )
    if not compiled:
        notes.append(
            f"Model {model.name!r} is not compiled, so there is no loss to take apart: "
            f"model.compile(loss=...)."
        )
    return notes


def _folded(model: Any, notes: list[str]) -> Call | None:
    """What the folded model gives; ``None`` where nothing folds, and a note why."""
    try:
        found = folding_of(model)
    except ModelError:
        notes.append("Not folded: the model's layers are called from Python code.")
        return None
    if not found.folded:
        notes.append(f"Not folded: {'; '.join(f'{n}: {why}' for n, why in found.left.items())}.")
        return None
    if found.left:
        notes.append(f"Of the folded model, these stayed as they are: {listed([*found.left])}.")
    return lambda x, **_options: found.model(x, training=False)


def _scores(
    way: str, evaluate: Evaluate, parts: Parts, batch_size: int = BATCH, seed: int = 0
) -> dict[str, Scores]:
    found = {name: evaluate(shuffled(part, batch_size, seed)) for name, part in parts.items()}
    for part, scores in found.items():
        if not np.isfinite(scores["loss"]):
            raise DataError(
                f"the {part} loss is {scores['loss']} with {way} statistics; expected a finite "
                f"number; look for NaN in the data, overflow, or a moving variance below 0"
            )
    return found


def _distances(
    model: Any, x: Any, layers: Mapping[Any, int], live: set[Any], tell: Callable[[str], None]
) -> Iterator[Distance]:
    """The distance of each layer; those of ``live`` keep the population statistics afterwards."""
    for layer, calls in layers.items():
        tell(layer.name)
        found = population_statistics(model, x, layer, calls)
        yield distance(layer, found, is_fixed=layer not in live)
        if layer in live:
            set_statistics(layer, found)
