"""What the rules look at: a model, and what is known of its data, measured on first use."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from normwise.checks.norm_calls import NormCalls, norm_calls_of
from normwise.data import Given
from normwise.data.mapped_rows import chosen
from normwise.data.nested import count
from normwise.errors import ModelError
from normwise.keras_private import steps_taken
from normwise.models.feeding import batches, inputs_fitting
from normwise.models.graph import Graph, has_graph
from normwise.models.hidden_normalisation import norms_left_in
from normwise.models.hooks import watching
from normwise.models.kinds import require_keras, sublayers
from normwise.models.loss_comparison import can_compare_losses
from normwise.models.moments import Moments
from normwise.models.naming import unused_name
from normwise.models.optimizers import inner_optimizer
from normwise.models.population_statistics import batch_normalisations, holds_numbers, reached_norms

__all__ = ["Subject", "require_model"]

# How many input values of all batch normalisations together are measured at most, and on how many
# examples at least; and examples at a time: a check should take less time than training.
VALUES, LEAST, AT_ONCE = 2**27, 1024, 256


class Subject:
    """A model under check.

    Args:
        model: Any built Keras model.
        given: Data for it, if there are any.
        batch_size: Examples of a training batch, if known.
        steps: Training steps that the statistics have seen, if known otherwise than from the
            model's optimiser.

    Raises:
        ModelError: It is no Keras model, or not built.
        DataError: The inputs are empty, or do not fit the model.
    """

    def __init__(
        self,
        model: Any,
        given: Given | None = None,
        batch_size: int | None = None,
        steps: int | None = None,
    ) -> None:
        require_model(model)
        self.model, self.given = model, given
        self.x = None if given is None else given.x
        self.batch_size = batch_size
        self._steps = steps
        self.norms = batch_normalisations(model)
        if self.x is not None and self.norms:
            first = next(batches(self.x, AT_ONCE))
            with inputs_fitting(model):
                model(first, training=False)
        elif not all(norm.built for norm in self.norms):
            _ = self.norm_calls  # a layer may build others when it is first called
            self._require_built()
        # A layer that no call on these data reaches has no weights to look at.
        self.norms = [norm for norm in self.norms if norm.built]

    def _require_built(self) -> None:
        late = next((norm.name for norm in self.norms if not norm.built), None)
        if late is not None:
            raise ModelError(
                f"batch normalisation {late!r} of model {self.model.name!r} is not built, so it "
                f"has no weights to look at; expected a model that was called; call it once, as in "
                f"model(x[:2]), or pass data"
            )

    @property
    def is_labelled(self) -> bool:
        """Whether a loss can be taken, and so a change of the statistics be judged."""
        return (
            self.can_recalibrate
            and self.given is not None
            and can_compare_losses(self.model, self.given)
        )

    @cached_property
    def can_recalibrate(self) -> bool:
        """Whether there are data that population statistics can be taken of."""
        if self.x is None:
            return False
        try:
            reached_norms(self.model, self.x, AT_ONCE)
        except ModelError:  # one stands where its inputs cannot be seen, or none is reached
            return False
        return True

    @cached_property
    def layers(self) -> list[Any]:
        """Every layer of the model, however deep, each once."""
        return list(dict.fromkeys(sublayers(self.model)))

    @cached_property
    def graphs(self) -> list[Graph]:
        """The graphs of the model and of every model inside it that has one, outer ones first."""
        return [Graph(layer) for layer in self.layers if has_graph(layer) and layer.built]

    @cached_property
    def left(self) -> dict[str, str]:
        """The name of each normalisation that rules about places cannot see, to the reason."""
        found: dict[str, str] = {}
        for name, why in norms_left_in(self.model, self.graphs):
            found[unused_name(name, found)] = why
        return found

    @property
    def steps(self) -> int | None:
        """Training steps so far; ``None`` where neither the caller nor an optimiser says."""
        if self._steps is not None:
            return self._steps
        optimizer = getattr(self.model, "optimizer", None)
        # With gradient accumulation `iterations` counts updates; statistics move in every step.
        return None if optimizer is None else steps_taken(inner_optimizer(optimizer))

    @property
    def examples(self) -> int:
        """How many examples the data has."""
        return count(self.x)

    @cached_property
    def norm_calls(self) -> NormCalls:
        """How one call of the model calls its batch normalisations."""
        return norm_calls_of(self.model, self.norms, self.x)

    @cached_property
    def measured(self) -> int:
        """How many examples the layers' inputs are measured on: all, unless that takes too long."""
        values = max(self.norm_calls.values_per_example, 1)
        return min(self.examples, max(LEAST, int(VALUES / values)))

    @cached_property
    def observed(self) -> dict[Any, Moments]:
        """Each batch normalisation to the moments of its inputs in inference; needs ``x``.

        Without those that no call reaches, and those inside a compiled loop.
        """
        found = {layer: Moments(layer.axis) for layer in self.norms}
        some = self.x
        if self.measured < self.examples:
            spread = np.linspace(0, self.examples - 1, self.measured).astype(int)
            some = chosen(self.x, spread)

        def watch(layer: Any, inputs: Any, mask: Any) -> None:
            if holds_numbers(inputs):
                found[layer].add(inputs, mask)

        with watching(self.norms, watch):
            for batch in batches(some, AT_ONCE):
                self.model(batch, training=False)
        return {layer: moments for layer, moments in found.items() if moments.count.any()}


def require_model(model: Any) -> None:
    """Refuse what has no weights to look at.

    Raises:
        ModelError: It is no Keras model, or not built.
    """
    require_keras(model)
    if not model.built:
        raise ModelError(
            f"model {model.name!r} is not built, so it has no weights to look at; expected a "
            f"built model; call it once, or begin it with keras.Input(shape)"
        )
