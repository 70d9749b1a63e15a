"""The steps of Keras' ``fit``, seen as they are taken."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

__all__ = ["stepping_through"]


def stepping_through(
    model: Any, is_on: Callable[[], bool], see: Callable[[Any, Any], None]
) -> Callable[[], None]:
    """Let a function see each step of a ``fit`` that has begun, before it is taken.

    Keras' callbacks see neither the data of a step nor, while ``fit`` runs, the values of the
    variables, which its training function holds.

    Args:
        model: In ``fit``, before its first step.
        is_on: Asked before each step: whether it is still of that ``fit``, which may have been
            interrupted; if not, this ends.
        see: Called with the values of the trainable, the non-trainable, the optimiser's and the
            metrics' variables, which the step takes the memory of, and with its data; of several
            steps that Keras runs at once, those of the first.

    Returns:
        What lets it see no more.
    """
    train, has_ended = model.train_function, False

    def seen(state: Any, batches: Any) -> Any:
        if has_ended or not is_on():
            end()
            return train(state, batches)
        first = next(batches)
        see(state, first)
        return train(state, itertools.chain([first], batches))

    def end() -> None:
        nonlocal has_ended
        has_ended = True
        # Another `compile`, or whoever sees these steps as well, has put its own there.
        if model.train_function is seen:
            model.train_function = train

    model.train_function = seen
    return end
