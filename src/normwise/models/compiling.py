"""Loss, metrics and optimiser: what a study compiles its models with."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.data import Dataset
from normwise.data.nested import leaves
from normwise.domain import POPULATION, VALIDATION, Target
from normwise.errors import UnknownNameError, listed
from normwise.models.compiled import Compiled, cloned_metrics, parts_of, words_of
from normwise.models.identity import named
from normwise.models.metric_names import count_anew
from normwise.models.metrics import build_compiled_parts, name_of
from normwise.models.optimizers import inner_optimizer
from normwise.models.recorded import recorded, recorded_by_fit
from normwise.models.training_loss import TrainingLoss
from normwise.models.training_optimizer import TrainingOptimizer
from normwise.spec import Spec

__all__ = ["Recipe", "check_target"]

_LOSSES = ("loss", f"{VALIDATION}loss", f"{POPULATION}{VALIDATION}loss")
_AVERAGED = (
    "The optimiser averages the weights (use_ema): as fit has it, curves are those of the weights "
    "themselves, and best.keras gets the averages."
)


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a study trains: each part as given, else as the model was compiled, else the default.

    Attributes:
        spec: What was given.
        dataset: What is trained on.
        compiled: What the model was compiled with, if it was.
        standardised: Whether the steps of training are those of standardised targets.
    """

    spec: Spec
    dataset: Dataset
    compiled: Compiled | None = None
    standardised: bool = False

    @functools.cached_property
    def loss(self) -> TrainingLoss:
        """What is minimised."""
        return TrainingLoss(self.spec.loss, self.compiled, self.dataset, self.standardised)

    @functools.cached_property
    def optimizer(self) -> TrainingOptimizer:
        """What minimises it."""
        return TrainingOptimizer(self.spec.optimizer, self.spec.learning_rate, self.compiled)

    def compile(
        self,
        model: keras.Model,
        learning_rate: float | None = None,
        *,
        loss_unit: float | None = None,
    ) -> keras.Model:
        """Compile in place, with parts that no other model has; returns the model.

        Args:
            model: Any variant's.
            learning_rate: A rate of the grid; the first one unless given.
            loss_unit: What the loss is divided by; :attr:`TrainingLoss.unit` unless told.

        Raises:
            ModelError: The model's output does not fit the labels, or a part of what it was
                compiled with cannot be honoured.
            SpecError: A given part does not fit.
            UnknownNameError: There is no such optimiser or loss.
        """
        loss, metrics = self.loss.of(model), cloned_metrics(self._metrics)
        weighted = cloned_metrics(self._weighted_metrics)
        count_anew(parts_of([metrics, weighted]))
        if isinstance(metrics, list):
            metrics = [*self._own_metric(loss), *metrics]
        model.compile(
            optimizer=self.optimizer.make(learning_rate),
            loss=loss,
            loss_weights=self.loss.weight(self.loss.unit if loss_unit is None else loss_unit),
            metrics=metrics or None,  # an empty list would be built, from what the model gives
            weighted_metrics=weighted or None,
        )
        return model

    def metrics(self, model: keras.Model, *, eager: bool = False) -> list[str]:
        """Names of what a study of this model records, the target's candidates first.

        Args:
            model: Any variant's.
            eager: Whether its steps cannot be traced; its weights are then overwritten.

        Raises:
            ModelError: A metric that the model was compiled with cannot be honoured.
        """
        self.compile(model)
        if eager:
            names, val_names = recorded_by_fit(model, self.dataset)
        else:
            build_compiled_parts(model, self.dataset)
            names, val_names = recorded(model, self.dataset)
        return [f"{VALIDATION}{name}" for name in val_names] + names

    @property
    def mean_loss(self) -> float | None:
        """The validation loss of always predicting the training part's mean, in a regression."""
        return self.loss.of_predicting_the_mean

    def in_own_units(self, curves: Mapping[str, Any]) -> dict[str, Any]:
        """Curves of training with losses in the units of the data, as metrics are."""
        return {
            name: np.asarray(values) * self.loss.unit if name in _LOSSES else values
            for name, values in curves.items()
        }

    @property
    def fingerprint(self) -> str:
        """Hash of what the spec does not say: the compiled model's parts, and the weights.

        Empty where there are none.
        """
        optimizer, loss = self.optimizer.kept, self.loss.kept
        parts = [] if optimizer is None else [named(optimizer)]
        parts += [] if loss is None else map(words_of, loss)
        for kind, metrics in (("metric", self._metrics), ("weighted", self._weighted_metrics)):
            each = metrics if isinstance(metrics, list) else [metrics]
            parts += [f"{kind} {words_of(metric)}" for metric in each]
        digest = hashlib.sha256("|".join(parts).encode())
        weights = leaves(self.dataset.weights)
        for array in weights:
            digest.update(array.tobytes())
        return digest.hexdigest()[:16] if parts or weights else ""

    @property
    def notes(self) -> list[str]:
        """What a reader of the curves has to know, in sentences."""
        if not inner_optimizer(self.optimizer.make()).use_ema:
            return []
        return [_AVERAGED]

    def settings(self, model: keras.Model) -> dict[str, str]:
        """What a compiled ``model`` trains with, in words for the report."""
        kept = self.loss.kept
        names = [] if kept is None else map(name_of, parts_of([kept[0]]))
        loss = {} if kept is None else {"loss": f"{listed([*names])} (the model's own)"}
        return {**self.optimizer.settings(model), **loss}

    @property
    def _metrics(self) -> Any:
        return self.compiled.metrics if self.compiled else []

    @property
    def _weighted_metrics(self) -> Any:
        return self.compiled.weighted_metrics if self.compiled else []

    def _own_metric(self, loss: Any) -> list[Any]:
        """What is recorded besides, as most want it; nothing of labels that only the loss knows."""
        known = map(name_of, parts_of([self._metrics, self._weighted_metrics]))
        if self.dataset.task == "own" or _metric(self.dataset) in known:
            return []
        return [_own_metric(loss, self.dataset)]


def check_target(target: Target, known: Sequence[str]) -> None:
    """Refuse a target whose metric is not among those that the study records.

    Raises:
        UnknownNameError: The metric is not recorded; the message offers those that are.
    """
    if target.metric not in known:
        raise UnknownNameError("target metric", target.metric, known)


def _metric(dataset: Dataset) -> str:
    return "mean_absolute_error" if dataset.task == "regression" else "accuracy"


def _own_metric(loss: Any, dataset: Dataset) -> Any:
    if isinstance(loss, keras.losses.BinaryCrossentropy) and loss.get_config()["from_logits"]:
        # Of a logit, one half is not the threshold.
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return _metric(dataset)
