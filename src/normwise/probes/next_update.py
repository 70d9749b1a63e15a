"""The update that an optimiser comes to, where most of its steps only gather gradients."""

from __future__ import annotations

from typing import Any

from normwise.probes.moment import Values

__all__ = ["about_to_update"]

# The names that Keras gives variables of an optimiser: of its count of steps, and the end of those
# of gathered gradients.
_COUNT, _GATHERED = "iteration", "gradient_accumulator"


def about_to_update(optimizer: Any, values: Values, gradient: Values) -> Values:
    """The values of an optimiser's variables with which its next step moves the weights.

    As they are, unless it accumulates gradients: then as though all those that go into one update
    were these.

    Args:
        optimizer: Built.
        values: Of its variables.
        gradient: Of each weight that it updates, in its order, not scaled.
    """
    inner: Any = getattr(optimizer, "inner_optimizer", optimizer)
    steps = inner.gradient_accumulation_steps
    if not steps:
        return values
    left, own = iter(gradient), {id(variable) for variable in inner.variables}

    def of(variable: Any, value: Any) -> Any:
        if id(variable) not in own:
            return value
        if variable.name == _COUNT:
            return value // steps * steps + steps - 1
        return (steps - 1) * next(left) if variable.name.endswith(_GATHERED) else value

    return [of(*both) for both in zip(optimizer.variables, values, strict=True)]
