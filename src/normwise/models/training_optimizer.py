"""The optimiser that a study trains with: as given, else the compiled model's, else the default."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.errors import SpecError, UnknownNameError
from normwise.keras_private import options_without_rate
from normwise.models.compiled import Compiled
from normwise.models.optimizers import clone_optimizer, rate_of
from normwise.spec import LEARNING_RATE, OPTIMIZER, optimizer_parts

__all__ = ["TrainingOptimizer", "learning_rate_of"]

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "nadam", "adagrad", "adamax", "lion")


@dataclass(frozen=True, eq=False)
class TrainingOptimizer:
    """What a study minimises its loss with.

    Attributes:
        given: Name and options, as in ``sgd:momentum=0.9``, if they were given.
        rates: The learning rates of the grid, if they were given.
        compiled: What the model was compiled with, if it was.
    """

    given: str | None
    rates: Sequence[float] | None
    compiled: Compiled | None

    @property
    def kept(self) -> Any:
        """The compiled model's, where anything of it counts."""
        all_given = self.given is not None and self.rates is not None
        return None if self.compiled is None or all_given else self.compiled.optimizer

    def make(self, learning_rate: float | None = None) -> keras.optimizers.Optimizer:
        """A new one, before its first step.

        Args:
            learning_rate: A rate of the grid; the first one unless given.

        Raises:
            ModelError: The compiled model's cannot be made anew from its configuration.
            SpecError: The given one has no such options.
            UnknownNameError: There is none of that name.
        """
        rate = learning_rate or (self.rates[0] if self.rates else None)
        if self.given is None and self.kept is not None:
            return clone_optimizer(self.kept, rate)
        rate = rate or (LEARNING_RATE if self.kept is None else rate_of(self.kept))
        return _make_optimizer(self.given or OPTIMIZER, rate)

    def settings(self, model: keras.Model) -> dict[str, str]:
        """Optimiser and learning rate of a compiled ``model``, in words for the report."""
        optimizer = self.given or OPTIMIZER
        if self.kept is not None and self.given is None:
            optimizer = f"{_in_words(self.kept)} (the model's own)"
        rates = self._rates_in_words(model)
        rate = rate_of(model.optimizer)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            rates += f", then {type(rate).__name__} (the model's own)"
        return {"optimizer": optimizer, "learning_rate": rates}

    def _rates_in_words(self, model: keras.Model) -> str:
        if self.rates and len(self.rates) > 1:
            return ", ".join(f"{rate:g}" for rate in self.rates)
        return f"{learning_rate_of(model):g}"


def learning_rate_of(model: keras.Model) -> float:
    """The learning rate of a compiled model's first step.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.01), "mse")
    >>> learning_rate_of(model)
    0.01
    """
    # Through its text: as a float64, a float32 of 0.01 would be 0.009999999776482582.
    return float(str(np.float32(model.optimizer.learning_rate)))


def _make_optimizer(text: str, learning_rate: Any) -> keras.optimizers.Optimizer:
    name, options = optimizer_parts(text)
    if name.lower() not in OPTIMIZERS:
        raise UnknownNameError("optimizer", name, OPTIMIZERS)
    kind = type(keras.optimizers.get(name))
    try:
        return kind(learning_rate=learning_rate, **options)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"optimizer {text!r} cannot be made ({error}); expected options that "
            f"keras.optimizers.{kind.__name__} takes; try 'sgd:momentum=0.9'"
        ) from None


def _in_words(optimizer: Any) -> str:
    """An optimiser's name and those of its options that are not Keras' defaults."""
    config, default = options_without_rate(optimizer), {}
    with contextlib.suppress(TypeError):  # the user's own may need arguments
        default = options_without_rate(type(optimizer)())
    options = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in config.items()
        if name not in {"name", "learning_rate"} and value != default.get(name)
    ]
    return " ".join([type(optimizer).__name__, ", ".join(options)]).strip()
