"""How far off population statistics are that are of a sample of the training part.

The validation metrics of a trained replica are taken twice: with the statistics of the sample, as
at each epoch's end, and with those of the whole part, read piece by piece.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from normwise.data.mapped_rows import read_rows
from normwise.engine.keras_fit import Fit
from normwise.engine.population import Population, Values, population_of
from normwise.engine.state import State
from normwise.models.metrics import is_evaluated

__all__ = ["SampleError", "sample_error_of"]


@dataclass(frozen=True, eq=False)
class SampleError:
    """Compares statistics of a sample with those of the whole training part.

    Attributes:
        fit: Evaluates the model.
        sample: Takes the statistics of the sample.
        whole: Takes those of the whole part.
    """

    fit: Fit
    sample: Population
    whole: Population

    def metrics(self, state: State) -> tuple[dict[str, float], dict[str, float]]:
        """Validation metrics with statistics of the sample, and with those of the whole part.

        Args:
            state: A replica's, with a leading axis of length 1.
        """
        return (
            self.fit.validated(state, lambda *values: self._statistics(self.sample, *values)),
            self.fit.validated(state, lambda *values: self._statistics(self.whole, *values)),
        )

    def _statistics(self, known: Population, trainable: Values, values: Values) -> Values:
        if known.is_one_batch or known is self.sample:
            taken = self._compiled(known.statistics)
            return list(taken(trainable, values, self._read(known.rows)))
        seen = self._compiled(known.seen)
        for _ in known.calls:
            found = known.start(values)
            for first in range(0, len(known.rows), known.size):
                piece = self._read(known.rows[first : first + known.size])
                found = seen(trainable, found, piece)
            values = known.holding(values, found[1])
        return values

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if self.fit.model.run_eagerly else jax.jit(function)

    def _read(self, numbers: Any) -> Any:
        return jax.tree.map(jnp.asarray, read_rows(self.fit.data.dataset.x_train, numbers))


def sample_error_of(fit: Fit) -> SampleError | None:
    """What compares the two; ``None`` where the sample is all, or nothing is evaluated by it.

    Args:
        fit: Trains the model, and has its data.
    """
    data = fit.data
    sample = population_of(fit.model, data.dataset, data.size)
    if sample is None or len(sample.rows) >= data.examples or not is_evaluated(fit.model):
        return None
    rows = np.arange(data.examples, dtype=np.int32)
    size = min(sample.size, data.window or sample.size)
    return SampleError(fit, sample, dataclasses.replace(sample, rows=rows, size=size))
